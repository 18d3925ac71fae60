"""The make-believe Azure tenant of Fernhill Clinics, on a server of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from annexa.demo.arm import Arm, Refused
from annexa.demo.cloud import DemoCloud, estate
from annexa.demo.loopback import Loopback
from annexa.demo.tls import Certificate

TENANT = "5f0c2a1e-7d34-4b7a-9a51-0c6f2d9e8b10"
_CLIENT = "a4b8d7c2-19e5-4c0f-8f6b-3e2d1c0b9a87"
_SECRET = "annexa-demo"
_SECRET_VARIABLE = "ANNEXA_DEMO_AZURE_SECRET"
_REFUSED = "refused"


@contextmanager
def azure(certificate: Certificate) -> Iterator[DemoCloud]:
    """Serve the tenant for as long as the ``with`` block lasts."""
    arm = Arm(TENANT, _CLIENT, _SECRET, whole=True)
    made = subscriptions = 0
    for path, content in estate("azure"):
        if isinstance(content, dict) and _REFUSED in content:
            arm.put(path, Refused(*content[_REFUSED]))
            continue
        arm.put(path, content)
        made += len(content) if isinstance(content, list) else 0
        subscriptions += len(content) if path == "/subscriptions" else 0
    with Loopback(arm, certificate.server) as server:
        arm.base = server.url
        yield DemoCloud(
            f"{subscriptions} Azure subscriptions",
            made,
            "[azure]\n"
            f'tenant_id = "{TENANT}"\n'
            'credential = "client_secret"\n'
            f'client_id = "{_CLIENT}"\n'
            f'client_secret_env = "{_SECRET_VARIABLE}"\n'
            f'authority = "{server.url}"\n'
            f'endpoint_url = "{server.url}"\n'
            "retries = 2\n",
            {_SECRET_VARIABLE: _SECRET, "SSL_CERT_FILE": str(certificate.file)},
        )
