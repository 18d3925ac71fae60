"""A run over the projects of :class:`tests.collectors.gcp.assets.Assets`, with the inventory or without."""

import tomllib

from collectors.caller import Caller
from collectors.contract import Target, Tools
from collectors.definition import ResourceType
from collectors.engine import Engine, Identity
from collectors.gcp.answers import check, left_out, read_error
from collectors.gcp.inventory import AssetInventory, TurnedOff
from collectors.ratelimit import Limit, RateLimiter
from collectors.rest.paging import TokenInBody
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport, new_client
from collectors.retry import Retrier, RetryPolicy
from store.model import Document, Report, Scope
from tests.collectors.gcp.assets import BUCKET, ORGANIZATION, TOPIC, Assets

BUCKETS = ResourceType.model_validate(
    tomllib.loads(
        f"""
        type = "gcp.storage.bucket"
        title = "Bucket"
        region = "global"
        id = "//storage.googleapis.com/{{item.name}}"
        name = "{{item.name}}"
        inventory = "{BUCKET}"
        [list]
        call = "storage:GET /storage/v1/b"
        with = {{ project = "{{account}}" }}
        items = "items"
        [detail.iam]
        call = "storage:GET /storage/v1/b/{{bucket}}/iam"
        with = {{ bucket = "{{item.name}}" }}
        inventory = "IAM_POLICY"
        """
    )
)
TOPICS = BUCKETS.model_copy(update={"type": "gcp.pubsub.topic", "inventory": TOPIC, "detail": {}})


class Run:
    """One run over all projects of :class:`Assets`."""

    def __init__(
        self,
        assets: Assets,
        url: str,
        *,
        whole: bool = True,
        inventory: bool = True,
        folders: tuple[str, ...] = (),
    ) -> None:
        names = ("cloudasset", "storage")
        pager = TokenInBody("nextPageToken", "pageToken")
        services = {
            name: Service(f"{url}/{name}", None, pager, read_error, check, left_out=left_out)
            for name in names
        }
        self.client = new_client(5, 5, "test")
        self.tools = Tools(redaction_key=b"key", concurrency=2)
        self.transport = RestTransport(services, self.client, self.tools.clock, largest=200_000)
        self.limits = (Limit(call="*:*", rate=10_000, burst=10_000),)
        retrier = Retrier(RetryPolicy(attempts=1), RateLimiter(self.limits), self.tools.cancelled.wait)
        self.caller = Caller(self.transport, retrier, 4, self.tools.clock)
        self.inventory: AssetInventory | TurnedOff = TurnedOff()
        if inventory:
            self.inventory = AssetInventory(self.caller, lambda organization: whole, folders)
        self.scopes = [
            Scope("gcp", project, project, (), {"kind": "project", "project_number": number} | _ABOVE)
            for project, number in assets.numbers.items()
        ]
        for scope in self.scopes:
            if isinstance(self.inventory, AssetInventory):
                self.inventory.plan(scope, [BUCKETS, TOPICS])

    def read(self, scope: Scope, kind: ResourceType = BUCKETS) -> tuple[list[Document], Report]:
        engine = Engine(
            scope,
            self.transport,
            self.tools,
            Identity("gcp", "1"),
            limiter=RateLimiter(self.limits),
            retry=RetryPolicy(attempts=1),
            inventory=self.inventory,
        )
        with engine.collect(kind, Target(kind.type, "")) as collection:
            documents = sorted(collection, key=lambda document: document.id)
        return documents, collection.report

    def all(self) -> list[tuple[list[Document], Report]]:
        return [self.read(scope) for scope in self.scopes]


_ABOVE = {"organization": ORGANIZATION}
