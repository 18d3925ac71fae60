"""The form that Cloud Asset Inventory and the APIs themselves have in common.

The inventory writes empty objects and lists where an API leaves the field out, and has some fields of Compute
Engine under two names. A policy comes with what belongs to the call rather than to the policy.

Source: https://cloud.google.com/asset-inventory/docs/legacy-fields.
"""

from collections.abc import Iterator
from typing import Any

from collectors.definition import ResourceType
from collectors.gcp.asset_read import IAM_POLICY

_COMPUTE = "compute.googleapis.com/"
_OF_A_POLICY = ("auditConfigs", "bindings")
_CURRENT = {
    "authentication": "clientTlsPolicy",
    "externalIp": "natIP",
    "ipAddress": "networkIP",
    "ipProtocol": "IPProtocol",
    "tag": "items",
}
"""Legacy name → current name, where that is not its plural."""


def common(definition: ResourceType, content: str, value: Any) -> Any:
    """Return what is the same wherever it was read.

    Args:
        content: the content's name; "" for an element of a list.
    """
    if content == IAM_POLICY and isinstance(value, dict):
        return {key: value[key] for key in _OF_A_POLICY if value.get(key)}
    return _plain(value, definition.inventory.startswith(_COMPUTE))


def _plain(value: Any, compute: bool) -> Any:
    if isinstance(value, list):
        return [_plain(each, compute) for each in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, inner in value.items():
        if compute and any(value.get(name) == inner for name in _names(key) if name in value):
            continue
        plain = _plain(inner, compute)
        if plain is not None and plain != {} and plain != []:
            kept[key] = plain
    return kept


def _names(key: str) -> Iterator[str]:
    """Yield the current names that a legacy one may stand beside."""
    if key in _CURRENT:
        yield _CURRENT[key]
    yield f"{key}s"
    yield f"{key}es"
    if key.endswith("y"):
        yield f"{key[:-1]}ies"
