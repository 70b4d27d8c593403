"""AWS::EC2 types whose records ministack's EC2 API keeps but its CloudFormation can't make."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from osusume_endpoint import endpoint as endpoints
from osusume_endpoint.replacements import replaces

Created = tuple[str, dict[str, Any]]


def _ec2() -> Any:
    return endpoints.current().client("ec2")


def _tag_specifications(kind: str, properties: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": properties["Tags"]}] if properties.get("Tags") else []


def create_address(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    address = _ec2().allocate_address(
        Domain="vpc", TagSpecifications=_tag_specifications("elastic-ip", properties)
    )
    public, allocation = address["PublicIp"], address["AllocationId"]
    return public, {"AllocationId": allocation, "PublicIp": public}


def delete_address(physical_id: str, properties: dict[str, Any]) -> None:
    ec2 = _ec2()
    for address in ec2.describe_addresses()["Addresses"]:
        if address["PublicIp"] == physical_id:
            ec2.release_address(AllocationId=address["AllocationId"])


def create_nat_gateway(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    request = {k: properties[k] for k in ("SubnetId", "AllocationId", "ConnectivityType") if k in properties}
    gateway = _ec2().create_nat_gateway(
        **request, TagSpecifications=_tag_specifications("natgateway", properties)
    )["NatGateway"]
    return gateway["NatGatewayId"], {"NatGatewayId": gateway["NatGatewayId"]}


def delete_nat_gateway(physical_id: str, properties: dict[str, Any]) -> None:
    _ec2().delete_nat_gateway(NatGatewayId=physical_id)


def create_flow_log(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
    allowed = {
        "ResourceType",
        "TrafficType",
        "LogDestinationType",
        "LogDestination",
        "LogGroupName",
        "DeliverLogsPermissionArn",
        "MaxAggregationInterval",
        "LogFormat",
    }
    request = {k: v for k, v in properties.items() if k in allowed}
    result = _ec2().create_flow_logs(
        ResourceIds=[properties["ResourceId"]],
        TagSpecifications=_tag_specifications("vpc-flow-log", properties),
        **request,
    )
    if result.get("Unsuccessful"):
        raise ValueError(f"The flow log was refused: {result['Unsuccessful']}")
    return result["FlowLogIds"][0], {"Id": result["FlowLogIds"][0]}


def delete_flow_log(physical_id: str, properties: dict[str, Any]) -> None:
    _ec2().delete_flow_logs(FlowLogIds=[physical_id])


def _permission(properties: dict[str, Any]) -> list[dict[str, Any]]:
    described = {"Description": properties["Description"]} if properties.get("Description") else {}
    permission: dict[str, Any] = {"IpProtocol": str(properties["IpProtocol"])}
    for bound in ("FromPort", "ToPort"):
        if bound in properties:
            permission[bound] = int(properties[bound])
    peer = properties.get("SourceSecurityGroupId") or properties.get("DestinationSecurityGroupId")
    prefix_list = properties.get("SourcePrefixListId") or properties.get("DestinationPrefixListId")
    if peer:
        permission["UserIdGroupPairs"] = [{"GroupId": peer, **described}]
    if prefix_list:
        permission["PrefixListIds"] = [{"PrefixListId": prefix_list, **described}]
    if properties.get("CidrIp"):
        permission["IpRanges"] = [{"CidrIp": properties["CidrIp"], **described}]
    if properties.get("CidrIpv6"):
        permission["Ipv6Ranges"] = [{"CidrIpv6": properties["CidrIpv6"], **described}]
    return [permission]


def _rule(direction: str) -> dict[str, Any]:
    def create(logical_id: str, properties: dict[str, Any], stack: str) -> Created:
        authorize = getattr(_ec2(), f"authorize_security_group_{direction}")
        result = authorize(GroupId=properties["GroupId"], IpPermissions=_permission(properties))
        rules = result.get("SecurityGroupRules") or [{}]
        physical_id = rules[0].get("SecurityGroupRuleId") or f"{stack}-{logical_id}"
        return physical_id, {"Id": physical_id}

    def delete(physical_id: str, properties: dict[str, Any]) -> None:
        revoke = getattr(_ec2(), f"revoke_security_group_{direction}")
        try:
            revoke(GroupId=properties["GroupId"], IpPermissions=_permission(properties))
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    replace_on = ["GroupId", "IpProtocol", "FromPort", "ToPort", "CidrIp", "CidrIpv6"]
    return {
        "create": create,
        "delete": delete,
        "replace_on": [*replace_on, "SourceSecurityGroupId", "DestinationSecurityGroupId"],
    }


HANDLERS: dict[str, dict[str, Any]] = {
    "AWS::EC2::EIP": {"create": create_address, "delete": delete_address},
    "AWS::EC2::NatGateway": {
        "create": create_nat_gateway,
        "delete": delete_nat_gateway,
        "replace_on": ["SubnetId", "AllocationId"],
    },
    "AWS::EC2::FlowLog": {
        "create": create_flow_log,
        "delete": delete_flow_log,
        "replace_on": ["ResourceId", "LogDestination", "LogGroupName", "TrafficType"],
    },
    "AWS::EC2::SecurityGroupIngress": _rule("ingress"),
    "AWS::EC2::SecurityGroupEgress": _rule("egress"),
}


@replaces("ministack.services.ec2:_vpce_fields_xml", takes="ep, tag")
def _whole_endpoints(inner: Callable[..., str]) -> Callable[..., str]:
    """ministack keeps an endpoint's groups, private DNS and policy, and answers none of them."""

    def fields(ep: dict[str, Any], tag: str = "item") -> str:
        groups = "".join(f"<item><groupId>{one}</groupId></item>" for one in ep.get("SecurityGroupIds", []))
        private = str(ep.get("PrivateDnsEnabled", False)).lower()
        more = f"<groupSet>{groups}</groupSet><privateDnsEnabled>{private}</privateDnsEnabled>{_policy(ep)}"
        head, end, tail = inner(ep, tag).rpartition(f"</{tag}>")
        return f"{head}{more}{end}{tail}"

    return fields


def _policy(endpoint: dict[str, Any]) -> str:
    given = endpoint.get("PolicyDocument")
    if not given:
        return ""
    text = given if isinstance(given, str) else json.dumps(given)
    return f"<policyDocument>{escape(text)}</policyDocument>"


@replaces("ministack.services.ec2:_ACTION_MAP[CreateVpcEndpoint]", takes="p")
def _keeping_all_of_an_endpoint(inner: Callable[..., Any]) -> Callable[..., Any]:
    """ministack drops the policy, groups and private DNS of an endpoint that EC2's API makes."""

    def create(p: dict[str, Any]) -> Any:
        from ministack.services import ec2

        before = set(ec2._vpc_endpoints)
        answer = inner(p)
        for name in set(ec2._vpc_endpoints) - before:
            made = ec2._vpc_endpoints[name]
            made["PolicyDocument"] = ec2._p(p, "PolicyDocument") or None
            made["SecurityGroupIds"] = ec2._parse_member_list(p, "SecurityGroupId")
            # EC2 API reference, CreateVpcEndpoint: private names unless told otherwise, and of interfaces alone.
            wanted = ec2._p(p, "PrivateDnsEnabled", "true") == "true"
            made["PrivateDnsEnabled"] = wanted and made["VpcEndpointType"] == "Interface"
        return answer

    return create
