"""What the tests break at Azure and Entra ID alike."""

from annexa.demo.sign_in import error
from tests.collectors.rest.rules import Faulty, Matcher, at

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "33333333-aaaa-bbbb-cccc-dddddddddddd"


def later_page(path: str) -> Matcher:
    """Pages after the first."""
    return lambda asked: at(path)(asked) and "$skiptoken" in asked.query


def refuse(status: int, code: str, message: str = "No.", *headers: tuple[str, str]) -> Faulty:
    """Every time the same error."""
    return lambda asked, right: error(status, code, message, *headers)
