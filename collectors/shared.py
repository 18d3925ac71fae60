"""Answers that serve many resources: asked for once, by whoever needs them first."""

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

from collectors.transport import CallError


@dataclass(slots=True)
class _Entry:
    lock: threading.Lock = field(default_factory=threading.Lock)
    done: bool = False
    value: Any = None
    error: CallError | None = None


class SharedAnswers:
    """Remembers one value, or one error, for each key; one thread computes, the others wait."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[Hashable, _Entry] = {}

    def get(self, key: Hashable, compute: Callable[[], Any]) -> Any:
        """Return the value of the key, computing it the first time.

        Raises:
            CallError: computing it failed, now or earlier.
        """
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
        with entry.lock:
            if not entry.done:
                try:
                    entry.value = compute()
                except CallError as error:
                    if error.code == "Cancelled":
                        raise
                    entry.error = error
                entry.done = True
        if entry.error is not None:
            # A copy: threads that raise one instance would write their tracebacks into it.
            raise type(entry.error)(entry.error.code, entry.error.message, status=entry.error.status)
        return entry.value
