"""Reading one resource: its details in order, then its id, then the form in which it is kept."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from collectors.contract import Target
from collectors.definition import Detail, ResourceType
from collectors.details import Details, Place
from collectors.document import finish
from collectors.listing import Row
from collectors.privacy import Pseudonyms
from collectors.template import heads, render_text
from collectors.transport import CallError
from store.model import Document, Gap, Scope

_NOTHING: Mapping[str, Any] = {}


@dataclass(slots=True)
class Reading:
    """What came of reading one resource: no document means that it could not be named or kept."""

    document: Document | None = None
    gaps: list[Gap] = field(default_factory=list)


@dataclass(slots=True)
class _Failure:
    """A gap before the resource has its id."""

    key: str
    call: str
    code: str
    message: str
    region: str


class ResourceReader:
    """Reads resources of one type, from many threads.

    Args:
        now: the time as it is written into gaps.
        stopped: set when nobody waits for the rest any more.
        canonical_id: brings an id into the form in which it is kept.
        pseudonyms: what stands for people in what is kept; None keeps them as they are named.
    """

    def __init__(
        self,
        definition: ResourceType,
        target: Target,
        scope: Scope,
        details: Details,
        redaction_key: bytes,
        now: Callable[[], str],
        stopped: threading.Event,
        canonical_id: Callable[[str], str] = str,
        pseudonyms: Pseudonyms | None = None,
    ) -> None:
        self.scope_values: Mapping[str, Any] = {
            **scope.attributes,
            "account": scope.id,
            "scope": scope.id,
            "region": target.region,
        }
        self._definition = definition
        self._target = target
        self._details = details
        self._redaction_key = redaction_key
        self._now = now
        self._stopped = stopped
        self._canonical_id = canonical_id
        self._pseudonyms = pseudonyms
        self._id_needs_details = bool(heads(definition.id) & definition.detail.keys())

    def read(self, row: Row, contents: Mapping[str, Any] = _NOTHING) -> Reading:
        """Read one resource. Never raises: whatever goes wrong is a gap.

        Args:
            contents: what an inventory gave of it already.
        """
        reading = Reading()
        names: dict[str, str] = {}
        try:
            self._read(row, contents, reading, names)
        except Exception as error:  # noqa: BLE001 - one resource must not end the collection; the gap shows the fault
            reading.document = None
            reading.gaps.append(self._gap(_internal("", self._list_call, error, self._target.region), ""))
        if self._pseudonyms is not None and reading.gaps:
            reading.gaps = [
                replace(gap, message=self._pseudonyms.message(gap.message, names)) for gap in reading.gaps
            ]
        return reading

    def _read(self, row: Row, contents: Mapping[str, Any], reading: Reading, names: dict[str, str]) -> None:
        definition = self._definition
        content: dict[str, Any] = dict(row)
        if self._pseudonyms is not None:
            # Whatever goes wrong from here on may name these people.
            self._pseudonyms.put_into(content, definition.personal, names)
        failures: dict[str, _Failure] = {}
        if not self._id_needs_details and render_text(definition.id, self._values(content)) is None:
            reading.gaps.append(self._unnamed())
            return
        for key, detail in definition.detail.items():
            self._read_detail(key, detail, content, contents, failures)
        unnamed: list[str] = []
        if self._pseudonyms is not None:
            # Before the id is made, so that it is made of what is kept.
            content, unnamed = self._pseudonyms.put_into(content, definition.personal, names)
        values = self._values(content)
        resource_id = render_text(definition.id, values)
        if resource_id is None:
            reading.gaps.extend(self._gap(failure, "") for failure in failures.values())
            reading.gaps.append(self._unnamed())
            return
        kept_id = self._canonical_id(self._without_name("id", resource_id))
        region = self._home(values) if definition.home else ""

        def malformed(key: str, message: str) -> None:
            call = definition.detail[key].call if key in definition.detail else self._list_call
            failures.setdefault(
                key, _Failure(key, call, "MalformedAnswer", message, region or self._target.region)
            )

        finished = finish(definition, content, self._redaction_key, malformed, self._pseudonyms)
        reading.document = Document(
            resource_type=definition.type,
            id=kept_id,
            name=self._without_name("name", render_text(definition.name, values) or resource_id),
            region=region or (self._target.region if definition.region == "regional" else ""),
            content=finished.content,
            gaps={key: {"call": failure.call, "code": failure.code} for key, failure in failures.items()},
            redacted=finished.redacted,
            pseudonymised=tuple(sorted({*unnamed, *finished.pseudonymised})),
        )
        reading.gaps.extend(self._gap(failure, kept_id) for failure in failures.values())

    def _read_detail(
        self,
        key: str,
        detail: Detail,
        content: dict[str, Any],
        contents: Mapping[str, Any],
        failures: dict[str, _Failure],
    ) -> None:
        values = self._values(content)
        region = self._home(values) or self._target.region
        place = Place(region, {**values, "region": region}, frozenset(self.scope_values))
        try:
            if self._stopped.is_set():
                raise CallError("StoppedEarly", "the reader stopped before the end")
            content[key] = self._details.read(key, detail, place, failures, contents)
        except CallError as error:
            failures[key] = _Failure(key, detail.call, error.code, error.message, region)
        except Exception as error:  # noqa: BLE001 - an answer of a shape nobody foresaw costs one key, not the resource
            failures[key] = _internal(key, detail.call, error, region)

    def _values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        return {**self.scope_values, **content}

    def _without_name(self, key: str, text: str) -> str:
        if self._pseudonyms is None or key not in self._definition.personal:
            return text
        return self._pseudonyms.of(text)

    def _home(self, values: Mapping[str, Any]) -> str:
        return render_text(self._definition.home, values) or "" if self._definition.home else ""

    @property
    def _list_call(self) -> str:
        return self._definition.list.call if self._definition.list is not None else ""

    def _unnamed(self) -> Gap:
        message = f"a resource has no value for its id {self._definition.id!r}"
        return self._gap(_Failure("", self._list_call, "MalformedAnswer", message, self._target.region), "")

    def _gap(self, failure: _Failure, resource_id: str) -> Gap:
        return Gap(
            call=failure.call,
            code=failure.code,
            message=failure.message,
            at=self._now(),
            resource_id=resource_id,
            key=failure.key,
            region=failure.region,
        )


def _internal(key: str, call: str, error: Exception, region: str) -> _Failure:
    return _Failure(key, call, "InternalError", f"{type(error).__name__}: {error}", region)
