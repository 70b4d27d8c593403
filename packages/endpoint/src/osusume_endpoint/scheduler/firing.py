"""Fires a schedule: role, context attributes, retries, dead-letter queue."""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from osusume_endpoint import permissions
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.scheduler import targets

log = logging.getLogger("osusume.scheduler")

SERVICE = "scheduler.amazonaws.com"
# RetryPolicy's defaults.
MAX_ATTEMPTS, MAX_AGE = 185, 86_400
_RETRYABLE = {
    "ThrottlingException",
    "TooManyRequestsException",
    "ServiceUnavailable",
    "InternalServerException",
}

Schedule = dict[str, Any]


@dataclass
class Firing:
    schedule: Schedule
    scheduled: datetime
    identity: str = field(default_factory=lambda: uuid.uuid4().hex[:16])
    attempt: int = 0

    def payload(self) -> str:
        """The target's input with context attributes filled in."""
        text = str(self.schedule["Target"].get("Input", ""))
        moment = self.scheduled.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        attributes = {
            "schedule-arn": self.schedule["Arn"],
            "scheduled-time": moment,
            "execution-id": self.identity,
            "attempt-number": str(self.attempt + 1),
        }
        for name, value in attributes.items():
            text = text.replace(f"<aws.scheduler.{name}>", value)
        return text


def fire(schedule: Schedule, *, endpoint: Endpoint, scheduled: datetime | None = None) -> dict[str, Any]:
    """Invokes the target until it takes it or retries are used up; then the dead-letter queue.

    Returns {"delivered": True, "response"} or {"delivered": False, "error", "message", "attempts"}.
    """
    firing = Firing(schedule, scheduled or datetime.now(UTC))
    policy = schedule["Target"].get("RetryPolicy") or {}
    most = int(policy.get("MaximumRetryAttempts", MAX_ATTEMPTS))
    deadline = time.time() + int(policy.get("MaximumEventAgeInSeconds", MAX_AGE))
    while True:
        try:
            response = _invoke(firing, endpoint)
            response.pop("ResponseMetadata", None)
            return {"delivered": True, "response": response, "attempts": firing.attempt + 1}
        except (ApiError, ClientError, BotoCoreError) as error:
            code, message = _described(error)
        if code not in _RETRYABLE or firing.attempt >= most or time.time() >= deadline:
            break
        time.sleep(min(2**firing.attempt, 300) * endpoint.wait_scale)
        firing.attempt += 1
    log.warning("schedule %s: %s: %s", schedule["Name"], code, message)
    _bury(firing, code, message, endpoint)
    return {"delivered": False, "error": code, "message": message, "attempts": firing.attempt + 1}


def _credentials(firing: Firing, endpoint: Endpoint) -> Credentials:
    schedule = firing.schedule
    group = f"arn:aws:scheduler:{endpoint.region}:{endpoint.account}:schedule-group/{schedule['GroupName']}"
    return permissions.role_session(
        endpoint,
        schedule["Target"]["RoleArn"],
        session_name=f"scheduler-{schedule['Name']}",
        service=SERVICE,
        source_arn=group,
    )


def _invoke(firing: Firing, endpoint: Endpoint) -> dict[str, Any]:
    credentials = _credentials(firing, endpoint)
    return targets.invoke(
        firing.schedule["Target"], firing.payload(), endpoint=endpoint, credentials=credentials
    )


def _described(error: Exception) -> tuple[str, str]:
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    if isinstance(error, ApiError):
        return error.code, error.message
    return type(error).__name__, str(error)


def _bury(firing: Firing, code: str, message: str, endpoint: Endpoint) -> None:
    """Sends the undelivered payload to the dead-letter queue, with the schedule's role."""
    queue = (firing.schedule["Target"].get("DeadLetterConfig") or {}).get("Arn")
    if not queue:
        return
    attributes = {
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message[:1024] or "-",
        "EXECUTION_ID": firing.identity,
        "RETRY_ATTEMPTS": str(firing.attempt),
        "SCHEDULED_TIME": firing.scheduled.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "SCHEDULE_ARN": firing.schedule["Arn"],
        "TARGET_ARN": firing.schedule["Target"]["Arn"],
    }
    try:
        sqs = endpoint.client("sqs", _credentials(firing, endpoint))
        sqs.send_message(
            QueueUrl=targets.queue_url(sqs, queue),
            MessageBody=firing.payload() or "{}",
            MessageAttributes={k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()},
        )
    except (ApiError, ClientError) as error:
        log.warning("schedule %s: its dead-letter queue refused: %s", firing.schedule["Name"], error)
