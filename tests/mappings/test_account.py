"""How definitions tell of accounts: sound, and honest about what a document does not say."""

import datetime as dt
from typing import Any

import pytest

from mappings.account import BUILT_IN_ACCOUNTS, AccountDefinition, load_accounts
from mappings.reading_accounts import Account, Known, read_accounts
from store.model import Document

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
BUILT_IN = {definition.type: definition for definition in load_accounts([BUILT_IN_ACCOUNTS])}
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
WORKSPACE_USER = {
    "id": "1",
    "primaryEmail": "Ann@example.com",
    "suspended": False,
    "archived": False,
    "isAdmin": False,
    "isDelegatedAdmin": True,
    "isEnrolledIn2Sv": True,
    "isMailboxSetup": True,
    "orgUnitPath": "/Sales",
    "lastLoginTime": "1970-01-01T00:00:00.000Z",
}

NEVER_USED = {
    "password_enabled": "true",
    "password_last_used": "no_information",
    "access_key_1_last_used_date": "N/A",
    "access_key_2_last_used_date": "N/A",
}


def known(kind: str, content: dict[str, Any], **more: Any) -> Known:
    return Known(kind.split(".")[0], "one", Document(kind, "id", "name", "", content, **more), "00")


def accounts(*found: Known) -> list[Account]:
    documents: dict[str, list[Known]] = {}
    for each in found:
        documents.setdefault(each.document.resource_type, []).append(each)
    return list(read_accounts(BUILT_IN.values(), documents, NOW).found.values())


@pytest.mark.parametrize("kind", sorted(BUILT_IN))
def test_every_expression_compiles(kind: str) -> None:
    definition = BUILT_IN[kind]
    assert definition.expressions.keys() <= {"each", "applies", "key", "label", "unless"}
    assert definition.attributes or definition.kind == "account"
    assert all(identifier.expression.source for identifier in definition.identifier)


def test_facts_are_about_a_type_that_is_defined() -> None:
    assert {definition.of for definition in BUILT_IN.values() if definition.of} <= BUILT_IN.keys()


def test_an_account_is_what_its_document_says() -> None:
    (account,) = accounts(known("google_workspace.directory.user", {"item": WORKSPACE_USER}))
    assert account.directory
    assert account.names == {("google-id", "1"), ("email", "ann@example.com")}
    assert account.known == {
        "active": True,
        "admin": True,
        "department": "/Sales",
        "everyday": True,
        "guest": False,
        "last_used": "",
        "mfa": True,
    }


def test_what_a_document_does_not_say_is_not_known() -> None:
    item = {name: value for name, value in WORKSPACE_USER.items() if name != "isEnrolledIn2Sv"}
    (account,) = accounts(known("google_workspace.directory.user", {"item": item}))
    assert account.known["mfa"] is None


def test_what_a_gap_hides_is_not_known() -> None:
    content = {
        "item": {"UserId": "AIDA1", "UserName": "ann", "Arn": "arn:aws:iam::1:user/ann"},
        "report": {**NEVER_USED},
        "ssh_keys": [],
        "service_credentials": [],
    }
    gaps = {"mfa": {"call": "iam:ListMFADevices", "code": "AccessDenied"}}
    (account,) = accounts(known("aws.iam.user", content, gaps=gaps))
    assert account.known["mfa"] is None
    assert account.known["last_used"] == ""


@pytest.mark.parametrize(
    ("number", "names"), [("0042", {("employee-number", "0042")}), ("0000", set()), ("N/A", set())]
)
def test_an_employee_number_that_says_nothing_is_none(number: str, names: set[tuple[str, str]]) -> None:
    item = {"id": "1", "userName": "ann", "active": True, ENTERPRISE: {"employeeNumber": number}}
    (account,) = accounts(known("scim.directory.user", {"item": item}))
    assert {name for name in account.names if name[0] == "employee-number"} == names


def test_a_user_who_cannot_sign_in_is_no_account_of_a_person() -> None:
    content = {"item": {"UserId": "AIDA1"}, "report": {"password_enabled": "false"}}
    assert accounts(known("aws.iam.user", content)) == []


def last_use(report: dict[str, str], *gaps: str, **keys: Any) -> Any:
    """Return what is known of the last use of an IAM user with this row in the credential report."""
    content: dict[str, Any] = {
        "item": {"UserId": "AIDA1"},
        "report": {"password_enabled": "true", **report},
    }
    unread = {key: {"call": f"iam:{key}", "code": "AccessDenied"} for key in gaps}
    content |= {"ssh_keys": [], "service_credentials": [], **keys}
    user = known("aws.iam.user", {key: content[key] for key in content.keys() - unread.keys()}, gaps=unread)
    (account,) = accounts(user)
    return account.known["last_used"]


