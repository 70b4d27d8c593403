"""What botocore knows of a service integration of Step Functions: operation, arguments, results, errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

# Step Functions names a service by its SDK for Java; where that is not botocore's name without dashes.
_SERVICES: Mapping[str, str] = {
    "sfn": "stepfunctions",
    "states": "stepfunctions",
    "cloudwatchlogs": "logs",
    "eventbridge": "events",
    "costexplorer": "ce",
}
# IAM prefixes and actions that are not the signing name and the operation's name.
_PREFIXES: Mapping[str, str] = {
    "cloudwatch": "cloudwatch",
    "stepfunctions": "states",
    "personalize-runtime": "personalize",
    "personalize-events": "personalize",
}
_ACTIONS: Mapping[tuple[str, str], str] = {
    ("lambda", "Invoke"): "lambda:InvokeFunction",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjects"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "CopyObject"): "s3:PutObject",
    ("s3", "DeleteObjects"): "s3:DeleteObject",
}


@dataclass(frozen=True)
class Call:
    """The operation behind a Task's Resource."""

    service: str
    operation: str
    pattern: str  # "", "sync", "sync:2" or "waitForTaskToken"
    optimized: bool = False  # Step Functions' own integration, not one of `aws-sdk:`

    @property
    def model(self) -> OperationModel:
        return _service(self.service).operation_model(self.operation)

    @property
    def iam_action(self) -> str:
        known = _ACTIONS.get((self.service, self.operation))
        if known:
            return known
        metadata = _service(self.service).metadata
        prefix = _PREFIXES.get(self.service) or metadata.get("signingName") or metadata["endpointPrefix"]
        return f"{prefix}:{self.operation}"

    def error_names(self) -> frozenset[str]:
        """What ErrorEquals may hold for the call, such as `Personalize.ResourceNotFoundException`.

        `aws-sdk:` spells errors as the SDK for Java 2 does, the optimized integrations as its version 1. For
        DynamoDB, where the two differ in the service's spelling, both are known.
        """
        shapes = _service(self.service).error_shapes
        errors = {s.name if s.name.endswith("Exception") else f"{s.name}Exception" for s in shapes}
        base = sdk_prefix(self.service)
        named = {f"{base}Exception", *_CLIENT_ERRORS, *_OLD_BASES.get(self.service, ())}
        prefixes = {base, _OPTIMIZED.get(self.service, base)}
        own = {f"{prefix}.{error}" for prefix in prefixes for error in errors | named}
        answers = _OF_ANSWERS.get(self.operation, frozenset())
        return frozenset(own | answers | (_FUNCTION_DIED if self.service == "lambda" else set()))

    @property
    def own_prefix(self) -> str:
        """How the errors of this very integration begin."""
        base = sdk_prefix(self.service)
        return _OPTIMIZED.get(self.service, base) if self.optimized else base


@cache
def parse(resource: str) -> Call | None:
    """The call of a Task's Resource. Raises ValueError, in words, for a service or action that isn't one."""
    parts = resource.split(":", 5)
    if len(parts) < 6 or parts[2] != "states":
        return None
    target, _, pattern = parts[5].partition(".")
    names = target.removeprefix("aws-sdk:").split(":")
    if len(names) != 2:
        raise ValueError(f"Resource {resource!r} is not service:action")
    service = botocore_name(names[0])
    operations = {name.lower(): name for name in _service(service).operation_names}
    operation = operations.get(names[1].lower())
    if operation is None:
        raise ValueError(f"{names[0]} has no action {names[1]!r}")
    if names[1][0].isupper():
        raise ValueError(f"action {names[1]!r} must start with a small letter")
    optimized = not target.startswith("aws-sdk:")
    if not _supported(names[0], operation, pattern, optimized=optimized):
        raise ValueError(f"Resource {resource!r}: {target} has no .{pattern}")
    return Call(service, operation, pattern, optimized=optimized)


# Step Functions developer guide, "Integrating services": optimized integrations that only answer, or wait for a token.
_NEVER_SYNC = frozenset("apigateway dynamodb events lambda sns sqs".split())
_NEVER_TOKEN = frozenset({"dynamodb"})


