"""IAM policy documents in one form, so that rules need not know every way to write the same."""

import json
from typing import Any
from urllib.parse import unquote

_LISTS = ("Action", "NotAction", "Resource", "NotResource")
_PRINCIPALS = ("Principal", "NotPrincipal")


def policy_document(value: Any) -> dict[str, Any]:
    """Bring a policy into one form.

    ``Statement``, actions and resources become lists, principals an object of lists (a bare
    ``*`` becomes ``{"AWS": ["*"]}``), condition values lists of strings, as IAM compares them.
    Applying it to its own result changes nothing.

    Args:
        value: JSON text, percent-encoded JSON text, or the policy as an object.

    Raises:
        ValueError: the text is not JSON.
        TypeError: it is none of these, or not a policy.
    """
    policy = _parsed(value) if isinstance(value, str | bytes) else value
    if not isinstance(policy, dict):
        raise TypeError(f"a policy must be an object, not {type(policy).__name__}")
    statements = _listed(policy.get("Statement"))
    if not all(isinstance(statement, dict) for statement in statements):
        raise TypeError("a policy's statements must be objects")
    return {**policy, "Statement": [_statement(statement) for statement in statements]}


def _parsed(text: str | bytes) -> Any:
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    # JSON never begins with a percent sign, and unquoting plain JSON would change its strings.
    return json.loads(unquote(text) if text.lstrip().startswith("%") else text)


def _statement(statement: dict[str, Any]) -> dict[str, Any]:
    result = dict(statement)
    for key in _LISTS:
        if key in result:
            result[key] = _listed(result[key])
    for key in _PRINCIPALS:
        if key in result:
            result[key] = _principal(result[key])
    if "Condition" in result:
        result["Condition"] = _condition(result["Condition"])
    return result


def _principal(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return {kind: _listed(names) for kind, names in value.items()}
    return {"AWS": _listed(value)}


def _condition(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a policy's condition must be an object")
    return {
        operator: {key: [_text(inner) for inner in _listed(values)] for key, values in keys.items()}
        if isinstance(keys, dict)
        else keys
        for operator, keys in value.items()
    }


def _text(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
