"""Who and what the small tenant holds, by their ids."""

GLOBAL = "62e90394-69f5-4237-9190-012177145e10"
SECURITY = "194ae4cb-b126-40b2-bd5b-6091b380977d"
MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
GRAPH = "00000003-0000-0000-c000-000000000000"
TAKES_OVER = "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"
"""The permission RoleManagement.ReadWrite.Directory."""

HINT = "xQ7"
"""The beginning of an application's secret, which Graph shows."""


def identifier(kind: str, number: int) -> str:
    """An object id."""
    return f"{kind}0000000-0000-4000-8000-{number:012}"
