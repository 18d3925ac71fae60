"""Assessment results in OSCAL 1.2.1 (pages.nist.gov/OSCAL), one document with the evidence beside it.

OSCAL knows two states only. What could not be decided, or what a person has yet to attest, is
``not-satisfied`` with the reason ``other`` and remarks that say so.
"""

import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson

from annexa import __version__
from annexa.exports.documents import Documents
from annexa.exports.json_stream import Array, dump
from annexa.exports.oscal_parts import (
    PROPERTIES,
    Part,
    excluded_controls,
    inventory_item,
    line,
    markup,
    props,
    related,
    remarks_on,
    resource,
)
from annexa.exports.rows import Source
from annexa.exports.subject import by_subject
from annexa.exports.workbook import waiver
from annexa.filters import FindingFilter
from annexa.rows import Row
from mappings.status import ControlStatus, Status
from store import query
from store.errors import ConfigError
from store.head import Head, head
from store.statement import Attestation, Filed, State, Waiver

OSCAL_VERSION = "1.2.1"
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, PROPERTIES)
_STATES = {Status.SATISFIED: ("satisfied", "pass"), Status.NOT_SATISFIED: ("not-satisfied", "fail")}
_UNDECIDED = ("not-satisfied", "other")
_PLAN = (
    "There is no assessment plan beside the checks: each was applied to every resource of its type that was "
    "read. They are resources of this document, as they were applied."
)


def write(draft: Path, out: Path, source: Source, wanted: FindingFilter) -> None:
    """Write assessment results, and the documents that they refer to into a folder beside.

    Args:
        draft: where the results are written.
        out: what they will be called, after which the folder is named.
        wanted: which findings become observations; the status of a control counts all.

    Raises:
        ConfigError: no control is left to assess.
    """
    made = _Results(source, wanted, Documents(out, source.record))
    with draft.open("wb") as stream:
        dump({"assessment-results": made.document()}, stream)
        stream.write(b"\n")


