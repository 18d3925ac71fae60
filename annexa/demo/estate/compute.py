"""Machines: instances, disks, images, and the notebooks of the data team."""

from typing import Any

from annexa.demo.estate.cloud import HOME, REGIONS, SECOND, Cloud, name, tags
from annexa.demo.estate.identity import role_arn

_ROLES = ("web", "app", "worker", "lab", "report")


def seed_machines(cloud: Cloud) -> None:
    """Make images, instances, volumes and snapshots; some of each careless."""
    for region in REGIONS:
        ec2 = cloud.client("ec2", region)
        if region == HOME:
            ec2.enable_ebs_encryption_by_default()
        image = _images(cloud, ec2)
        number = cloud.size.instances * 3 // 4 if region == HOME else cloud.size.instances // 4
        for index in range(number):
            _instance(cloud, ec2, region, image, index)
        _volumes(cloud, ec2, region)
        with cloud.tolerate("launch template"):
            data = {
                "ImageId": image,
                "InstanceType": "t3.small",
                "MetadataOptions": {"HttpTokens": "optional"},
            }
            ec2.create_launch_template(LaunchTemplateName=name("app"), LaunchTemplateData=data)
            cloud.count("launch template")
    ec2 = cloud.client("ec2", HOME)
    with cloud.tolerate("key pair"):
        ec2.create_key_pair(KeyName=name("operations"), KeyType="ed25519")
        cloud.count("key pair")
    with cloud.tolerate("scaling group"):
        _scaling(cloud)


def _images(cloud: Cloud, ec2: Any) -> str:
    made = [
        ec2.register_image(
            Name=name(label),
            Description=label,
            RootDeviceName="/dev/xvda",
            Architecture="x86_64",
            VirtualizationType="hvm",
            BlockDeviceMappings=[
                {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 20, "Encrypted": label == "base"}}
            ],
        )["ImageId"]
        for label in ("base", "imaging-viewer", "legacy-kiosk")
    ]
    ec2.modify_image_attribute(ImageId=made[2], LaunchPermission={"Add": [{"Group": "all"}]})
    cloud.count("image", len(made))
    return str(made[0])


def _instance(cloud: Cloud, ec2: Any, region: str, image: str, index: int) -> None:
    role = _ROLES[index % len(_ROLES)]
    public = index % 7 == 3
    group = "legacy-all" if index % 10 == 9 else "bastion" if index % 13 == 5 else "web" if public else "app"
    profile = {"IamInstanceProfile": {"Name": name("app-server")}} if index % 3 else {}
    nic = {
        "DeviceIndex": 0,
        "SubnetId": cloud.ids[f"{'public-' if public else ''}subnet:{region}"],
        "AssociatePublicIpAddress": public,
        "Groups": [cloud.ids[f"sg-{group}:{region}"]],
    }
    made = ec2.run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        InstanceType="t3.medium" if index % 2 else "m5.large",
        NetworkInterfaces=[nic],
        MetadataOptions={
            "HttpTokens": "optional" if index % 4 == 1 else "required",
            "HttpEndpoint": "enabled",
            "HttpPutResponseHopLimit": 3 if index % 8 == 2 else 1,
        },
        Monitoring={"Enabled": index % 2 == 0},
        UserData="#!/bin/sh\nexport DB_PASSWORD=Winter-2024\n" if index % 12 == 4 else "#!/bin/sh\n",
        TagSpecifications=[
            {"ResourceType": "instance", "Tags": tags(Name=name(role, f"{index:02}"), role=role)}
        ],
        **profile,
    )["Instances"][0]["InstanceId"]
    if index % 9 == 8:
        ec2.stop_instances(InstanceIds=[made])
    cloud.count("instance")


def _volumes(cloud: Cloud, ec2: Any, region: str) -> None:
    for index in range(8 if region == HOME else 4):
        volume = ec2.create_volume(
            AvailabilityZone=f"{region}a",
            Size=50 + index,
            Encrypted=index % 3 != 2,
            TagSpecifications=[{"ResourceType": "volume", "Tags": tags(Name=name("data", f"{index:02}"))}],
        )["VolumeId"]
        snapshot = ec2.create_snapshot(VolumeId=volume, Description=f"nightly {index}")["SnapshotId"]
        if index == 2:  # unencrypted, and for everybody in one region, for a partner in the other
            with_whom = {"GroupNames": ["all"]} if region == SECOND else {"UserIds": ["210987654321"]}
            ec2.modify_snapshot_attribute(
                SnapshotId=snapshot,
                Attribute="createVolumePermission",
                OperationType="add",
                **with_whom,
            )
        cloud.count("volume")
        cloud.count("snapshot")


def _scaling(cloud: Cloud) -> None:
    scaling = cloud.client("autoscaling")
    scaling.create_auto_scaling_group(
        AutoScalingGroupName=name("app"),
        LaunchTemplate={"LaunchTemplateName": name("app"), "Version": "$Latest"},
        MinSize=0,
        MaxSize=2,
        DesiredCapacity=0,
        AvailabilityZones=[f"{HOME}a"],
    )
    cloud.count("scaling group")


def seed_notebooks(cloud: Cloud) -> None:
    """Make notebooks: one closed, one on the open internet with root."""
    sagemaker = cloud.client("sagemaker")
    for label, open_to_all in (("readmissions", False), ("imaging-trial", True), ("scratch", True)):
        closed = {} if open_to_all else {"KmsKeyId": cloud.ids[f"kms:{HOME}"]}
        sagemaker.create_notebook_instance(
            NotebookInstanceName=name(label),
            InstanceType="ml.t3.medium",
            RoleArn=role_arn("sagemaker"),
            SubnetId=cloud.ids[f"subnet:{HOME}"],
            DirectInternetAccess="Enabled" if open_to_all else "Disabled",
            RootAccess="Enabled" if open_to_all else "Disabled",
            **closed,
        )
        cloud.count("notebook")
