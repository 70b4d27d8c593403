"""Values: what the configuration knows of one, and properties that need or exclude each other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from checks.assembly import Assembly
from checks.finding import Finding
from checks.rule import Rule
from config import settings
from config.values import problem

Properties = Mapping[str, Any]

RULES = (
    Rule(
        "value-range",
        "The service refuses the value, or takes another than the configuration allows.",
        "Give a value that the configuration would take.",
        "config/settings.py, which names the source of each rule",
    ),
    Rule(
        "value-order",
        "The service refuses a minimum above its maximum.",
        "Lower the first, or raise the second.",
        "CloudFormation reference of the type",
    ),
    Rule(
        "value-needs",
        "The service refuses the resource: the property means nothing without another.",
        "Add the other property.",
        "CloudFormation reference of the type",
    ),
    Rule(
        "value-excludes",
        "The service refuses the resource: it takes one of the two properties.",
        "Take one of them away.",
        "CloudFormation reference of the type",
    ),
    Rule(
        "value-zones",
        "Nothing fails until a zone does: subnets that should lie apart lie in one.",
        "Give each subnet of a group another zone.",
        'Amazon VPC user guide, "Subnets for your VPC"; RDS user guide, "Working with a DB instance in a VPC"',
    ),
)

# (type, path of the property, section of the configuration, key). A `*` reads each element of a list.
_KNOWN: tuple[tuple[str, str, type[BaseModel], str], ...] = (
    ("AWS::Scheduler::Schedule", "ScheduleExpressionTimezone", settings.Schedule, "time_zone"),
    ("AWS::Logs::LogGroup", "RetentionInDays", settings.Settings, "log_retention_days"),
    ("AWS::EC2::VPC", "CidrBlock", settings.Network, "cidr"),
    ("AWS::RDS::DBCluster", "DatabaseName", settings.Aurora, "database"),
    ("AWS::RDS::DBCluster", "ServerlessV2ScalingConfiguration.MinCapacity", settings.Aurora, "min_capacity"),
    ("AWS::RDS::DBCluster", "ServerlessV2ScalingConfiguration.MaxCapacity", settings.Aurora, "max_capacity"),
    ("AWS::Glue::Job", "GlueVersion", settings.Etl, "glue_version"),
    ("AWS::Glue::Job", "WorkerType", settings.Etl, "worker_type"),
    ("AWS::Glue::Job", "NumberOfWorkers", settings.Etl, "workers"),
    ("AWS::Glue::Job", "Timeout", settings.Etl, "timeout_minutes"),
    ("AWS::CodeBuild::Project", "TimeoutInMinutes", settings.Dbt, "timeout_minutes"),
    ("AWS::RedshiftServerless::Workgroup", "BaseCapacity", settings.Analytics, "base_capacity_rpu"),
    ("AWS::RedshiftServerless::Workgroup", "MaxCapacity", settings.Analytics, "max_capacity_rpu"),
    ("AWS::RedshiftServerless::Namespace", "DbName", settings.Analytics, "database"),
    ("AWS::ApiGateway::Stage", "MethodSettings.*.ThrottlingRateLimit", settings.Api, "rate_per_second"),
    ("AWS::ApiGateway::Stage", "MethodSettings.*.ThrottlingBurstLimit", settings.Api, "burst"),
)


@dataclass(frozen=True)
class Pair:
    """`first`, where it has one of `values` (or at all, where there are none), and another property."""

    type: str
    first: str
    other: str
    values: tuple[Any, ...] = ()

    def applies(self, properties: Properties) -> bool:
        return any(not self.values or value in self.values for value in at(properties, self.first))


_ON_DEMAND = ("PAY_PER_REQUEST",)
_WINDOW, _MODE = "FlexibleTimeWindow.MaximumWindowInMinutes", "FlexibleTimeWindow.Mode"
_ACU = "ServerlessV2ScalingConfiguration"
_NEEDS = (
    Pair("AWS::Scheduler::Schedule", _MODE, _WINDOW, ("FLEXIBLE",)),
    Pair("AWS::Scheduler::Schedule", "ScheduleExpressionTimezone", "ScheduleExpression"),
    Pair("AWS::DynamoDB::Table", "BillingMode", "ProvisionedThroughput", ("PROVISIONED",)),
    Pair("AWS::DynamoDB::Table", "SSESpecification.KMSMasterKeyId", "SSESpecification.SSEEnabled"),
    Pair("AWS::DynamoDB::Table", "TimeToLiveSpecification.Enabled", "TimeToLiveSpecification.AttributeName", (True,)),
    Pair("AWS::Glue::Job", "WorkerType", "NumberOfWorkers"),
    Pair("AWS::Glue::Job", "NumberOfWorkers", "WorkerType"),
    Pair("AWS::EC2::VPCEndpoint", "PrivateDnsEnabled", "SubnetIds", (True,)),
    Pair("AWS::EC2::NatGateway", "SubnetId", "AllocationId"),
    Pair("AWS::ApiGateway::Method", "AuthorizationType", "AuthorizerId", ("CUSTOM", "COGNITO_USER_POOLS")),
    Pair("AWS::CloudWatch::Alarm", "MetricName", "Namespace"),
    Pair("AWS::CloudWatch::Alarm", "MetricName", "Period"),
    Pair("AWS::RDS::DBCluster", "KmsKeyId", "StorageEncrypted"),
    Pair("AWS::RedshiftServerless::Namespace", "AdminUserPassword", "AdminUsername"),
    Pair("AWS::Lambda::Function", "VpcConfig.SubnetIds", "VpcConfig.SecurityGroupIds"),
    Pair("AWS::CodeBuild::Project", "VpcConfig.Subnets", "VpcConfig.SecurityGroupIds"),
    Pair("AWS::CodeBuild::Project", "VpcConfig.Subnets", "VpcConfig.VpcId"),
)  # fmt: skip
_EXCLUDES = (
    Pair("AWS::Scheduler::Schedule", _MODE, _WINDOW, ("OFF",)),
    Pair("AWS::DynamoDB::Table", "BillingMode", "ProvisionedThroughput", _ON_DEMAND),
    Pair("AWS::Glue::Job", "WorkerType", "MaxCapacity"),
    Pair("AWS::Glue::Job", "MaxCapacity", "AllocatedCapacity"),
    Pair("AWS::EC2::VPCEndpoint", "VpcEndpointType", "SubnetIds", ("Gateway",)),
    Pair("AWS::EC2::VPCEndpoint", "VpcEndpointType", "SecurityGroupIds", ("Gateway",)),
    Pair("AWS::EC2::VPCEndpoint", "VpcEndpointType", "RouteTableIds", ("Interface",)),
    Pair("AWS::CloudWatch::Alarm", "Statistic", "ExtendedStatistic"),
    Pair("AWS::CloudWatch::Alarm", "MetricName", "Metrics"),
    Pair("AWS::CloudWatch::Alarm", "Threshold", "ThresholdMetricId"),
    Pair("AWS::RDS::DBCluster", "ManageMasterUserPassword", "MasterUserPassword", (True,)),
    Pair("AWS::RDS::DBCluster", "SnapshotIdentifier", "MasterUsername"),
    Pair("AWS::RedshiftServerless::Namespace", "ManageAdminPassword", "AdminUserPassword", (True,)),
    Pair("AWS::SecretsManager::Secret", "SecretString", "GenerateSecretString"),
    Pair("AWS::StepFunctions::StateMachine", "DefinitionString", "DefinitionS3Location"),
    Pair("AWS::StepFunctions::StateMachine", "DefinitionString", "Definition"),
)  # fmt: skip
_ORDERED = (
    ("AWS::RDS::DBCluster", f"{_ACU}.MinCapacity", f"{_ACU}.MaxCapacity"),
    ("AWS::RedshiftServerless::Workgroup", "BaseCapacity", "MaxCapacity"),
    ("AWS::CloudWatch::Alarm", "DatapointsToAlarm", "EvaluationPeriods"),
    ("AWS::Scheduler::Schedule", "StartDate", "EndDate"),
)  # fmt: skip
# A group of subnets, by where it is listed.
_GROUPS = (
    ("AWS::RDS::DBSubnetGroup", "SubnetIds"),
    ("AWS::RedshiftServerless::Workgroup", "SubnetIds"),
)


def check(assembly: Assembly) -> list[Finding]:
    return [
        *_ranges(assembly),
        *_orders(assembly),
        *_pairs(assembly, _NEEDS, "value-needs", _lacks),
        *_pairs(assembly, _EXCLUDES, "value-excludes", _has),
        *_zones(assembly),
    ]


def at(properties: Any, path: str) -> list[Any]:
    """The values of a property; [] where it is not there."""
    found = [properties]
    for name in path.split("."):
        if name == "*":
            found = [part for value in found if isinstance(value, list) for part in value]
        else:
            found = [value[name] for value in found if isinstance(value, dict) and name in value]
    return found


def _ranges(assembly: Assembly) -> Iterator[Finding]:
    for kind, path, section, key in _KNOWN:
        for stack, logical_id, properties in assembly.each(kind):
            for value in at(properties, path):
                why = None if str(value).startswith("<") else problem(section, key, value)
                if why is not None:
                    text = f"{path} is {value!r}: {why}."
                    cure = f"give a value that {section.__name__}.{key} of the configuration takes."
                    yield Finding(stack.name, logical_id, "value-range", text, cure)


def _orders(assembly: Assembly) -> Iterator[Finding]:
    for kind, low, high in _ORDERED:
        for stack, logical_id, properties in assembly.each(kind):
            for below, above in zip(at(properties, low), at(properties, high), strict=False):
                if _comparable(below, above) and below > above:
                    why = f"{low} {below} is above {high} {above}."
                    yield Finding(stack.name, logical_id, "value-order", why, "lower the first.")


def _comparable(*values: Any) -> bool:
    return all(isinstance(v, int | float) for v in values) or all(isinstance(v, str) for v in values)


def _pairs(
    assembly: Assembly, pairs: tuple[Pair, ...], rule: str, wrong: Callable[[Properties, Pair], str | None]
) -> Iterator[Finding]:
    for pair in pairs:
        for stack, logical_id, properties in assembly.each(pair.type):
            why = wrong(properties, pair) if pair.applies(properties) else None
            if why is not None:
                cure = (
                    f"give {pair.other}."
                    if rule == "value-needs"
                    else f"take {pair.first} or {pair.other} away."
                )
                yield Finding(stack.name, logical_id, rule, why, cure)


def _lacks(properties: Properties, pair: Pair) -> str | None:
    given = at(properties, pair.first)[0]
    return None if at(properties, pair.other) else f"{pair.first} {given!r} needs {pair.other}."


def _has(properties: Properties, pair: Pair) -> str | None:
    given = at(properties, pair.first)[0]
    return (
        f"{pair.first} {given!r} and {pair.other} exclude each other." if at(properties, pair.other) else None
    )


def _zones(assembly: Assembly) -> Iterator[Finding]:
    zone_of = {
        logical_id: str(properties.get("AvailabilityZone"))
        for _, logical_id, properties in assembly.each("AWS::EC2::Subnet")
    }
    by_name = {f"<{logical_id}>": zone for logical_id, zone in zone_of.items()}
    for kind, path in _GROUPS:
        for stack, logical_id, properties in assembly.each(kind):
            zones = [by_name[str(s)] for group in at(properties, path) for s in group if str(s) in by_name]
            twice = sorted({zone for zone in zones if zones.count(zone) > 1})
            if twice:
                why = f"{zones.count(twice[0])} of its {len(zones)} subnets lie in {twice[0]}."
                yield Finding(stack.name, logical_id, "value-zones", why, "give each another zone.")
