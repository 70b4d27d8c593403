"""AWS::CodeBuild::Project, and builds in a VPC."""

from __future__ import annotations

import json
from typing import Any

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import REGION, allow, eventually, make_role, name
from tests.codebuild.test_builds import LOGS, SERVICE, built, environment, failure, spec, stored

INTERFACES = allow(
    *(f"ec2:{action}" for action in ("CreateNetworkInterface", "DeleteNetworkInterface")),
    *(
        f"ec2:Describe{what}"
        for what in ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
    ),
)


def stack(
    endpoint: Endpoint, title: str, resources: dict[str, Any], *, how: str = "create"
) -> dict[str, Any]:
    cloudformation = endpoint.client("cloudformation")
    outputs = {"Arn": {"Value": {"Fn::GetAtt": ["Project", "Arn"]}}, "Name": {"Value": {"Ref": "Project"}}}
    body = json.dumps({"Resources": resources, "Outputs": outputs})
    getattr(cloudformation, f"{how}_stack")(StackName=title, TemplateBody=body)

    def look() -> Any:
        found = cloudformation.describe_stacks(StackName=title)["Stacks"][0]
        return found if not found["StackStatus"].endswith("PROGRESS") else None

    found = dict(eventually(look, seconds=30))
    if "ROLLBACK" in found["StackStatus"]:
        events = cloudformation.describe_stack_events(StackName=title)["StackEvents"]
        return {"reasons": [event.get("ResourceStatusReason", "") for event in events]}
    return {one["OutputKey"]: one["OutputValue"] for one in found["Outputs"]}


def properties(endpoint: Endpoint, **more: Any) -> dict[str, Any]:
    made = environment(WORD="x")
    return {
        "Name": name("project"),
        "ServiceRole": make_role(endpoint, LOGS, service=SERVICE),
        "Source": {"Type": "NO_SOURCE", "BuildSpec": spec({"build": {"commands": ["echo said $WORD"]}})},
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "Type": made["type"],
            "ComputeType": made["computeType"],
            "Image": made["image"],
            "PrivilegedMode": "false",
            "EnvironmentVariables": [{"Name": "WORD", "Value": "x"}],
        },
        **more,
    }


def test_a_stack_makes_changes_and_removes_a_project(codebuild: Endpoint) -> None:
    client, title = codebuild.client("codebuild"), name("stack")
    given = properties(codebuild, TimeoutInMinutes="30", ConcurrentBuildLimit=1)
    resource = {"Type": "AWS::CodeBuild::Project", "Properties": given}
    made = stack(codebuild, title, {"Project": resource})
    assert made == {
        "Name": given["Name"],
        "Arn": f"arn:aws:codebuild:{REGION}:222222222222:project/{given['Name']}",
    }
    [project] = client.batch_get_projects(names=[given["Name"]])["projects"]
    assert (project["timeoutInMinutes"], project["queuedTimeoutInMinutes"]) == (30, 480)
    assert built(codebuild, given["Name"])["buildStatus"] == "SUCCEEDED"
    del given["TimeoutInMinutes"], given["ConcurrentBuildLimit"]
    changed = {**resource, "Properties": {**given, "QueuedTimeoutInMinutes": 10}}
    assert stack(codebuild, title, {"Project": changed}, how="update")["Name"] == given["Name"]
    [project] = client.batch_get_projects(names=[given["Name"]])["projects"]
    assert (project["timeoutInMinutes"], project["queuedTimeoutInMinutes"]) == (60, 10), "taken back"
    codebuild.client("cloudformation").delete_stack(StackName=title)
    eventually(lambda: client.batch_get_projects(names=[given["Name"]])["projectsNotFound"])


def test_properties_that_are_not_emulated_fail_the_stack_by_name(codebuild: Endpoint) -> None:
    for more in ({"Triggers": {"Webhook": True}}, {"BadgeEnabled": True}, {"Visibility": "PUBLIC_READ"}):
        resource = {"Type": "AWS::CodeBuild::Project", "Properties": properties(codebuild, **more)}
        [named] = more
        reasons = stack(codebuild, name("stack"), {"Project": resource})["reasons"]
        assert any(named[1:] in reason for reason in reasons), reasons


def network(endpoint: Endpoint, *, egress: bool, **policy: str) -> dict[str, Any]:
    """A VPC without a way out of it but an endpoint of S3; its group lets HTTPS out or nothing."""
    ec2 = endpoint.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName=name(), Description="x", VpcId=vpc)["GroupId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    service = f"com.amazonaws.{REGION}.s3"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, RouteTableIds=[table], **policy)
    every = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    if not egress:
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[every])
    return {"vpcId": vpc, "subnets": [subnet], "securityGroupIds": [group]}


def in_vpc(endpoint: Endpoint, place: dict[str, Any], *statements: dict[str, Any]) -> dict[str, Any]:
    location = stored(endpoint, {"x": "x"})
    role = make_role(endpoint, LOGS, allow("s3:GetObject"), *statements, service=SERVICE)
    client, title = endpoint.client("codebuild"), name("project")
    client.create_project(
        name=title,
        serviceRole=role,
        source={"type": "S3", "location": location, "buildspec": spec({"build": {"commands": ["true"]}})},
        artifacts={"type": "NO_ARTIFACTS"},
        environment=environment(),
        vpcConfig=place,
    )
    return built(endpoint, title)


def handing(place: dict[str, Any], *, subnet: str = "") -> dict[str, Any]:
    arn = f"arn:aws:ec2:{REGION}:222222222222:subnet/{subnet or place['subnets'][0]}"
    return allow(
        "ec2:CreateNetworkInterfacePermission",
        resource=f"arn:aws:ec2:{REGION}:222222222222:network-interface/*",
        StringEquals={"ec2:AuthorizedService": SERVICE},
        ArnEquals={"ec2:Subnet": [arn]},
    )


def test_a_build_in_a_vpc_needs_interfaces_there_and_a_way_to_its_source(codebuild: Endpoint) -> None:
    """The permissions of the user guide's policy, with its conditions: a grant of another subnet is none."""
    place = network(codebuild, egress=True)
    assert in_vpc(codebuild, place, INTERFACES, handing(place))["buildStatus"] == "SUCCEEDED"
    for lacking in ([INTERFACES], [handing(place)], [INTERFACES, handing(place, subnet="subnet-0other")]):
        assert failure(in_vpc(codebuild, place, *lacking))[:2] == ("PROVISIONING", "VPC_CLIENT_ERROR")
    closed = network(codebuild, egress=False)
    phase, code, said = failure(in_vpc(codebuild, closed, INTERFACES, handing(closed)))
    assert (phase, code) == (
        "DOWNLOAD_SOURCE",
        "CLIENT_ERROR",
    ) and "no outbound rule for port 443 to s3" in said
    nothing = json.dumps({"Statement": [{**allow("s3:PutObject"), "Principal": "*"}]})
    held = network(codebuild, egress=True, PolicyDocument=nothing)
    phase, _, said = failure(in_vpc(codebuild, held, INTERFACES, handing(held)))
    assert phase == "DOWNLOAD_SOURCE" and "no VPC endpoint policy allows the s3:GetObject action" in said
