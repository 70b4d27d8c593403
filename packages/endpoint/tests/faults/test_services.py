"""What the emulated services do by themselves gets past what passes, as AWS's services do."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.retries.standard import ExponentialBackoff

from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.stepfunctions.integrations.jobs import GLUE_JOB
from osusume_endpoint.testing.running import name

Client = Callable[..., Any]


def _client_error(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "GetJobRun")


class Glue:
    """Answers GetJobRun with what it is given, in turn."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)

    def get_job_run(self, **parameters: Any) -> Any:
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"JobRun": {"JobRunState": answer, "Id": parameters["RunId"]}}


class Stop:
    def sleep(self, seconds: float) -> None:
        threading.Event().wait(min(seconds, 0.01))


def _wait(glue: Glue) -> Any:
    return GLUE_JOB.wait(
        lambda service: glue,
        arguments={"JobName": "j"},
        started={"JobRunId": "r"},
        stop=Stop(),  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(
    "passing",
    [
        _client_error("ThrottlingException", 400),
        _client_error("InternalServiceException", 500),
        EndpointConnectionError(endpoint_url="http://glue"),
    ],
)
def test_a_task_that_waits_for_a_job_looks_again_when_looking_failed(passing: Exception) -> None:
    glue = Glue("RUNNING", passing, passing, "SUCCEEDED")
    assert _wait(glue)["JobRunState"] == "SUCCEEDED"


def test_a_task_that_may_not_look_at_its_job_fails() -> None:
    with pytest.raises(StateError) as failed:
        _wait(Glue("RUNNING", _client_error("AccessDeniedException", 400)))
    assert failed.value.error == "Glue.AccessDeniedException"


def test_a_service_reads_with_a_role_through_four_throttles_and_a_caller_does_not(
    cloud: Endpoint,
    faults: Faults,
    application: Credentials,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda self, context: 0.01)
    queue = cloud.client("sqs").create_queue(QueueName=name("queue"))["QueueUrl"]
    faults.use("rules: [{service: sqs, operation: GetQueueAttributes, kind: throttle, count: 4}]")
    cloud.service_client("sqs", application).get_queue_attributes(QueueUrl=queue)
    faults.use("rules: [{service: sqs, operation: GetQueueAttributes, kind: throttle, count: 4}]")
    with pytest.raises(ClientError, match="RequestThrottled"):
        cloud.client("sqs", application).get_queue_attributes(QueueUrl=queue)
