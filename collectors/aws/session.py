"""One set of AWS credentials and its boto3 clients."""

import os
import threading
from collections import OrderedDict
from functools import partial
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from botocore.config import Config
from botocore.exceptions import DataNotFoundError

from collectors.aws.answers import watch

MOST_CLIENTS = 64
"""A client takes about 0.25 MB and 5 ms to make; accounts × regions × services would take gigabytes."""


class ClientCache:
    """The clients used last, of all sessions of a run.

    Clients may be used by many threads, but sessions may not: clients are made one at a time.
    """

    def __init__(self, most: int = MOST_CLIENTS) -> None:
        self._most = most
        self._clients: OrderedDict[tuple[int, str, str], Any] = OrderedDict()
        self.lock = threading.Lock()

    def get(self, session: "AwsSession", service: str, region: str) -> Any:
        """Return the client of a service in a region, making it where it is not kept.

        Raises:
            BotoCoreError: botocore knows no such service or region.
        """
        key = (id(session), service, region)
        with self.lock:
            client = self._clients.pop(key, None) or session.new_client(service, region)
            self._clients[key] = client
            if len(self._clients) > self._most:
                self._clients.popitem(last=False)
            return client


class AwsSession:
    """What is asked of AWS with one set of credentials.

    Args:
        boto: a boto3 session of its own.
        config: how clients behave.
        endpoint_url: where every request goes; "" leaves that to botocore.
    """

    def __init__(self, boto: Any, config: Config, endpoint_url: str, clients: ClientCache) -> None:
        self._boto = boto
        self._config = config
        self._endpoint_url = endpoint_url
        self._clients = clients

    @property
    def botocore_session(self) -> Any:
        return self._boto._session

    @property
    def region(self) -> str:
        """The region that profile or environment name, or ""."""
        return self._boto.region_name or ""

    def credentials(self) -> Any:
        """Return botocore's credentials, or None where the chain finds none."""
        return self._boto.get_credentials()

    def client(self, service: str, region: str) -> Any:
        """Return a client; see :meth:`ClientCache.get`."""
        return self._clients.get(self, service, region)

    def new_client(self, service: str, region: str) -> Any:
        overridden, config = endpoint_overridden(self, service), self._config
        if overridden and service == "s3":
            config = config.merge(Config(s3={"addressing_style": "path"}))
        client = self._boto.client(
            service,
            region_name=region or None,
            endpoint_url=self._endpoint_url or None,
            config=config,
        )
        watch(client)
        if overridden:
            client.meta.events.register("before-sign", partial(_to_endpoint, client.meta.endpoint_url))
        return client

    def paginators(self, service: str) -> dict[str, Any]:
        """Return botocore's paginator models of a service; none where it has none."""
        loader = self.botocore_session.get_component("data_loader")
        with self._clients.lock:
            try:
                found: dict[str, Any] = loader.load_service_model(service, "paginators-1")["pagination"]
            except DataNotFoundError:
                return {}
        return found

    def regions(self, service: str, partition: str) -> list[str]:
        """Return the regions where botocore knows a service; none where it knows nothing of it."""
        return list(self._boto.get_available_regions(service, partition_name=partition))

    def partitions(self) -> list[str]:
        return list(self._boto.get_available_partitions())

    @property
    def endpoint_url(self) -> str:
        return self._endpoint_url


def endpoint_overridden(session: AwsSession, service: str) -> bool:
    """Say whether a service's requests go elsewhere than to AWS, by whatever way that is set."""
    if session.endpoint_url:
        return True
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return False
    variable = "AWS_ENDPOINT_URL_" + service.upper().replace("-", "_")
    profile = session.botocore_session.get_scoped_config()
    return bool(os.environ.get("AWS_ENDPOINT_URL") or os.environ.get(variable) or profile.get("endpoint_url"))


def _to_endpoint(endpoint_url: str, request: Any, **_: Any) -> None:
    # Some operations put an account number before the host, which a test endpoint cannot resolve.
    wanted, asked = urlsplit(endpoint_url), urlsplit(request.url)
    if asked.netloc != wanted.netloc and asked.netloc.endswith("." + wanted.netloc):
        request.url = urlunsplit(asked._replace(netloc=wanted.netloc))
