"""The make-believe Azure tenant of Fernhill Clinics, on a server of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from annexa.demo.arm import Arm, Refused
from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.loopback import Loopback
from annexa.demo.sign_in import section
from annexa.demo.tls import Certificate

TENANT = "5f0c2a1e-7d34-4b7a-9a51-0c6f2d9e8b10"
"""Whose directory the subscriptions trust."""

_CLIENT = "a4b8d7c2-19e5-4c0f-8f6b-3e2d1c0b9a87"
_SECRET = "annexa-demo"
_SECRET_VARIABLE = "ANNEXA_DEMO_AZURE_SECRET"
_MANAGEMENT_GROUP = "fernhill"

_QUERY = "/queryResults"


def tenant() -> Arm:
    """Return the tenant with everything in its place."""
    arm = Arm(TENANT, _CLIENT, _SECRET, whole=True)
    for path, content in estate("azure"):
        if path.endswith(_QUERY):
            arm.put_query(path, content)
        else:
            arm.put(path, Refused(*content[REFUSED]) if REFUSED in content else content)
    return arm


@contextmanager
def azure(certificate: Certificate) -> Iterator[DemoCloud]:
    """Serve the tenant for as long as the ``with`` block lasts."""
    arm = tenant()
    with Loopback(arm, certificate.server) as server:
        arm.base = server.url
        number = len(arm.places["/subscriptions"].content)
        title = f"{number} Azure subscriptions below one management group"
        yield DemoCloud(title, "azure", *settings(arm, certificate.file))


def settings(arm: Arm, certificate: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Return what :func:`annexa.demo.sign_in.section` does for the tenant."""
    return section(arm, _SECRET_VARIABLE, certificate, management_groups=[_MANAGEMENT_GROUP])
