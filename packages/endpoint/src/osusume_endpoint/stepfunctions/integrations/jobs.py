"""Run a job (.sync): start it, poll it, and answer with its description or fail with it.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-sync
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import TASK_FAILED, Aborted, PassingError, StateError
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients
from osusume_endpoint.stepfunctions.signals import StopSignal

FIRST_POLL_SECONDS = 0.1
LAST_POLL_SECONDS = 1.0
POLL_GROWTH = 1.5

Json = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """How to describe one kind of job, whether it has ended, and how to stop it."""

    describe: Callable[[Clients, Json, Json], Json]  # clients, arguments, start's answer → description
    status: Callable[[Json], str]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    stop: Callable[[Clients, Json, Json], Any]

    def wait(self, clients: Clients, *, arguments: Json, started: Json, stop: StopSignal) -> Json:
        delay = FIRST_POLL_SECONDS
        try:
            while True:
                description = self._looked_up(clients, arguments, started)
                if description is not None and self.status(description) in self.succeeded:
                    return description
                if description is not None and self.status(description) in self.failed:
                    raise StateError(TASK_FAILED, dumps(description))
                stop.sleep(delay)
                delay = min(delay * POLL_GROWTH, LAST_POLL_SECONDS)
        except Aborted:
            self.cancel(clients, arguments=arguments, started=started)
            raise

    def _looked_up(self, clients: Clients, arguments: Json, started: Json) -> Json | None:
        """None when looking failed in passing: the job runs on, and Step Functions looks again."""
        try:
            return self.describe(clients, arguments, started)
        except PassingError:
            return None

    def cancel(self, clients: Clients, *, arguments: Json, started: Json) -> None:
        """Best effort, as the service stops a job whose task ended early."""
        try:
            self.stop(clients, arguments, started)
        except StateError:
            return


def _job_run(clients: Clients, arguments: Json, started: Json) -> Json:
    call = Call("glue", "getJobRun", fallback="AWSGlueException", millis=True)
    request = {"JobName": arguments["JobName"], "RunId": started["JobRunId"]}
    return call(clients, request)["JobRun"]


def _stop_job_run(clients: Clients, arguments: Json, started: Json) -> Json:
    request = {"JobName": arguments["JobName"], "JobRunIds": [started["JobRunId"]]}
    return Call("glue", "batchStopJobRun")(clients, request)


def _execution(clients: Clients, arguments: Json, started: Json) -> Json:
    call = Call(
        "sfn", "describeExecution", prefix="StepFunctions", fallback="AWSStepFunctionsException", millis=True
    )
    return call(clients, {"ExecutionArn": started["ExecutionArn"]})


def _execution_json(clients: Clients, arguments: Json, started: Json) -> Json:
    description = _execution(clients, arguments, started)
    parsed = {key: depth.loads(description[key]) for key in ("Input", "Output") if description.get(key)}
    return {**description, **parsed}


def _stop_execution(clients: Clients, arguments: Json, started: Json) -> Json:
    return Call("sfn", "stopExecution")(clients, {"ExecutionArn": started["ExecutionArn"]})


def _query_execution(clients: Clients, arguments: Json, started: Json) -> Json:
    call = Call("athena", "getQueryExecution", fallback="AmazonAthenaException", millis=True)
    return call(clients, {"QueryExecutionId": started["QueryExecutionId"]})


def _stop_query(clients: Clients, arguments: Json, started: Json) -> Json:
    return Call("athena", "stopQueryExecution")(clients, {"QueryExecutionId": started["QueryExecutionId"]})


def _build(clients: Clients, arguments: Json, started: Json) -> Json:
    call = Call("codebuild", "batchGetBuilds", fallback="AWSCodeBuildException", millis=True)
    return {"Build": call(clients, {"Ids": [started["Build"]["Id"]]})["Builds"][0]}


def _stop_build(clients: Clients, arguments: Json, started: Json) -> Json:
    return Call("codebuild", "stopBuild")(clients, {"Id": started["Build"]["Id"]})


BUILD = Job(
    describe=_build,
    status=lambda description: str(description["Build"]["BuildStatus"]),
    succeeded=("SUCCEEDED",),
    failed=("FAILED", "FAULT", "TIMED_OUT", "STOPPED"),
    stop=_stop_build,
)
GLUE_JOB = Job(
    describe=_job_run,
    status=lambda run: str(run["JobRunState"]),
    succeeded=("SUCCEEDED",),
    failed=("FAILED", "STOPPED", "TIMEOUT", "ERROR", "EXPIRED"),
    stop=_stop_job_run,
)
NESTED_EXECUTION = Job(
    describe=_execution,
    status=lambda execution: str(execution["Status"]),
    succeeded=("SUCCEEDED",),
    failed=("FAILED", "TIMED_OUT", "ABORTED"),
    stop=_stop_execution,
)
NESTED_EXECUTION_JSON = Job(
    describe=_execution_json,
    status=NESTED_EXECUTION.status,
    succeeded=NESTED_EXECUTION.succeeded,
    failed=NESTED_EXECUTION.failed,
    stop=_stop_execution,
)
ATHENA_QUERY = Job(
    describe=_query_execution,
    status=lambda answer: str(answer["QueryExecution"]["Status"]["State"]),
    succeeded=("SUCCEEDED",),
    failed=("FAILED", "CANCELLED"),
    stop=_stop_query,
)
