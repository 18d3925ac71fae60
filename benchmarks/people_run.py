"""One reading of a directory, whose time and memory :mod:`benchmarks.people` measures.

python -m benchmarks.people_run entra|okta|okta-factors|google_workspace|google_workspace-users USERS URL
"""

import sys
import threading
from typing import Any, ClassVar

from benchmarks.distant_people import groups
from collectors.contract import Discovery, Tools
from collectors.entra.collector import EntraCollector
from collectors.google_workspace.collector import GoogleWorkspaceCollector
from collectors.okta.collector import OktaCollector
from scheduler.plan import Selection, plan
from scheduler.readers import read
from store.model import Scope

WORKERS = 8
_TYPES = {
    "entra": ("entra.user.user", "entra.user.registration", "entra.group.group"),
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


class _Okta(_Near, OktaCollector):
    _tokens: Any = _SignedIn()


class _Google(_Near, GoogleWorkspaceCollector):
    def _tokens_for(self, call: str) -> Any:
        del call
        return _SignedIn()


def main(mode: str, users: int, url: str) -> None:
    """Read everything and let it go, and make sure that everything came."""
    provider = mode.partition("-")[0]
    made: dict[str, type[_Entra | _Okta | _Google]] = {
        "entra": _Entra,
        "okta": _Okta,
        "google_workspace": _Google,
    }
    where = {"org_url": url} if provider == "okta" else {"endpoint_url": url}
    collector = made[provider](where, Tools(redaction_key=b"bench"))
    jobs = plan([collector], {provider: collector.discover()}, {provider: Selection(only=_TYPES[mode])})
    found = dict.fromkeys(_TYPES[mode], 0)
    for batch in read(jobs, WORKERS, threading.Event()):
        if batch.report is not None and not batch.report.complete:
            raise SystemExit(f"{batch.job.target.resource_type}: {batch.report.gaps[:3]}")
        found[batch.job.target.resource_type] += len(batch.documents)
    wanted = {kind: groups(users) if ".group" in kind else users for kind in found}
    if found != wanted:
        raise SystemExit(f"found {found}, not {wanted}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
