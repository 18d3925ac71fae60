"""Where the pages of a pack are: in a folder of their own, for they are a reading aid and no evidence.

Names are safe on every file system, and no two pages share one.
"""

import hashlib
import re

GAPS = "pages/gaps.html"
STATEMENTS = "pages/statements.html"

_SAFE = re.compile(r"[a-z0-9_]+(\.[a-z0-9_-]+)+")
_LONGEST = 120


def gaps(page: int = 1) -> str:
    """A page of gaps."""
    return GAPS if page == 1 else f"pages/gaps~{page}.html"


def control(number: str) -> str:
    """The page of a control."""
    return f"pages/controls/{number}.html"


def check(check_id: str, page: int = 1) -> str:
    """A page of a check: the first has its rule, the others go on with its findings.

    ``~`` cannot be in a check's id, so what follows it never meets another check's name.
    """
    name = check_id
    if not _SAFE.fullmatch(check_id) or len(check_id) > _LONGEST:
        digest = hashlib.sha256(check_id.encode(errors="surrogatepass")).hexdigest()[:16]
        name = f"{re.sub(r'[^a-z0-9_.-]+', '_', check_id)[:_LONGEST].strip('._')}~{digest}"
    return f"pages/checks/{name}.html" if page == 1 else f"pages/checks/{name}~{page}.html"


def collection(entry: int) -> str:
    """The page of a collection."""
    return f"pages/collections/{entry}.html"
