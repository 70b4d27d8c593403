"""What one resource says of another exists: logical ids, SSM parameters, physical names and ARNs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from checks import builds
from checks.assembly import Assembly, Stack, once
from checks.finding import Finding
from checks.rule import Rule
from checks.simulation import visits

_ARN = re.compile(r"arn:aws:([a-z0-9-]+):([a-z0-9-]*):(\d{12}|):([\w:/.*?${}<>-]+)")
_BUCKET = re.compile(r"(?:s3://|arn:aws:s3:::)([a-z0-9.-]+)")
# (service, how the resource part begins): the rest, up to the next separator, is the name.
_KINDS = (
    ("lambda", "function:"),
    ("dynamodb", "table/"),
    ("states", "stateMachine:"),
    ("states", "execution:"),
    ("codebuild", "project/"),
    ("glue", "job/"),
    ("glue", "connection/"),
    ("iam", "role/"),
    ("sns", ""),
    ("sqs", ""),
    ("personalize", "solution/"),
    ("personalize", "dataset-group/"),
    ("personalize", "dataset/"),
)
# Properties that name a resource which another stack, or a workflow, finds by that name.
_NAMES = (
    "BucketName TableName FunctionName StateMachineName TopicName QueueName RoleName Name WorkgroupName "
    "NamespaceName SecretName LogGroupName DashboardName AlarmName RestApiName DBName DatabaseName "
    "ConnectionName ManagedPolicyName SecurityConfigurationName AliasName LayerName GroupName"
).split()


RULES = (
    Rule(
        "reference-target",
        "CloudFormation refuses the template.",
        "Refer to what exists.",
        'CloudFormation user guide, "Ref"',
    ),
    Rule(
        "reference-parameter",
        "The deployment fails: no stack writes the SSM parameter.",
        "Publish it, or correct it.",
        'CloudFormation user guide, "SSM parameter types"',
    ),
    Rule(
        "reference-order",
        "The first deployment fails: what is read is made later.",
        "Add the maker to the stack's `needs`.",
        "the manifest's dependencies",
    ),
    Rule(
        "reference-arn",
        "The call or grant is about a resource that does not exist.",
        "Correct the name, account or region.",
        "the names that the stacks give",
    ),
    Rule(
        "reference-bucket",
        "The bucket does not exist.",
        "Correct the name.",
        "the names that the stacks give",
    ),
    Rule(
        "reference-value",
        "Code asks for what no stack makes.",
        "Correct the name.",
        "the names that the stacks give",
    ),
    Rule(
        "reference-name",
        "A job finds no connection, an alarm never rings.",
        "Correct the name.",
        "the names that the stacks give",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = [*_order(assembly), *_order_of_names(assembly), *_arguments(assembly)]
    for stack in assembly.stacks:
        found += [*_targets(stack), *_arns(assembly, stack), *_values(assembly, stack)]
        found += _by_name(assembly, stack)
    return list(dict.fromkeys(found))


def _targets(stack: Stack) -> Iterator[Finding]:
    template = stack.template
    known = {*template.get("Resources", {}), *template.get("Parameters", {})}
    for logical_id, resource in template.get("Resources", {}).items():
        for target in sorted(set(_mentioned(resource)) - known):
            if not target.startswith("AWS::"):
                why = f"there is no {target} in the template: CloudFormation refuses it."
                yield Finding(stack.name, logical_id, "reference-target", why, "refer to what exists.")


def _mentioned(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for part in value:
            yield from _mentioned(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key == "Ref" and len(value) == 1:
                yield str(part)
            elif key == "Fn::GetAtt":
                yield str(part.split(".")[0] if isinstance(part, str) else part[0])
            elif key == "DependsOn":
                yield from [part] if isinstance(part, str) else part
            else:
                yield from _mentioned(part)


def _order(assembly: Assembly) -> Iterator[Finding]:
    """An SSM parameter is read when a stack is deployed, so its writer must be deployed before."""
    writers = {p.get("Name"): stack.name for stack, _, p in assembly.each("AWS::SSM::Parameter")}
    for stack in assembly.stacks:
        before = _before(assembly, stack.name)
        for logical_id, parameter in stack.template.get("Parameters", {}).items():
            name = str(parameter.get("Default"))
            if not _is_ours(parameter, name):
                continue
            if name not in writers:
                why = f"no stack writes the SSM parameter {name}: the deployment fails."
                yield Finding(
                    stack.name, logical_id, "reference-parameter", why, "publish it, or correct it."
                )
            elif writers[name] != stack.name and writers[name] not in before:
                why = f"{writers[name]} writes {name}, but may be deployed after this stack."
                cure = f"add {writers[name].lower()!r} to the stack's `needs`."
                yield Finding(stack.name, logical_id, "reference-order", why, cure)


def _order_of_names(assembly: Assembly) -> Iterator[Finding]:
    """Glue looks for a job's connections and security configuration when it makes the job."""
    makers = {
        _made(properties): stack.name
        for stack, _, properties in assembly.each("AWS::Glue::Connection", "AWS::Glue::SecurityConfiguration")
    }
    for stack, logical_id, job in assembly.each("AWS::Glue::Job"):
        used = [job.get("SecurityConfiguration"), *job.get("Connections", {}).get("Connections", [])]
        for maker in sorted({makers[str(name)] for name in used if str(name) in makers} - {stack.name}):
            if maker not in _before(assembly, stack.name):
                why = f"{maker} makes what the job uses by name, but may be deployed after this stack."
                cure = f"add {maker.lower()!r} to the stack's `needs`."
                yield Finding(stack.name, logical_id, "reference-order", why, cure)


