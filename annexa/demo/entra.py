"""The make-believe Entra ID tenant of Fernhill Clinics, on a server of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annexa.demo.azure import TENANT
from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.graph import Graph, Refused
from annexa.demo.loopback import Loopback
from annexa.demo.sign_in import section
from annexa.demo.tls import Certificate
from collectors.entra.permissions import app_roles

_CLIENT = "c7e1f0a3-58d2-4e9b-b3a6-91d4f2085c6e"
_SECRET = "annexa-demo"
_SECRET_VARIABLE = "ANNEXA_DEMO_ENTRA_SECRET"


def directory() -> Graph:
    """Return the tenant with everything in its place."""
    graph = Graph(TENANT, _CLIENT, _SECRET)
    graph.claims = {"roles": sorted(app_roles())}
    for path, content in estate("entra"):
        refused = isinstance(content, dict) and REFUSED in content
        graph.put(path, Refused(*content[REFUSED]) if refused else content)
        if path == "/users":
            for user in content:
                graph.put(f"{path}/{user['id']}", user)
    return graph


@contextmanager
def entra(certificate: Certificate) -> Iterator[DemoCloud]:
    """Serve the tenant for as long as the ``with`` block lasts."""
    graph = directory()
    with Loopback(graph, certificate.server) as server:
        graph.base = server.url
        number = len(graph.places["/v1.0/users"].content)
        title = f"Entra ID with {number} accounts, where people sign in"
        yield DemoCloud(title, "entra", *settings(graph, certificate.file))


def settings(graph: Graph, certificate: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what :func:`annexa.demo.sign_in.section` does for the tenant."""
    return section(graph, _SECRET_VARIABLE, certificate)
