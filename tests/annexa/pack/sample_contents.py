"""A pack's contents made by hand: everything that a page can meet, said by people who mean harm."""

import datetime as dt
from dataclasses import replace
from typing import Any

from annexa.pack.standing import Standing, standings
from mappings.controls import load_controls
from mappings.status import ControlStatus, Judged, control_statuses
from store.coverage import CheckDays, Coverage, Period, UndecidedDays
from store.model import Gap, Outcome
from store.pack import layout
from store.pack.contents import Contents, PackedCollection, PackedFinding, Population, Sample, Selection
from store.query import CollectionRow
from store.statement import AttachedFile, Attestation, Exclusion, Filed, Hold, Statement, Waiver, Withdrawal

PERIOD = Period(dt.date(2026, 1, 1), dt.date(2026, 6, 30))
ACCOUNT = "111122223333"
CHECK = "aws.s3.bucket.private"
OTHER = "aws.s3.bucket.encrypted"
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "invoice\u202egpj.exe",
    "two\nlines",
    "nul\x00 and \x1b[31mred",
    "lone \ud800 surrogate",
    "../../etc/passwd",
    "{{ 7 * 7 }}{% raw %}",
    "</style></script><!-- & &lt;",
    "ü" * 5_000,
)

PRUNED = "f" * 64
DIGESTS = {CHECK: "1" * 64, OTHER: "2" * 64}
_AT = "2026-03-01T10:00:00.000Z"


def digest(number: int) -> str:
    return f"{number:064x}"


def body(check: str, **more: Any) -> dict[str, Any]:
    """Return a check as it was applied."""
    return {
        "id": check,
        "title": f"What {check} asks",
        "resource": "aws.s3.bucket",
        "resources": [],
        "applies": "",
        "passes": "resource.item.public < 1 && '<b>' != \"\"",
        "params": {"days": 90},
        "severity": "high",
        "controls": {"8.3": "shows who can reach the data", "8.12": "rules out a leak"},
        "remediation": "Block public access.",
        "limits": "Sees no presigned links.",
        "references": ["https://example.com/reference"],
        "equivalents": ["prowler:s3_public"],
    } | more


def finding(number: int = 1, outcome: Outcome = Outcome.FAIL, **more: Any) -> PackedFinding:
    """Return a finding on a resource of its own."""
    given: dict[str, Any] = {
        "check": CHECK,
        "check_digest": DIGESTS[CHECK],
        "outcome": outcome,
        "observed": {"item.public": True},
        "reason": "",
        "document": digest(number),
        "provider": "aws",
        "scope": ACCOUNT,
        "region": "eu-west-1",
        "resource_type": "aws.s3.bucket",
        "resource_id": f"arn:aws:s3:::bucket-{number}",
        "resource_name": f"bucket-{number}",
        "first_seen": _AT,
        "ended": "",
        "opened": 3,
        "proven": 5,
    }
    return PackedFinding(**given | more)


def collection(entry: int, **more: Any) -> PackedCollection:
    """Return a collection that was read whole."""
    row = CollectionRow(
        id=entry,
        run="run-1",
        provider="aws",
        scope=ACCOUNT,
        region="eu-west-1",
        resource_type="aws.s3.bucket",
        started=_AT,
        finished=_AT,
        complete=True,
        resources=2,
        gaps=0,
        seq=entry,
        provider_time=_AT,
        skew_ms=-120,
    )
    given: dict[str, Any] = {
        "report": digest(1000 + entry),
        "provenance": {
            "calls": [
                {
                    "call": "s3:ListBuckets",
                    "parameters": {"MaxBuckets": 1000},
                    "count": 1,
                    "pages": 1,
                    "items": 2,
                    "absent": 0,
                    "failed": 0,
                }
            ],
            "principal": f"arn:aws:iam::{ACCOUNT}:role/auditor",
            "collector": {"name": "aws", "version": "0.1.0"},
            "definition": "9" * 64,
            "end_reached": True,
            "endpoints": ["https://s3.eu-west-1.amazonaws.com"],
            "redacted": 0,
        },
        "gaps": (),
    }
    return PackedCollection(row=replace(row, **more.pop("row", {})), **given | more)


