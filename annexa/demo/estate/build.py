"""Putting the estate together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from annexa.demo.estate import (
    compute,
    databases,
    detection,
    edge,
    identity,
    messaging,
    network,
    people,
    serverless,
    storage,
    vault,
)
from annexa.demo.estate.auditor import seed_auditor
from annexa.demo.estate.cloud import ACCOUNT, REGIONS, Cloud, Size
from annexa.demo.server import enforce_iam, reset

_SEED = 27001
_NEEDED: tuple[Callable[[Cloud], None], ...] = (
    vault.seed_keys,
    identity.seed_roles,
    people.seed_people,
    storage.seed_buckets,
    network.seed_networks,
    compute.seed_machines,
)
_THE_REST: tuple[Callable[[Cloud], None], ...] = (
    messaging.seed_topics,
    detection.seed_logs,
    detection.seed_trails,
    detection.seed_alarms,
    detection.seed_recorder,
    detection.seed_detectors,
    identity.seed_organisation,
    identity.seed_sign_on,
    storage.seed_files,
    storage.seed_backups,
    databases.seed_relational,
    databases.seed_tables,
    databases.seed_caches,
    databases.seed_warehouses,
    serverless.seed_functions,
    serverless.seed_registries,
    serverless.seed_containers,
    serverless.seed_workflows,
    compute.seed_notebooks,
    edge.seed_certificates,
    edge.seed_balancers,
    edge.seed_firewalls,
    edge.seed_names,
    edge.seed_distributions,
    edge.seed_apis,
    vault.seed_secrets,
    vault.seed_parameters,
    messaging.seed_streams,
    messaging.seed_catalogue,
    messaging.seed_builds,
)


@dataclass(frozen=True)
class Estate:
    """A seeded account, and the key to read it with.

    Attributes:
        made: what was created, by kind.
        refused: what the endpoint would not do; empty with the moto that the project pins.
    """

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    account: str = ACCOUNT
    regions: tuple[str, ...] = REGIONS
    made: Mapping[str, int] = field(default_factory=dict)
    refused: tuple[str, ...] = ()

    @property
    def resources(self) -> int:
        """How many resources were created."""
        return sum(self.made.values())

    @property
    def environment(self) -> dict[str, str]:
        """What boto3's usual chain needs to collect from this account."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": self.regions[0],
            "AWS_EC2_METADATA_DISABLED": "true",
        }


def seed(
    endpoint: str,
    size: Size | None = None,
    *,
    enforce: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Estate:
    """Empty the account behind the endpoint and fill it with the estate, the same every time.

    Args:
        enforce: switch moto's IAM enforcement on at the end; then only the estate's own key can read,
            and what the auditor is denied is denied.
        progress: called with the name of each theme before it is made.
    """
    reset(endpoint, _SEED)
    cloud = Cloud(endpoint, size or Size())
    for theme in _NEEDED + (_THE_REST if cloud.size.everything else ()):
        label = theme.__name__.removeprefix("seed_")
        progress(label)
        with cloud.tolerate(label):
            theme(cloud)
    access_key, secret_key = seed_auditor(cloud)
    if enforce:
        enforce_iam(endpoint)
    return Estate(
        endpoint=endpoint,
        access_key=access_key,
        secret_key=secret_key,
        made=dict(cloud.made),
        refused=tuple(cloud.refused),
    )


def seed_large(
    endpoint: str, buckets: int = 100, users: int = 50, instances: int = 40, *, enforce: bool = False
) -> Estate:
    """The same account with other numbers, for benchmarks."""
    return seed(endpoint, Size(users=users, buckets=buckets, instances=instances), enforce=enforce)