@pytest.mark.parametrize(
    ("used", "latest"),
    [
        ({}, ""),
        ({"password_last_used": "2025-12-01T08:00:00+00:00"}, "2025-12-01T08:00:00+00:00"),
        ({"access_key_1_last_used_date": "2025-12-01T08:00:00+00:00"}, "2025-12-01T08:00:00+00:00"),
        (
            {
                "password_last_used": "2024-01-01T08:00:00+00:00",
                "access_key_1_last_used_date": "2025-10-01T08:00:00+00:00",
                "access_key_2_last_used_date": "2025-12-01T08:00:00+00:00",
            },
            "2025-12-01T08:00:00+00:00",
        ),
        (
            {
                "password_last_used": "2025-12-01T08:00:00+00:00",
                "access_key_1_last_used_date": "2025-12-01T08:00:00+00:00",
            },
            "2025-12-01T08:00:00+00:00",
        ),
    ],
)
def test_the_last_use_of_an_iam_user_is_that_of_the_password_or_a_key(
    used: dict[str, str], latest: str
) -> None:
    assert last_use({**NEVER_USED, **used}) == latest


@pytest.mark.parametrize("column", [name for name in NEVER_USED if name != "password_enabled"])
def test_without_a_column_of_the_report_the_last_use_of_an_iam_user_is_not_known(column: str) -> None:
    row = {**NEVER_USED, "password_last_used": "2024-01-01T08:00:00+00:00"}
    assert last_use({name: value for name, value in row.items() if name != column}) is None
    assert last_use({**row, column: "not_supported"}) is None


@pytest.mark.parametrize("key", ["ssh_keys", "service_credentials"])
def test_of_keys_for_repositories_aws_does_not_tell_the_use(key: str) -> None:
    row = {**NEVER_USED, "password_last_used": "2024-01-01T08:00:00+00:00"}
    assert last_use(row, **{key: [{"Status": "Inactive"}]}) == row["password_last_used"]
    assert last_use(row, **{key: [{"Status": "Inactive"}, {"Status": "Active"}]}) is None
    assert last_use(row, key) is None


def test_members_of_a_policy_are_accounts_and_machines_and_groups_are_not() -> None:
    bindings = [
        {"role": "roles/owner", "members": ["user:Ann@example.com", "group:g@example.com"]},
        {
            "role": "roles/viewer",
            "members": ["user:ann@example.com", "serviceAccount:s@p.iam.gserviceaccount.com"],
        },
    ]
    (account,) = accounts(known("gcp.cloudresourcemanager.project", {"iam": {"bindings": bindings}}))
    assert account.key == "ann@example.com"
    assert account.known == {"active": True, "admin": True}


def test_whoever_administers_in_identity_center_has_it_from_a_permission_set() -> None:
    users = [
        known("aws.identitystore.user", {"item": {"UserId": name, "UserName": f"{name}@example.com"}})
        for name in ("ann", "bob")
    ]
    assignment = {"PrincipalType": "USER", "PrincipalId": "ann"}
    granted = known(
        "aws.ssoadmin.permission_set",
        {
            "managed_policies": [{"Name": "AdministratorAccess"}],
            "assignments": [{"each": "1", "answer": [assignment]}],
        },
    )
    assert {each.key: each.known["admin"] for each in accounts(*users, granted)} == {
        "ann": True,
        "bob": False,
    }
    assert {each.known["admin"] for each in accounts(*users)} == {None}


def permission_set(*policies: str, principal: str) -> Known:
    return known(
        "aws.ssoadmin.permission_set",
        {
            "managed_policies": [{"Name": name} for name in policies],
            "assignments": [{"each": "1", "answer": [{"PrincipalType": principal, "PrincipalId": "p"}]}],
        },
    )


@pytest.mark.parametrize(
    ("granted", "admin"),
    [
        ([permission_set("AdministratorAccess", principal="GROUP")], None),
        ([permission_set("ReadOnlyAccess", principal="GROUP")], False),
        ([permission_set("AdministratorAccess", principal="USER")], False),
        ([permission_set(principal="USER"), permission_set("AdministratorAccess", principal="GROUP")], None),
    ],
)
def test_where_a_group_administers_nobody_is_said_not_to(granted: list[Known], admin: bool | None) -> None:
    user = known("aws.identitystore.user", {"item": {"UserId": "ann", "UserName": "ann@example.com"}})
    assert [each.known["admin"] for each in accounts(user, *granted)] == [admin]


