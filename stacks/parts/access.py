"""Policy statements: exact actions on exact resources, so that a missing or a spare one is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_iam as iam
from constructs import Construct

Statement = iam.PolicyStatement
Statements = Sequence[iam.PolicyStatement]


def allow(
    actions: str | Sequence[str], *resources: str, conditions: Mapping[str, Any] | None = None
) -> Statement:
    listed = [actions] if isinstance(actions, str) else list(actions)
    return iam.PolicyStatement(actions=listed, resources=list(resources), conditions=conditions)


def list_objects(bucket: str) -> Statement:
    return allow("s3:ListBucket", f"arn:aws:s3:::{bucket}")


def read_objects(bucket: str, *prefixes: str) -> Statement:
    return allow("s3:GetObject", *(f"arn:aws:s3:::{bucket}/{prefix}" for prefix in prefixes))


def write_objects(bucket: str, *prefixes: str) -> Statement:
    return allow("s3:PutObject", *(f"arn:aws:s3:::{bucket}/{prefix}" for prefix in prefixes))


def replace_objects(bucket: str, *prefixes: str) -> Statement:
    """Write, in parts too, and remove what an earlier attempt left."""
    return allow(list(_WRITES), *(f"arn:aws:s3:::{bucket}/{prefix}" for prefix in prefixes))


_WRITES = ("s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload")


@dataclass(frozen=True)
class SparkOnS3:
    """What writing to S3 takes on a version of Glue: temporary files are deleted, large ones are uploaded in parts.

    Sources: Glue user guide, "Migrating to AWS Glue 5.1" (S3A replaced EMRFS); Hadoop's documentation of S3A,
    "Working with IAM Assumed Roles" (its permissions) and "Committing work to S3" (pending uploads are listed).
    """

    on_objects: tuple[str, ...]
    on_bucket: tuple[str, ...] = ()
    by_s3a: bool = True
    markers: bool = False  # EMRFS marks a folder by an object beside it, `<folder>_$folder$`


_S3A = SparkOnS3(
    on_objects=(*_WRITES, "s3:ListMultipartUploadParts"), on_bucket=("s3:ListBucketMultipartUploads",)
)
_EMRFS = SparkOnS3(on_objects=_WRITES, by_s3a=False, markers=True)
SPARK_ON_S3: Mapping[str, SparkOnS3] = {"5.0": _EMRFS, "5.1": _S3A, "6.0": _S3A}


def spark_write_objects(glue_version: str, bucket: str, folder: str) -> list[Statement]:
    """What Spark's committer needs on this version of Glue. Raises KeyError for one that nobody looked up."""
    needs, arn = SPARK_ON_S3[glue_version], f"arn:aws:s3:::{bucket}"
    markers = [f"{arn}/{folder}_$folder$"] if needs.markers else []
    on_bucket = [allow(needs.on_bucket, arn)] if needs.on_bucket else []
    return [allow(needs.on_objects, f"{arn}/{folder}/*", *markers), *on_bucket]


def decrypt(key_arn: str) -> Statement:
    return allow("kms:Decrypt", key_arn)


def encrypt_and_decrypt(key_arn: str) -> Statement:
    """Writing an object with SSE-KMS makes a data key; a multipart upload also decrypts it."""
    return allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn)


def receive(queue_arn: str) -> Statement:
    """What Lambda does as the function's role to feed it from a queue."""
    return allow(["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"], queue_arn)


def pass_role(role_arn: str, *, to: str) -> Statement:
    """`to` is the only service that may receive the role."""
    return allow("iam:PassRole", role_arn, conditions={"StringEquals": {"iam:PassedToService": to}})


NETWORK_INTERFACES = (
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
)


def network_interfaces(*more: str) -> Statement:
    """What a service needs to put interfaces into a VPC; EC2 has no resource-level permission for describing."""
    return allow([*NETWORK_INTERFACES, *more], "*")


def function_network_interfaces() -> Statement:
    return network_interfaces("ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")


def build_network_interfaces(*, region: str, account: str, subnets: Sequence[str]) -> list[Statement]:
    """What CodeBuild needs to run a build in the subnets (CodeBuild user guide, "Allow CodeBuild access to AWS services
    required to create a VPC network interface"): interfaces that are handed to CodeBuild alone, in these subnets.
    """
    where = f"arn:aws:ec2:{region}:{account}"
    handed_over = {
        "StringEquals": {"ec2:AuthorizedService": "codebuild.amazonaws.com"},
        "ArnEquals": {"ec2:Subnet": [f"{where}:subnet/{subnet}" for subnet in subnets]},
    }
    return [
        network_interfaces("ec2:DescribeDhcpOptions", "ec2:DescribeSecurityGroups", "ec2:DescribeVpcs"),
        allow("ec2:CreateNetworkInterfacePermission", f"{where}:network-interface/*", conditions=handed_over),
    ]


def own_account(account: str, source_arn: str | None = None) -> dict[str, Any]:
    """Trust conditions against the confused deputy: the service must act for this account (and resource)."""
    conditions: dict[str, Any] = {"StringEquals": {"aws:SourceAccount": account}}
    if source_arn is not None:
        conditions["ArnLike"] = {"aws:SourceArn": source_arn}
    return conditions


def service_role(
    scope: Construct,
    construct_id: str,
    *,
    service: str | Sequence[str],
    statements: Statements,
    conditions: Mapping[str, Any] | None = None,
    role_name: str | None = None,
    description: str | None = None,
) -> iam.Role:
    """A role with its policy inside, so that nothing runs between the role's creation and its policy's."""
    services = [service] if isinstance(service, str) else list(service)
    principals = [iam.ServicePrincipal(name) for name in services]
    principal: iam.PrincipalBase = (
        iam.CompositePrincipal(*principals) if len(principals) > 1 else principals[0]
    )
    if conditions:
        principal = iam.PrincipalWithConditions(principal, conditions)
    policies = {"Access": iam.PolicyDocument(statements=list(statements))} if statements else None
    return iam.Role(
        scope,
        construct_id,
        assumed_by=principal,
        inline_policies=policies,
        role_name=role_name,
        description=description,
    )
