"""What protects the organisation of the tests: authenticators, networks, hooks, devices and settings."""

from typing import Any

from tests.collectors.okta.org import Org


def fill(org: Org, secret: str) -> None:
    """Add them.

    Args:
        secret: stands where a secret would.
    """
    hook = {"uri": "https://hook.example.com", "headers": [{"key": "x-key", "value": secret}]}
    org.lists |= {
        "/api/v1/authenticators": [
            {"id": "aut1", "key": "okta_verify", "name": "Okta Verify", "status": "ACTIVE", "type": "app"},
            {
                "id": "aut2",
                "key": "phone_number",
                "name": "Phone",
                "status": "ACTIVE",
                "type": "phone",
                "settings": {"allowedFor": "any"},
            },
        ],
        "/api/v1/authenticators/aut1/methods": [
            {"type": "push", "status": "ACTIVE"},
            {"type": "signed_nonce", "status": "ACTIVE"},
        ],
        "/api/v1/authenticators/aut2/methods": [{"type": "sms", "status": "ACTIVE"}],
        "/api/v1/zones": [
            {
                "id": "nzo1",
                "name": "BlockedIpZone",
                "type": "IP",
                "usage": "BLOCKLIST",
                "status": "ACTIVE",
                "gateways": [{"type": "CIDR", "value": "192.0.2.0/24"}],
            }
        ],
        "/api/v1/trustedOrigins": [
            {"id": "tos1", "name": "Portal", "origin": "http://portal.example.com", "status": "ACTIVE"}
        ],
        "/api/v1/behaviors": [{"id": "abb1", "name": "Velocity", "type": "VELOCITY", "status": "ACTIVE"}],
        "/api/v1/idps": [
            {
                "id": "0oa9",
                "name": "Partner",
                "type": "SAML2",
                "status": "ACTIVE",
                "policy": {"accountLink": {"action": "AUTO", "filter": None}},
                "protocol": {"credentials": {"client": {"client_secret": secret}}},
            }
        ],
        "/api/v1/logStreams": [
            {
                "id": "0oa7",
                "name": "Splunk",
                "type": "splunk_cloud_logstreaming",
                "status": "ACTIVE",
                "settings": {"host": "acme.splunkcloud.com", "token": secret},
            }
        ],
        "/api/v1/eventHooks": [
            {
                "id": "who1",
                "name": "SIEM",
                "status": "ACTIVE",
                "verificationStatus": "VERIFIED",
                "channel": {"type": "HTTP", "config": hook},
            }
        ],
        "/api/v1/inlineHooks": [
            {"id": "cal1", "name": "Token", "status": "ACTIVE", "channel": {"type": "HTTP", "config": hook}}
        ],
        "/api/v1/agentPools": [
            {
                "id": "0oa6",
                "name": "corp.example.com",
                "type": "AD",
                "operationalStatus": "OPERATIONAL",
                "agents": [{"id": "a1", "isLatestGAedVersion": True, "lastConnection": 1767225600000}],
            }
        ],
        "/api/v1/devices": [
            {
                "id": "guo1",
                "status": "ACTIVE",
                "profile": {
                    "displayName": "Ann's laptop",
                    "platform": "MACOS",
                    "diskEncryptionType": "ALL_INTERNAL_VOLUMES",
                },
                "_embedded": {
                    "users": [{"managementStatus": "MANAGED", "user": {"id": "00u1", "status": "ACTIVE"}}]
                },
            }
        ],
        "/api/v1/device-assurances": [
            {
                "id": "dae1",
                "name": "Macs",
                "platform": "MACOS",
                "diskEncryptionType": {"include": ["ALL_INTERNAL_VOLUMES"]},
                "screenLockType": {"include": ["BIOMETRIC"]},
                "osVersion": {"minimum": "15.1.0"},
            }
        ],
        "/api/v1/features": [{"id": "ftr1", "name": "Passkeys", "status": "ENABLED", "type": "self-service"}],
        "/api/v1/domains": [{"id": "OcD1", "domain": "id.example.com", "certificateSourceType": "MANUAL"}],
        "/api/v1/brands": [{"id": "bnd1", "name": "Example", "isDefault": True}],
        "/api/v1/brands/bnd1/templates/email": [
            {"name": "ForgotPassword", "_embedded": {"settings": {"recipients": "ALL_USERS"}}},
            {"name": "UserActivation", "_embedded": {"settings": {"recipients": "NO_USERS"}}},
        ],
        "/api/v1/org/contacts": [{"contactType": "BILLING"}, {"contactType": "TECHNICAL"}],
    }
    org.objects |= _settings()


def _settings() -> dict[str, dict[str, Any]]:
    org = "/api/v1/org"
    return {
        org: {"id": "00o1example", "companyName": "Example Ltd", "subdomain": "example", "status": "ACTIVE"},
        f"{org}/privacy/oktaSupport": {"support": "DISABLED", "expiration": None},
        f"{org}/privacy/oktaSupport/cases": {"supportCases": []},
        f"{org}/privacy/oktaCommunication": {"optOutEmailUsers": True},
        f"{org}/orgSettings/thirdPartyAdminSetting": {"thirdPartyAdmin": False},
        f"{org}/settings/clientPrivilegesSetting": {"clientPrivilegesSetting": False},
        f"{org}/settings/autoAssignAdminAppSetting": {"autoAssignAdminAppSetting": True},
        f"{org}/contacts/BILLING": {"userId": "00u1"},
        f"{org}/contacts/TECHNICAL": {"userId": "00u1"},
        f"{org}/captcha": {"captchaId": None, "enabledPages": []},
        "/api/v1/first-party-app-settings/admin-console": {
            "sessionIdleTimeoutMinutes": 15,
            "sessionMaxLifetimeMinutes": 720,
        },
        "/attack-protection/api/v1/user-lockout-settings": {
            "preventBruteForceLockoutFromUnknownDevices": True
        },
        "/attack-protection/api/v1/authenticator-settings": {"verifyKnowledgeSecondWhen2faRequired": True},
        "/api/v1/rate-limit-settings/per-client": {"defaultMode": "ENFORCE"},
        "/api/v1/rate-limit-settings/admin-notifications": {"notificationsEnabled": True},
        "/api/v1/rate-limit-settings/warning-threshold": {"warningThreshold": 60},
        "/api/v1/threats/configuration": {"action": "block", "excludeZones": []},
    }