class _Results:
    """Assessment results while they are put together.

    Attributes:
        referred: SHA-256 → title, of the blobs that observations refer to.
        observed: control → UUIDs of observations on it, 16 bytes each.
        accepted: log entry of a waiver → UUIDs of the observations that it covers.
    """

    def __init__(self, source: Source, wanted: FindingFilter, documents: Documents) -> None:
        self.source = source
        self.wanted = wanted
        self.documents = documents
        self.head: Head = head(source.record)
        self.inventory, self.observations, self.resources = Array(), Array(), Array()
        self.risks, self.findings = Array(), Array()
        self.parties: dict[str, Part] = {}
        self.referred: dict[str, str] = {}
        self.observed: dict[str, bytearray] = defaultdict(bytearray)
        self.accepted: dict[int, bytearray] = defaultdict(bytearray)
        self.risky: dict[str, list[str]] = defaultdict(list)
        self.tool = self._uuid("component", "annexa")

    def document(self) -> Part:
        excluded = self.source.exclusions()
        assessed = [
            status
            for status in self.source.statuses()
            if status.control.number not in excluded and self.wanted.control in ("", status.control.number)
        ]
        if not assessed:
            raise ConfigError(
                f"no control {self.wanted.control} is applicable", "`annexa controls list` shows the 93."
            )
        plan = self._uuid("plan")
        self.resources.add({"uuid": plan, "title": "Continuous assessment", "citation": {"text": _PLAN}})
        self._add_findings()
        self._add_referred()
        for filed in self.source.in_force():
            self._add_statement(filed)
        for status in assessed:
            self._add_control(status)
        when = self.source.when
        remarks = "Times are in UTC. What was never collected is not here."
        if self.wanted != FindingFilter():
            remarks += " Observations are those that were asked for; findings on controls count all."
        return {
            "uuid": self._uuid("results", str(when), self.head.size, repr(self.wanted)),
            "metadata": self._metadata(),
            "import-ap": {"href": f"#{plan}"},
            "results": [
                {
                    "uuid": self._uuid("result", str(when), self.head.size),
                    "title": f"Assessment {when}",
                    "description": "What checks on collected configuration found, and what people attested.",
                    "start": self._start(),
                    "end": when.stamp,
                    "local-definitions": {
                        "components": [
                            {
                                "uuid": self.tool,
                                "type": "software",
                                "title": "Annexa",
                                "description": "Collects configuration, judges it and keeps it as evidence.",
                                "props": props({"version": __version__}),
                                "status": {"state": "operational"},
                            }
                        ],
                        "inventory-items": self.inventory,
                    },
                    "reviewed-controls": {
                        "description": excluded_controls(excluded),
                        "control-selections": [
                            {"include-controls": [{"control-id": s.control.annex_a} for s in assessed]}
                        ],
                    },
                    "observations": self.observations,
                    "risks": self.risks,
                    "findings": self.findings,
                    "remarks": remarks,
                }
            ],
            "back-matter": {"resources": self.resources},
        }

    def _metadata(self) -> Part:
        made = {
            "title": f"Annexa: assessment results {self.source.when}",
            "last-modified": self.source.when.stamp,
            "version": f"{self.source.when.stamp}+{self.head.size}",
            "oscal-version": OSCAL_VERSION,
            "props": props(
                {
                    "store": self.head.store_id,
                    "log-size": self.head.size,
                    "log-root": self.head.root,
                    "log-key": self.head.key,
                    "log-signed": self.head.signed,
                }
            ),
        }
        return made | ({"parties": list(self.parties.values())} if self.parties else {})

    def _start(self) -> str:
        """Return when the oldest of what this rests on began."""
        when = self.source.when
        if when.period:
            return when.first
        begun = [row.started for row in query.latest_collections(self.source.record, when.at)]
        return min([*begun, when.stamp])

    def _add_findings(self) -> None:
        rows = self.source.findings(self.wanted, query.BY_RESOURCE)
        for subject, found in by_subject(rows):
            identifier = self._uuid("subject", *subject.key)
            self.inventory.add(inventory_item(identifier, subject))
            for row in found:
                self._add_observation(identifier, subject.name, row)

    def _add_observation(self, subject: str, name: str, row: Row) -> None:
        changing = ("check", "check_digest", "document", "outcome", "first_seen", "last_seen", "entry")
        identifier = self._uuid("observation", subject, *(row[key] for key in changing), row.get("ended"))
        check = self._refer(row["check_digest"], f"Check {row['check']} as it was applied")
        made: Part = {
            "uuid": identifier,
            "title": markup(f"{row['title']}: {row['outcome']}"),
            "description": markup(f"{name}: {row['outcome']}"),
            "props": props(
                {
                    "outcome": row["outcome"],
                    "severity": row["severity"],
                    "check": row["check"],
                    "check-digest": row["check_digest"],
                    "first-seen": row["first_seen"],
                    "ended": row.get("ended"),
                    "log-entry": row["entry"],
                    "pruned": "true" if row["observed"] is None else None,
                }
            ),
            "links": [{"href": f"#{check}", "rel": "reference"}],
            "methods": ["TEST-AUTOMATED"],
            "types": ["finding"],
            "origins": [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}],
            "subjects": [{"subject-uuid": subject, "type": "inventory-item"}],
            "collected": row["last_seen"],
            "remarks": markup(remarks_on(row)),
        }
        if row["document"]:
            evidence = self._refer(row["document"], "Document")
            made["relevant-evidence"] = [
                {"href": f"#{evidence}", "description": "The configuration that was judged."}
            ]
        self.observations.add(made)
        for control in row["controls"]:
            self.observed[control] += uuid.UUID(identifier).bytes
        if row.get("waived"):
            self.accepted[row["waived"]["entry"]] += uuid.UUID(identifier).bytes

    def _refer(self, sha256: str, title: str) -> str:
        """Return the UUID of the resource for a blob."""
        self.referred[sha256] = title
        return self._uuid("blob", sha256)

    def _add_referred(self) -> None:
        for sha256, href in self.documents.blobs(self.referred):
            made = resource(
                self._uuid("blob", sha256), self.referred[sha256], sha256, href, "application/json"
            )
            self.resources.add(made)

    def _add_statement(self, filed: Filed) -> None:
        if isinstance(filed.statement, Attestation):
            self._add_attestation(filed, filed.statement)
        elif isinstance(filed.statement, Waiver):
            self._add_risk(filed, filed.statement)

    def _add_attestation(self, filed: Filed, said: Attestation) -> None:
        if self.wanted.control not in ("", said.control):
            return
        identifier = self._uuid("attestation", filed.entry)
        made: Part = {
            "uuid": identifier,
            "title": markup(f"Attestation for A.{said.control} by {said.owner}"),
            "description": markup(said.says),
            "props": props({"log-entry": filed.entry, "digest": filed.digest, "filed-by": filed.filed_by}),
            "methods": ["EXAMINE" if said.files else "INTERVIEW"],
            "types": ["control-objective"],
            "origins": [{"actors": [{"type": "party", "actor-uuid": self._party(said.owner)}]}],
            "collected": filed.at,
            "expires": f"{said.valid_until}T23:59:59.999Z",
        }
        evidence = []
        for number, file in enumerate(said.files):
            named = self._uuid("file", filed.entry, number)
            href = self.documents.attached(file.sha256)
            self.resources.add(resource(named, file.name, file.sha256, href, file.media_type))
            evidence.append({"href": f"#{named}", "description": markup(file.name)})
        if evidence:
            made["relevant-evidence"] = evidence
        self.observations.add(made)
        self.observed[said.control] += uuid.UUID(identifier).bytes

    def _add_risk(self, filed: Filed, said: Waiver) -> None:
        check = self.source.workspace.checks.get(said.check)
        controls = [number for number in (check.controls if check else ()) if number]
        if self.wanted.control and self.wanted.control not in controls:
            return
        identifier = self._uuid("waiver", filed.entry)
        status = "deviation-approved" if filed.state(self.source.when.stamp) is State.IN_FORCE else "closed"
        told = {
            "until": said.valid_until,
            "approver": said.approver,
            "reason": said.reason,
            "entry": filed.entry,
        }
        logged: Part = {
            "uuid": self._uuid("waiver", filed.entry, "filed"),
            "title": "Accepted for a time",
            "start": filed.at,
            "logged-by": [{"party-uuid": self._party(said.approver)}],
            "status-change": "deviation-approved",
        }
        made: Part = {
            "uuid": identifier,
            "title": markup(f"Accepted failures of {said.check}"),
            "description": markup(f"Accepted {waiver(told)}. The findings still fail."),
            "statement": markup(said.reason),
            "props": props(
                {
                    "log-entry": filed.entry,
                    "check": said.check,
                    "provider": said.provider,
                    "scope": said.scope,
                    "resource": said.resource,
                }
            ),
            "status": status,
            "deadline": f"{said.valid_until}T23:59:59.999Z",
            "risk-log": {"entries": [logged]},
        }
        if self.accepted[filed.entry]:
            made["related-observations"] = related(self.accepted[filed.entry])
        self.risks.add(made)
        for control in controls:
            self.risky[control].append(identifier)

    def _add_control(self, status: ControlStatus) -> None:
        control = status.control
        state, reason = _STATES.get(status.status, _UNDECIDED)
        target: Part = {"state": state, "reason": reason}
        if reason == "other":
            target["remarks"] = f"Not known to be satisfied ({status.status.value}): {status.reason}"
        made: Part = {
            "uuid": self._uuid("control", control.number),
            "title": f"{control.annex_a} {control.title}",
            "description": status.reason,
            "props": props(
                {
                    "status": status.status.value,
                    "pass": status.passed,
                    "fail": status.failed,
                    "waived": status.waived,
                    "unknown": status.unknown,
                    "not-applicable": status.not_applicable,
                    "last-evidence": status.last_evidence,
                }
            ),
            "target": {"type": "objective-id", "target-id": control.annex_a, "status": target},
        }
        if self.observed[control.number]:
            made["related-observations"] = related(self.observed[control.number])
        if self.risky[control.number]:
            made["related-risks"] = [{"risk-uuid": risk} for risk in self.risky[control.number]]
        self.findings.add(made)

    def _party(self, name: str) -> str:
        identifier = self._uuid("party", name)
        self.parties[name] = {"uuid": identifier, "type": "person", "name": line(name) or "unnamed"}
        return identifier

    def _uuid(self, *parts: Any) -> str:
        """Return the same UUID (version 5) for the same thing of the same store."""
        return str(uuid.uuid5(_NAMESPACE, orjson.dumps([self.head.store_id, *parts]).decode()))
