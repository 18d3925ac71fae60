"""Puts the certificates in a timestamp token into the order of DER, which the parser insists on.

RFC 5652 §5.1 lets them stand in any order, and authorities that use OpenSSL send them as they are
configured. The signature does not cover them; sorting changes neither what they are nor any length.
"""

_SEQUENCE, _SET, _INTEGER, _OBJECT_ID, _CONTEXT_0 = 0x30, 0x31, 0x02, 0x06, 0xA0


def sorted_certificates(token: bytes) -> bytes:
    """Return a TimeStampResp (RFC 3161 §2.4.2) with sorted certificates, or as it is if it is none."""
    try:
        start, end = _certificates(token)
        parts: list[bytes] = []
        at = start
        while at < end:
            _, following = _element(token, at, _SEQUENCE)
            parts.append(token[at:following])
            at = following
    except ValueError:
        return token
    return token[:start] + b"".join(sorted(parts)) + token[end:]


def _certificates(token: bytes) -> tuple[int, int]:
    # TimeStampResp { status, token { type, [0] SignedData { version, digests, content, [0] certificates …
    inside, end = _element(token, 0, _SEQUENCE)
    if end != len(token):
        raise ValueError("something follows")
    _, at = _element(token, inside, _SEQUENCE)
    inside, _ = _element(token, at, _SEQUENCE)
    _, at = _element(token, inside, _OBJECT_ID)
    inside, _ = _element(token, at, _CONTEXT_0)
    at, _ = _element(token, inside, _SEQUENCE)
    for tag in (_INTEGER, _SET, _SEQUENCE):
        _, at = _element(token, at, tag)
    return _element(token, at, _CONTEXT_0)


def _element(data: bytes, at: int, tag: int) -> tuple[int, int]:
    """Return where the content of the element at ``at`` begins and where it ends."""
    if data[at : at + 1] != bytes([tag]):
        raise ValueError("another element")
    length = data[at + 1] if at + 1 < len(data) else 0x80
    start = at + 2
    if length >= 0x80:
        start += length - 0x80
        length = int.from_bytes(data[at + 2 : start], "big") if start > at + 2 else len(data)
    if start + length > len(data):
        raise ValueError("cut short")
    return start, start + length
