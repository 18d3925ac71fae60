"""From what was read of one resource to the document that is kept: in one form, without secrets or names."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from collectors.decode import DecodeError, decode
from collectors.definition import ResourceType
from collectors.paths import DELETE, change_at
from collectors.privacy import Pseudonyms
from collectors.redact import redact


@dataclass(frozen=True, slots=True)
class Finished:
    """What is kept of the answers, and the concrete paths that were redacted and pseudonymised."""

    content: dict[str, Any]
    redacted: tuple[str, ...]
    pseudonymised: tuple[str, ...] = ()


def finish(
    definition: ResourceType,
    content: dict[str, Any],
    redaction_key: bytes,
    on_problem: Callable[[str, str], None],
    pseudonyms: Pseudonyms | None = None,
) -> Finished:
    """Bring policies into one form, drop what changes by itself, name nobody, and redact.

    Args:
        pseudonyms: what stands for people in policies; all else must have been brought to name nobody.
        on_problem: told of each policy that cannot be decoded: (document key, message). It stays
            as the provider wrote it.
    """
    for path in definition.policies:
        content, _ = change_at(content, path, lambda value: _policy(value, path, on_problem))  # noqa: B023 - run at once
    for path in definition.volatile:
        content, _ = change_at(content, path, lambda _: DELETE)
    unnamed: list[str] = []
    if pseudonyms is not None and definition.policies:
        # What was within a policy's text could not be told before.
        content, unnamed = pseudonyms.put_into(content, definition.personal)
    content, redacted = redact(content, definition.secret, redaction_key)
    return Finished(content, tuple(redacted), tuple(unnamed))


def _policy(value: Any, path: str, on_problem: Callable[[str, str], None]) -> Any:
    try:
        return decode(value, "iam-policy")
    except DecodeError as error:
        on_problem(path.split(".", 1)[0], f"{path} {error}")
        return value
