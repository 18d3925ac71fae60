"""What faces the internet: load balancers, CloudFront, firewalls, names, certificates, APIs."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from annexa.demo.estate.cloud import ACCOUNT, HOME, SECOND, Cloud, name, tags
from annexa.demo.estate.storage import ACCESS_LOG_BUCKET


def seed_certificates(cloud: Cloud) -> None:
    """Request and import certificates; two run out soon."""
    acm = cloud.client("acm")
    made = acm.request_certificate(DomainName="portal.fernhill.example", ValidationMethod="DNS")
    cloud.ids["certificate"] = made["CertificateArn"]
    for number, (host, days) in enumerate((("api", 300), ("booking", 12), ("old-portal", 2)), start=1):
        with cloud.tolerate(f"certificate {host}"):
            acm.import_certificate(**_certificate(f"{host}.fernhill.example", days, number))
            cloud.count("acm certificate")
    cloud.count("acm certificate")
    pair = _certificate("vpn.fernhill.example", 40, 9)
    cloud.client("iam").upload_server_certificate(
        ServerCertificateName=name("vpn"),
        CertificateBody=pair["Certificate"].decode(),
        PrivateKey=pair["PrivateKey"].decode(),
    )
    cloud.count("iam server certificate")


def _certificate(host: str, days: int, number: int) -> dict[str, bytes]:
    key = ec.derive_private_key(27001 + number, ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    until = datetime.now(UTC) + timedelta(days=days)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(number)
        .not_valid_before(until - timedelta(days=365))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {"Certificate": built.public_bytes(serialization.Encoding.PEM), "PrivateKey": private}


def seed_balancers(cloud: Cloud) -> None:
    """Make load balancers: with TLS, with an old TLS policy, without TLS, and a classic one."""
    elb = cloud.client("elbv2")
    subnets = [cloud.ids[f"subnet:{HOME}"], cloud.ids[f"subnet2:{HOME}"]]
    group = elb.create_target_group(
        Name=name("web"), Protocol="HTTP", Port=8080, VpcId=cloud.ids[f"vpc:{HOME}"], TargetType="instance"
    )["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    for label, policy_name in (
        ("portal", "ELBSecurityPolicy-TLS13-1-2-2021-06"),
        ("booking", "ELBSecurityPolicy-2016-08"),
        ("intranet", None),
    ):
        made = elb.create_load_balancer(
            Name=name(label),
            Subnets=subnets,
            SecurityGroups=[cloud.ids[f"sg-web:{HOME}"]],
            Scheme="internal" if label == "intranet" else "internet-facing",
            Type="application",
        )["LoadBalancers"][0]["LoadBalancerArn"]
        if policy_name:
            certificates = [{"CertificateArn": cloud.ids["certificate"]}]
            elb.create_listener(
                LoadBalancerArn=made,
                Protocol="HTTPS",
                Port=443,
                SslPolicy=policy_name,
                Certificates=certificates,
                DefaultActions=forward,
            )
        else:
            elb.create_listener(LoadBalancerArn=made, Protocol="HTTP", Port=80, DefaultActions=forward)
        if label == "portal":
            cloud.ids["balancer"] = made
            values = {
                "access_logs.s3.enabled": "true",
                "access_logs.s3.bucket": ACCESS_LOG_BUCKET,
                "deletion_protection.enabled": "true",
                "routing.http.drop_invalid_header_fields.enabled": "true",
            }
            elb.modify_load_balancer_attributes(LoadBalancerArn=made, Attributes=tags(**values))
        cloud.count("load balancer")
    cloud.client("elb").create_load_balancer(
        LoadBalancerName=name("legacy"),
        Listeners=[{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}],
        AvailabilityZones=[f"{HOME}a"],
    )
    cloud.count("classic load balancer")


def seed_firewalls(cloud: Cloud) -> None:
    """Put a web ACL before one of the load balancers, and make a network firewall."""
    waf = cloud.client("wafv2")
    seen = {"SampledRequestsEnabled": True, "CloudWatchMetricsEnabled": True, "MetricName": "portal"}
    made = waf.create_web_acl(
        Name=name("portal"), Scope="REGIONAL", DefaultAction={"Allow": {}}, Rules=[], VisibilityConfig=seen
    )["Summary"]["ARN"]
    waf.associate_web_acl(WebACLArn=made, ResourceArn=cloud.ids["balancer"])
    cloud.count("web acl")
    with cloud.tolerate("network firewall"):
        firewall = cloud.client("network-firewall")
        firewall.create_firewall(
            FirewallName=name("edge"),
            FirewallPolicyArn=f"arn:aws:network-firewall:{HOME}:{ACCOUNT}:firewall-policy/{name('edge')}",
            VpcId=cloud.ids[f"vpc:{HOME}"],
            SubnetMappings=[{"SubnetId": cloud.ids[f"public-subnet:{HOME}"]}],
            DeleteProtection=False,
        )
        cloud.count("network firewall")


def seed_names(cloud: Cloud) -> None:
    """Make hosted zones, one of which writes a query log."""
    route53 = cloud.client("route53", SECOND)
    for index, zone in enumerate(("fernhill.example.", "fernhill-booking.example.", "old-clinic.example.")):
        made = route53.create_hosted_zone(Name=zone, CallerReference=zone)["HostedZone"]["Id"]
        cloud.count("hosted zone")
        if index == 0:
            logs = cloud.client("logs", SECOND)
            logs.create_log_group(logGroupName="/aws/route53/fernhill.example")
            route53.create_query_logging_config(
                HostedZoneId=made.removeprefix("/hostedzone/"),
                CloudWatchLogsLogGroupArn=f"arn:aws:logs:{SECOND}:{ACCOUNT}:log-group:/aws/route53/fernhill.example:*",
            )


def seed_distributions(cloud: Cloud) -> None:
    """Make CloudFront distributions from strict to careless."""
    front = cloud.client("cloudfront", SECOND)
    for label, viewer, tls, logged in (
        ("portal", "redirect-to-https", "TLSv1.2_2021", True),
        ("booking", "https-only", "TLSv1", False),
        ("newsletter", "allow-all", "TLSv1", False),
    ):
        front.create_distribution(DistributionConfig=_distribution(label, viewer, tls, logged))
        cloud.count("cloudfront distribution")


def _distribution(label: str, viewer: str, tls: str, logged: bool) -> dict[str, Any]:
    return {
        "CallerReference": label,
        "Comment": label,
        "Enabled": True,
        "Origins": {
            "Quantity": 1,
            "Items": [
                {
                    "Id": "origin",
                    "DomainName": f"{label}.fernhill.example",
                    "CustomOriginConfig": {
                        "HTTPPort": 80,
                        "HTTPSPort": 443,
                        "OriginProtocolPolicy": "https-only" if logged else "http-only",
                    },
                }
            ],
        },
        "DefaultCacheBehavior": {
            "TargetOriginId": "origin",
            "ViewerProtocolPolicy": viewer,
            "MinTTL": 0,
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
        },
        "ViewerCertificate": {"CloudFrontDefaultCertificate": False, "MinimumProtocolVersion": tls},
        "Logging": {
            "Enabled": logged,
            "IncludeCookies": False,
            "Bucket": f"{ACCESS_LOG_BUCKET}.s3.amazonaws.com" if logged else "",
            "Prefix": label if logged else "",
        },
    }


def seed_apis(cloud: Cloud) -> None:
    """Make REST and HTTP APIs, logged and not, with an authoriser and without."""
    rest = cloud.client("apigateway")
    for label, traced in (("records", True), ("booking", False)):
        api = rest.create_rest_api(name=name(label), endpointConfiguration={"types": ["REGIONAL"]})["id"]
        root = rest.get_resources(restApiId=api)["items"][0]["id"]
        kind = "AWS_IAM" if traced else "NONE"
        rest.put_method(restApiId=api, resourceId=root, httpMethod="GET", authorizationType=kind)
        rest.put_integration(restApiId=api, resourceId=root, httpMethod="GET", type="MOCK")
        rest.put_integration_response(restApiId=api, resourceId=root, httpMethod="GET", statusCode="200")
        deployed = rest.create_deployment(restApiId=api)["id"]
        rest.create_stage(restApiId=api, stageName="live", deploymentId=deployed, tracingEnabled=traced)
        if traced:
            log = f"arn:aws:logs:{HOME}:{ACCOUNT}:log-group:/fernhill/api"
            change = [
                {"op": "replace", "path": "/accessLogSettings/destinationArn", "value": log},
                {
                    "op": "replace",
                    "path": "/accessLogSettings/format",
                    "value": json.dumps({"ip": "$context.identity.sourceIp"}),
                },
            ]
            with cloud.tolerate("api access log"):
                rest.update_stage(restApiId=api, stageName="live", patchOperations=change)
        cloud.count("rest api")
    http = cloud.client("apigatewayv2")
    api = http.create_api(Name=name("webhooks"), ProtocolType="HTTP")["ApiId"]
    http.create_stage(ApiId=api, StageName="live", AutoDeploy=True)
    http.create_route(ApiId=api, RouteKey="POST /results", AuthorizationType="NONE")
    cloud.count("http api")
