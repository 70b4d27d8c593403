"""Execution history: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html"""

from __future__ import annotations

import threading
import time
from typing import Any

import botocore.session
import pytest

from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.history import details_key
from osusume_endpoint.testing.harness import (
    FUNCTION,
    chained,
    event_types,
    execution,
    jsonata,
    lambda_cloud,
    run,
    states,
)
from osusume_endpoint.testing.scripted import Cloud
from tests.stepfunctions.test_parallel_and_map import STANDARD, branch
from tests.stepfunctions.test_tasks import glue, nested, task


def chain(finished: Execution) -> list[tuple[int, int, str]]:
    return [(event["id"], event["previousEventId"], event["type"]) for event in finished.history.events]


def test_a_task_leaves_the_documented_events_each_naming_its_predecessor() -> None:
    finished = run(task("lambda:invoke", {"FunctionName": "f"}), cloud=lambda_cloud(lambda _: 1))
    assert chain(finished) == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "TaskStateEntered"),
        (3, 2, "TaskScheduled"),
        (4, 3, "TaskStarted"),
        (5, 4, "TaskSucceeded"),
        (6, 5, "TaskStateExited"),
        (7, 6, "ExecutionSucceeded"),
    ]


def test_details_carry_names_payloads_and_resources() -> None:
    definition = task("lambda:invoke", {"FunctionName": "f"}, TimeoutSeconds=9, Assign={"x": 1})
    events = run(definition, {"a": 1}, cloud=lambda_cloud(lambda _: 1)).history.events
    assert events[0]["executionStartedEventDetails"]["input"] == '{"a":1}'
    assert events[1]["stateEnteredEventDetails"] == {
        "name": "T",
        "input": '{"a":1}',
        "inputDetails": {"truncated": False},
    }
    assert events[2]["taskScheduledEventDetails"] == {
        "resourceType": "lambda",
        "resource": "invoke",
        "region": "eu-west-1",
        "parameters": '{"FunctionName":"f"}',
        "timeoutInSeconds": 9,
    }
    assert events[5]["stateExitedEventDetails"]["assignedVariables"] == {"x": "1"}


def test_a_retried_task_is_scheduled_again_without_another_entry() -> None:
    attempts: list[int] = []

    def handler(event: Any) -> int:
        attempts.append(1)
        if len(attempts) == 1:
            raise ValueError
        return 1

    retry = [{"ErrorEquals": ["States.ALL"]}]
    finished = run(
        states(T={"Type": "Task", "Resource": FUNCTION, "Retry": retry}), cloud=lambda_cloud(handler)
    )
    assert event_types(finished)[1:8] == [
        "TaskStateEntered",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionFailed",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
    ]


def test_iterations_chain_to_the_start_of_their_map() -> None:
    processor = branch(X={"Type": "Pass"})
    definition = jsonata(M={"Type": "Map", "Items": [1, 2], "MaxConcurrency": 1, "ItemProcessor": processor})
    finished = run(definition)
    by_id = {event["id"]: event for event in finished.history.events}
    starts = [event for event in by_id.values() if event["type"] == "MapIterationStarted"]
    assert [by_id[event["previousEventId"]]["type"] for event in starts] == ["MapStateStarted"] * 2
    assert [event["mapIterationStartedEventDetails"] for event in starts] == [
        {"name": "M", "index": 0},
        {"name": "M", "index": 1},
    ]
    succeeded = next(event for event in by_id.values() if event["type"] == "MapStateSucceeded")
    assert by_id[succeeded["previousEventId"]]["type"] == "MapIterationSucceeded"


def test_a_failed_evaluation_is_reported_once_however_deep_it_lies() -> None:
    processor = branch(X={"Type": "Pass", "Output": "{% $nobody %}"})
    finished = run(jsonata(M={"Type": "Map", "Items": [1], "ItemProcessor": processor}))
    assert event_types(finished).count("EvaluationFailed") == 1
    failed = next(e for e in finished.history.events if e["type"] == "EvaluationFailed")
    assert failed["evaluationFailedEventDetails"]["state"] == "X"


