"""The base of every stack: one environment's account, region, zones and tags, and values between stacks."""

from __future__ import annotations

from typing import ClassVar

from aws_cdk import Annotations, Environment, RemovalPolicy, Stack, Tags
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from config.names import Names, without_dashes
from config.settings import Settings

KEY_ARN = "storage/key-arn"
WAREHOUSE_HOST = "analytics/warehouse-host"
AURORA_ARN = "sources/aurora-arn"
AURORA_HOST = "sources/aurora-host"
AURORA_PORT = "sources/aurora-port"
AURORA_SECRET_ARN = "sources/aurora-secret-arn"
AURORA_READER_SECRET_ARN = "sources/aurora-reader-secret-arn"
READER_SECRET_ARN = "analytics/reader-secret-arn"
WAREHOUSE_SECRET_ARN = "analytics/administrator-secret-arn"
WORKGROUP_ARN = "analytics/workgroup-arn"
FORGETTING_SECRET_ARN = "storage/forgetting-secret-arn"
VPC_ID = "network/vpc-id"
LOG_STREAM_ARN = "sources/log-stream-arn"
TRACKING_ID = "training/tracking-id"

# Personalize accepts tags only when a resource is created and its names are fixed, so a changed tag would
# replace the resource and fail with "already exists".
UNTAGGED = [f"AWS::Personalize::{kind}" for kind in ("DatasetGroup", "Dataset", "Schema", "EventTracker")]


# Context of the CDK: parts, separated by commas, that never deployed; or `all`. What is protected can't be rolled back,
# so a first deployment that failed could not be tried again. `make deploy` sets it, and deploys again without.
FIRST = "first"


def is_protected(scope: Construct, *, part: str, removal: str) -> bool:
    first = str(scope.node.try_get_context(FIRST) or "").split(",")
    return removal == "retain" and not {part, "all"} & set(first)


def subnet_id(position: int) -> str:
    return f"network/private-subnet/{position}"


def security_group_id(name: str) -> str:
    return f"network/security-group/{name}"


class EnvironmentStack(Stack):
    """A stack of one environment. Values reach other stacks by name or through SSM, never by reference.

    CloudFormation does not see such values, so `needs` says which stacks, by `part`, are deployed before.
    """

    part: ClassVar[str]
    needs: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        """Whether the environment has the stack."""
        return True

    def __init__(self, scope: Construct, *, settings: Settings, description: str = "") -> None:
        # Read by `availability_zones`, which the base class may call.
        self._zones = list(settings.network.availability_zones)
        super().__init__(
            scope,
            self.part.capitalize(),
            stack_name=settings.names.stack(self.part),
            description=description,
            env=Environment(account=settings.account, region=settings.region),
            termination_protection=is_protected(scope, part=self.part, removal=settings.removal),
        )
        self.settings = settings
        self.functions: list[str] = []  # of lambdas/, as they are made
        tags = Tags.of(self)
        tags.add("app", settings.app, exclude_resource_types=UNTAGGED)
        tags.add("environment", settings.environment, exclude_resource_types=UNTAGGED)

    @property
    def availability_zones(self) -> list[str]:
        """Given by the configuration: a look-up would need credentials at synthesis."""
        return self._zones

    @property
    def names(self) -> Names:
        return self.settings.names

    @property
    def removal_policy(self) -> RemovalPolicy:
        """What was only just made goes with a creation that failed: its name must be free for the next attempt."""
        retain = self.settings.removal == "retain"
        return RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE if retain else RemovalPolicy.DESTROY

    @property
    def protected(self) -> bool:
        """Whether what holds data refuses to be deleted, by anybody."""
        return is_protected(self, part=self.part, removal=self.settings.removal)

    def publish(self, part: str, value: str) -> None:
        """Hand a value to other stacks."""
        construct_id = without_dashes(part.replace("/", "-"))
        name = self.names.parameter(part)
        ssm.StringParameter(self, f"{construct_id}Parameter", parameter_name=name, string_value=value)

    def read(self, part: str) -> str:
        """A value that another stack published, resolved when this stack is deployed."""
        return ssm.StringParameter.value_for_string_parameter(self, self.names.parameter(part))

    @property
    def key_arn(self) -> str:
        return self.read(KEY_ARN)

    def key(self) -> kms.IKey:
        return kms.Key.from_key_arn(self, "Key", self.key_arn)

    def private_subnet_ids(self) -> list[str]:
        return [self.read(subnet_id(position)) for position in range(len(self._zones))]

    def vpc(self) -> ec2.IVpc:
        """The private subnets, for constructs that ask for a network; nothing else of it is used here."""
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id="only-its-subnets",
            availability_zones=self._zones,
            private_subnet_ids=self.private_subnet_ids(),
        )
        for subnet in vpc.private_subnets:
            without_routes(subnet)
        return vpc

    def security_group(self, name: str) -> ec2.ISecurityGroup:
        return ec2.SecurityGroup.from_security_group_id(
            self,
            f"{name.capitalize()}SecurityGroup",
            self.read(security_group_id(name)),
            mutable=False,  # its rules are written in the network stack, where both sides are visible
        )


def without_routes(subnet: ec2.ISubnet) -> None:
    """Say to CDK that nothing here asks for the subnet's route table."""
    Annotations.of(subnet).acknowledge_warning(
        "@aws-cdk/aws-ec2:noSubnetRouteTableId", "routes are the network stack's"
    )
