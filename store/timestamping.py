"""Timestamps by an authority (RFC 3161): what a token says, and whether that holds, years later too.

A token is kept as the authority's whole answer (TimeStampResp, DER): ``openssl ts -verify -in`` takes it.
"""

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from rfc3161_client import (
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from store.certificate_order import sorted_certificates
from store.errors import StoreError

_HASHES = {
    "2.16.840.1.101.3.4.2.1": hashlib.sha256,
    "2.16.840.1.101.3.4.2.2": hashlib.sha384,
    "2.16.840.1.101.3.4.2.3": hashlib.sha512,
}
_GRANTED = 0
_UNREADABLE = (
    ValueError,
    TypeError,
    LookupError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)
"""What the parsers of tokens and certificates raise over bytes that are none."""


class Reason(StrEnum):
    """What is wrong with a timestamp, or why there is none."""

    UNREACHABLE = "unreachable"
    """The authority is down, overloaded or too slow: the only one that passes by itself."""
    REJECTED = "rejected"
    """The authority refuses."""
    MALFORMED = "malformed"
    NONCE = "nonce"
    """The answer is to another request, perhaps an old one played back."""
    IMPRINT = "imprint"
    """The token is over other data."""
    UNTRUSTED = "untrusted"
    """The signature is wrong, or no chain of certificates leads to a root."""
    EXPIRED = "expired"
    """The authority's certificate was not valid at the time that the token states."""


class TimestampError(StoreError):
    """A timestamp cannot be had, or does not hold."""

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Timestamp:
    """What a token says, once it is verified.

    Attributes:
        time: when the authority saw the data, in UTC.
        authority: the subject of the certificate that signed (RFC 4514).
        policy: the policy that the authority works by, an object identifier.
    """

    time: dt.datetime
    serial: int
    authority: str
    policy: str


def verify(
    token: bytes, data: bytes, roots: Iterable[bytes], intermediates: Iterable[bytes] = ()
) -> Timestamp:
    """Check that a trusted authority saw the data at the time that the token states.

    Certificates have to be valid at that time, not today: a token outlives them.

    Args:
        roots: self-signed certificates that are trusted, PEM, one or more in each.
        intermediates: certificates between them and the authority's that the token does not bring along.

    Raises:
        TimestampError: it does not hold, and why.
        StoreError: the certificates cannot be used.
    """
    answer = decode(token, data)
    trusted, between = _certificates(roots), _certificates(intermediates)
    if not trusted:
        raise StoreError("there is no root certificate to check a timestamp against", "Configure one.")
    if any(found.issuer == found.subject for found in between):
        raise StoreError(
            "a root certificate is given as an intermediate one", "Give it as a root if it is trusted."
        )
    info = answer.tst_info
    signer = _signer(answer)
    if not signer.not_valid_before_utc <= info.gen_time <= signer.not_valid_after_utc:
        raise TimestampError(
            Reason.EXPIRED,
            f"the authority's certificate was not valid on {info.gen_time.date()}, the token's date",
        )
    try:
        VerifierBuilder(roots=trusted, intermediates=between).build().verify_message(answer, data)
    except (VerificationError, *_UNREADABLE) as error:
        expired = "expired" in str(error) or "not yet valid" in str(error)
        raise TimestampError(
            Reason.EXPIRED if expired else Reason.UNTRUSTED,
            f"the timestamp is not by an authority that is trusted: {_short(error)}",
            "Give the root certificate of the authority, and the intermediate ones if it has any.",
        ) from error
    return Timestamp(
        info.gen_time, info.serial_number, signer.subject.rfc4514_string(), info.policy.dotted_string
    )


def decode(token: bytes, data: bytes) -> TimeStampResponse:
    """Read a token and check that it is over this data. That says nothing about who made it.

    Raises:
        TimestampError: it is malformed, a refusal, or over other data.
    """
    answer = _decode(token)
    _check_granted(answer)
    _check_imprint(answer, data)
    return answer


def _decode(token: bytes) -> TimeStampResponse:
    try:
        return decode_timestamp_response(sorted_certificates(token))
    except _UNREADABLE as error:
        raise TimestampError(
            Reason.MALFORMED, f"this is not a timestamp of RFC 3161: {_short(error)}"
        ) from error


def _check_granted(answer: TimeStampResponse) -> None:
    if answer.status != _GRANTED:
        said = "; ".join(answer.status_string) or "no reason given"
        raise TimestampError(
            Reason.REJECTED, f"the timestamp authority refused, with status {answer.status}: {said}"
        )


def _check_imprint(answer: TimeStampResponse, data: bytes) -> None:
    try:
        imprint = answer.tst_info.message_imprint
    except _UNREADABLE as error:
        raise TimestampError(Reason.MALFORMED, f"the timestamp has no content: {_short(error)}") from error
    algorithm = _HASHES.get(imprint.hash_algorithm.dotted_string)
    if algorithm is None:
        raise TimestampError(
            Reason.IMPRINT,
            f"the timestamp is over a hash that is not taken: {imprint.hash_algorithm.dotted_string}",
        )
    if imprint.message != algorithm(data).digest():
        raise TimestampError(Reason.IMPRINT, "the timestamp is over other data")


def _signer(answer: TimeStampResponse) -> x509.Certificate:
    try:
        signed = answer.signed_data
        names = {(one.issuer, one.serial_number) for one in signed.signer_infos}
        found = [
            certificate
            for certificate in map(x509.load_der_x509_certificate, signed.certificates)
            if (certificate.issuer, certificate.serial_number) in names
        ]
    except _UNREADABLE as error:
        raise TimestampError(Reason.MALFORMED, f"the timestamp is malformed: {_short(error)}") from error
    if len(names) != 1 or len(found) != 1:
        raise TimestampError(
            Reason.UNTRUSTED, "the timestamp does not bring along the certificate of its one signer"
        )
    return found[0]


def _certificates(pems: Iterable[bytes]) -> list[x509.Certificate]:
    try:
        return list(dict.fromkeys(found for pem in pems for found in x509.load_pem_x509_certificates(pem)))
    except _UNREADABLE as error:
        raise StoreError(
            "a certificate of a timestamp authority is not PEM", "Convert it, or leave it out."
        ) from error


def _short(error: Exception) -> str:
    # OpenSSL's words are at the end of a long line of its own.
    text = str(error)
    _, found, detail = text.partition('data: "')
    return detail.partition('"')[0].removeprefix("Verify error: ") if found else text[:200]
