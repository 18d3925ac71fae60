"""Where things are in a pack. Pages link to these paths, and verification reads them."""

import re

FORMAT = "annexa-pack/v1"
MANIFEST = "manifest.json"
INDEX = "index.html"
INSTRUCTIONS = "VERIFY.md"

LOG = "log"
SERIES = "data/series.jsonl"
CONTENT = "data/content.jsonl"
FINDINGS = "data/findings.jsonl"
SEEN = "data/seen.jsonl"
TOMBSTONES = "data/tombstones.jsonl"

_FINDING = frozenset(
    {"series", "resource", "check", "check_digest", "outcome", "document", "since", "opened", "closed"}
)
KEYS = {
    SERIES: (frozenset({"series", "provider", "scope", "type", "region"}),),
    CONTENT: (frozenset({"series", "resource", "document", "opened", "closed"}),),
    FINDINGS: (_FINDING | {"observed", "reason"}, _FINDING | {"decided"}),
    SEEN: (frozenset({"series", "collection", "seen"}),),
    TOMBSTONES: (frozenset({"entry", "hash"}),),
}
"""File of data → the keys that a line of it may have: there are no others, for nothing would prove them."""
DATA = frozenset(KEYS)

EVIDENCE = ("log", "checkpoints", "data", "documents", "reports", "checks", "statements", "files", "proofs")
"""Folders in which every file must be accounted for; what is elsewhere is a reading aid."""
PAGES = frozenset({"css", "html", "js", "md", "svg", "txt"})
"""What a reading aid may be."""

PASSIVE = frozenset({"csv", "docx", "gif", "jpeg", "jpg", "pdf", "png", "pptx", "txt", "xlsx"})
"""Kinds of attached files that keep their extension: opening one starts no program of its own."""
_LONGEST_NAME = 80
_UNUSUAL = re.compile(r"[^A-Za-z0-9_-]+")


def document(sha256: str) -> str:
    """A document: the canonical form, whose SHA-256 is its name."""
    return f"documents/{sha256[:2]}/{sha256}.json"


def report(sha256: str) -> str:
    """A collection's provenance and gaps."""
    return f"reports/{sha256[:2]}/{sha256}.json"


def check(sha256: str) -> str:
    """A check as it was applied."""
    return f"checks/{sha256}.json"


def statement(sha256: str) -> str:
    """What a person stated."""
    return f"statements/{sha256}.json"


def proof(entry: int) -> str:
    """The tlog-proof of an entry of the log."""
    return f"proofs/{entry}.tlog-proof"


def entry(number: int) -> str:
    """The bytes of an entry of the log, whose place the proof shows."""
    return f"proofs/{number}.entry.json"


def checkpoint(size: int) -> str:
    """A signed checkpoint."""
    return f"checkpoints/{size}.checkpoint"


def timestamp(size: int, number: int = 0) -> str:
    """A timestamp over the text of a checkpoint."""
    return f"checkpoints/{size}.{number}.tsr" if number else f"checkpoints/{size}.tsr"


def attached(sha256: str, name: str) -> str:
    """A file that a person attached, under a name that no system takes for anything else."""
    return f"files/{sha256}/{harmless_name(name)}"


def harmless_name(name: str) -> str:
    """Return a file's name in plain letters, with its extension if that is of a passive kind."""
    stem, _, extension = name.replace("\\", "/").rpartition("/")[2].rpartition(".")
    kind = extension.lower() if stem and extension.lower() in PASSIVE else "bin"
    plain = _UNUSUAL.sub("_", stem or extension).strip("_-")[:_LONGEST_NAME]
    # Windows takes names such as CON and NUL.txt for devices.
    return f"file-{plain or 'unnamed'}.{kind}"
