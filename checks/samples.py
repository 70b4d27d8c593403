"""Values that stand for a run when workflows are evaluated offline: the longest, and typical ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

from checks import sdk
from config import layout

RUN_ID = "20261231T235959Z"
PREVIOUS_RUN_ID = "20261230T235959Z"
NOW = "2026-12-31T23:59:59Z"
# Execution names have up to 80 characters.
EXECUTION_NAME = ("started-by-hand-" + "x" * 80)[:80]
ERROR_OUTPUT = {"Error": "States.TaskFailed", "Cause": '{"Error": "Failed", "Cause": "why"}'}
_EXPORT = {
    "type": "INCREMENTAL_EXPORT",
    "windows": [{"from": "2026-12-30T23:59:59Z", "to": NOW}],
    "to": NOW,
    "prefix": layout.LOG_EXPORT.of(run_id=RUN_ID),
}
# What each function answers, by the folder below lambdas/.
FUNCTION_RESULTS: Mapping[str, Mapping[str, Any]] = {
    "plan_run": {
        "run_id": RUN_ID,
        "mode": "incremental",
        "export": _EXPORT,
        "previous_run_id": PREVIOUS_RUN_ID,
        "streamed": {"click": 1798761600},
    },
    "grant_reader": {"user": "extraction", "tables": ["public.users"]},
    "build_datasets": {"built": True, "megabytes": 3.5},
    "validate_datasets": {"passed": True, "rows": {"interactions": 1000}, "parts": {"users": ["a", "b"]}},
    "judge_solution_version": {
        "promote": True,
        "reason": "better",
        "metrics": {"coverage": 0.5},
        "previous": "arn:aws:personalize:us-east-1:111111111111:solution/sample/v0",
    },
    "judge_lists": {"personal": {"lists": 1, "asked": 1, "sameness": 0.5, "without_list": 0.0}},
    "clean_up": {"deleted": ["sample"], "in_use": [], "kept": ["sample"]},
    "publish_recommendations": {"written": 1},
    "load_warehouse": {
        "statement": {"id": "00000000-0000-0000-0000-000000000000", "step": "load"},
        "status": "FINISHED",
        "reason": "why",
    },
    "run_dbt": {"models": 1, "tests": 1, "failed": []},
    "analyse_experiments": {
        "experiments": 1,
        "rows": 9,
        "decisions": [
            {
                "experiment": "sample",
                "version": "0123abcd",
                "variant": "new",
                "decision": "ship",
                "stops": False,
                "words_en": "Ship it.",
                "words_ja": "Ship it.",
            }
        ],
    },
    # Of all its steps together.
    "forget_users": {
        "requests": ["0123456789abcdef"],
        "done": True,
        "position": {"place": "raw", "after": "key"},
        "report": f"s3://bucket/{layout.FORGET_REPORT.of(request_id='0123456789abcdef')}",
    },
}
# What a function starts a workflow with.
STARTED_WITH: Mapping[str, Any] = {"request": "0123456789abcdef"}
_NUMBERS = {"integer": 1, "long": 1, "float": 0.5, "double": 0.5, "boolean": True}


# Of objects that workflows read: why a batch of lists was not published.
_OBJECT = '{"error": "ListTooLarge", "cause": "why", "files": ["key"]}'
_SCHEMA = '{"fields": [{"name": "USER_ID", "type": "string"}]}'
# ARNs that continue one of the arguments: operation's service -> member -> (argument, pattern, replacement).
_CONTINUED = {
    ("dynamodb", "ExportArn"): ("TableArn", r"\Z", "/export/01795493773850-d2d77871"),
    ("personalize", "SolutionVersionArn"): ("SolutionArn", r"\Z", "/0123abcd"),
    ("s3", "Key"): ("Prefix", r"\Z", "sample.json"),
    ("personalize", "SchemaArn"): ("DatasetArn", r":dataset/(.*)/(.*)", r":schema/\1-\2-v1"),
}


def result(call: sdk.Call, *, account: str, region: str, arguments: Any) -> Any:
    """A response of the call in Step Functions' spelling, every member present; arguments come back."""
    value = _sample(call.model.output_shape, "", call.service, f"{region}:{account}")
    if isinstance(value, dict) and isinstance(arguments, dict):
        _return_arguments(value, arguments)
        _continue_arguments(value, call.service, arguments)
    return value


def _sample(shape: Shape | None, name: str, service: str, where: str, depth: int = 0) -> Any:
    if depth > 6 or shape is None:
        return {}
    if isinstance(shape, StructureShape):
        return {
            sdk.pascal(key): _sample(member, key, service, where, depth + 1)
            for key, member in shape.members.items()
        }
    if isinstance(shape, ListShape):
        return [_sample(shape.member, name, service, where, depth + 1)]
    if isinstance(shape, MapShape):
        return {"key": _sample(shape.value, name, service, where, depth + 1)}
    if (service, name) == ("s3", "Body"):
        return _OBJECT
    if isinstance(shape, StringShape):
        return _text(shape, name, service, where)
    return _NUMBERS.get(shape.type_name, NOW)


def _text(shape: StringShape, name: str, service: str, where: str) -> str:
    if (service, name) == ("personalize", "schema"):
        return _SCHEMA
    if shape.enum:
        return str(shape.enum[0])
    if name.lower().endswith("arn"):
        return f"arn:aws:{service}:{where}:sample/{name}"
    return "sample"


def _return_arguments(value: dict[str, Any], arguments: dict[str, Any]) -> None:
    """A description of a resource has the ARN that was asked for."""
    for key, member in value.items():
        if key in arguments and isinstance(member, str):
            value[key] = arguments[key]
        elif isinstance(member, dict):
            _return_arguments(member, arguments)


def _continue_arguments(value: dict[str, Any], service: str, arguments: dict[str, Any]) -> None:
    for key, member in value.items():
        argument, pattern, replacement = _CONTINUED.get((service, key), ("", "", ""))
        if argument in arguments:
            value[key] = re.sub(pattern, replacement, str(arguments[argument]), count=1)
        for inner in member if isinstance(member, list) else [member]:
            if isinstance(inner, dict):
                _continue_arguments(inner, service, arguments)
