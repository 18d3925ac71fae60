"""Whether a directory hides entries whole: what it says of subordinates, beside what it shows of them.

OpenLDAP says of each entry whether it has subordinates (``hasSubordinates``), and 389 Directory Server and
others how many (``numSubordinates``), whoever asks; the subordinates they show only to whoever may see them.
"""

import threading
from collections.abc import Collection, Mapping
from typing import Any

from collectors.definition import ResourceType
from collectors.inventory import Comparison
from collectors.ldap.members import key
from collectors.ldap.transport import LdapTransport
from collectors.transport import CallError
from store.model import Scope

_CALL = "ldap:SEARCH subtree"
_HAS, _COUNTS = "hasSubordinates", "numSubordinates"
_MOST_NAMED = 3


class Subordinates:
    """Counts what is below each entry; see :class:`collectors.inventory.Census`.

    Args:
        transport: of the directory.
    """

    def __init__(self, transport: LdapTransport) -> None:
        self._transport = transport
        self._lock = threading.Lock()
        self._hiding: dict[str, list[str] | CallError | None] = {}

    def compare(self, definition: ResourceType, scope: Scope, ids: Collection[str]) -> Comparison:
        """Say whether anything below the base is hidden: it may be of any type."""
        with self._lock:
            if scope.id not in self._hiding:
                self._hiding[scope.id] = self._look(scope.id)
            hiding = self._hiding[scope.id]
        if isinstance(hiding, CallError):
            return Comparison(_CALL, None, reason=str(hiding))
        if hiding is None:
            return Comparison(_CALL, None, reason="the directory does not say what has subordinates")
        if not hiding:
            return Comparison(_CALL, None, reason="every entry shows what it says that is below it")
        named = ", ".join(hiding[:_MOST_NAMED]) + (", …" if len(hiding) > _MOST_NAMED else "")
        said = (
            f"{named} has subordinates that the account may not see, of whatever type: grant what "
            "`annexa permissions ldap` prints, or narrow base_dn"
        )
        return Comparison(_CALL, None, CallError("CountMismatch", said))

    def _look(self, base: str) -> list[str] | CallError | None:
        """Return the entries that have more subordinates than they show; None where that cannot be told."""
        try:
            above = self._transport.whole(
                "subtree",
                {"base": base, "filter": f"(|({_HAS}=TRUE)({_COUNTS}>=1))", "attributes": (_HAS, _COUNTS)},
            )
            if not above:
                return None
            parents = {key(each["dn"]).partition(",")[2] for each in above}
            return [each["dn"] for each in above if self._hides(each, parents)]
        except CallError as error:
            return error
        except ValueError as error:
            return CallError("MalformedAnswer", f"{_COUNTS} is no number: {error}")

    def _hides(self, entry: Mapping[str, Any], parents: Collection[str]) -> bool:
        if not entry["attributes"].get(_COUNTS) and key(entry["dn"]) in parents:
            return False
        shown = len(self._transport.whole("onelevel", {"base": entry["dn"], "attributes": ()}))
        if shown >= _least(entry):
            return False
        # Some may have been deleted between the two.
        again = self._transport.whole("base", {"base": entry["dn"], "attributes": (_HAS, _COUNTS)})
        return bool(again) and shown < min(_least(entry), _least(again[0]))


def _least(entry: Mapping[str, Any]) -> int:
    """Return how many subordinates an entry says that it has, at least."""
    attributes = entry["attributes"]
    if attributes.get(_COUNTS):
        return int(attributes[_COUNTS][0])
    return int(attributes.get(_HAS) == ["TRUE"])