def rich_histories() -> list[Execution]:
    wait = branch(W={"Type": "Wait", "Seconds": 1_000_000})
    fail = branch(F={"Type": "Fail", "Error": "E", "Cause": "c"})
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "D"}]
    distributed = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    over = {"Type": "Map", "Items": [1], "ItemProcessor": distributed}
    inline = {"Type": "Map", "Items": [1], "ItemProcessor": branch(Y={"Type": "Succeed"})}
    mixed = {
        "P": {"Type": "Parallel", "Branches": [wait, fail], "Catch": catch, "End": True},
        "D": {**over, "Next": "I"},
        "I": {**inline, "Assign": {"x": 1}, "Next": "Q"},
        "Q": {"Type": "Pass", "Output": "{% $nothing %}", "End": True},
    }
    function = {"Type": "Task", "Resource": FUNCTION, "TimeoutSeconds": 5}
    return [
        run({"QueryLanguage": "JSONata", "StartAt": "P", "States": mixed}),
        run(states(T=function), cloud=lambda_cloud(lambda _: 1)),
        run(states(T=function), cloud=lambda_cloud(lambda _: 1 / 0)),
        run(task("glue:startJobRun.sync", {"JobName": "j"}), cloud=glue("FAILED")),
        run(task("glue:startJobRun.sync", {"JobName": "j"}, TimeoutSeconds=1), cloud=glue("RUNNING")),
        run({**states(W={"Type": "Wait", "Seconds": 99_999}), "TimeoutSeconds": 1}),
    ]


@pytest.fixture(scope="module")
def histories() -> list[Execution]:
    return rich_histories()


def test_every_event_has_a_type_and_details_of_the_api_model(histories: list[Execution]) -> None:
    model = botocore.session.Session().get_service_model("stepfunctions").shape_for("HistoryEvent")
    seen = set()
    for finished in histories:
        for event in finished.history.events:
            seen.add(event["type"])
            assert event["type"] in model.members["type"].enum
            assert set(event) <= set(model.members)
            for name in set(event) - {"id", "previousEventId", "timestamp", "type"}:
                unknown = set(event[name]) - set(model.members[name].members)
                assert not unknown, f"{event['type']}: {unknown}"
    assert {"MapRunSucceeded", "EvaluationFailed", "WaitStateAborted", "TaskTimedOut"} <= seen


def test_identifiers_count_up_and_predecessors_are_earlier(histories: list[Execution]) -> None:
    for finished in histories:
        ids = [event["id"] for event in finished.history.events]
        assert ids == list(range(1, len(ids) + 1))
        assert all(event["previousEventId"] < event["id"] for event in finished.history.events)


def test_details_keys_follow_the_event_types() -> None:
    assert details_key("TaskStateEntered") == "stateEnteredEventDetails"
    assert details_key("WaitStateExited") == "stateExitedEventDetails"
    assert details_key("TaskFailed") == "taskFailedEventDetails"


def test_the_history_grows_while_the_execution_runs() -> None:
    running = execution(states(A={"Type": "Pass"}, W={"Type": "Wait", "Seconds": 100}), wait_scale=1)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 3
    while event_types(running)[-1:] != ["WaitStateEntered"] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert event_types(running)[-1] == "WaitStateEntered"
    running.abort()
    thread.join(2)
    assert not thread.is_alive()


def test_nothing_is_written_after_the_end() -> None:
    entered = threading.Event()

    def handler(event: Any) -> int:
        entered.set()
        time.sleep(0.3)
        return 1

    running = execution(states(T={"Type": "Task", "Resource": FUNCTION}), cloud=lambda_cloud(handler))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    assert entered.wait(3)
    running.abort(error="E", cause="c")
    thread.join(3)
    assert event_types(running)[-1] == "ExecutionAborted"
    assert running.result.status == "ABORTED"


def test_a_redrive_goes_on_from_the_failed_state() -> None:
    cloud = nested("FAILED")
    definition = jsonata(
        A={"Type": "Pass", "Assign": {"kept": 7}, "Output": {"n": 1}},
        T={
            "Type": "Task",
            "Resource": "arn:aws:states:::states:startExecution.sync:2",
            "Arguments": {"StateMachineArn": "arn:x"},
            "Output": "{% [$states.result.Output, $kept, $states.context.Execution.RedriveCount] %}",
        },
    )
    running = execution(definition, cloud=cloud)
    assert running.run().status == "FAILED"
    nested("SUCCEEDED", output="5")  # the fake cloud answers differently from now on
    assert isinstance(cloud, Cloud)
    assert running.redrive().output == "[5,7,1]"
    types = event_types(running)
    assert types.count("PassStateEntered") == 1
    assert types[types.index("ExecutionFailed") + 1 :][:2] == ["ExecutionRedriven", "TaskStateEntered"]


def test_chained_leaves_explicit_transitions_alone() -> None:
    assert chained({"A": {"Type": "Pass", "Next": "C"}, "C": {"Type": "Succeed"}})["A"]["Next"] == "C"
