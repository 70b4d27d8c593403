"""Which operations the product uses and which of them tests call: (boto3 service, operation) pairs.

Calls in Python are found by reading: a method that is named as an operation, on a client of that service. The
client is known where it is made; elsewhere its variable's name tells, or the clients of the same folder.
"""

from __future__ import annotations

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from botocore import xform_name
from botocore.session import get_session

from checks import recorded, sdk
from osusume_endpoint.guard import coverage
from osusume_endpoint.personalize import coverage as personalize
from osusume_endpoint.wire import service_model

ROOT = Path(__file__).parents[1]
SNAPSHOTS = ROOT / "tests" / "stacks" / "__snapshots__"
Pair = tuple[str, str]

_TESTS = (
    "tests/local/**/*.py",
    "tests/chaos/**/*.py",
    "tests/redshift/**/*.py",
    "tests/e2e/**/*.py",
    "tests/checks/test_operations.py",
)
_RUNTIME = "packages/endpoint"
_RUNTIME_TESTS = (f"{_RUNTIME}/tests/**/*.py", f"{_RUNTIME}/src/osusume_endpoint/testing/*.py")
# The same, for whoever has the runtime as a wheel.
TESTED = Path(coverage.__file__).with_name("tested.json")
_MAKES_CLIENT = frozenset(["client", "clients", "create_client", "resource", "caller", "service", "Direct"])
_BY_NAME = frozenset(["get_paginator", "get_waiter", "can_paginate"])
# Actions of IAM that are no operation's name.
_OPERATIONS: Mapping[str, Pair] = {
    "lambda:InvokeFunction": ("lambda", "Invoke"),
    # S3 asks for other actions where a call names a version.
    "s3:DeleteObjectVersion": ("s3", "DeleteObject"),
    "s3:GetObjectVersion": ("s3", "GetObject"),
    "s3:ListBucketVersions": ("s3", "ListObjectVersions"),
    "s3:ListBucket": ("s3", "ListObjectsV2"),
}
_SERVICES: Mapping[str, tuple[str, ...]] = {
    "states": ("stepfunctions",),
    "personalize": ("personalize", "personalize-runtime", "personalize-events"),
}