def _made(properties: dict[str, Any]) -> str:
    return str(properties.get("Name") or properties.get("ConnectionInput", {}).get("Name"))


def _is_ours(parameter: dict[str, Any], name: str) -> bool:
    ssm = str(parameter.get("Type", "")).startswith("AWS::SSM::Parameter::Value")
    return ssm and not name.startswith(("/cdk-bootstrap/", "/aws/"))


def _before(assembly: Assembly, stack: str) -> set[str]:
    artifacts, seen = assembly.manifest["artifacts"], set()
    waiting = [stack]
    while waiting:
        for name in artifacts.get(waiting.pop(), {}).get("dependencies", []):
            if name not in seen:
                seen.add(name)
                waiting.append(name)
    return seen


@once
def names(assembly: Assembly) -> frozenset[str]:
    """Every physical name that the stacks give, and those that workflows give when they run."""
    found: set[str] = {assembly.prefix, *assembly.stack_names.values()}
    for stack in assembly.stacks:
        for properties in stack.resolved.values():
            found |= {str(properties[key]) for key in _NAMES if isinstance(properties.get(key), str)}
            connection = properties.get("ConnectionInput")
            found |= {str(connection.get("Name"))} if isinstance(connection, dict) else set()
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        found |= {str(arguments[key]) for key in ("Name",) if isinstance(arguments.get(key), str)}
    return frozenset(found)


def _arns(assembly: Assembly, stack: Stack) -> Iterator[Finding]:
    for logical_id, properties in stack.resolved.items():
        text = json.dumps(properties)
        for service, region, account, rest in sorted(set(_ARN.findall(text))):
            name = _name(service, rest)
            if name is None or not name.startswith(f"{assembly.prefix}-"):
                continue
            # Every name begins with the environment's, so this one is meant to be of this environment.
            if account not in ("", assembly.account) or region not in ("", assembly.region):
                why = f"arn:aws:{service}:{region}:{account}:{rest} is in another account or region."
                yield Finding(stack.name, logical_id, "reference-arn", why, "take the environment's own.")
            elif "*" not in name and name not in names(assembly):
                why = f"arn:aws:{service}:{region}:{account}:{rest}: no stack makes {name}."
                yield Finding(stack.name, logical_id, "reference-arn", why, "correct the name.")
        for bucket in sorted(set(_BUCKET.findall(text))):
            if bucket.startswith(f"{assembly.prefix}-") and bucket not in names(assembly):
                why = f"no stack makes the bucket {bucket}."
                yield Finding(stack.name, logical_id, "reference-bucket", why, "correct the name.")


def _name(service: str, rest: str) -> str | None:
    for known, beginning in _KINDS:
        if service == known and rest.startswith(beginning):
            return re.split(r"[:/]", rest.removeprefix(beginning))[0]
    return None


def _values(assembly: Assembly, stack: Stack) -> Iterator[Finding]:
    """Names that code gets by its environment or arguments."""
    for logical_id, properties in stack.of_type("AWS::Lambda::Function", "AWS::Glue::Job", builds.TYPE):
        given = {
            **properties.get("Environment", {}).get("Variables", {}),
            **properties.get("DefaultArguments", {}),
            **builds.variables(properties),
        }
        for key, value in given.items():
            starts = str(value).startswith((f"{assembly.prefix}-", f"{assembly.prefix}/"))
            if starts and not _is_made(assembly, str(value)):
                why = f"{key} is {value}, which no stack makes."
                yield Finding(stack.name, logical_id, "reference-value", why, "correct the name.")


def _is_made(assembly: Assembly, value: str) -> bool:
    """A name, or several that slashes join (the ids that AppConfig makes up)."""
    return value in names(assembly) or set(value.split("/")) <= names(assembly)


def _by_name(assembly: Assembly, stack: Stack) -> Iterator[Finding]:
    """Names by which one resource finds another: a job's connection, an alarm's dimension."""
    for logical_id, job in stack.of_type("AWS::Glue::Job"):
        used = [job.get("SecurityConfiguration"), *job.get("Connections", {}).get("Connections", [])]
        for name in used:
            if name is not None and name not in names(assembly) and not str(name).startswith("<"):
                why = f"it uses {name}, which no stack makes: its runs fail."
                yield Finding(stack.name, logical_id, "reference-name", why, "correct the name.")
    for logical_id, alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        for name in _dimensions(alarm):
            if name.startswith(f"{assembly.prefix}-") and name not in names(assembly):
                why = f"it watches {name}, which no stack makes: it never rings."
                yield Finding(stack.name, logical_id, "reference-name", why, "correct the dimension.")


def _dimensions(alarm: dict[str, Any]) -> Iterator[str]:
    metrics = [alarm, *(m.get("MetricStat", {}).get("Metric", {}) for m in alarm.get("Metrics", []))]
    for metric in metrics:
        yield from (str(dimension.get("Value")) for dimension in metric.get("Dimensions", []))


_NAMED = {"TableName": "AWS::DynamoDB::", "S3Bucket": "AWS::S3::Bucket", "Bucket": "AWS::S3::Bucket"}


def _arguments(assembly: Assembly) -> Iterator[Finding]:
    """Names that workflows send."""
    for visit in visits(assembly):
        arguments = visit.arguments if isinstance(visit.arguments, dict) else {}
        for key in _NAMED:
            value = arguments.get(key)
            ours = isinstance(value, str) and value.startswith(f"{assembly.prefix}-")
            if ours and value not in names(assembly):
                why = f"state {visit.name!r}: {key} is {value}, which no stack makes."
                workflow = visit.workflow
                yield Finding(workflow.stack.name, workflow.logical_id, "reference-value", why, "correct it.")
