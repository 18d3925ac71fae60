"""What a path of Azure Resource Manager says by its form: the kind of resource, and whether it lists.

A path names pairs of type and name below a provider's namespace; one that ends with a type lists.
Source: https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules and
the resource ids of the Azure REST API reference.
"""

from dataclasses import dataclass

_RESOURCES = "Microsoft.Resources"


@dataclass(frozen=True, slots=True)
class ArmPath:
    """A path that was understood.

    Attributes:
        kind: namespace and types, e.g. ``("Microsoft.Storage", "storageAccounts", "blobServices")``.
        lists: whether it names all of a kind rather than one.
    """

    kind: tuple[str, ...]
    lists: bool

    @property
    def read_action(self) -> str:
        """The action that reading it takes, as role definitions name it."""
        return "/".join((*self.kind, "read"))


def arm_path(path: str, parent: tuple[str, ...] = ()) -> ArmPath | None:
    """Read a path, or the template of one; None where its kind cannot be told.

    Args:
        parent: the kind of the resource that a leading ``{+id}`` stands for.
    """
    head, *segments = path.split("/")
    if head.startswith("{+"):
        kind = parent
    elif head == "" and segments and segments[0]:
        kind = (_RESOURCES,)
    else:
        return None
    # The last namespace counts: what extends a resource is a resource of its own.
    at = next((i for i in range(len(segments) - 1, -1, -1) if segments[i].lower() == "providers"), None)
    if at is not None:
        if at + 1 >= len(segments):
            return None
        kind, segments = (segments[at + 1],), segments[at + 2 :]
    elif not kind or (head.startswith("{+") and not segments):
        return ArmPath(kind, False) if kind else None
    types = segments[::2]
    if not all(segments) or any("{" in each for each in types):
        return None
    kind = (*kind, *types)
    return ArmPath(kind, len(segments) % 2 == 1) if len(kind) > 1 else None
