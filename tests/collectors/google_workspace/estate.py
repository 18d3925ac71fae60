"""One customer with something of every kind: administrators, leavers, groups in groups, devices, settings."""

from typing import Any

from tests.collectors.google_workspace.delegated import ADMIN
from tests.collectors.google_workspace.workspace import Workspace

CUSTOMER = "C0123abcd"
USERS = 7
RECOVERY = "ann.private@mail.example"
ROOT = "id:03root"
_DIRECTORY = "admin:GET /admin/directory/v1"
_CUSTOMER = f"{_DIRECTORY}/customer/{{customer}}"
_BY_ID = f"{_DIRECTORY}/customer/{{customerId}}"
_ETAG = '"xyz"'


def _user(number: int, **more: Any) -> dict[str, Any]:
    return {
        "kind": "admin#directory#user",
        "id": f"10{number}",
        "etag": _ETAG,
        "primaryEmail": f"user{number}@example.com",
        "name": {"givenName": "User", "familyName": str(number), "fullName": f"User {number}"},
        "isAdmin": False,
        "isDelegatedAdmin": False,
        "isEnrolledIn2Sv": True,
        "isEnforcedIn2Sv": True,
        "lastLoginTime": "2999-01-01T00:00:00.000Z",
        "creationTime": "2024-01-01T00:00:00.000Z",
        "suspended": False,
        "archived": False,
        "orgUnitPath": "/",
        "phones": [{"value": "+44 20 7946 0000", "type": "work"}],
        **more,
    }


def users() -> list[dict[str, Any]]:
    """Two super administrators, one with a role, a leaver, one who never came, two without recovery."""
    found = [
        _user(0, primaryEmail=ADMIN, isAdmin=True, recoveryEmail=RECOVERY),
        _user(1, isAdmin=True, isEnrolledIn2Sv=False, isEnforcedIn2Sv=False),
        _user(2, isDelegatedAdmin=True),
        _user(3, suspended=True, suspensionReason="ADMIN", isDelegatedAdmin=True),
        _user(4, lastLoginTime="1970-01-01T00:00:00.000Z"),
        _user(5, lastLoginTime="2020-01-01T00:00:00.000Z"),
        _user(6),
    ]
    assert len(found) == USERS
    return found


def policy(
    setting: str, value: dict[str, Any], *, unit: str = "03root", kind: str = "ADMIN"
) -> dict[str, Any]:
    """A policy as the Policy API tells it."""
    return {
        "name": f"policies/{setting}.{unit}.{kind}",
        "customer": f"customers/{CUSTOMER}",
        "type": kind,
        "policyQuery": {
            "query": f"entity.org_units.exists(org_unit, org_unit.org_unit_id == orgUnitId('{unit}'))",
            "orgUnit": f"orgUnits/{unit}",
            "sortOrder": 101.5 if kind == "ADMIN" else 1.5,
        },
        "setting": {"type": f"settings/{setting}", "value": value},
    }


def policies() -> list[dict[str, Any]]:
    """What administrators set for everybody, for one unit otherwise, and what is Google's own."""
    return [
        policy("security.two_step_verification_enforcement", {"enforcedFrom": "2025-01-01T00:00:00Z"}),
        policy("security.password", {"minimumLength": 14, "allowReuse": False, "allowedStrength": "STRONG"}),
        policy("security.password", {"minimumLength": 8}, unit="03sales"),
        policy("gmail.auto_forwarding", {"enableAutoForwarding": True}, kind="SYSTEM"),
        policy("gmail.auto_forwarding", {"enableAutoForwarding": False}),
        policy("drive_and_docs.external_sharing", {"externalSharingMode": "ALLOWED"}),
        policy("rule.system_defined_alerts", {"displayName": "Suspicious login", "state": "ACTIVE"}),
    ]


