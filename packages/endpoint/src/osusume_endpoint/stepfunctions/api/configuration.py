"""What a state machine, one of its versions or one of its earlier revisions is configured with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.cloudformation.casing import camel
from osusume_endpoint.errors import ApiError
from osusume_endpoint.stepfunctions.api.references import variable_references

NO_LOGS = {"level": "OFF", "includeExecutionData": False}
NO_TRACES = {"enabled": False}
# What a new revision is made of; publishing copies it into the version.
PARTS = ("definition", "roleArn", "loggingConfiguration", "tracingConfiguration", "encryptionConfiguration")
METADATA_ONLY = "METADATA_ONLY"


def parts(record: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the configuration in a machine's or version's record."""
    return {key: record[key] for key in PARTS if key in record} | {
        "loggingConfiguration": logs(record.get("loggingConfiguration")),
        "tracingConfiguration": dict(record.get("tracingConfiguration") or NO_TRACES),
    }


def described(record: Mapping[str, Any], *, included: str | None) -> dict[str, Any]:
    """The configuration as DescribeStateMachine and DescribeStateMachineForExecution answer it."""
    found = parts(record)
    if included == METADATA_ONLY:
        return {**found, "definition": "{}"}
    references = variable_references(depth.loads(found["definition"]))
    return {**found, "variableReferences": references} if references else found


def logs(given: Mapping[str, Any] | None) -> dict[str, Any]:
    """A logging configuration with its defaults, in the API's casing whether it came by API or template."""
    found = camel(given or {})
    whole = {**NO_LOGS, **{key: value for key, value in found.items() if value is not None}}
    return {**whole, "includeExecutionData": whole["includeExecutionData"] in (True, "true")}


def traces(properties: Mapping[str, Any]) -> dict[str, bool]:
    """The tracing configuration of a template's resource."""
    given = camel(properties.get("TracingConfiguration") or {})
    return {"enabled": given.get("enabled") in (True, "true")}


def check_logs(given: Mapping[str, Any] | None) -> None:
    """Raises InvalidLoggingConfiguration: a level needs one log group that exists.

    Recorded in localstack's test_sfn_api_logs.py: test_invalid_logging_configuration, test_multiple_destinations,
    test_deleted_log_group.
    """
    whole = logs(given)
    destinations = whole.get("destinations") or []
    if len(destinations) > 1 or (whole["level"] != "OFF" and not destinations):
        raise _bad_logs("Must specify exactly one Log Destination.")
    for destination in destinations:
        group = (destination.get("cloudWatchLogsLogGroup") or {}).get("logGroupArn", "")
        if not _exists(group):
            raise _bad_logs("Log Destination not found.")


def _bad_logs(why: str) -> ApiError:
    return ApiError("InvalidLoggingConfiguration", f"Invalid Logging Configuration: {why}")


def _exists(group_arn: str) -> bool:
    from ministack.services import cloudwatch_logs

    return group_arn.rpartition(":log-group:")[2].removesuffix(":*") in cloudwatch_logs._log_groups