def _supported(service: str, operation: str, pattern: str, *, optimized: bool) -> bool:
    if pattern == "sync:2":
        return optimized and operation == "StartExecution"
    if pattern == "sync":
        return optimized and service not in _NEVER_SYNC
    return pattern == "" or (pattern == "waitForTaskToken" and not (optimized and service in _NEVER_TOKEN))


def botocore_name(service: str) -> str:
    known = _SERVICES.get(service)
    if known:
        return known
    for name in _available():
        if name.replace("-", "") == service:
            return name
    raise ValueError(f"there is no service {service!r} in the SDK")


@cache
def _available() -> tuple[str, ...]:
    return tuple(botocore.session.get_session().get_available_services())


@cache
def _service(name: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(name)


# What Lambda answers for a function that ended without answering: its process exited, or its time was over.
# Source: Step Functions' guide, "Handle Lambda service exceptions", and Lambda's list of runtime errors.
_FUNCTION_DIED = {"Runtime.ExitError", "Sandbox.Timedout"}

_CLIENT_ERRORS = ("SdkClientException", "ThrottlingException")
# Base errors of the SDK for Java 1, where an error that the service does not model ends up.
_OLD_BASES: Mapping[str, tuple[str, ...]] = {
    "dynamodb": ("AmazonDynamoDBException", "RequestLimitExceededException"),
    "codebuild": ("AWSCodeBuildException",),
    "glue": ("AWSGlueException",),
    "lambda": ("AWSLambdaException", "Unknown", "ServiceException", "TooManyRequestsException"),
    "sns": ("AmazonSNSException",),
    "sqs": ("AmazonSQSException",),
    "stepfunctions": ("AWSStepFunctionsException",),
}
_OPTIMIZED: Mapping[str, str] = {
    "dynamodb": "DynamoDB",
    "stepfunctions": "StepFunctions",
    "sns": "SNS",
    "sqs": "SQS",
}
# Errors that an optimized integration makes of an answer, by operation.
_OF_ANSWERS: Mapping[str, frozenset[str]] = {"PutEvents": frozenset(["EventBridge.FailedEntry"])}


@cache
def sdk_prefix(service: str) -> str:
    """How the SDK for Java spells a service in error names: `Personalize`, `DynamoDb`, `Sfn`, `S3`."""
    words = str(_service(service).service_id).replace("-", " ").split()
    joined = "".join(word[0].upper() + (word[1:].lower() if word.isupper() else word[1:]) for word in words)
    return {"DynamoDB": "DynamoDb"}.get(joined, joined)


def problems(shape: Shape | None, value: Any, path: str) -> Iterator[str]:
    """What is wrong with arguments, as Step Functions spells them (PascalCase), against the input shape."""
    if shape is None or is_expression(value):
        return
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        yield from _structure_problems(shape, value, path)
    elif isinstance(shape, ListShape) and isinstance(value, list):
        yield from _lengths(shape, value, path)
        for position, part in enumerate(value):
            yield from problems(shape.member, part, f"{path}[{position}]")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _lengths(shape, value, path)
        for key, part in value.items():
            yield from problems(shape.value, part, f"{path}.{key}")
    else:
        yield from _scalar_problems(shape, value, path)


def _structure_problems(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    members = {pascal(name): name for name in shape.members}
    for key, part in value.items():
        if key not in members:
            yield f"{path}.{key} is not an argument; known are {', '.join(sorted(members))}"
        else:
            yield from problems(shape.members[members[key]], part, f"{path}.{key}")
    for name in shape.required_members:
        if pascal(name) not in value:
            yield f"{path}.{pascal(name)} is required"


_SCALARS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
}


def _scalar_problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    expected = _SCALARS.get(shape.type_name)
    if expected is None:
        if shape.type_name in ("structure", "list", "map"):
            yield f"{path} is {type(value).__name__}, expected {shape.type_name}"
        return
    if not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected):
        # The Payload of lambda:invoke and the Input of startExecution are objects that are made JSON.
        if not isinstance(value, dict | list):
            yield f"{path} is {value!r}, expected {shape.type_name}"
        return
    enum = getattr(shape, "enum", None)
    if enum and value not in enum:
        yield f"{path} is {value!r}, not one of {', '.join(enum)}"
    yield from _limits(shape, value, path)


