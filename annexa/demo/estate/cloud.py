"""What every theme of the estate needs: clients, names, policies, and a count of what was made."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

ACCOUNT = "123456789012"
"""The account that moto answers for."""

HOME = "eu-central-1"
SECOND = "us-east-1"
REGIONS = (HOME, SECOND)
COMPANY = "fernhill"


@dataclass(frozen=True)
class Size:
    """How many of the things that come in numbers."""

    users: int = 35
    buckets: int = 40
    instances: int = 40
    everything: bool = True
    """Also the services of which an account holds only a few; ``False`` gives a quick, thin account."""


class Cloud:
    """Boto3 clients for one endpoint, and a tally.

    Attributes:
        made: what was created, by kind.
        refused: what the endpoint would not do, as ``theme: error``.
        ids: what one theme made and another needs, by name.
    """

    def __init__(self, endpoint: str, size: Size) -> None:
        self.endpoint = endpoint
        self.size = size
        self.made: Counter[str] = Counter()
        self.refused: list[str] = []
        self.ids: dict[str, str] = {}
        self._session: Any = boto3.Session(
            aws_access_key_id="estate", aws_secret_access_key="estate", region_name=HOME
        )
        self._config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, service: str, region: str = HOME) -> Any:
        """The one client of a service in a region."""
        key = (service, region)
        if key not in self._clients:
            client = self._session.client(
                service, region_name=region, endpoint_url=self.endpoint, config=self._config
            )
            if service == "s3control":
                client.meta.events.register("before-sign.s3-control", _without_account_prefix)
            self._clients[key] = client
        return self._clients[key]

    @contextmanager
    def tolerate(self, theme: str) -> Iterator[None]:
        """Go on when the endpoint refuses, and remember it: another moto knows other calls."""
        try:
            yield
        except (ClientError, BotoCoreError, ResponseParserError) as error:
            self.refused.append(f"{theme}: {error}")

    def count(self, kind: str, number: int = 1) -> None:
        """Add to the tally."""
        self.made[kind] += number


def _without_account_prefix(request: AWSRequest, **_: Any) -> None:
    """Take the account out of the host name, which a loopback name cannot carry."""
    request.url = str(request.url).replace(f"://{ACCOUNT}.", "://", 1)


def name(*parts: str) -> str:
    """A name as the company gives them: ``fernhill-billing-prod``."""
    return "-".join((COMPANY, *parts))


def statement(
    effect: str,
    actions: str | Iterable[str],
    resources: str | Iterable[str] | None = "*",
    *,
    principal: Any = None,
    condition: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """One statement of a policy; leave out the resources for a trust policy."""
    made: dict[str, Any] = {
        "Effect": effect,
        "Action": actions if isinstance(actions, str) else list(actions),
    }
    if principal is not None:
        made["Principal"] = principal
    if resources is not None:
        made["Resource"] = resources if isinstance(resources, str) else list(resources)
    if condition:
        made["Condition"] = condition
    return made


def policy(*statements: dict[str, Any]) -> str:
    """A policy document as AWS takes it."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def tags(**values: str) -> list[dict[str, str]]:
    """Tags in the ``Key``/``Value`` form that most services use."""
    return [{"Key": key, "Value": value} for key, value in values.items()]
