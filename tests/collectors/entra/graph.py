"""Microsoft Graph on loopback, as the tests break it."""

from annexa.demo import graph
from annexa.demo.loopback import Answer, Asked
from tests.collectors.rest.microsoft import CLIENT, TENANT, later_page, refuse
from tests.collectors.rest.rules import Rules

__all__ = ["CLIENT", "SECRET", "TENANT", "Graph", "later_page", "refuse"]

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
