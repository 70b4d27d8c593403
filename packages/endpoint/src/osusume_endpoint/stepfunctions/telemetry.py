"""What an execution leaves in CloudWatch: metrics of AWS/States and the logs of its state machine.

https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html and .../cw-logs.html
"""

from __future__ import annotations

import logging
import re
import threading
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.stepfunctions.history import details_key
from osusume_endpoint.stepfunctions.payloads import dumps, now
from osusume_endpoint.stepfunctions.results import ABORTED, FAILED, SUCCEEDED, TIMED_OUT

log = logging.getLogger("osusume.stepfunctions")

NAMESPACE = "AWS/States"
METRICS = {
    SUCCEEDED: "ExecutionsSucceeded",
    FAILED: "ExecutionsFailed",
    ABORTED: "ExecutionsAborted",
    TIMED_OUT: "ExecutionsTimedOut",
}
FATAL = ("ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
ERROR = re.compile(r"(Failed|TimedOut|Aborted)\Z")
EVENTS_PER_CALL = 500
PAYLOADS = ("input", "output", "parameters", "inputDetails", "outputDetails")


def record_start(machine_arn: str) -> None:
    _record(machine_arn, "ExecutionsStarted", 1, "Count")


def record_end(machine_arn: str, *, status: str, seconds: float) -> None:
    _record(machine_arn, METRICS[status], 1, "Count")
    _record(machine_arn, "ExecutionTime", seconds * 1000, "Milliseconds")


def _record(machine_arn: str, name: str, value: float, unit: str) -> None:
    from ministack.services import cloudwatch

    cloudwatch.record_metric(NAMESPACE, name, value, unit, {"StateMachineArn": machine_arn})


def write_logs(
    endpoint: Endpoint,
    machine: Mapping[str, Any],
    execution: Mapping[str, Any],
    events: Sequence[dict[str, Any]],
) -> None:
    """Writes in the background: the endpoint's own event loop may be the caller."""
    settings = _lower(machine.get("loggingConfiguration") or {})
    lines = _lines(settings, execution, events)
    groups = [
        each["cloudwatchlogsloggroup"]["loggrouparn"].split(":log-group:")[-1].removesuffix(":*")
        for each in settings.get("destinations") or []
    ]
    if lines and groups:
        arguments = (endpoint, groups, machine["name"], lines)
        threading.Thread(target=_deliver, args=arguments, daemon=True).start()


def _lower(value: Any) -> Any:
    """CloudFormation's machines keep the template's casing, those of the API have the API's."""
    if isinstance(value, dict):
        return {key.lower(): _lower(item) for key, item in value.items()}
    return [_lower(item) for item in value] if isinstance(value, list) else value


def is_logged(kind: str, level: str) -> bool:
    if level == "ERROR":
        return ERROR.search(kind) is not None or kind == "FailStateEntered"
    return level == "ALL" or (level == "FATAL" and kind in FATAL)


def _lines(
    settings: Mapping[str, Any], execution: Mapping[str, Any], events: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    level, with_data = settings.get("level", "OFF"), settings.get("includeexecutiondata") in (True, "true")
    return [_line(event, execution, with_data) for event in events if is_logged(event["type"], level)]


def _line(event: Mapping[str, Any], execution: Mapping[str, Any], with_data: bool) -> dict[str, Any]:
    details = event.get(details_key(event["type"]), {})
    if not with_data:
        details = {key: value for key, value in details.items() if key not in PAYLOADS}
    millis = int(event["timestamp"] * 1000)
    message = {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(millis),
        "execution_arn": execution["executionArn"],
        "redrive_count": str(execution.get("redriveCount", 0)),
    }
    return {"timestamp": millis, "message": dumps(message)}


def _deliver(endpoint: Endpoint, groups: list[str], name: str, lines: list[dict[str, Any]]) -> None:
    logs = endpoint.client("logs")
    stream = f"states/{name}/{now():%Y-%m-%d-%H-%M}/{uuid.uuid4().hex[:8]}"
    for group in groups:
        try:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            for start in range(0, len(lines), EVENTS_PER_CALL):
                batch = lines[start : start + EVENTS_PER_CALL]
                logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except (ClientError, BotoCoreError) as error:
            log.warning("The logs of %s could not be written to %s: %s", name, group, error)