def test_whoever_is_in_a_group_that_administers_does() -> None:
    def user(name: str) -> Known:
        item = {"UserId": name, "UserName": name, "Arn": f"arn:aws:iam::1:user/{name}"}
        report = {"password_enabled": "true", "password_last_used": "N/A"}
        return known("aws.iam.user", {"item": item, "report": report, "mfa": [], "access_keys": []})

    def group(policy: str, *members: str) -> Known:
        content = {
            "item": {"AttachedManagedPolicies": [{"PolicyName": policy}]},
            "members": [{"Arn": f"arn:aws:iam::1:user/{name}"} for name in members],
        }
        return known("aws.iam.group", content)

    users, groups = (
        [user("ann"), user("bob")],
        [group("AdministratorAccess", "ann"), group("ReadOnly", "bob")],
    )
    assert [each.known["admin"] for each in accounts(*users, *groups)] == [True, False]
    unread = known(
        "aws.iam.group", groups[0].document.content, gaps={"members": {"call": "c", "code": "Denied"}}
    )
    assert [each.known["admin"] for each in accounts(*users, unread)] == [None, None]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"type": "a.b.c", "kind": "account"}, "needs 'active'"),
        ({"type": "a.b.c", "kind": "facts", "identifier": []}, "of' another type"),
        (
            {
                "type": "a.b.c",
                "kind": "account",
                "active": "true",
                "identifier": [{"kind": "x", "value": "''"}],
            },
            "no kind of identifier",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AccountDefinition.model_validate(table)


ANN: dict[str, Any] = {
    "id": "a",
    "userPrincipalName": "ann@example.com",
    "mail": None,
    "accountEnabled": True,
}
ANN |= {"userType": "Member", "assignedLicenses": []}
GLOBAL_ADMINISTRATOR = "62e90394-69f5-4237-9190-012177145e10"
GLOBAL_READER = "f2ef992c-3afb-46b9-b7cf-a126ee74c451"


def of_ann(*found: Known) -> Account:
    registration = {"item": {"id": "a", "isMfaRegistered": True, "isAdmin": False}}
    users = known("entra.user.user", {"item": ANN}), known("entra.user.registration", registration)
    (account,) = accounts(*users, *found)
    return account


def role(kind: str, principal: str, role: str = GLOBAL_ADMINISTRATOR, members: Any = None) -> Known:
    item = {"roleDefinitionId": role, "principalId": principal}
    return known(f"entra.role.{kind}", {"item": item, "members": members})


@pytest.mark.parametrize("kind", ["assignment", "eligibility"])
def test_who_holds_a_role_of_entra_or_may_activate_it_administers(kind: str) -> None:
    assert of_ann(role(kind, "a")).known["admin"] is True
    assert of_ann(role(kind, "group", members=[{"id": "b"}, {"id": "A"}])).known["admin"] is True
    assert of_ann(role(kind, "b"), role(kind, "group", members=[])).known["admin"] is False
    assert of_ann(role(kind, "a", GLOBAL_READER)).known["admin"] is False


def test_where_roles_of_entra_were_not_read_the_report_of_registrations_decides() -> None:
    assert of_ann().known["admin"] is False
    (alone,) = accounts(known("entra.user.user", {"item": ANN}))
    assert alone.known["admin"] is None
    (holder,) = accounts(known("entra.user.user", {"item": ANN}), role("assignment", "a"))
    assert holder.known["admin"] is True, "a role needs no report, for which a licence may be lacking"


@pytest.mark.parametrize(
    ("activity", "last_used"),
    [
        ({}, ""),
        ({"signInActivity": None}, ""),
        (
            {"signInActivity": {"lastSuccessfulSignInDateTime": "2025-12-01T00:00:00Z"}},
            "2025-12-01T00:00:00Z",
        ),
        ({"signInActivity": {"lastSignInDateTime": "2025-12-01T00:00:00Z"}}, None),
        ({"signInActivity": {"lastSuccessfulSignInDateTime": None}}, None),
    ],
)
def test_an_attempt_to_sign_in_to_entra_is_no_use_and_no_proof_of_none(
    activity: dict[str, Any], last_used: str | None
) -> None:
    assert (
        of_ann(known("entra.user.sign-in-activity", {"item": ANN | activity})).known["last_used"] == last_used
    )