def build(estate: Workspace) -> None:
    """Fill a customer."""
    people = users()
    by_key = {user["id"]: user for user in people}

    def listed(key: str, elements: list[dict[str, Any]], kind: str = "") -> Any:
        head = {"kind": f"admin#directory#{kind}", "etag": _ETAG} if kind else {}
        return lambda path, query: {**head, key: elements}

    def all_users(path: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        flag = query.get("query", "").removesuffix("=true")
        chosen = [user for user in people if not flag or user[flag]]
        return {"kind": "admin#directory#users", "etag": _ETAG, "users": chosen}

    def of_user(kind: str, elements: list[dict[str, Any]]) -> Any:
        def answer(path: dict[str, str], query: dict[str, str]) -> dict[str, Any] | None:
            user = by_key.get(path["userKey"])
            if user is None:
                return None
            found = elements if user["primaryEmail"] == ADMIN else []
            return {"kind": f"admin#directory#{kind}", **({"items": found} if found else {})}

        return answer

    def settings(path: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        assert query["alt"] == "json", "Google answers with XML otherwise"
        outside = path["groupUniqueId"] == "partners@example.com"
        return {
            "kind": "groupsSettings#groups",
            "email": path["groupUniqueId"],
            "whoCanJoin": "INVITED_CAN_JOIN",
            "whoCanViewGroup": "ANYONE_CAN_VIEW" if outside else "ALL_MEMBERS_CAN_VIEW",
            "whoCanPostMessage": "ALL_MEMBERS_CAN_POST",
            "whoCanDiscoverGroup": "ALL_MEMBERS_CAN_DISCOVER",
            "allowExternalMembers": "true" if outside else "false",
            "messageModerationLevel": "MODERATE_NONE",
            "archiveOnly": "false",
        }

    def members(path: dict[str, str], query: dict[str, str]) -> dict[str, Any]:
        inner = {
            "kind": "admin#directory#member",
            "id": "m1",
            "email": ADMIN,
            "type": "USER",
            "role": "OWNER",
        }
        outer = {**inner, "id": "m2", "email": "eve@partner.example", "role": "MEMBER"}
        nested = {
            "kind": "admin#directory#member",
            "id": "g2",
            "email": "partners@example.com",
            "type": "GROUP",
        }
        whole = {"kind": "admin#directory#member", "id": CUSTOMER, "type": "CUSTOMER"}
        found = [inner, nested, outer, whole] if path["groupKey"] == "g2" else [inner, {**inner, "id": "m3"}]
        return {"kind": "admin#directory#members", "members": found}

    domain = {
        "kind": "admin#directory#domain",
        "domainName": "example.com",
        "verified": True,
        "isPrimary": True,
        "domainAliases": [
            {"domainAliasName": "example.net", "verified": True},
            {"domainAliasName": "alias.partner.example", "verified": False},
        ],
    }
    claimed = {"kind": "admin#directory#domain", "domainName": "partner.example", "verified": False}
    role = {
        "kind": "admin#directory#role",
        "roleId": "1",
        "roleName": "_SEED_ADMIN_ROLE",
        "isSystemRole": True,
    }
    helpers = {"roleId": "2", "roleName": "Help desk", "isSystemRole": False, "isSuperAdminRole": False}
    helpers_may = [{"privilegeName": "USER_SECURITY_ALL", "serviceId": "00haapch16h1ysv"}]
    assigned = {"scopeType": "CUSTOMER", "assigneeType": "user", "assignedTo": "100", "roleId": "1"}
    by_group = {**assigned, "assigneeType": "group", "assignedTo": "g1", "roleId": "2"}
    unit = {"kind": "admin#directory#orgUnit", "name": "Sales", "orgUnitId": "id:03sales"}
    estate.calls |= {
        f"{_DIRECTORY}/customers/{{customerKey}}": lambda path, query: {
            "kind": "admin#directory#customer",
            "id": CUSTOMER,
            "customerDomain": "example.com",
            "customerCreationTime": "2020-01-01T00:00:00.000Z",
        },
        f"{_DIRECTORY}/users": all_users,
        f"{_DIRECTORY}/users/{{userKey}}/tokens": of_user(
            "tokenList", [{"clientId": "77.apps", "displayText": "Planner", "scopes": ["openid"]}]
        ),
        f"{_DIRECTORY}/users/{{userKey}}/asps": of_user("aspList", [{"codeId": 1, "name": "Old mail"}]),
        f"{_CUSTOMER}/domains": listed("domains", [domain, claimed], "domains"),
        f"{_CUSTOMER}/domainaliases": listed(
            "domainAliases", [{"domainAliasName": "example.net", "verified": True}], "domainAliases"
        ),
        f"{_CUSTOMER}/roles": listed(
            "items",
            [{**role, "isSuperAdminRole": True}, {**helpers, "rolePrivileges": helpers_may}],
            "roles",
        ),
        f"{_CUSTOMER}/roleassignments": listed(
            "items",
            [
                {"roleAssignmentId": "51", **assigned},
                {"roleAssignmentId": "52", **by_group},
            ],
            "roleAssignments",
        ),
        f"{_CUSTOMER}/roles/ALL/privileges": listed(
            "items", [{"serviceId": "00haapch16h1ysv", "privilegeName": "USERS_ALL"}], "privileges"
        ),
        f"{_BY_ID}/orgunits": listed(
            "organizationUnits",
            [
                {**unit, "name": "example.com", "orgUnitId": ROOT, "orgUnitPath": "/"},
                {**unit, "orgUnitPath": "/Sales", "parentOrgUnitId": ROOT, "parentOrgUnitPath": "/"},
            ],
            "orgUnits",
        ),
        f"{_BY_ID}/devices/mobile": listed(
            "mobiledevices",
            [{"resourceId": "r1", "email": [ADMIN], "status": "APPROVED", "devicePasswordStatus": "On"}],
            "mobiledevices",
        ),
        f"{_BY_ID}/devices/chromeos": listed("chromeosdevices", [], "chromeosdevices"),
        f"{_DIRECTORY}/groups": listed(
            "groups",
            [
                {"id": "g1", "email": "helpdesk@example.com", "name": "Help desk", "directMembersCount": "2"},
                {"id": "g2", "email": "partners@example.com", "name": "Partners", "directMembersCount": "3"},
            ],
            "groups",
        ),
        f"{_DIRECTORY}/groups/{{groupKey}}/members": members,
        "groupssettings:GET /groups/v1/groups/{groupUniqueId}": settings,
        "alertcenter:GET /v1beta1/alerts": listed(
            "alerts",
            [
                {
                    "alertId": "a1",
                    "type": "Suspicious login",
                    "createTime": "2024-01-01T00:00:00Z",
                    "data": {"email": "user1@example.com"},
                    "metadata": {"alertId": "a1", "status": "NOT_STARTED"},
                }
            ],
        ),
        "alertcenter:GET /v1beta1/settings": lambda path, query: {},
        "cloudidentity:GET /v1/policies": listed("policies", policies()),
        "cloudidentity:GET /v1/devices": listed(
            "devices",
            [
                {
                    "name": "devices/d1",
                    "deviceType": "MAC_OS",
                    "hostname": "anns-mac",
                    "encryptionState": "NOT_ENCRYPTED",
                    "compromisedState": "UNCOMPROMISED",
                    "lastSyncTime": "2999-01-01T00:00:00Z",
                }
            ],
        ),
        "cloudidentity:GET /v1/inboundSamlSsoProfiles": listed(
            "inboundSamlSsoProfiles",
            [
                {
                    "name": "inboundSamlSsoProfiles/1",
                    "displayName": "IdP",
                    "idpConfig": {"entityId": "idp", "singleSignOnServiceUri": "https://idp.example.com/sso"},
                }
            ],
        ),
        "cloudidentity:GET /v1/{+parent}/idpCredentials": listed(
            "idpCredentials",
            [{"name": "inboundSamlSsoProfiles/1/idpCredentials/1", "rsaKeyInfo": {"keySize": 2048}}],
        ),
        "cloudidentity:GET /v1/inboundOidcSsoProfiles": listed("inboundOidcSsoProfiles", []),
        "cloudidentity:GET /v1/inboundSsoAssignments": listed("inboundSsoAssignments", []),
        "cloudidentity:GET /v1/allowlistedDomains": listed("allowlistedDomains", []),
        "cloudidentity:GET /v1/{+parent}/userinvitations": listed(
            "userInvitations",
            [{"name": f"customers/{CUSTOMER}/userinvitations/bob@example.com", "state": "NOT_YET_SENT"}],
        ),
    }
