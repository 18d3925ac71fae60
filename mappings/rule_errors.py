"""How the evaluation of a rule fails."""


class MissingValueError(Exception):
    """The rule read a key that the document does not have."""


class RuleFailedError(Exception):
    """The rule itself failed: a wrong type, a division by zero, a result that is no boolean."""


class RuleTooLongError(RuleFailedError):
    """The rule looks at more elements than the runtime lets one evaluation look at."""
