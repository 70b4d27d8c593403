"""Templates that synthesize cleanly and fail in the deployment or the first run."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.rule import Rule

_TAGGED_ON_CREATION_ONLY = "AWS::Personalize::"
_S3_LIMIT = 1_000_000  # bytes of a template that CloudFormation reads from S3


RULES = (
    Rule(
        "pitfall-look-up",
        "The template holds dummy values.",
        "Give the value in config instead of looking it up.",
        'CDK guide, "Context values"',
    ),
    Rule(
        "pitfall-export",
        "An export that is in use can't change: deployments lock each other.",
        "Pass a name or an SSM parameter.",
        "aws/aws-cdk#7602",
    ),
    Rule(
        "pitfall-import",
        "Fn::ImportValue locks two stacks.",
        "Use an SSM parameter.",
        "aws/aws-cdk#7602",
    ),
    Rule(
        "pitfall-personalize-tags",
        "A changed tag replaces a resource whose name is fixed: it exists already.",
        "Exclude AWS::Personalize::* from global tags.",
        "CloudFormation reference, AWS::Personalize::*",
    ),
    Rule(
        "pitfall-zone",
        "The subnet is refused.",
        "Set network.availability_zones in config.",
        'CDK guide, "Context values"',
    ),
    Rule(
        "pitfall-size",
        "CloudFormation refuses the template.",
        "Split the stack.",
        'CloudFormation user guide, "Quotas"',
    ),
    Rule(
        "pitfall-api-account-role",
        "The stage is refused: API Gateway has no role to write logs.",
        "Add AWS::ApiGateway::Account, or leave out logging.",
        'API Gateway developer guide, "Set up CloudWatch logging"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = [*_missing_context(assembly)]
    for stack in assembly.stacks:
        found += [*_references(stack), *_tags(stack), *_zones(stack), *_size(stack)]
    return [*found, *_api_logging(assembly)]


def _missing_context(assembly: Assembly) -> Iterator[Finding]:
    for missing in assembly.manifest.get("missing", []):
        yield Finding(
            "(assembly)",
            str(missing.get("key")),
            "pitfall-look-up",
            "a context look-up was not answered, so the template holds dummy values.",
            "give the value in config instead of looking it up.",
        )


def _references(stack: Stack) -> Iterator[Finding]:
    for name in stack.template.get("Outputs", {}):
        if "Export" in stack.template["Outputs"][name]:
            yield _of(
                stack,
                name,
                "pitfall-export",
                "an export that is in use can't change.",
                "pass a name or an SSM parameter.",
            )
    if "Fn::ImportValue" in json.dumps(stack.template):
        yield _of(
            stack,
            "(template)",
            "pitfall-import",
            "Fn::ImportValue locks two stacks.",
            "use an SSM parameter.",
        )


def _tags(stack: Stack) -> Iterator[Finding]:
    for logical_id, resource in stack.resources.items():
        if resource["Type"].startswith(_TAGGED_ON_CREATION_ONLY) and resource.get("Properties", {}).get(
            "Tags"
        ):
            yield _of(
                stack,
                logical_id,
                "pitfall-personalize-tags",
                "its tags are create-only: a changed one replaces a resource whose name is fixed.",
                "exclude AWS::Personalize::* from global tags.",
            )


def _zones(stack: Stack) -> Iterator[Finding]:
    for logical_id, properties in stack.of_type("AWS::EC2::Subnet"):
        zone = str(properties.get("AvailabilityZone", ""))
        if "dummy" in zone or not zone.startswith(stack.resolver.region):
            yield _of(
                stack,
                logical_id,
                "pitfall-zone",
                f"availability zone {zone!r} is not one of {stack.resolver.region}.",
                "set network.availability_zones in config.",
            )


def _size(stack: Stack) -> Iterator[Finding]:
    size = len(json.dumps(stack.template, separators=(",", ":")).encode())
    if size > _S3_LIMIT:
        yield _of(
            stack,
            "(template)",
            "pitfall-size",
            f"{size} bytes, CloudFormation takes {_S3_LIMIT}.",
            "split the stack.",
        )


def _api_logging(assembly: Assembly) -> Iterator[Finding]:
    """Access logs of a REST stage need the account's CloudWatch role, set once per region."""
    accounts = [a for stack in assembly.stacks for a in stack.of_type("AWS::ApiGateway::Account")]
    for stack in assembly.stacks:
        for logical_id, properties in stack.of_type("AWS::ApiGateway::Stage"):
            if properties.get("AccessLogSetting") and not accounts:
                yield _of(
                    stack,
                    logical_id,
                    "pitfall-api-account-role",
                    "the stage logs, but no AWS::ApiGateway::Account gives API Gateway a role to write logs.",
                    "add AWS::ApiGateway::Account, or leave out logging.",
                )


def _of(stack: Stack, logical_id: str, rule: str, why: str, cure: str) -> Finding:
    return Finding(stack.name, logical_id, rule, why, cure)
