"""Directories that answer after a while: any number of people, a hundredth as many groups.

    python -m benchmarks.distant_people USERS LATENCY_S [ROLE_GROUPS]

Instead of ordinary groups there may be groups that hold directory roles, whose members are asked for. It
prints its URL. What it answers has the form of Microsoft Graph, Okta and the Directory API of Google; nothing
is kept, all of it follows from numbers. A page has as much as was asked for.
"""

import asyncio
import sys
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import orjson

from benchmarks.distant import Reply, serve

PEOPLE_IN_A_GROUP = 100
"""People for each group that there is."""
REPORT_PAGE = 999
"""Rows on a page of Graph's report, for which no size is asked."""

_MOMENT = "2026-01-01T00:00:00.000Z"


def groups(users: int) -> int:
    return users // PEOPLE_IN_A_GROUP


class Directories:
    """Answers requests."""

    def __init__(self, users: int, role_groups: int = 0) -> None:
        self._users = users
        self._role_groups = role_groups

    def reply(self, target: str, body: bytes) -> Reply:
        if target.endswith("/$batch"):
            return self._batch(orjson.loads(body)["requests"])
        parts = urlsplit(target)
        path, query = unquote(parts.path), {key: each[0] for key, each in parse_qs(parts.query).items()}
        if path.startswith("/v1.0/"):
            return self._graph(path, query)
        if path.startswith("/api/v1/"):
            return self._okta(path, query)
        return Reply(orjson.dumps(self._google(path, query)))

    def _batch(self, requests: list[dict[str, str]]) -> Reply:
        answers = [orjson.Fragment(self.reply(f"/v1.0{each['url']}", b"").content) for each in requests]
        responses = [
            {"id": each["id"], "status": 200, "headers": {}, "body": answer}
            for each, answer in zip(requests, answers, strict=True)
        ]
        return Reply(orjson.dumps({"responses": responses}))

    def _graph(self, path: str, query: dict[str, str]) -> Reply:
        kind = path.rpartition("/")[2]
        if kind in ("owners", "transitiveMembers"):
            number = 1 if kind == "owners" else PEOPLE_IN_A_GROUP
            return Reply(orjson.dumps({"value": [_member(each) for each in range(number)]}))
        if kind == "groups" and self._role_groups:
            found = [{**_graph_group(each), "isAssignableToRole": True} for each in range(self._role_groups)]
            start = int(query.get("$skiptoken", "0"))
            more = {"@odata.nextLink": f"{path}?$skiptoken={start + 999}"} if start + 999 < len(found) else {}
            return Reply(orjson.dumps({"value": found[start : start + 999], **more}))
        made = {"users": graph_user, "userRegistrationDetails": _registration, "groups": _graph_group}[kind]
        size, start = int(query.get("$top", REPORT_PAGE)), int(query.get("$skiptoken", "0"))
        total = groups(self._users) if kind == "groups" else self._users
        body: dict[str, Any] = {"value": [made(number) for number in range(start, min(start + size, total))]}
        if start + size < total:
            top = f"&$top={query['$top']}" if "$top" in query else ""
            body["@odata.nextLink"] = f"{path}?$skiptoken={start + size}{top}"
        return Reply(orjson.dumps(body))

    def _okta(self, path: str, query: dict[str, str]) -> Reply:
        if path.endswith("/factors"):
            return Reply(orjson.dumps([_FACTOR]))
        kind = path.rpartition("/")[2]
        made = {"users": okta_user, "groups": _okta_group}[kind]
        # As with Okta, the cursor is the id of the last element: its number follows three letters.
        size, start = int(query["limit"]), int(query["after"][3:]) + 1 if "after" in query else 0
        total = groups(self._users) if kind == "groups" else self._users
        content = orjson.dumps([made(number) for number in range(start, min(start + size, total))])
        if start + size >= total:
            return Reply(content)
        following = urlencode({**query, "after": made(start + size - 1)["id"]})
        return Reply(content, (("Link", f'<{path}?{following}>; rel="next"'),))

    def _google(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path.startswith("/groupssettings/"):
            return _GROUP_SETTINGS
        kind = path.rpartition("/")[2]
        if kind == "domains":
            return {"kind": "admin#directory#domains", "domains": [{"domainName": "example.com"}]}
        made = {"users": _google_user, "groups": _google_group}[kind]
        size, start = int(query["maxResults"]), int(query.get("pageToken", "0"))
        total = groups(self._users) if kind == "groups" else self._users
        more = {"nextPageToken": str(start + size)} if start + size < total else {}
        found = [made(number) for number in range(start, min(start + size, total))]
        return {"kind": f"admin#directory#{kind}", kind: found, **more}


_FACTOR = {
    "id": "opf1",
    "factorType": "push",
    "provider": "OKTA",
    "vendorName": "OKTA",
    "status": "ACTIVE",
    "created": _MOMENT,
}
_GROUP_SETTINGS = {"whoCanJoin": "INVITED_CAN_JOIN", "allowExternalMembers": "false"}


def guid(kind: str, number: int) -> str:
    return f"{kind * 8}-0000-4000-8000-{number:012}"


def address(number: int) -> str:
    return f"user{number}@example.com"


def graph_user(number: int) -> dict[str, Any]:
    return {
        "id": guid("a", number),
        "displayName": f"User {number}",
        "userPrincipalName": address(number),
        "mail": address(number),
        "accountEnabled": True,
        "userType": "Member",
        "createdDateTime": _MOMENT,
        "creationType": None,
        "externalUserState": None,
        "externalUserStateChangeDateTime": None,
        "onPremisesSyncEnabled": None,
        "passwordPolicies": None,
        "lastPasswordChangeDateTime": _MOMENT,
        "employeeId": str(100_000 + number),
        "employeeType": "Employee",
        "employeeHireDate": _MOMENT,
        "department": "Sales",
        "companyName": "Example",
        "assignedLicenses": [{"skuId": guid("b", 1), "disabledPlans": []}],
        "isResourceAccount": None,
    }


def _member(number: int) -> dict[str, Any]:
    kept = ("id", "displayName", "userPrincipalName", "accountEnabled", "onPremisesSyncEnabled", "userType")
    user = graph_user(number)
    return {"@odata.type": "#microsoft.graph.user", **{key: user[key] for key in kept}}


def _registration(number: int) -> dict[str, Any]:
    return {
        "id": guid("a", number),
        "userPrincipalName": address(number),
        "userDisplayName": f"User {number}",
        "userType": "member",
        "isAdmin": False,
        "isMfaCapable": True,
        "isMfaRegistered": True,
        "isPasswordlessCapable": False,
        "isSsprCapable": True,
        "isSsprEnabled": True,
        "isSsprRegistered": True,
        "methodsRegistered": ["microsoftAuthenticatorPush"],
        "lastUpdatedDateTime": _MOMENT,
    }


def _graph_group(number: int) -> dict[str, Any]:
    return {
        "id": guid("c", number),
        "displayName": f"Group {number}",
        "description": None,
        "groupTypes": [],
        "securityEnabled": True,
        "mailEnabled": False,
        "isAssignableToRole": None,
        "membershipRule": None,
        "visibility": None,
        "createdDateTime": _MOMENT,
        "onPremisesSyncEnabled": None,
    }


def okta_user(number: int) -> dict[str, Any]:
    return {
        "id": f"00u{number}",
        "status": "ACTIVE",
        "created": _MOMENT,
        "activated": _MOMENT,
        "statusChanged": _MOMENT,
        "lastLogin": _MOMENT,
        "lastUpdated": _MOMENT,
        "passwordChanged": _MOMENT,
        "type": {"id": "oty1"},
        "profile": {
            "login": address(number),
            "email": address(number),
            "department": "Sales",
            "employeeNumber": str(100_000 + number),
        },
        "credentials": {"provider": {"type": "OKTA", "name": "OKTA"}},
        "_links": {"self": {"href": f"https://example.okta.com/api/v1/users/00u{number}"}},
    }


def _okta_group(number: int) -> dict[str, Any]:
    return {
        "id": f"00g{number}",
        "created": _MOMENT,
        "lastUpdated": _MOMENT,
        "lastMembershipUpdated": _MOMENT,
        "objectClass": ["okta:user_group"],
        "type": "OKTA_GROUP",
        "profile": {"name": f"Group {number}", "description": None},
        "_embedded": {"stats": {"usersCount": PEOPLE_IN_A_GROUP, "hasAdminPrivilege": False}},
    }


def _google_user(number: int) -> dict[str, Any]:
    return {
        "id": f"10{number}",
        "primaryEmail": address(number),
        "name": {"fullName": f"User {number}"},
        "isAdmin": False,
        "isDelegatedAdmin": False,
        "isEnrolledIn2Sv": True,
        "isEnforcedIn2Sv": True,
        "lastLoginTime": _MOMENT,
        "creationTime": _MOMENT,
        "suspended": False,
        "archived": False,
        "agreedToTerms": True,
        "changePasswordAtNextLogin": False,
        "orgUnitPath": "/",
        "recoveryEmail": f"private{number}@mail.example",
        "ipWhitelisted": False,
        "isMailboxSetup": True,
    }


def _google_group(number: int) -> dict[str, Any]:
    return {
        "id": f"03{number}",
        "email": f"group{number}@example.com",
        "name": f"Group {number}",
        "directMembersCount": str(PEOPLE_IN_A_GROUP),
        "adminCreated": True,
    }


if __name__ == "__main__":
    asyncio.run(serve(Directories(int(sys.argv[1]), *map(int, sys.argv[3:])).reply, float(sys.argv[2])))
