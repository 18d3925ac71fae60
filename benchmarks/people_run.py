"""One reading of a directory, whose time and memory :mod:`benchmarks.people` measures.

python -m benchmarks.people_run MODE USERS URL

MODE is entra, entra-groups (that hold roles, with their members), entra-groups-single (without batches),
okta, okta-factors, google_workspace or google_workspace-users; with -free at its end the published limits do
not hold.
"""

import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from benchmarks.distant_people import groups
from collectors.contract import Discovery, Tools
from collectors.entra.collector import EntraCollector
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from collectors.okta.collector import OktaCollector
from collectors.rest.service import Service
from scheduler.plan import Selection, plan
from scheduler.readers import read
from store.model import Scope

WORKERS = 8
_TYPES = {
    "entra": ("entra.user.user", "entra.user.registration", "entra.group.group"),
    "entra-groups": ("entra.group.group",),
    "entra-groups-single": ("entra.group.group",),
    "okta": ("okta.users.user", "okta.groups.group"),
    "okta-factors": ("okta.users.factors",),
    "google_workspace-users": ("google_workspace.directory.user",),
    "google_workspace": ("google_workspace.directory.user", "google_workspace.groups.group"),
}


class _SignedIn:
    """Stands for credentials: nobody asks for them here."""

    def authorization(self, refused: str = "") -> str:
        del refused
        return "Bearer x"


class _Near:
    """Of a collector here: one scope, and the published limits hold although the provider is not there."""

    provider: ClassVar[str]

    def discover(self) -> Discovery:
        return Discovery((Scope(self.provider, "C0bench", "bench"),))

    def elsewhere(self) -> bool:
        return False


class _Entra(_Near, EntraCollector):
    _tokens: Any = _SignedIn()


class _EntraOneByOne(_Entra):
    def services(self) -> Mapping[str, Service]:
        return {name: replace(each, batching=None) for name, each in super().services().items()}


class _Okta(_Near, OktaCollector):
    _tokens: Any = _SignedIn()


class _Google(_Near, GoogleWorkspaceCollector):
    def _tokens_for(self, call: str) -> Any:
        del call
        return _SignedIn()


def main(mode: str, users: int, url: str) -> None:
    """Read everything and let it go, and make sure that everything came."""
    mode, free = mode.removesuffix("-free"), mode.endswith("-free")
    provider = mode.partition("-")[0]
    made: dict[str, type[_Entra | _Okta | _Google]] = {
        "entra": _Entra,
        "okta": _Okta,
        "google_workspace": _Google,
    }
    if mode.endswith("-single"):
        made["entra"] = _EntraOneByOne
    if free:
        made[provider].elsewhere = lambda self: True  # type: ignore[method-assign]
    where = {"org_url": url} if provider == "okta" else {"endpoint_url": url}
    collector = made[provider](where, Tools(redaction_key=b"bench"))
    jobs = plan([collector], {provider: collector.discover()}, {provider: Selection(only=_TYPES[mode])})
    found = dict.fromkeys(_TYPES[mode], 0)
    for batch in read(jobs, WORKERS, threading.Event()):
        if batch.report is not None and not batch.report.complete:
            raise SystemExit(f"{batch.job.target.resource_type}: {batch.report.gaps[:3]}")
        found[batch.job.target.resource_type] += len(batch.documents)
    number = users if mode.startswith("entra-") else groups(users)
    wanted = {kind: number if ".group" in kind else users for kind in found}
    if found != wanted:
        raise SystemExit(f"found {found}, not {wanted}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