def by_code(*patterns: str, root: Path = ROOT) -> frozenset[Pair]:
    """Operations called in the Python files that the patterns find."""
    grouped: dict[Path, list[ast.Module]] = defaultdict(list)
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        grouped[path.parent].append(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(pair for modules in grouped.values() for pair in _Folder(modules).pairs())


def by_tests() -> frozenset[Pair]:
    """Operations called in tests that have an endpoint; those of functions and jobs give them clients of their own."""
    return by_code(*_TESTS) | by_runtime_tests()


def by_runtime_tests() -> frozenset[Pair]:
    """Operations called in the endpoint's own tests: as they stand here, or as its wheel says."""
    if not (ROOT / _RUNTIME).is_dir():
        return frozenset((service, operation) for service, operation in json.loads(TESTED.read_text()))
    named = by_code(*_RUNTIME_TESTS)
    return named | {(service, name) for service, name, _, tested in personalize.rows() if tested}


def tested() -> str:
    """What the endpoint's wheel says."""
    lines = ",\n".join(json.dumps(pair) for pair in sorted(by_runtime_tests()))
    return f"[\n{lines}\n]\n"


def by_workflows(snapshots: Path = SNAPSHOTS) -> frozenset[Pair]:
    """What the state machines of the committed templates call themselves."""
    found = set()
    for path in snapshots.rglob("*.json"):
        for resource in re.findall(r":states:::([\w:.-]+)", path.read_text()):
            call = sdk.parse(f"arn:aws:states:::{resource}")
            if call is not None:
                found.add((call.service, call.operation))
    return frozenset(found)


def by_recorded_roles() -> frozenset[Pair]:
    """What roles of the templates were seen calling when the whole line ran on the endpoint."""
    calls = json.loads(recorded.RECORDED.read_text())["calls"]
    return frozenset(operation_of(call["action"]) for call in calls)


def by_recorded_line() -> frozenset[Pair]:
    """What anybody, the deployer and the demo too, was seen calling with success in the end-to-end tests.

    API Gateway's actions are HTTP methods, which tell no operation.
    """
    named = (action for action in recorded.operations() if not action.startswith("apigateway:"))
    return frozenset(operation_of(action) for action in named)


@cache
def operation_of(action: str) -> Pair:
    """Raises ValueError for an action that is no operation: name it in _OPERATIONS."""
    if action in _OPERATIONS:
        return _OPERATIONS[action]
    prefix, _, operation = action.partition(":")
    for service in _SERVICES.get(prefix, (prefix,)):
        if operation in service_model(service).operation_names:
            return service, operation
    raise ValueError(f"{action} is no operation that botocore knows: name it in checks/usage.py")


def resource_types(snapshots: Path = SNAPSHOTS) -> frozenset[str]:
    """Types of CloudFormation that the committed templates hold."""
    templates = (json.loads(path.read_text()) for path in snapshots.rglob("*.json"))
    return frozenset(r["Type"] for template in templates for r in template.get("Resources", {}).values())


class _Folder:
    """The files of one folder, which share their clients."""

    def __init__(self, modules: Iterable[ast.Module]) -> None:
        self._nodes = [node for module in modules for node in ast.walk(module)]
        self._services = {name for node in self._nodes if (name := _made(node))}
        self._variables: dict[str, set[str]] = defaultdict(set)
        for node in self._nodes:
            for name, value in _assigned(node):
                if service := _made(value):
                    self._variables[name].add(service)

    def pairs(self) -> Iterator[Pair]:
        calls = {id(node.func): node for node in self._nodes if isinstance(node, ast.Call)}
        for node in self._nodes:
            if not isinstance(node, ast.Attribute):
                continue
            call = calls.get(id(node))
            name, arguments = _method(node, call)
            for service in self._clients(node.value):
                operation = _methods(service).get(name)
                if operation and arguments <= _members(service, operation):
                    yield service, operation

    def _clients(self, receiver: ast.AST | None) -> set[str]:
        """The services that a receiver can be a client of."""
        if made := _made(receiver):
            return {made}
        name = getattr(receiver, "attr", getattr(receiver, "id", ""))
        if name in self._variables:
            return self._variables[name]
        return _named(name) or self._services


def _method(node: ast.Attribute, call: ast.Call | None) -> tuple[str, set[str]]:
    """The method that is meant, and the names of the arguments that it is given."""
    if call is not None and node.attr in _BY_NAME and call.args:
        return str(getattr(call.args[0], "value", "")), set()
    return node.attr, {word.arg for word in call.keywords if word.arg} if call else set()


def _made(node: ast.AST | None) -> str:
    """The service of `anything.client("dynamodb")`, or ""."""
    if not isinstance(node, ast.Call) or _called(node) not in _MAKES_CLIENT or not node.args:
        return ""
    given = getattr(node.args[0], "value", None)
    return given if isinstance(given, str) and given in _known() else ""


def _called(node: ast.Call) -> str:
    return str(getattr(node.func, "attr", getattr(node.func, "id", "")))


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(node, ast.Assign):
        for target in node.targets:
            parts = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for part, value in zip(parts, values, strict=False):
                yield str(getattr(part, "attr", getattr(part, "id", ""))), value
    elif isinstance(node, ast.keyword) and node.arg:
        yield node.arg, node.value


def _named(name: str) -> set[str]:
    """`redshift_data`, `s3`: a variable that is called as the service."""
    service = name.strip("_").replace("_", "-")
    return {service} if service in _known() else set()


@cache
def _known() -> frozenset[str]:
    return frozenset(get_session().get_available_services())


@cache
def _members(service: str, operation: str) -> frozenset[str]:
    shape = service_model(service).operation_model(operation).input_shape
    return frozenset(getattr(shape, "members", {}))


@cache
def _methods(service: str) -> Mapping[str, str]:
    """Operation by the name of boto3's method."""
    return {xform_name(operation): operation for operation in service_model(service).operation_names}
