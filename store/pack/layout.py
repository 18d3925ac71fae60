"""Where things are in a pack. Pages link to these paths, and verification reads them."""

FORMAT = "annexa-pack/v1"
MANIFEST = "manifest.json"
INDEX = "index.html"
INSTRUCTIONS = "VERIFY.md"


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
    """A file that a person attached."""
    return f"files/{sha256}/{name}"
