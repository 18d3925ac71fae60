"""The people of Fernhill Clinics: users, groups, passwords, keys, second factors, and how old they are."""

import math
from typing import Any

from annexa.demo.estate.cloud import ACCOUNT, Cloud, policy, statement
from annexa.demo.server import set_ages

_FIRST = [
    "amara",
    "bruno",
    "chiara",
    "dmitri",
    "elif",
    "farid",
    "greta",
    "hugo",
    "ines",
    "jonas",
    "katya",
    "liam",
    "mina",
    "noor",
    "oskar",
]
_LAST = ["adler", "bekele", "castro", "dahl", "eriksen", "fontaine", "grau", "hoang", "ivers"]
_GROUPS = ("administrators", "engineering", "data", "finance", "support")
_SERVICES = ("svc-backup", "svc-ci", "svc-lab-import", "svc-monitoring")


def seed_people(cloud: Cloud) -> None:
    """Make the groups and users, and backdate them."""
    iam = cloud.client("iam")
    _groups(iam)
    cloud.count("iam group", len(_GROUPS))
    ages: list[dict[str, Any]] = []
    people = max(cloud.size.users - len(_SERVICES), 1)
    for index in range(people):
        user = f"{_FIRST[index % len(_FIRST)]}.{_LAST[index % len(_LAST)]}"
        user += str(index) if index >= math.lcm(len(_FIRST), len(_LAST)) else ""
        ages += _person(cloud, user, index)
    for index, user in enumerate(_SERVICES[: cloud.size.users - people]):
        iam.create_user(UserName=user, Path="/service/", Tags=[{"Key": "owner", "Value": "platform"}])
        ages.append({"user": user, "created": 700 - 90 * index})
        ages += _keys(cloud, user, [(540, 1), (35, 2)] if index == 0 else [(60 + 160 * index, index)])
    _direct_policies(cloud)
    with cloud.tolerate("backdating"):
        set_ages(cloud.endpoint, ages)
    cloud.count("iam user", cloud.size.users)


def _groups(iam: Any) -> None:
    for group in _GROUPS:
        iam.create_group(GroupName=group)
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    iam.attach_group_policy(GroupName="administrators", PolicyArn=admin)
    iam.attach_group_policy(GroupName="engineering", PolicyArn="arn:aws:iam::aws:policy/PowerUserAccess")
    iam.attach_group_policy(GroupName="finance", PolicyArn="arn:aws:iam::aws:policy/job-function/Billing")
    iam.attach_group_policy(GroupName="support", PolicyArn="arn:aws:iam::aws:policy/AWSSupportAccess")
    document = policy(
        statement("Allow", ["s3:GetObject", "s3:ListBucket"], "arn:aws:s3:::fernhill-analytics*")
    )
    iam.put_group_policy(GroupName="data", PolicyName="read-analytics", PolicyDocument=document)


def _person(cloud: Cloud, user: str, index: int) -> list[dict[str, Any]]:
    iam = cloud.client("iam")
    iam.create_user(UserName=user, Tags=[{"Key": "department", "Value": _GROUPS[index % len(_GROUPS)]}])
    created = 30 + (index * 53) % 900
    age: dict[str, Any] = {"user": user, "created": created}
    if index % 11 != 7:  # a few belong to no group
        group = "administrators" if index in (0, 12) else _GROUPS[1 + index % (len(_GROUPS) - 1)]
        iam.add_user_to_group(GroupName=group, UserName=user)
    if index % 5 != 4:  # the console, most with a second factor; some have not come for months
        iam.create_login_profile(UserName=user, Password="Fernhill!Winter-2024", PasswordResetRequired=False)
        age["used"] = None if index % 13 == 6 else min(created, 200 if index % 6 == 5 else index % 20)
        if index % 3 != 1:
            serial = f"arn:aws:iam::{ACCOUNT}:mfa/{user}"
            iam.create_virtual_mfa_device(VirtualMFADeviceName=user)
            iam.enable_mfa_device(
                UserName=user, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
            )
            cloud.count("iam mfa device")
    ages = [age]
    if index % 3 == 0:
        ages += _keys(cloud, user, [(min(created, 20 + index * 17), None if index % 9 == 0 else index)])
    return ages


def _keys(cloud: Cloud, user: str, keys: list[tuple[int, int | None]]) -> list[dict[str, Any]]:
    ages = []
    for index, (created, used) in enumerate(keys):
        key = cloud.client("iam").create_access_key(UserName=user)["AccessKey"]["AccessKeyId"]
        if created > 500:
            cloud.client("iam").update_access_key(UserName=user, AccessKeyId=key, Status="Inactive")
        ages.append({"user": user, "key": index, "created": created, "used": used})
        cloud.count("iam access key")
    return ages


def _direct_policies(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    users = [user["UserName"] for user in iam.list_users(MaxItems=1000)["Users"]]
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    for user in users[3:5]:
        iam.attach_user_policy(UserName=user, PolicyArn=admin)
    everything = policy(statement("Allow", "*"))
    for user in users[6:9]:
        iam.put_user_policy(UserName=user, PolicyName="temporary-access", PolicyDocument=everything)
    if "svc-ci" in users:
        document = policy(statement("Allow", ["iam:PassRole", "ec2:*", "ecs:*"]))
        iam.put_user_policy(UserName="svc-ci", PolicyName="deploy", PolicyDocument=document)