def _limits(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Length, range and pattern, which botocore itself leaves to the service."""
    known, size = shape.metadata, len(value) if isinstance(value, str) else value
    unit = " characters" if isinstance(value, str) else ""
    if size > known.get("max", size):
        yield f"{path} is {value!r}: {size}{unit}, at most {known['max']}"
    if size < known.get("min", size):
        yield f"{path} is {value!r}: {size}{unit}, at least {known['min']}"
    pattern = known.get("pattern")
    if pattern and isinstance(value, str) and not _fits(pattern, value):
        yield f"{path} is {value!r}, which is not {pattern}"


def _lengths(shape: Shape, value: list[Any] | dict[str, Any], path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", len(value))
    if not least <= len(value) <= most:
        limit = f"at most {most}" if len(value) > most else f"at least {least}"
        yield f"{path} has {len(value)} entries, {limit}"


def _fits(pattern: str, value: str) -> bool:
    try:
        return re.fullmatch(pattern, value, re.DOTALL) is not None
    except re.error:
        return True  # written for Java's expressions


# What `.sync` answers with: what the operation of the second name answers, or the member of it that the third names.
# Step Functions developer guide, "Start an AWS Glue job", "AWS CodeBuild", "Start a new state machine".
_WAITED_FOR = {
    ("glue", "StartJobRun"): ("GetJobRun", ("JobRun",)),
    ("codebuild", "StartBuild"): ("StartBuild", ()),
    ("stepfunctions", "StartExecution"): ("DescribeExecution", ()),
}
# (operation, pattern) -> what Step Functions parses: below it stands whatever the function or other workflow answers.
_PARSED = {("Invoke", ""): "Payload", ("StartExecution", "sync:2"): "Output"}


def has_result(call: Call, path: tuple[str, ...]) -> bool:
    """Whether the result has a value at a PascalCase path such as ("Solution", "Status").

    Everything passes of a `.sync` whose answer is not known here, and of what waits for a token.
    """
    shape: Shape | None = call.model.output_shape
    if call.pattern:
        known = _WAITED_FOR.get((call.service, call.operation))
        if known is None or call.pattern == "waitForTaskToken":
            return True
        answering, below = known
        shape = _service(call.service).operation_model(answering).output_shape
        path = below + path
    if call.optimized and path[0] == _PARSED.get((call.operation, call.pattern)):
        return True
    for name in path:
        if isinstance(shape, ListShape):
            shape = shape.member
        if isinstance(shape, MapShape):
            return True
        if not isinstance(shape, StructureShape):
            return False
        members = {pascal(member): member for member in shape.members}
        if name not in members:
            return False
        shape = shape.members[members[name]]
    return True


def pascal(name: str) -> str:
    return name[0].upper() + name[1:]


def is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


# Actions that are no operation of the service's API, or are named otherwise than it.
_OTHER_ACTIONS = frozenset(
    "s3:ListBucket s3:PutObject s3:GetObject s3:DeleteObject s3:AbortMultipartUpload s3:PutObjectAcl "
    "s3:ListMultipartUploadParts s3:ListBucketMultipartUploads "
    "lambda:InvokeFunction kms:ReEncryptFrom kms:ReEncryptTo iam:PassRole sts:AssumeRole "
    "execute-api:Invoke logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery "
    "logs:DeleteLogDelivery logs:ListLogDeliveries s3:GetObjectVersion s3:DeleteObjectVersion "
    "s3:ListBucketVersions".split()
)


def is_iam_action(action: str) -> bool:
    """Whether an action exists, as far as the SDK knows; services that it does not know pass."""
    if action in _OTHER_ACTIONS:
        return True
    prefix, _, name = action.partition(":")
    services = _services_of(prefix)
    return bool(services) and any(name in _service(service).operation_names for service in services)


@cache
def _services_of(prefix: str) -> tuple[str, ...]:
    """botocore's services behind an IAM prefix: `states` is stepfunctions, `personalize` is three."""
    named = {"states": ("stepfunctions",), "cloudwatch": ("cloudwatch",)}
    if prefix in named:
        return named[prefix]
    return tuple(
        name
        for name in _available()
        if name.replace("-", "").startswith(prefix.replace("-", "")[:4]) or name == prefix
        if prefix in (name, _PREFIXES.get(name), _service(name).metadata.get("signingName"))
        or prefix == _service(name).metadata.get("endpointPrefix")
    )
