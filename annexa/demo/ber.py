"""The basic encoding rules (X.690) as far as LDAP needs them: RFC 4511 §5.1."""

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN, INTEGER, OCTETS, ENUMERATED, SEQUENCE, SET = 0x01, 0x02, 0x04, 0x0A, 0x30, 0x31


@dataclass(frozen=True)
class Element:
    """What was encoded.

    Attributes:
        tag: its first byte; LDAP has no longer ones.
        content: its bytes, which are elements themselves where it is constructed.
    """

    tag: int
    content: bytes

    @property
    def parts(self) -> list["Element"]:
        """The elements within it."""
        return list(elements(self.content))

    @property
    def number(self) -> int:
        return int.from_bytes(self.content, "big", signed=True)

    @property
    def text(self) -> str:
        return self.content.decode("utf-8")


def size(data: bytes) -> int | None:
    """Return the whole length of the first element; None while too little of it is there to tell."""
    if len(data) < 2:
        return None
    if data[1] < 0x80:
        return 2 + data[1]
    more = data[1] & 0x7F
    return None if len(data) < 2 + more else 2 + more + int.from_bytes(data[2 : 2 + more], "big")


def elements(data: bytes) -> Iterator[Element]:
    """Yield the elements that bytes hold one after the other."""
    while data:
        end = size(data)
        if end is None or len(data) < end:
            raise ValueError("the element breaks off")
        start = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
        yield Element(data[0], data[start:end])
        data = data[end:]


def encoded(tag: int, *contents: bytes) -> bytes:
    """Return an element."""
    content = b"".join(contents)
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    more = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(more)]) + more + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """Return a number as an element."""
    return encoded(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def octets(value: str | bytes, tag: int = OCTETS) -> bytes:
    """Return a string as an element."""
    return encoded(tag, value.encode() if isinstance(value, str) else value)
