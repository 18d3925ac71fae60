"""Microsoft Graph on loopback, as the tests break it."""

from annexa.demo import graph
from annexa.demo.loopback import Answer, Asked
from annexa.demo.sign_in import error
from tests.collectors.rest.rules import Faulty, Matcher, Rules, at

TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "33333333-aaaa-bbbb-cccc-dddddddddddd"
SECRET = "graph-client-secret"


class Graph(graph.Graph):
    """Graph whose answers may go wrong.

    Attributes:
        rules: the first that takes a request decides.
    """

    def __init__(self, page: int = 2) -> None:
        super().__init__(TENANT, CLIENT, SECRET, page)
        self.rules = Rules()

    def answer(self, asked: Asked) -> Answer | None:
        return self.rules.answer(asked, lambda: super(Graph, self).answer(asked))


def later_page(path: str) -> Matcher:
    """Pages after the first."""
    return lambda asked: at(path)(asked) and "$skiptoken" in asked.query


def refuse(status: int, code: str, message: str = "No.", *headers: tuple[str, str]) -> Faulty:
    """Every time the same error."""
    return lambda asked, right: error(status, code, message, *headers)
