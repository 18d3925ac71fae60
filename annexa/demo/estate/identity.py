"""Roles, policies, the account's own settings, the organisation and its single sign-on."""

import json
from typing import Any

from annexa.demo.estate.cloud import ACCOUNT, Cloud, name, policy, statement
from annexa.demo.server import set_ages

_PARTNER = "210987654321"
_POLICIES: dict[str, list[dict[str, Any]]] = {
    "admin-everything": [statement("Allow", "*")],
    "deploy": [statement("Allow", ["cloudformation:*", "iam:PassRole"])],
    "iam-manage": [statement("Allow", "iam:*")],
    "kms-decrypt-any": [statement("Allow", ["kms:Decrypt", "kms:ReEncryptFrom"])],
    "read-reports": [statement("Allow", "s3:GetObject", "arn:aws:s3:::fernhill-reports-prod/*")],
    "lab-import": [statement("Allow", "s3:PutObject", "arn:aws:s3:::fernhill-lab-results-prod/*")],
    "logs-write": [statement("Allow", ["logs:CreateLogStream", "logs:PutLogEvents"])],
    "billing-view": [statement("Allow", ["ce:Get*", "cur:Describe*"])],
    "legacy-s3-all": [statement("Allow", "s3:*")],
    "secrets-any": [statement("Allow", "secretsmanager:GetSecretValue")],
    "queue-consume": [statement("Allow", ["sqs:ReceiveMessage", "sqs:DeleteMessage"])],
    "unused-migration": [statement("Allow", ["dms:*", "rds:*"])],
}
_SIGN_ON = ("bruno.hoang", "chiara.castro", "dmitri.adler", "farid.fontaine", "hugo.ivers", "ines.ivers")
"""Who signs in to AWS through IAM Identity Center, as their directory calls them."""

_ADMINISTRATORS = {"bruno.hoang", "farid.fontaine"}
_GITHUB = "token.actions.githubusercontent.com"


def _service(principal: str) -> dict[str, Any]:
    return statement("Allow", "sts:AssumeRole", None, principal={"Service": principal})


