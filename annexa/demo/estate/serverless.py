"""Code without machines: Lambda, containers, registries and workflows."""

import io
import json
import zipfile
from typing import Any

from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, Cloud, name, policy, statement
from annexa.demo.estate.identity import role_arn

_FUNCTIONS = (
    # name, runtime, role, has its own network
    ("book-appointment", "python3.13", "lambda-exec", True),
    ("send-reminder", "python3.12", "lambda-exec", False),
    ("import-lab-result", "nodejs22.x", "lambda-exec", True),
    ("render-invoice", "nodejs14.x", "lambda-exec", False),
    ("resize-scan", "python3.7", "lambda-admin", False),
    ("nightly-report", "java8", "lambda-exec", False),
    ("partner-webhook", "python3.13", "lambda-exec", False),
)


def _code() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), "def handler(event, context):\n    return event\n")
    return packed.getvalue()


def seed_functions(cloud: Cloud) -> None:
    """Make functions: old runtimes, a secret in the environment, one that anybody may call."""
    code = _code()
    for region in REGIONS:
        lambda_ = cloud.client("lambda", region)
        for label, runtime, role, inside in _FUNCTIONS if region == HOME else _FUNCTIONS[3:5]:
            network = {
                "SubnetIds": [cloud.ids[f"subnet:{region}"]],
                "SecurityGroupIds": [cloud.ids[f"sg-app:{region}"]],
            }
            secret = {"DB_PASSWORD": "Winter-2024!"} if label == "render-invoice" else {}
            lambda_.create_function(
                FunctionName=name(label),
                Runtime=runtime,
                Role=role_arn(role),
                Handler="main.handler",
                Code={"ZipFile": code},
                Environment={"Variables": {"STAGE": "prod", **secret}},
                TracingConfig={"Mode": "Active" if inside else "PassThrough"},
                **({"VpcConfig": network} if inside else {}),
            )
            cloud.count("function")
    lambda_ = cloud.client("lambda")
    lambda_.add_permission(
        FunctionName=name("partner-webhook"),
        StatementId="public",
        Action="lambda:InvokeFunction",
        Principal="*",
    )
    lambda_.create_function_url_config(FunctionName=name("partner-webhook"), AuthType="NONE")


def seed_registries(cloud: Cloud) -> None:
    """Make image repositories with and without scanning and fixed tags."""
    ecr = cloud.client("ecr")
    for index, label in enumerate(("portal", "booking", "lab-import", "tools", "legacy")):
        managed = {"encryptionConfiguration": {"encryptionType": "KMS"}} if index < 2 else {}
        ecr.create_repository(
            repositoryName=name(label),
            imageTagMutability="IMMUTABLE" if index < 2 else "MUTABLE",
            imageScanningConfiguration={"scanOnPush": index < 3},
            **managed,
        )
        cloud.count("image repository")
    expire = {
        "rulePriority": 1,
        "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 20},
        "action": {"type": "expire"},
    }
    ecr.put_lifecycle_policy(
        repositoryName=name("portal"), lifecyclePolicyText=json.dumps({"rules": [expire]})
    )
    anyone = policy(statement("Allow", "ecr:BatchGetImage", None, principal="*"))
    ecr.set_repository_policy(repositoryName=name("tools"), policyText=anyone)


def seed_containers(cloud: Cloud) -> None:
    """Make ECS and EKS clusters and what runs on them."""
    ecs = cloud.client("ecs")
    for label, insights in (("prod", "enabled"), ("staging", "disabled")):
        ecs.create_cluster(
            clusterName=name(label), settings=[{"name": "containerInsights", "value": insights}]
        )
        cloud.count("ecs cluster")
    for label, careless in (("portal", False), ("lab-bridge", True)):
        ecs.register_task_definition(**_task(label, careless))
        ecs.create_service(
            cluster=name("prod"), serviceName=name(label), taskDefinition=name(label), desiredCount=0
        )
        cloud.count("ecs task definition")
        cloud.count("ecs service")
    eks = cloud.client("eks")
    for label, public in (("prod", False), ("research", True)):
        encrypted = [{"resources": ["secrets"], "provider": {"keyArn": cloud.ids[f"kms:{HOME}"]}}]
        logged = [{"types": ["api", "audit", "authenticator"], "enabled": True}]
        eks.create_cluster(
            name=name(label),
            version="1.33" if not public else "1.24",
            roleArn=role_arn("eks-cluster"),
            resourcesVpcConfig={
                "subnetIds": [cloud.ids[f"subnet:{HOME}"], cloud.ids[f"subnet2:{HOME}"]],
                "endpointPublicAccess": public,
                "endpointPrivateAccess": not public,
                "publicAccessCidrs": ["0.0.0.0/0"] if public else [],
            },
            **({} if public else {"encryptionConfig": encrypted, "logging": {"clusterLogging": logged}}),
        )
        cloud.count("eks cluster")


def _task(label: str, careless: bool) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": label,
        "image": f"{ACCOUNT}.dkr.ecr.{HOME}.amazonaws.com/{name('portal')}:1",
        "memory": 512,
        "privileged": careless,
        "readonlyRootFilesystem": not careless,
        "user": "root" if careless else "1000",
        "environment": [{"name": "API_KEY", "value": "c2VjcmV0LWZlcm5oaWxs"}] if careless else [],
    }
    if not careless:
        options = {
            "awslogs-group": "/fernhill/portal",
            "awslogs-region": HOME,
            "awslogs-stream-prefix": label,
        }
        container["logConfiguration"] = {"logDriver": "awslogs", "options": options}
    return {
        "family": name(label),
        "networkMode": "host" if careless else "awsvpc",
        "taskRoleArn": role_arn("ecs-task"),
        "executionRoleArn": role_arn("ecs-task"),
        "containerDefinitions": [container],
    }


def seed_workflows(cloud: Cloud) -> None:
    """Make state machines, one of which writes a log."""
    states = cloud.client("stepfunctions")
    definition = json.dumps({"StartAt": "done", "States": {"done": {"Type": "Succeed"}}})
    log = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/fernhill/workflow:*"
    logged = {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": log}}]}
    for label, extra in (("discharge", {"loggingConfiguration": logged}), ("invoice-run", {})):
        states.create_state_machine(
            name=name(label), definition=definition, roleArn=role_arn("workflow"), **extra
        )
        cloud.count("state machine")
