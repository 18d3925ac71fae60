"""Exit codes, in one place. They are part of the contract with scripts."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit code means."""

    COMPLETE = 0
    USAGE = 1
    """Usage, configuration, credentials or store: nothing could be done; the message says what to do."""
    GAPS = 2
    """The run has gaps: what it could not read is ``unknown``. Stronger than FINDINGS."""
    FINDINGS = 3
    """Findings at or above ``--fail-on``, in a run without gaps."""
    VERIFICATION = 4
    """Verification failed."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C or SIGTERM; what was acknowledged is kept."""
