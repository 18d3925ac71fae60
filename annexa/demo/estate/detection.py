"""What watches over the account: trails, configuration history, detectors, logs and alarms."""

from typing import Any

from annexa.demo.estate.cloud import ACCOUNT, HOME, REGIONS, SECOND, Cloud, name
from annexa.demo.estate.identity import role_arn
from annexa.demo.estate.storage import CONFIG_BUCKET, TRAIL_BUCKET

_TRAIL_LOG = "/fernhill/trail"
_LOG_GROUPS = (
    # name, days kept (0 for ever), encrypted with a key
    (_TRAIL_LOG, 400, True),
    ("/fernhill/portal", 90, False),
    ("/fernhill/api", 30, False),
    ("/fernhill/workflow", 0, False),
    ("/aws/lambda/fernhill-book-appointment", 0, False),
    ("/aws/lambda/fernhill-send-reminder", 14, False),
    ("/aws/lambda/fernhill-resize-scan", 0, False),
    ("/aws/eks/fernhill-prod/cluster", 365, True),
    ("/aws/rds/instance/fernhill-patients-prod/postgresql", 7, False),
)
_WATCHED = {
    "root-usage": '{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS '
    '&& $.eventType != "AwsServiceEvent" }',
    "unauthorised-calls": '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }',
    "sign-in-without-mfa": '{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }',
    "iam-changes": "{ ($.eventName = DeleteGroupPolicy) || ($.eventName = PutUserPolicy) "
    "|| ($.eventName = AttachUserPolicy) }",
    "trail-changes": "{ ($.eventName = CreateTrail) || ($.eventName = UpdateTrail) "
    "|| ($.eventName = DeleteTrail) || ($.eventName = StopLogging) }",
    "key-deletion": "{ ($.eventSource = kms.amazonaws.com) && ($.eventName = ScheduleKeyDeletion) }",
}
_WITHOUT_ALARM = "key-deletion"


def seed_logs(cloud: Cloud) -> None:
    """Make log groups, most of which keep for too short or for ever."""
    for region in REGIONS:
        logs = cloud.client("logs", region)
        for group, days, encrypted in _LOG_GROUPS if region == HOME else _LOG_GROUPS[1:4]:
            managed = {"kmsKeyId": cloud.ids[f"kms:{region}"]} if encrypted else {}
            logs.create_log_group(logGroupName=group, **managed)
            if days:
                logs.put_retention_policy(logGroupName=group, retentionInDays=days)
            cloud.count("log group")


def seed_trails(cloud: Cloud) -> None:
    """Make a good trail over all regions, and an old one that is neither validated nor running."""
    good = cloud.client("cloudtrail")
    good.create_trail(
        Name=name("all-regions"),
        S3BucketName=TRAIL_BUCKET,
        IsMultiRegionTrail=True,
        IncludeGlobalServiceEvents=True,
        EnableLogFileValidation=True,
        KmsKeyId=cloud.ids[f"kms:{HOME}"],
        CloudWatchLogsLogGroupArn=f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:{_TRAIL_LOG}:*",
        CloudWatchLogsRoleArn=role_arn("trail-logs"),
        SnsTopicName=name("security-alerts"),
    )
    good.start_logging(Name=name("all-regions"))
    selector: dict[str, Any] = {
        "ReadWriteType": "All",
        "IncludeManagementEvents": True,
        "DataResources": [
            {"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::fernhill-patient-records-prod/"]}
        ],
    }
    good.put_event_selectors(TrailName=name("all-regions"), EventSelectors=[selector])
    cloud.client("cloudtrail", SECOND).create_trail(
        Name=name("legacy"),
        S3BucketName=TRAIL_BUCKET,
        IsMultiRegionTrail=False,
        EnableLogFileValidation=False,
    )
    cloud.count("trail", 2)


def seed_alarms(cloud: Cloud) -> None:
    """Filter the trail's log for what CIS wants watched; one filter has no alarm, others are missing."""
    logs, watch = cloud.client("logs"), cloud.client("cloudwatch")
    for label, pattern in _WATCHED.items():
        metric = {"metricName": label, "metricNamespace": "Fernhill/Security", "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName=_TRAIL_LOG, filterName=label, filterPattern=pattern, metricTransformations=[metric]
        )
        cloud.count("metric filter")
        if label == _WITHOUT_ALARM:
            continue
        _alarm(watch, label, "Fernhill/Security", [cloud.ids[f"alerts:{HOME}"]])
        cloud.count("alarm")
    for label in ("portal-errors", "queue-depth", "db-storage"):
        _alarm(watch, label, "Fernhill/Operations", [])
        cloud.count("alarm")


def _alarm(watch: Any, label: str, namespace: str, actions: list[str]) -> None:
    watch.put_metric_alarm(
        AlarmName=name(label),
        MetricName=label,
        Namespace=namespace,
        Statistic="Sum",
        Period=300,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        ActionsEnabled=label != "queue-depth",
        AlarmActions=actions,
    )


def seed_recorder(cloud: Cloud) -> None:
    """Record configuration at home only."""
    config = cloud.client("config")
    group = {"allSupported": True, "includeGlobalResourceTypes": True}
    recorder = {"name": "default", "roleARN": role_arn("config-recorder"), "recordingGroup": group}
    config.put_configuration_recorder(ConfigurationRecorder=recorder)
    config.put_delivery_channel(DeliveryChannel={"name": "default", "s3BucketName": CONFIG_BUCKET})
    config.start_configuration_recorder(ConfigurationRecorderName="default")
    for rule in ("S3_BUCKET_VERSIONING_ENABLED", "ROOT_ACCOUNT_MFA_ENABLED"):
        with cloud.tolerate("config rule"):
            source = {"Owner": "AWS", "SourceIdentifier": rule}
            config.put_config_rule(ConfigRule={"ConfigRuleName": name(rule.lower()), "Source": source})
            cloud.count("config rule")
    cloud.count("config recorder")


def seed_detectors(cloud: Cloud) -> None:
    """Switch the detectors on at home only."""
    with cloud.tolerate("guardduty"):
        cloud.client("guardduty").create_detector(Enable=True, FindingPublishingFrequency="SIX_HOURS")
        cloud.count("guardduty detector")
    with cloud.tolerate("securityhub"):
        cloud.client("securityhub").enable_security_hub(EnableDefaultStandards=True)
        cloud.count("security hub")
    with cloud.tolerate("inspector2"):
        cloud.client("inspector2").enable(accountIds=[ACCOUNT], resourceTypes=["EC2", "ECR"])
        cloud.count("inspector")
    with cloud.tolerate("macie2"):
        cloud.client("macie2").enable_macie(status="ENABLED", findingPublishingFrequency="ONE_HOUR")
        cloud.count("macie")
