"""An organisation of a few people, in memory: a directory, two clouds, and runs of them all."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mappings
from annexa.plugin import Document
from mappings.account import BUILT_IN_ACCOUNTS, load_accounts
from mappings.check import load_checks
from mappings.person import PERSON
from scheduler.runner import Runner, RunResult
from store import query
from store.model import Outcome
from store.record import Record
from tests.scheduler.memory_collector import MemoryCollector, Reader, complete, incomplete, scope

USER, REGISTRATION, SIGN_IN, LEAVE = (
    f"entra.user.{name}" for name in ("user", "registration", "sign-in-activity", "leave-date")
)
ROLE = "azure.authorization.role-assignment"
PROJECT = "gcp.cloudresourcemanager.project"
ACCOUNTS = load_accounts([BUILT_IN_ACCOUNTS])
CHECKS = tuple(load_checks([Path(mappings.__file__).parent / "checks" / "people"]).values())
OWNER = "/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


class Entra(MemoryCollector):
    provider = "entra"


class Azure(MemoryCollector):
    provider = "azure"


class Gcp(MemoryCollector):
    provider = "gcp"


@dataclass
class Person:
    """Somebody in the directory."""

    id: str
    address: str
    enabled: bool = True
    mfa: bool = True
    admin: bool = False
    guest: bool = False
    licensed: bool = True
    leaves: str | None = None
    department: str | None = None
    last_sign_in: str = "2026-02-28T08:00:00Z"


@dataclass
class Organisation:
    """What there is to read, and the record that it is read into.

    Attributes:
        people: whom the directory has.
        owners: object ids that own the subscription.
        members: members of the project's policy with the role of viewer.
        denied: resource types whose lists are refused.
    """

    path: Path
    people: list[Person] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    denied: set[str] = field(default_factory=set)
    off: set[str] = field(default_factory=set)
    now: dt.datetime = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    def run(self) -> RunResult:
        self.now += dt.timedelta(days=1)
        collectors = [each for each in self._collectors() if each.provider not in self.off]
        for each in collectors:
            each.clock = lambda: self.now
        with Record.writer(self.path, lambda: self.now) as record:
            return Runner(record, collectors, CHECKS, {}, workers=2, accounts=ACCOUNTS).run("test")

    def persons(self) -> dict[str, Document]:
        """Identifier → document of everybody."""
        with Record.open(self.path) as record:
            return {found.id: found for _, _, found, _ in query.standing_documents(record, PERSON)}

    def facts(self, person: str) -> dict[str, Any]:
        facts: dict[str, Any] = self.persons()[person].content["facts"]
        return facts

    def outcome(self, check: str, person: str) -> Outcome:
        with Record.open(self.path) as record:
            return next(
                found.outcome
                for found in query.findings(record)
                if (found.check, found.resource_id) == (f"people.person.{check}", person)
            )

    def documents(self) -> dict[str, list[Document]]:
        """Resource type → documents."""
        return {
            USER: [_document(USER, each.id, each.address, _user(each)) for each in self.people],
            REGISTRATION: [
                _document(
                    REGISTRATION,
                    f"{each.id}/registrationDetails",
                    each.address,
                    {"id": each.id, "isMfaRegistered": each.mfa, "isAdmin": each.admin},
                )
                for each in self.people
            ],
            SIGN_IN: [
                _document(
                    SIGN_IN,
                    f"{each.id}/signInActivity",
                    each.address,
                    {"id": each.id, "signInActivity": {"lastSuccessfulSignInDateTime": each.last_sign_in}},
                )
                for each in self.people
            ],
            LEAVE: [
                _document(
                    LEAVE,
                    f"{each.id}/employeeLeaveDateTime",
                    each.address,
                    {"id": each.id, "employeeLeaveDateTime": each.leaves},
                )
                for each in self.people
            ],
            ROLE: [
                _document(
                    ROLE,
                    f"/subscriptions/one/roleassignments/{each}",
                    each,
                    {
                        "properties": {
                            "principalId": each,
                            "principalType": "User",
                            "roleDefinitionId": OWNER,
                            "scope": "/subscriptions/one",
                        }
                    },
                )
                for each in self.owners
            ],
            PROJECT: [
                Document(
                    PROJECT,
                    "//project",
                    "project",
                    "",
                    {"iam": {"bindings": [{"role": "roles/viewer", "members": list(self.members)}]}},
                )
            ],
        }

    def _collectors(self) -> Iterable[MemoryCollector]:
        documents = self.documents()
        for collector in (Entra(), Azure(), Gcp()):
            collector.types = tuple(kind for kind in documents if kind.startswith(collector.provider + "."))
            collector.scopes = (scope("one", collector.provider),)
            collector.readers = {
                ("one", kind): self._reader(kind, documents[kind]) for kind in collector.types
            }
            yield collector

    def _reader(self, kind: str, documents: list[Document]) -> Reader:
        return incomplete([]) if kind in self.denied else complete(documents)


def _document(kind: str, identifier: str, name: str, item: dict[str, Any]) -> Document:
    return Document(kind, identifier, name, "", {"item": item})


def _user(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "userPrincipalName": person.address,
        "mail": person.address,
        "accountEnabled": person.enabled,
        "department": person.department,
        "userType": "Guest" if person.guest else "Member",
        "externalUserState": "Accepted" if person.guest else None,
        "assignedLicenses": [{"skuId": "1"}] if person.licensed else [],
        "isResourceAccount": None,
        "employeeId": None,
    }
