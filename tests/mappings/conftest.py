"""Small checks and documents to judge."""

import datetime as dt
from typing import Any

from mappings.check import Check
from mappings.evaluate import judge, judge_scope
from store.model import Document, Finding

KIND = "aws.s3.bucket"
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SCOPE = {"provider": "aws", "id": "111122223333", "name": "production", "partition": "aws"}
HASH = "ab" * 32


def check(passes: str, *, applies: str = "", whole: tuple[str, ...] = (), **params: Any) -> Check:
    """Return a check on single resources, or on the types in ``whole`` together."""
    return Check.model_validate(
        {
            "id": "aws.s3.bucket.tested",
            "title": "It holds",
            "passes": passes,
            "applies": applies,
            "params": params,
            "severity": "low",
            "controls": {"8.24": "shows that it holds"},
            "remediation": "Make it hold again.",
            "limits": "It sees nothing else.",
            "references": ["https://example.org"],
            **({"resources": whole} if whole else {"resource": KIND}),
        }
    )


def document(content: dict[str, Any], *gaps: str, name: str = "bucket", kind: str = KIND) -> Document:
    """Return a document with a denied call for each key in ``gaps``."""
    denied = {key: {"call": f"s3:Get_{key}", "code": "AccessDenied"} for key in gaps}
    return Document(kind, f"arn:aws:s3:::{name}", name, "eu-west-1", content, denied)


def judged(rule: Check, content: dict[str, Any], *gaps: str, now: dt.datetime = NOW) -> Finding:
    """Judge one document."""
    [finding] = judge([rule], document(content, *gaps), HASH, SCOPE, now)
    return finding


def judged_whole(
    rule: Check, documents: dict[str, list[Document]], unread: dict[str, str] | None = None
) -> Finding:
    """Judge a scope as a whole."""
    return judge_scope(rule, documents, unread or {}, SCOPE, NOW)