def _account(principal: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    return statement("Allow", "sts:AssumeRole", None, principal={"AWS": principal}, condition=condition)


_ROLES: dict[str, tuple[dict[str, Any], tuple[str, ...], int | None]] = {
    # name: (trust, the company's policies, last used so many days ago)
    "app-server": (_service("ec2.amazonaws.com"), ("read-reports", "queue-consume"), 0),
    "lambda-exec": (_service("lambda.amazonaws.com"), ("logs-write",), 0),
    "lambda-admin": (_service("lambda.amazonaws.com"), ("admin-everything",), 3),
    "ecs-task": (_service("ecs-tasks.amazonaws.com"), ("logs-write", "secrets-any"), 0),
    "eks-cluster": (_service("eks.amazonaws.com"), (), 0),
    "config-recorder": (_service("config.amazonaws.com"), ("logs-write",), 0),
    "flow-logs": (_service("vpc-flow-logs.amazonaws.com"), ("logs-write",), 0),
    "trail-logs": (_service("cloudtrail.amazonaws.com"), ("logs-write",), 0),
    "backup": (_service("backup.amazonaws.com"), (), 1),
    "glue-etl": (_service("glue.amazonaws.com"), ("legacy-s3-all",), 2),
    "sagemaker": (_service("sagemaker.amazonaws.com"), ("legacy-s3-all",), 40),
    "workflow": (_service("states.amazonaws.com"), (), 1),
    "breakglass-admin": (
        _account(f"arn:aws:iam::{ACCOUNT}:root", {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
        ("admin-everything",),
        120,
    ),
    "vendor-monitoring": (_account(f"arn:aws:iam::{_PARTNER}:root"), ("read-reports",), 200),
    "vendor-radiology": (
        _account(f"arn:aws:iam::{_PARTNER}:root", {"StringEquals": {"sts:ExternalId": "fernhill-7731"}}),
        ("lab-import",),
        5,
    ),
    "legacy-open": (_account("*"), ("kms-decrypt-any",), None),
    "ci-deploy": (
        statement(
            "Allow",
            "sts:AssumeRoleWithWebIdentity",
            None,
            principal={"Federated": f"arn:aws:iam::{ACCOUNT}:oidc-provider/{_GITHUB}"},
            condition={"StringEquals": {f"{_GITHUB}:aud": "sts.amazonaws.com"}},
        ),
        ("deploy",),
        0,
    ),
    "migration-2021": (_service("ec2.amazonaws.com"), ("legacy-s3-all",), None),
}


def role_arn(role: str) -> str:
    """The ARN of one of the company's roles."""
    return f"arn:aws:iam::{ACCOUNT}:role/{name(role)}"


def seed_roles(cloud: Cloud) -> None:
    """Make the policies, roles, identity providers and the account's password rules."""
    iam = cloud.client("iam")
    for label, statements in _POLICIES.items():
        iam.create_policy(PolicyName=name(label), PolicyDocument=policy(*statements))
    ages: list[dict[str, Any]] = []
    for index, (label, (trust, attached, used)) in enumerate(_ROLES.items()):
        iam.create_role(RoleName=name(label), AssumeRolePolicyDocument=policy(trust), MaxSessionDuration=3600)
        for each in attached:
            arn = f"arn:aws:iam::{ACCOUNT}:policy/{name(each)}"
            iam.attach_role_policy(RoleName=name(label), PolicyArn=arn)
        ages.append({"role": name(label), "created": 250 + 37 * index, "used": used})
    inline = policy(statement("Allow", "sts:AssumeRole"))
    iam.put_role_policy(RoleName=name("app-server"), PolicyName="assume-any", PolicyDocument=inline)
    iam.create_instance_profile(InstanceProfileName=name("app-server"))
    iam.add_role_to_instance_profile(InstanceProfileName=name("app-server"), RoleName=name("app-server"))
    cloud.count("iam policy", len(_POLICIES))
    cloud.count("iam role", len(_ROLES))
    cloud.count("iam instance profile")
    with cloud.tolerate("backdating"):
        set_ages(cloud.endpoint, ages)
    _account_settings(cloud)


def _account_settings(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    iam.create_account_alias(AccountAlias="fernhill-clinics")
    iam.update_account_password_policy(
        MinimumPasswordLength=8,
        RequireLowercaseCharacters=True,
        RequireUppercaseCharacters=True,
        RequireNumbers=False,
        RequireSymbols=False,
        AllowUsersToChangePassword=True,
        PasswordReusePrevention=3,
    )
    iam.create_open_id_connect_provider(
        Url=f"https://{_GITHUB}", ClientIDList=["sts.amazonaws.com"], ThumbprintList=["a" * 40]
    )
    metadata = "<EntityDescriptor>" + "fernhill " * 120 + "</EntityDescriptor>"
    iam.create_saml_provider(Name=name("directory"), SAMLMetadataDocument=metadata)
    cloud.count("iam identity provider", 2)
    with cloud.tolerate("account"):
        cloud.client("account").put_alternate_contact(
            AlternateContactType="BILLING",
            EmailAddress="accounts@fernhill.example",
            Name="Accounts Payable",
            PhoneNumber="+49 30 5550100",
            Title="Finance",
        )
    with cloud.tolerate("s3control"):
        cloud.client("s3control").put_public_access_block(
            AccountId=ACCOUNT,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": False,
                "RestrictPublicBuckets": False,
            },
        )


def seed_organisation(cloud: Cloud) -> None:
    """Make the organisation, its units, accounts and guard rails, and the single sign-on."""
    org = cloud.client("organizations", "us-east-1")
    org.create_organization(FeatureSet="ALL")
    root = org.list_roots()["Roots"][0]["Id"]
    units = {
        unit: org.create_organizational_unit(ParentId=root, Name=unit)["OrganizationalUnit"]["Id"]
        for unit in ("clinical", "corporate", "sandbox")
    }
    for label in ("records", "imaging", "finance", "lab"):
        made = org.create_account(AccountName=name(label), Email=f"aws-{label}@fernhill.example")
        cloud.count("organizations account")
    account = made["CreateAccountStatus"]["AccountId"]
    org.move_account(AccountId=account, SourceParentId=root, DestinationParentId=units["sandbox"])
    org.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    document = policy(statement("Deny", ["cloudtrail:StopLogging", "organizations:LeaveOrganization"]))
    made = org.create_policy(
        Content=document, Description="Guard rails", Name="guard-rails", Type="SERVICE_CONTROL_POLICY"
    )
    org.attach_policy(PolicyId=made["Policy"]["PolicySummary"]["Id"], TargetId=units["clinical"])
    cloud.count("organizations unit", len(units))
    cloud.count("organizations policy")


def seed_sign_on(cloud: Cloud) -> None:
    """Make permission sets and people in IAM Identity Center."""
    sso = cloud.client("sso-admin")
    instance = sso.list_instances()["Instances"][0]
    store = instance["IdentityStoreId"]
    group = cloud.client("identitystore").create_group(IdentityStoreId=store, DisplayName="Clinicians")[
        "GroupId"
    ]
    sets = (("ReadOnly", "PT4H", "ReadOnlyAccess"), ("Administrator", "PT12H", "AdministratorAccess"))
    for label, duration, managed in sets:
        made = sso.create_permission_set(
            Name=label, InstanceArn=instance["InstanceArn"], SessionDuration=duration
        )["PermissionSet"]["PermissionSetArn"]
        sso.attach_managed_policy_to_permission_set(
            InstanceArn=instance["InstanceArn"],
            PermissionSetArn=made,
            ManagedPolicyArn=f"arn:aws:iam::aws:policy/{managed}",
        )
        sso.create_account_assignment(
            InstanceArn=instance["InstanceArn"],
            TargetId=ACCOUNT,
            TargetType="AWS_ACCOUNT",
            PermissionSetArn=made,
            PrincipalType="GROUP",
            PrincipalId=group,
        )
        sso.provision_permission_set(
            InstanceArn=instance["InstanceArn"],
            PermissionSetArn=made,
            TargetType="AWS_ACCOUNT",
            TargetId=ACCOUNT,
        )
        cloud.count("sso permission set")
    for person in _SIGN_ON:
        user = _directory_user(cloud, store, person)
        if person in _ADMINISTRATORS:
            sso.create_account_assignment(
                InstanceArn=instance["InstanceArn"],
                TargetId=ACCOUNT,
                TargetType="AWS_ACCOUNT",
                PermissionSetArn=made,
                PrincipalType="USER",
                PrincipalId=user,
            )
    inline = json.loads(policy(statement("Allow", "*")))
    sso.put_inline_policy_to_permission_set(
        InstanceArn=instance["InstanceArn"], PermissionSetArn=made, InlinePolicy=json.dumps(inline)
    )


def _directory_user(cloud: Cloud, store: str, person: str) -> str:
    first, last = person.title().split(".")
    address = f"{person}@fernhill.example"
    made = cloud.client("identitystore").create_user(
        IdentityStoreId=store,
        UserName=address,
        DisplayName=f"{first} {last}",
        Name={"GivenName": first, "FamilyName": last},
        Emails=[{"Value": address, "Type": "work", "Primary": True}],
    )
    cloud.count("identity store user")
    user: str = made["UserId"]
    return user
