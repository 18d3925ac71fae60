"""The make-believe AWS account of Fernhill Clinics, on a moto server of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager

from annexa.demo.cloud import DemoCloud
from annexa.demo.estate import seed
from annexa.demo.server import MotoServer


@contextmanager
def aws() -> Iterator[DemoCloud]:
    """Serve the account for as long as the ``with`` block lasts."""
    with MotoServer() as server:
        estate = seed(server.endpoint)
        yield DemoCloud(
            f"AWS account {estate.account} in {' and '.join(estate.regions)}",
            "aws",
            {"regions": [*estate.regions], "endpoint_url": server.endpoint, "retries": 2},
            {
                "AWS_ACCESS_KEY_ID": estate.access_key,
                "AWS_SECRET_ACCESS_KEY": estate.secret_key,
                "AWS_ENDPOINT_URL": estate.endpoint,
                "AWS_DEFAULT_REGION": estate.regions[0],
            },
        )
