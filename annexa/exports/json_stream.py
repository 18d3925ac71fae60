"""JSON whose long arrays wait on the disk, so that memory does not grow with them."""

import shutil
from tempfile import SpooledTemporaryFile
from typing import Any, BinaryIO

import orjson

_IN_MEMORY = 1_000_000


class Array:
    """An array that grows item by item."""

    def __init__(self) -> None:
        self._items = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - it lives as long as the array
        self.length = 0

    def add(self, item: Any) -> None:
        """Add an item at the end."""
        self._items.write((b",\n" if self.length else b"") + orjson.dumps(item))
        self.length += 1

    def copy_to(self, stream: BinaryIO) -> None:
        """Write all items, separated."""
        self._items.seek(0)
        shutil.copyfileobj(self._items, stream)


def dump(value: Any, stream: BinaryIO) -> None:
    """Write a JSON value in which arrays may be :class:`Array`; empty ones are left out of objects."""
    if isinstance(value, Array):
        stream.write(b"[\n")
        value.copy_to(stream)
        stream.write(b"]")
    elif isinstance(value, dict):
        separator = b"{"
        for key, each in value.items():
            if isinstance(each, Array) and not each.length:
                continue
            stream.write(separator + orjson.dumps(key) + b":")
            dump(each, stream)
            separator = b",\n"
        stream.write(b"{}" if separator == b"{" else b"}")
    elif isinstance(value, list):
        stream.write(b"[")
        for number, each in enumerate(value):
            stream.write(b"," if number else b"")
            dump(each, stream)
        stream.write(b"]")
    else:
        stream.write(orjson.dumps(value))