def contents(**more: Any) -> Contents:
    """Return a pack with something of everything."""
    findings = [
        finding(1),
        finding(2, Outcome.PASS),
        finding(3, Outcome.UNKNOWN, observed={}, reason="s3:GetBucketAcl could not be read: AccessDenied"),
        finding(4, observed=None, reason=None, document=PRUNED, ended="2026-04-01T00:00:00.000Z"),
        finding(5, Outcome.ERROR, document="", resource_id="", resource_name="", reason="no such key"),
        finding(6, Outcome.NOT_APPLICABLE, check=OTHER, check_digest=DIGESTS[OTHER]),
    ]
    found = Contents(
        origin="example.com/evidence",
        store_id="0123456789abcdef",
        selection=Selection(PERIOD),
        as_of=PERIOD.end,
        coverage=Coverage(
            [
                CheckDays(CHECK, body(CHECK), 0b1111, 0b0110, 0b1000),
                CheckDays(OTHER, body(OTHER, controls={"8.24": "shows encryption"}), 0b1, 0, 0),
            ],
            [
                UndecidedDays(
                    CHECK,
                    body(CHECK),
                    "aws",
                    ACCOUNT,
                    "eu-west-1",
                    "aws.s3.bucket",
                    "arn:aws:s3:::bucket-3",
                    "s3:GetBucketAcl could not be read: AccessDenied",
                    0b1000,
                )
            ],
        ),
        checks={
            DIGESTS[CHECK]: body(CHECK),
            DIGESTS[OTHER]: body(OTHER, controls={"8.24": "shows encryption"}),
        },
        findings=findings,
        populations=[
            Population(CHECK, 4, 0, {"pass": 1, "fail": 1, "unknown": 1, "error": 1}, 4),
            Population(OTHER, 0, 1, {"not_applicable": 1}, 0),
        ],
        collections={
            3: collection(3),
            5: collection(
                5,
                row={"complete": False, "gaps": 1},
                gaps=(
                    Gap("s3:GetBucketAcl", "AccessDenied", "no", _AT, "arn:aws:s3:::bucket-3", "acl", "eu"),
                ),
            ),
            7: collection(7, report=PRUNED, provenance=None, row={"gaps": 2, "resource_type": ""}),
        },
        documents={digest(number): 3 for number in (1, 2, 3, 6)},
        pruned={PRUNED: 40},
        statements=statements(),
        checkpoints=[20, 50],
        stamped=[50],
    )
    return replace(found, **more)


def statements() -> list[Filed]:
    """Return one of each kind."""
    files = (
        AttachedFile("a" * 64, 1234, "Policy v3.pdf", "application/pdf"),
        AttachedFile("b" * 64, 99, "page.html", "text/html"),
        AttachedFile(PRUNED, 99, "minutes.txt", "text/plain"),
    )
    said: list[Statement | None] = [
        Attestation("8.24", "Head of IT", "The policy is in force.", "2026-01-01", "2026-12-31", files),
        Waiver(CHECK, "aws", "", "", "the archive is deleted soon", "CISO", "2026-02-01", "2026-03-01"),
        Exclusion("7.4", "no premises of our own", "CISO", "2026-01-01"),
        Hold("litigation", "counsel", "2026-01-01"),
        Withdrawal(13, "settled", "counsel"),
        None,
    ]
    kinds = ["attestation", "waiver", "exclusion", "hold", "withdrawal", "attestation"]
    return [
        Filed(
            10 + number,
            _AT,
            kind,
            PRUNED if statement is None else digest(2000 + number),
            "alice",
            statement,
            *(("2026-05-01T00:00:00.000Z", 14) if isinstance(statement, Hold) else ()),
        )
        for number, (kind, statement) in enumerate(zip(kinds, said, strict=True))
    ]


