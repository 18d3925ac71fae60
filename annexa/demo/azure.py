"""The make-believe Azure tenant of Fernhill Clinics, on a server of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from annexa.demo.arm import Arm, Refused
from annexa.demo.cloud import REFUSED, DemoCloud, estate
from annexa.demo.loopback import Loopback
from annexa.demo.tls import make_certificate

TENANT = "5f0c2a1e-7d34-4b7a-9a51-0c6f2d9e8b10"
CLIENT = "a4b8d7c2-19e5-4c0f-8f6b-3e2d1c0b9a87"
SECRET = "annexa-demo"
SECRET_VARIABLE = "ANNEXA_DEMO_AZURE_SECRET"
MANAGEMENT_GROUP = "fernhill"


def tenant() -> Arm:
    """Return the tenant with everything in its place."""
    arm = Arm(TENANT, CLIENT, SECRET, whole=True)
    for path, content in estate("azure"):
        refused = isinstance(content, dict) and REFUSED in content
        arm.put(path, Refused(*content[REFUSED]) if refused else content)
    return arm


@contextmanager
def azure(folder: Path) -> Iterator[DemoCloud]:
    """Serve the tenant for as long as the ``with`` block lasts.

    Args:
        folder: where the server's certificate is written.
    """
    arm, certificate = tenant(), make_certificate(folder)
    with Loopback(arm, certificate.server) as server:
        arm.base = server.url
        yield DemoCloud(
            f"{len(arm.places['/subscriptions'].content)} Azure subscriptions below one management group",
            "[azure]\n"
            f'tenant_id = "{TENANT}"\n'
            f'management_groups = ["{MANAGEMENT_GROUP}"]\n'
            'credential = "client_secret"\n'
            f'client_id = "{CLIENT}"\n'
            f'client_secret_env = "{SECRET_VARIABLE}"\n'
            f'authority = "{server.url}"\n'
            f'endpoint_url = "{server.url}"\n'
            "retries = 2\n",
            {SECRET_VARIABLE: SECRET, "SSL_CERT_FILE": str(certificate.file)},
        )
