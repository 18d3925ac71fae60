"""The least-privilege IAM policy that reading some resource types takes."""

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from collectors.aws.shapes import operation_model
from collectors.contract import Permissions
from collectors.definition import Call, ResourceType
from store.definition_file import parse, read_tables
from store.model import Strict

MANAGED_POLICY_LIMIT = 6_144
"""Characters, white space not counted, that one managed policy may have."""


class _Exception(Strict):
    """A service whose IAM actions are not its signing name and the operation's name."""

    service: str
    prefix: str
    action: str = ""


def permissions(
    definitions: Iterable[ResourceType], extra: Iterable[str] = (), roles: Iterable[str] = ()
) -> Permissions:
    """Return policies with a statement for each service, as many as managed policies take.

    Args:
        extra: further actions, for discovery.
        roles: ARNs of the roles to take.
    """
    actions = {
        action for definition in definitions for call in definition.calls() for action in actions_of(call)
    }
    actions.update(extra)
    documents = _split(_policy(actions, roles))
    note = "Attach it to the principal that collects, as a managed policy."
    if len(documents) > 1:
        note += f" Attach all {len(documents)}: one takes {MANAGED_POLICY_LIMIT:,} characters."
    return Permissions(
        tuple(sorted(actions)),
        tuple(orjson.dumps(document, option=orjson.OPT_INDENT_2).decode() for document in documents),
        note=note,
    )


def _policy(actions: Iterable[str], roles: Iterable[str]) -> dict[str, Any]:
    by_service: dict[str, list[str]] = defaultdict(list)
    for action in sorted(actions):
        by_service[action.split(":", 1)[0]].append(action)
    statements: list[dict[str, Any]] = [
        {"Sid": _sid(service), "Effect": "Allow", "Action": found, "Resource": "*"}
        for service, found in by_service.items()
    ]
    wanted = sorted(set(roles))
    if wanted:
        statements.append(
            {"Sid": "TakeRoles", "Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": wanted}
        )
    return {"Version": "2012-10-17", "Statement": statements}


def _split(document: dict[str, Any]) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = []
    for statement in document["Statement"]:
        if documents:
            grown = {**documents[-1], "Statement": [*documents[-1]["Statement"], statement]}
            if len(orjson.dumps(grown)) <= MANAGED_POLICY_LIMIT:
                documents[-1] = grown
                continue
        documents.append({**document, "Statement": [statement]})
    return documents


def actions_of(call: Call) -> tuple[str, ...]:
    """Return the IAM actions that a call takes."""
    if call.permission:
        return call.permission
    exception = _exceptions().get(call.service)
    prefix = exception.prefix if exception is not None else _signing_name(call.call)
    return (f"{prefix}:{(exception.action if exception is not None else '') or call.operation}",)


@cache
def _exceptions() -> dict[str, _Exception]:
    path = Path(__file__).with_name("permissions.toml")
    found = [
        parse(_Exception, table, path, table.get("service", "?")) for table in read_tables(path, "exception")
    ]
    return {exception.service: exception for exception in found}


def _signing_name(call: str) -> str:
    try:
        return str(operation_model(call).service_model.signing_name)
    except LookupError:  # the linter names it; a policy can still be given for the others
        return call.split(":", 1)[0]


def _sid(service: str) -> str:
    return "Read" + "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", service))
