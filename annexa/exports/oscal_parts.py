"""Parts of OSCAL documents, and how texts of others are written into them."""

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from annexa.exports.subject import Subject
from annexa.exports.workbook import waiver
from annexa.output import shown
from annexa.rows import Row

PROPERTIES = "urn:annexa:oscal"
"""The namespace of our properties."""

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~^$])")
_UUID_BYTES = 16

Part = dict[str, Any]


def inventory_item(identifier: str, subject: Subject) -> Part:
    return {
        "uuid": identifier,
        "description": markup(f"{subject.type} {subject.name}"),
        "props": props(
            {
                "provider": subject.provider,
                "scope": subject.scope,
                "region": subject.region,
                "type": subject.type,
                "identifier": subject.id,
                "name": subject.name,
            }
        ),
    }


def resource(identifier: str, title: str, sha256: str, href: str, media_type: str) -> Part:
    made: Part = {
        "uuid": identifier,
        "title": markup(title) or sha256,
        "props": props({"sha256": sha256}),
    }
    if not href:
        return made | {"remarks": "Retention let it go; the record still holds its SHA-256."}
    hashes = [{"algorithm": "SHA-256", "value": sha256}]
    link: Part = {"href": href, "hashes": hashes}
    if line(media_type):
        link["media-type"] = line(media_type)
    return made | {"rlinks": [link]}


def remarks_on(row: Row) -> str:
    if row["observed"] is None:
        decided = "What decided it was let go by retention."
    elif row["reason"]:
        decided = f"{row['reason']}."
    else:
        values = (f"{path} = {orjson.dumps(value).decode()}" for path, value in row["observed"].items())
        decided = f"Decided by: {'; '.join(values)}." if row["observed"] else ""
    accepted = f"Accepted {waiver(row['waived'])}." if row.get("waived") else ""
    return " ".join(filter(None, (decided, accepted, f"What the check cannot see: {row['limits']}")))


def excluded_controls(excluded: Mapping[str, str]) -> str:
    if not excluded:
        return "Every control of ISO/IEC 27001:2022 Annex A that was asked for."
    told = "; ".join(f"A.{number}: {justification}" for number, justification in excluded.items())
    return f"Controls of ISO/IEC 27001:2022 Annex A, without those that are excluded: {markup(told)}"


def props(values: Mapping[str, Any]) -> list[Part]:
    """Return properties; those without a value are left out, because OSCAL has no empty ones."""
    told = {name: line(str(value)) for name, value in values.items() if value is not None}
    return [{"name": name, "ns": PROPERTIES, "value": value} for name, value in told.items() if value]


def related(packed: Iterable[int]) -> list[Part]:
    data = bytes(packed)
    return [
        {"observation-uuid": str(uuid.UUID(bytes=data[at : at + _UUID_BYTES]))}
        for at in range(0, len(data), _UUID_BYTES)
    ]


def line(text: str) -> str:
    """Return a text as one line, in which nothing steers a terminal."""
    return " ".join(shown(text).split())


def markup(text: str) -> str:
    """Return a text as a line of OSCAL's markup that shows it as it is."""
    return _MARKUP.sub(r"\\\1", line(text)) or "unnamed"
