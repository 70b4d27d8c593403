"""Who answers which operation: the plug-ins' own tables, read without starting an endpoint.

Services that are missing here are the embedded emulator's alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from osusume_endpoint.codebuild.plugin import CodeBuild
from osusume_endpoint.dynamodb.plugin import Exports
from osusume_endpoint.errors import NotEmulated
from osusume_endpoint.glue import plugin as glue
from osusume_endpoint.guard.stubs import STUBS
from osusume_endpoint.personalize import responses
from osusume_endpoint.quicksight import plugin as quicksight
from osusume_endpoint.quicksight.kinds import KINDS
from osusume_endpoint.rds.data import DataApi as RdsData
from osusume_endpoint.redshift.data import DataApi as RedshiftData
from osusume_endpoint.redshift.serverless import Serverless
from osusume_endpoint.stepfunctions import plugin as stepfunctions
from osusume_endpoint.wire import service_model

Operations = Mapping[str, Any]

# Operations that stay the emulator's, with what of it we replace: (module, attribute).
AMENDED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "cloudwatch": {"DescribeAlarms": ("cloudwatch", "_evaluate_alarm")},
    "dynamodb": {"UpdateContinuousBackups": ("dynamodb", "_update_continuous_backups")},
    "events": {"PutEvents": ("eventbridge", "_invoke_target")},
    "glue": {"UpdateJob": ("glue", "_update_job")},
    "lambda": {"Invoke": ("lambda_svc", "_execute_function_warm")},
    "scheduler": {
        "CreateSchedule": ("scheduler", "_create_schedule"),
        "UpdateSchedule": ("scheduler", "_update_schedule"),
    },
    "sns": {"Publish": ("sns", "_deliver_to_lambda")},
}


@dataclass(frozen=True)
class Served:
    """`whole`: no operation of the service reaches the emulator, what we lack answers NotEmulated."""

    service: str  # botocore's name
    operations: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    amended: frozenset[str] = field(default=frozenset())
    whole: bool = False

    def who(self, operation: str) -> str:
        """One of "ours", "emulator, amended", "emulator" and "refused"."""
        if operation in self.refused:
            return "refused"
        if operation in self.operations:
            return "ours"
        return "emulator, amended" if operation in self.amended else "emulator"


@cache
def served() -> Mapping[str, Served]:
    """The services, by name, that we serve or amend."""
    found = {name: _served(name, functions, whole=True) for name, functions in _whole().items()}
    found |= {name: _served(name, functions, whole=False) for name, functions in _overridden().items()}
    return found | {name: _served(name, {}, whole=False) for name in AMENDED if name not in found}


def of(service: str) -> Served:
    return served().get(service) or _served(service, {}, whole=False)


def _served(name: str, functions: Operations, *, whole: bool) -> Served:
    refusing = {operation for operation, function in functions.items() if _only_refuses(function)}
    known = set(service_model(name).operation_names)
    stubs = set(_stubs(name)) & known - functions.keys()
    return Served(
        service=name,
        operations=frozenset(functions.keys() - refusing),
        refused=frozenset(refusing | (known - functions.keys() if whole else stubs)),
        amended=frozenset(AMENDED.get(name, {})),
        whole=whole,
    )


def _only_refuses(function: Any) -> bool:
    """The functions that name an operation in order to refuse it take no look at their arguments."""
    if getattr(function, "__name__", "") != "refuse":
        return False
    try:
        function(None, {})
    except NotEmulated:
        return True
    return False


def _stubs(service: str) -> Iterable[str]:
    """Refused by the guard, since the emulator would answer them without doing them."""
    prefixes = {service, str(service_model(service).metadata.get("signingName"))}
    for action, stub in STUBS.items():
        prefix, _, operation = action.partition(":")
        if prefix in prefixes and not stub.function:
            yield operation


def _whole() -> dict[str, Operations]:
    return {
        **responses.operations(),
        "codebuild": _made(CodeBuild),
        "quicksight": quicksight_operations(),
        "rds-data": _made(RdsData),
        "redshift-data": _made(RedshiftData),
        "redshift-serverless": _made(Serverless),
    }


def _overridden() -> dict[str, Operations]:
    nothing: Any = None
    return {
        "dynamodb": _made(Exports),
        "glue": glue.operations(nothing, nothing),
        "stepfunctions": stepfunctions.operations(nothing, nothing),
    }


def _made(kind: Any) -> Operations:
    """The table of a class whose `operations` only names its methods: no state is needed to read it."""
    operations: Operations = kind.operations(object.__new__(kind))
    return operations


def quicksight_operations() -> Operations:
    nothing: Any = None
    found: dict[str, Any] = {}
    for kind in KINDS.values():
        found |= quicksight.KindOperations(kind, nothing).by_name()
    return found | quicksight.Ingestions(nothing, nothing).by_name()
