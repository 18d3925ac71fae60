"""Networks: VPCs, subnets, security groups, access lists, flow logs, endpoints."""

from typing import Any

from annexa.demo.estate.cloud import HOME, REGIONS, SECOND, Cloud, name, tags
from annexa.demo.estate.identity import role_arn

_WORLD = [{"CidrIp": "0.0.0.0/0"}]
_WORLD6 = [{"CidrIpv6": "::/0"}]
_INSIDE = [{"CidrIp": "10.0.0.0/8"}]

_GROUPS: dict[str, list[dict[str, Any]]] = {
    "web": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": _WORLD}],
    "app": [{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": _INSIDE}],
    "db": [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": _INSIDE}],
    "bastion": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": _WORLD}],
    "remote-desktop": [{"IpProtocol": "tcp", "FromPort": 3389, "ToPort": 3389, "Ipv6Ranges": _WORLD6}],
    "legacy-all": [{"IpProtocol": "-1", "IpRanges": _WORLD}],
    "mysql-public": [{"IpProtocol": "tcp", "FromPort": 3306, "ToPort": 3306, "IpRanges": _WORLD}],
    "wide-ports": [{"IpProtocol": "tcp", "FromPort": 20, "ToPort": 1024, "IpRanges": _WORLD}],
    "cache": [{"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6379, "IpRanges": _INSIDE}],
    "unused": [],
}
_NETWORKS = {
    HOME: (("prod", "10.10"), ("staging", "10.20"), ("office", "10.30")),
    SECOND: (("dev", "10.40"),),
}


def seed_networks(cloud: Cloud) -> None:
    """Make the VPCs of both regions and everything inside them."""
    for region in REGIONS:
        ec2 = cloud.client("ec2", region)
        for index, (label, block) in enumerate(_NETWORKS[region]):
            vpc = ec2.create_vpc(CidrBlock=f"{block}.0.0/16", TagSpecifications=_named("vpc", label))["Vpc"][
                "VpcId"
            ]
            cloud.count("vpc")
            subnets = _subnets(cloud, ec2, region, vpc, label, block)
            groups = _groups(cloud, ec2, vpc, label, region)
            if index == 0:
                cloud.ids.update(
                    {
                        f"vpc:{region}": vpc,
                        f"subnet:{region}": subnets[0],
                        f"subnet2:{region}": subnets[1],
                        f"public-subnet:{region}": subnets[2],
                        **{f"sg-{group}:{region}": made for group, made in groups.items()},
                    }
                )
                _flow_log(cloud, region, vpc)
                _endpoints(cloud, region, vpc)
        with cloud.tolerate("default security group"):
            _close_default_group(ec2, cloud.ids[f"vpc:{region}"])


def _named(kind: str, label: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags(Name=name(label), stage=label)}]


def _subnets(cloud: Cloud, ec2: Any, region: str, vpc: str, label: str, block: str) -> list[str]:
    made = []
    for index in range(4):  # two private, two public
        subnet = ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"{block}.{index}.0/24",
            AvailabilityZone=f"{region}{'ab'[index % 2]}",
            TagSpecifications=_named("subnet", f"{label}-{index}"),
        )["Subnet"]["SubnetId"]
        if index >= 2:
            ec2.modify_subnet_attribute(SubnetId=subnet, MapPublicIpOnLaunch={"Value": True})
        made.append(subnet)
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    for subnet in made[2:]:
        ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    ports = {"From": 22, "To": 22} if label in ("prod", "dev") else {"From": 443, "To": 443}
    ec2.create_network_acl_entry(
        NetworkAclId=acl,
        RuleNumber=100,
        Protocol="6",
        RuleAction="allow",
        Egress=False,
        CidrBlock="0.0.0.0/0",
        PortRange=ports,
    )
    cloud.count("subnet", len(made))
    cloud.count("internet gateway")
    cloud.count("route table")
    cloud.count("network acl")
    return made


def _groups(cloud: Cloud, ec2: Any, vpc: str, label: str, region: str) -> dict[str, str]:
    made: dict[str, str] = {}
    for group, rules in _GROUPS.items():
        if label == "staging" and group in ("legacy-all", "mysql-public"):
            continue
        made[group] = ec2.create_security_group(
            GroupName=name(label, group), Description=f"{group} of {label}", VpcId=vpc
        )["GroupId"]
        if rules:
            ec2.authorize_security_group_ingress(GroupId=made[group], IpPermissions=rules)
    cloud.count("security group", len(made))
    return made


def _close_default_group(ec2: Any, vpc: str) -> None:
    """Empty the default group of the first VPC, as it should be; the others keep theirs."""
    found = ec2.describe_security_groups(
        Filters=[{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    for group in found:
        if group["IpPermissions"]:
            ec2.revoke_security_group_ingress(GroupId=group["GroupId"], IpPermissions=group["IpPermissions"])
        if group["IpPermissionsEgress"]:
            ec2.revoke_security_group_egress(
                GroupId=group["GroupId"], IpPermissions=group["IpPermissionsEgress"]
            )


def _flow_log(cloud: Cloud, region: str, vpc: str) -> None:
    if region != HOME:
        return
    cloud.client("logs", region).create_log_group(logGroupName="/fernhill/flow-logs")
    cloud.client("ec2", region).create_flow_logs(
        ResourceIds=[vpc],
        ResourceType="VPC",
        TrafficType="ALL",
        LogGroupName="/fernhill/flow-logs",
        DeliverLogsPermissionArn=role_arn("flow-logs"),
    )
    cloud.count("flow log")


def _endpoints(cloud: Cloud, region: str, vpc: str) -> None:
    with cloud.tolerate("vpc endpoint"):
        cloud.client("ec2", region).create_vpc_endpoint(
            VpcId=vpc, ServiceName=f"com.amazonaws.{region}.s3", VpcEndpointType="Gateway"
        )
        cloud.count("vpc endpoint")
    with cloud.tolerate("elastic ip"):
        cloud.client("ec2", region).allocate_address(Domain="vpc")
        cloud.count("elastic ip")
