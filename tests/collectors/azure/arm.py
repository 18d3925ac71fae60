"""Azure on loopback, as the tests break it."""

from annexa.demo import arm
from annexa.demo.arm import OBJECT, error, reply
from annexa.demo.loopback import Answer, Asked
from tests.collectors.rest.microsoft import CLIENT, TENANT, later_page, refuse
from tests.collectors.rest.rules import Rule, Rules, at, break_off, hold, send

__all__ = [
    "CLIENT",
    "OBJECT",
    "SECRET",
    "TENANT",
    "Arm",
    "Rule",
    "at",
    "break_off",
    "error",
    "hold",
    "later_page",
    "refuse",
    "reply",
    "send",
]

SECRET = "entra-client-secret"


class Arm(arm.Arm):
    """Resource Manager whose answers may go wrong.

    Attributes:
        rules: the first that takes a request decides.
    """

    def __init__(self, page: int = 2) -> None:
        super().__init__(TENANT, CLIENT, SECRET, page)
        self.rules = Rules()

    def answer(self, asked: Asked) -> Answer | None:
        return self.rules.answer(asked, lambda: super(Arm, self).answer(asked))