def hostile(text: str) -> Contents:
    """Return a pack in which everything that others say is this text."""
    bad = body(
        CHECK,
        title=text,
        passes=text,
        applies=text,
        limits=text,
        remediation=text,
        references=[text],
        equivalents=[text],
        params={text: text},
        controls={"8.3": text},
        resource=text,
    )
    gap = Gap(text, text, text, text, text, text, text)
    where: dict[str, Any] = {"provider": text, "scope": text, "region": text, "resource_type": text}
    provenance = {
        "calls": [{"call": text, "parameters": {text: text}}],
        "principal": text,
        "collector": {"name": text},
        "endpoints": [text],
        "definition": text,
        text: text,
    }
    file = AttachedFile("a" * 64, 1, text, text)
    said: list[Statement] = [
        Attestation("8.3", text, text, "2026-01-01", "2026-12-31", (file,)),
        Waiver(CHECK, text, text, text, text, text, "2026-01-01", "2026-12-31"),
        Exclusion("8.3", text, text, "2026-01-01"),
        Hold(text, text, "2026-01-01"),
        Withdrawal(13, text, text),
    ]
    return contents(
        origin=text,
        store_id=text,
        selection=Selection(
            PERIOD, providers=frozenset({text}), scopes=frozenset({text}), sample=Sample(1, text)
        ),
        coverage=Coverage(
            [CheckDays(CHECK, bad, 1, 1, 1)],
            [UndecidedDays(CHECK, bad, **where, resource_id=text, reason=text, days=1)],
        ),
        checks={DIGESTS[CHECK]: bad},
        findings=[
            finding(1, **where, resource_id=text, resource_name=f"name {text}", observed={text: [text]}),
            finding(2, Outcome.UNKNOWN, **where, reason=text, observed={}),
        ],
        populations=[Population(CHECK, 2, 0, {"fail": 1, "unknown": 1}, 2)],
        collections={
            5: collection(5, row={**where, "run": text, "gaps": 1}, provenance=provenance, gaps=(gap,))
        },
        statements=[
            Filed(10 + number, _AT, one.KIND, digest(2000 + number), text, one)
            for number, one in enumerate(said)
        ],
    )


def controls_of(found: Contents) -> list[Standing]:
    """Return the 93 controls as these contents show them."""
    controls = load_controls()
    return standings(
        statuses(found),
        found.coverage,
        found.selection.period,
        controls,
        found.statements,
        found.selection.controls,
    )


def statuses(found: Contents) -> list[ControlStatus]:
    judged = [
        Judged(one.check, tuple(found.checks[one.check_digest]["controls"]), one.outcome, one.first_seen)
        for one in found.findings
    ]
    return control_statuses(load_controls(), judged, {}, "2026-01-01T00:00:00.000Z")


def members(found: Contents) -> set[str]:
    """Return the files that a pack with these contents has beside its pages."""
    files = {layout.MANIFEST, layout.INSTRUCTIONS}
    files |= {layout.document(sha256) for sha256 in found.documents.keys() - found.pruned.keys()}
    files |= {layout.check(sha256) for sha256 in found.checks}
    files |= {layout.checkpoint(size) for size in found.checkpoints}
    entries = set(found.collections)
    for one in found.collections.values():
        if one.report not in found.pruned:
            files.add(layout.report(one.report))
    for filed in found.statements:
        entries.add(filed.entry)
        if filed.statement is not None:
            files.add(layout.statement(filed.digest))
        if isinstance(filed.statement, Attestation):
            kept = [file for file in filed.statement.files if file.sha256 not in found.pruned]
            files |= {layout.attached(file.sha256, file.name) for file in kept}
    for entry in entries:
        files |= {layout.entry(entry), layout.proof(entry)}
    return files
