"""The custom role that reading some resource types takes."""

from collections.abc import Iterable, Iterator

import orjson

from collectors.azure.arm_path import ArmPath, arm_path
from collectors.azure.inventory import PERMISSIONS as COUNTING
from collectors.azure.settings import AzureSettings
from collectors.contract import Permissions
from collectors.definition import Call, ListCall, ResourceType
from collectors.rest.operation import Operation, parse
from collectors.template import heads

_SUBSCRIPTIONS = "Microsoft.Resources/subscriptions/read"
_DESCENDANTS = "Microsoft.Management/managementGroups/descendants/read"


def permissions(definitions: Iterable[ResourceType], settings: AzureSettings) -> Permissions:
    """Return a role definition with the actions that reading takes, at the scopes of the settings."""
    definitions = tuple(definitions)
    actions = {_SUBSCRIPTIONS} | {
        action
        for definition in definitions
        for call in definition.calls()
        for action in actions_of(definition, call)
    }
    if any(definition.inventory for definition in definitions):
        actions.update(COUNTING)
    scopes = [f"/subscriptions/{each}" for each in settings.subscriptions]
    if settings.management_groups:
        actions.add(_DESCENDANTS)
        scopes += [
            f"/providers/Microsoft.Management/managementGroups/{each}" for each in settings.management_groups
        ]
    role = {
        "Name": "Annexa Reader",
        "IsCustom": True,
        "Description": "Reads the configuration that Annexa collects. Changes nothing and reads no data.",
        "Actions": sorted(actions),
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": scopes or ["/subscriptions/00000000-0000-0000-0000-000000000000"],
    }
    note = (
        "Create it with `az role definition create --role-definition FILE`, and assign it to the principal."
    )
    if not scopes:
        note += " Put your own scopes in the place of the one under AssignableScopes."
    return Permissions(
        tuple(sorted(actions)), (orjson.dumps(role, option=orjson.OPT_INDENT_2).decode(),), note=note
    )


def actions_of(definition: ResourceType, call: Call) -> tuple[str, ...]:
    """Return the actions that a call takes, as it or its path says; none if neither does."""
    if call.permission:
        return call.permission
    try:
        operation = parse(call.operation)
    except ValueError:
        return ()
    path = path_of(definition, call, operation)
    return (path.read_action,) if operation.method == "GET" and path is not None else ()


def path_of(definition: ResourceType, call: Call, operation: Operation) -> ArmPath | None:
    """Return what the path of a call says, with the parents that its templates name."""
    return arm_path(operation.template, _parent(definition, call, operation))


def _parent(definition: ResourceType, call: Call, operation: Operation) -> tuple[str, ...]:
    """Return the kind of the resource that a leading ``{+id}`` is the id of."""
    if not operation.template.startswith("{+"):
        return ()
    named = heads(call.with_.get(operation.variables[0], ""))
    for head, source in _sources(definition, call):
        if named == {head} and source is not None:
            found = path_of(definition, source, parse(source.operation))
            return found.kind if found is not None else ()
    return ()


def _sources(definition: ResourceType, call: Call) -> Iterator[tuple[str, ListCall | None]]:
    if isinstance(call, ListCall):
        yield "over", call.over
    elif definition.list is not None:
        yield "item", definition.list
        yield "over", definition.list.over
