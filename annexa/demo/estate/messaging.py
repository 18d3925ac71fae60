"""Queues, topics, streams, events and the data catalogue."""

from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, Cloud, name, policy, statement
from annexa.demo.estate.identity import role_arn


def seed_topics(cloud: Cloud) -> None:
    """Make SNS topics and SQS queues; one of each is for everybody."""
    for region in REGIONS:
        sns = cloud.client("sns", region)
        for label in ("security-alerts", "appointments", "lab-results", "newsletter"):
            attributes = (
                {"KmsMasterKeyId": cloud.ids[f"kms:{region}"]}
                if label in ("security-alerts", "lab-results")
                else {}
            )
            made = sns.create_topic(Name=name(label), Attributes=attributes)["TopicArn"]
            if label == "security-alerts":
                cloud.ids[f"alerts:{region}"] = made
                if region == HOME:
                    sns.subscribe(TopicArn=made, Protocol="email", Endpoint="security@fernhill.example")
            if label == "newsletter":
                sns.subscribe(TopicArn=made, Protocol="http", Endpoint="http://news.fernhill.example/hook")
                anyone = policy(statement("Allow", "sns:Publish", made, principal="*"))
                sns.set_topic_attributes(TopicArn=made, AttributeName="Policy", AttributeValue=anyone)
            cloud.count("topic")
        sqs = cloud.client("sqs", region)
        for index, label in enumerate(
            ("appointments", "lab-orders", "invoices", "partner-drop", "dead-letters")
        ):
            settings = {"SqsManagedSseEnabled": "false" if index >= 3 else "true"}
            if index == 0:
                settings = {"KmsMasterKeyId": cloud.ids[f"kms:{region}"]}
            if label == "partner-drop":
                arn = f"arn:aws:sqs:{region}:{ACCOUNT}:{name(label)}"
                settings["Policy"] = policy(statement("Allow", "sqs:SendMessage", arn, principal="*"))
            sqs.create_queue(QueueName=name(label), Attributes=settings)
            cloud.count("queue")


def seed_streams(cloud: Cloud) -> None:
    """Make Kinesis streams, a delivery stream, and an event bus that is open."""
    kinesis = cloud.client("kinesis")
    for label, encrypted in (("vitals", True), ("clicks", False)):
        kinesis.create_stream(StreamName=name(label), ShardCount=1)
        if encrypted:
            kinesis.start_stream_encryption(
                StreamName=name(label), EncryptionType="KMS", KeyId=cloud.ids[f"kms:{HOME}"]
            )
        cloud.count("stream")
    with cloud.tolerate("firehose"):
        cloud.client("firehose").create_delivery_stream(
            DeliveryStreamName=name("clicks"),
            ExtendedS3DestinationConfiguration={
                "RoleARN": role_arn("backup"),
                "BucketARN": "arn:aws:s3:::fernhill-access-logs",
            },
        )
        cloud.count("delivery stream")
    events = cloud.client("events")
    events.create_event_bus(Name=name("partners"))
    bus = f"arn:aws:events:{HOME}:{ACCOUNT}:event-bus/{name('partners')}"
    anyone = policy({"Sid": "open", **statement("Allow", "events:PutEvents", bus, principal="*")})
    events.put_permission(EventBusName=name("partners"), Policy=anyone)
    events.put_rule(Name=name("nightly"), ScheduleExpression="rate(1 day)", State="ENABLED")
    events.put_rule(Name=name("guardduty"), EventPattern='{"source": ["aws.guardduty"]}', State="DISABLED")
    cloud.count("event bus")
    cloud.count("event rule", 2)


def seed_catalogue(cloud: Cloud) -> None:
    """Make Glue databases, jobs and crawlers, with half the security that they could have."""
    glue = cloud.client("glue")
    key = cloud.ids[f"kms:{HOME}"]
    for label in ("clinical", "finance"):
        glue.create_database(DatabaseInput={"Name": name(label)})
        cloud.count("glue database")
    glue.create_security_configuration(
        Name=name("encrypted"),
        EncryptionConfiguration={
            "S3Encryption": [{"S3EncryptionMode": "SSE-KMS", "KmsKeyArn": key}],
            "CloudWatchEncryption": {"CloudWatchEncryptionMode": "DISABLED"},
            "JobBookmarksEncryption": {"JobBookmarksEncryptionMode": "DISABLED"},
        },
    )
    command = {"Name": "glueetl", "ScriptLocation": "s3://fernhill-deploy-artifacts-prod/job.py"}
    glue.create_job(
        Name=name("anonymise"),
        Role=role_arn("glue-etl"),
        Command=command,
        SecurityConfiguration=name("encrypted"),
    )
    glue.create_job(Name=name("export"), Role=role_arn("glue-etl"), Command=command, GlueVersion="2.0")
    glue.create_crawler(
        Name=name("lake"),
        Role=role_arn("glue-etl"),
        DatabaseName=name("clinical"),
        Targets={"S3Targets": [{"Path": "s3://fernhill-datalake-prod/"}]},
    )
    cloud.count("glue job", 2)
    cloud.count("glue crawler")


def seed_builds(cloud: Cloud) -> None:
    """Make a build with a secret in its environment, and query work groups."""
    with cloud.tolerate("codebuild"):
        cloud.client("codebuild").create_project(
            name=name("portal"),
            source={"type": "S3", "location": "fernhill-deploy-artifacts-prod/src.zip"},
            artifacts={"type": "NO_ARTIFACTS"},
            environment={
                "type": "LINUX_CONTAINER",
                "image": "aws/codebuild/standard:7.0",
                "computeType": "BUILD_GENERAL1_SMALL",
                "privilegedMode": True,
                "environmentVariables": [{"name": "NPM_TOKEN", "value": "npm-winter", "type": "PLAINTEXT"}],
            },
            serviceRole=role_arn("ci-deploy"),
        )
        cloud.count("build project")
    athena = cloud.client("athena")
    for label, enforced in (("clinical", True), ("adhoc", False)):
        place = {"OutputLocation": "s3://fernhill-analytics-prod/athena/"}
        athena.create_work_group(
            Name=name(label),
            Configuration={"ResultConfiguration": place, "EnforceWorkGroupConfiguration": enforced},
        )
        cloud.count("query work group")
