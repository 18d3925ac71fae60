"""Asking a witness to cosign a checkpoint (C2SP tlog-witness, ``add-checkpoint``)."""

from store.checkpoint_text import parse_number
from store.errors import StoreError
from store.http_post import Answer, TooLargeError, UnreachableError, host, post
from store.note_key import encode_base64
from store.proof import HashReader, consistency

LARGEST_ANSWER = 64 * 1024
_SIZE = "text/x.tlog.size"
_CONFLICT = 409
_TRIES = 3
_REASONS = {
    400: "it takes the request for malformed",
    403: "it does not know the key that signed the checkpoint; tell its operator the log's new key",
    404: "it does not know the log; tell its operator the log's origin and key",
    422: "it has cosigned another history of this log, or the proof of consistency is wrong",
}


class WitnessError(StoreError):
    """A witness did not cosign."""


def add_checkpoint(url: str, note: bytes, size: int, known: int, read: HashReader, timeout: float) -> bytes:
    """Ask a witness to cosign a checkpoint, from whatever size it has cosigned before.

    Args:
        url: the witness's submission prefix.
        note: the signed checkpoint, of ``size`` entries.
        known: the size that the witness is believed to have cosigned last; 0 if there is none.
        read: the log's hashes, for the proof of consistency.
        timeout: seconds, for each request.

    Returns:
        the signature lines that it answered with, not yet verified.

    Raises:
        WitnessError: it did not answer, or refused.
        ValueError: the address is not one of HTTP.
    """
    for _ in range(_TRIES):
        answer = _ask(url, _body(note, size, known, read), timeout)
        if answer.status == 200:
            return answer.body
        if answer.status != _CONFLICT:
            why = _REASONS.get(answer.status, "")
            raise WitnessError(
                f"the witness {host(url)} answered with HTTP status {answer.status}"
                + (f": {why}" if why else "")
            )
        held = _held(url, answer)
        if held > size:
            raise WitnessError(
                f"the witness {host(url)} has cosigned {held} entries of this log, which has {size}: "
                "an older copy of the store was put in its place, or somebody else signs for it"
            )
        if held == known:
            raise WitnessError(
                f"the witness {host(url)} has cosigned another history of this log, of {held} entries"
            )
        known = held
    raise WitnessError(f"the witness {host(url)} changes what it has cosigned faster than it can be asked")


def _body(note: bytes, size: int, known: int, read: HashReader) -> bytes:
    proof = consistency(read, known, size)
    lines = [f"old {known}", *map(encode_base64, proof), "", ""]
    return "\n".join(lines).encode("ascii") + note


def _ask(url: str, body: bytes, timeout: float) -> Answer:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        return post(f"{url.rstrip('/')}/add-checkpoint", body, headers, timeout, LARGEST_ANSWER)
    except UnreachableError as error:
        raise WitnessError(f"the witness {host(url)} does not answer: {error}") from error
    except TooLargeError as error:
        raise WitnessError(f"the witness {host(url)} answers too much for a cosignature") from error


def _held(url: str, answer: Answer) -> int:
    """Return the size that a witness says it has cosigned."""
    try:
        if answer.content_type != _SIZE or not answer.body.endswith(b"\n"):
            raise ValueError("it names no size")
        return parse_number(answer.body[:-1].decode("ascii"))
    except ValueError as error:
        raise WitnessError(
            f"the witness {host(url)} answered with HTTP status {_CONFLICT}: {error}"
        ) from error
