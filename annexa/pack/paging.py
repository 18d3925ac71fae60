"""Long tables in pages, so that a browser can show them."""

from collections.abc import Sequence
from typing import TypeVar

ROWS_A_PAGE = 2000
"""Rows of one page; a browser shows so many in about a second."""

RowT = TypeVar("RowT")


def in_pages(rows: Sequence[RowT]) -> list[list[RowT]]:
    """Return rows in pages; there is always one, which may be empty."""
    starts = range(0, max(len(rows), 1), ROWS_A_PAGE)
    return [list(rows[start : start + ROWS_A_PAGE]) for start in starts]
