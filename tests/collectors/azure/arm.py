"""Azure on loopback, as the tests break it."""

from annexa.demo import arm
from annexa.demo.arm import OBJECT, error, reply
from annexa.demo.loopback import Answer, Asked
from tests.collectors.rest.rules import Faulty, Matcher, Rule, Rules, at, break_off, hold, send

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

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "33333333-aaaa-bbbb-cccc-dddddddddddd"
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


def later_page(path: str) -> Matcher:
    """Pages after the first."""
    return lambda asked: at(path)(asked) and "$skiptoken" in asked.query


def refuse(status: int, code: str, message: str = "No.", *headers: tuple[str, str]) -> Faulty:
    """Every time the same error."""
    return lambda asked, right: error(status, code, message, *headers)
