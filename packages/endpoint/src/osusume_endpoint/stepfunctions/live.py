"""The executions of this endpoint: ministack keeps their records, this runs them."""

from __future__ import annotations

import contextvars
import functools
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import permissions
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import AccessDenied, ApiError, AssumeRoleRefused
from osusume_endpoint.stepfunctions import telemetry
from osusume_endpoint.stepfunctions.api.store import moment
from osusume_endpoint.stepfunctions.errors import PERMISSIONS, RUNTIME, StateError
from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.map_run_records import MapRunRecords
from osusume_endpoint.stepfunctions.results import RUNNING, SUCCEEDED, Result
from osusume_endpoint.stepfunctions.scope import Identity
from osusume_endpoint.stepfunctions.tokens import TaskTokens

PRINCIPAL = "states.amazonaws.com"
SESSION_NAME_LENGTH = 64


class LiveExecutions:
    """Runs records of `ministack.services.stepfunctions._executions` and keeps them up to date."""

    def __init__(self, *, endpoint: Endpoint, ministack: Any) -> None:
        self.endpoint = endpoint
        self.ministack = ministack
        self.tokens = TaskTokens()
        self._executions: dict[str, Execution] = {}

    def run(self, arn: str) -> None:
        """Runs in the calling thread, until the execution has ended."""
        record = self.ministack._executions.get(arn)
        if record is not None:
            self._begun(record).run()

    def start(self, arn: str) -> None:
        """The execution can be stopped from here on, although its thread may not have come to run it."""
        self._in_background(self._begun(self.ministack._executions[arn]).run)

    def _begun(self, record: dict[str, Any]) -> Execution:
        execution = self._executions[record["executionArn"]] = self._execution(record)
        record["events"] = execution.history.events
        execution.begin()
        return execution

    def stop(self, arn: str, *, error: str | None, cause: str | None) -> bool:
        """False when it isn't running here."""
        execution = self._executions.get(arn)
        if execution is None or execution.result.status != RUNNING:
            return False
        execution.abort(error=error, cause=cause)
        return True

    def redrive(self, record: dict[str, Any]) -> None:
        arn = record["executionArn"]
        execution = self._executions.get(arn)
        if execution is None or execution.result.status in (RUNNING, SUCCEEDED):
            message = f"Execution is {record['status']} and cannot be redriven"
            raise ApiError("ExecutionNotRedrivable", message)
        record.update(status=RUNNING, stopDate=None, output=None, redriveDate=self.ministack.now_iso())
        record["redriveCount"] = execution.redrives + 1
        for key in ("error", "cause"):
            record.pop(key, None)
        self._in_background(execution.redrive)

    def _in_background(self, work: Callable[[], Any]) -> None:
        # ministack keeps account and region in context variables, which a new thread does not inherit.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(work,), daemon=True).start()

    def _execution(self, record: dict[str, Any]) -> Execution:
        machine = self.ministack._state_machines[record["stateMachineArn"]]
        version = self.ministack._state_machine_versions.get(record.get("stateMachineVersionArn"), {})
        definition = json.loads(version.get("definition", machine["definition"]))
        identity = Identity(
            execution_arn=record["executionArn"],
            execution_name=record["name"],
            state_machine_arn=record["stateMachineArn"],
            state_machine_name=machine["name"],
            role_arn=version.get("roleArn", machine["roleArn"]),
            is_answered=bool(record.get("isAnswered")),
        )
        session = RoleSession(self.endpoint, identity)
        return Execution(
            definition=definition,
            value=json.loads(record["input"]),
            identity=identity,
            clients=session.client,
            wait_scale=self.endpoint.wait_scale,
            tokens=self.tokens,
            observer=MapRunRecords(self.ministack, record, authorize=session.authorize),
            on_end=self._recorder(record, machine),
        )

    def _recorder(self, record: dict[str, Any], machine: dict[str, Any]) -> Callable[[Result], None]:
        """An execution may end in a thread of its own (a timeout) or in somebody's request (an abort)."""
        context = contextvars.copy_context()
        telemetry.record_start(machine["stateMachineArn"])
        return lambda result: context.copy().run(self._ended, record, machine, result)

    def _ended(self, record: dict[str, Any], machine: dict[str, Any], result: Result) -> None:
        arn = record["executionArn"]
        if result.status == SUCCEEDED:
            self._executions.pop(arn, None)  # the others may be redriven
        if machine["type"] == "EXPRESS":  # nothing of the API leads to an express execution that has ended
            self._executions.pop(arn, None)
            self.ministack._executions.pop(arn, None)
        record.update(ended(result), stopDate=self.ministack.now_iso())
        self.ministack._emit_execution_status_event(record)
        seconds = (moment(record["stopDate"]) - moment(record["startDate"])).total_seconds()
        telemetry.record_end(machine["stateMachineArn"], status=result.status, seconds=seconds)
        telemetry.write_logs(self.endpoint, machine, record, list(record["events"]))


def ended(result: Result) -> dict[str, Any]:
    fields = {"status": result.status, "output": result.output, "error": result.error, "cause": result.cause}
    return {key: value for key, value in fields.items() if value is not None or key == "output"}


class RoleSession:
    """A session of the state machine's role, assumed when the first call needs it."""

    def __init__(self, endpoint: Endpoint, identity: Identity) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()
        self._context = contextvars.copy_context()

    def client(self, service: str) -> Any:
        return self._endpoint.client(service, self.credentials)

    def authorize(self, action: str, resource: str) -> None:
        """Checks what Step Functions itself does with the role; States.Permissions when it may not."""
        check = functools.partial(permissions.authorize, self.credentials, action=action, resource=resource)
        try:
            self._context.copy().run(check)
        except AccessDenied as error:
            raise StateError(PERMISSIONS, error.message) from error

    @property
    def credentials(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                self._credentials = self._assumed()
            return self._credentials

    def _assumed(self) -> Credentials:
        identity = self._identity
        try:
            return permissions.role_session(
                self._endpoint,
                identity.role_arn,
                session_name=identity.execution_name[:SESSION_NAME_LENGTH],
                service=PRINCIPAL,
                source_arn=identity.state_machine_arn,
            )
        except AssumeRoleRefused as error:
            message = f"The role {identity.role_arn} can't be assumed: {error.message}"
            raise StateError(RUNTIME, message) from error


def redrive_fields(record: Mapping[str, Any]) -> dict[str, Any]:
    """Members of DescribeExecution that ministack leaves out."""
    status = record["status"]
    fields: dict[str, Any] = {"redriveCount": record.get("redriveCount", 0)}
    fields |= {key: record[key] for key in ("redriveDate", "stateMachineVersionArn") if key in record}
    if status in (RUNNING, SUCCEEDED):
        reason = f"Execution is {status} and cannot be redriven"
        return {**fields, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return {**fields, "redriveStatus": "REDRIVABLE"}
