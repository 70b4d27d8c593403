"""Execution history: https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html"""

from __future__ import annotations

import json
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
from tests.stepfunctions.test_parallel_and_map import STANDARD, branch, objects, reading
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


def test_iterations_one_at_a_time_follow_on_the_last_state_of_the_one_before() -> None:
    """As AWS answered: localstack's scenarios/test_base_scenarios.py::test_map_state, recorded."""
    processor = branch(X={"Type": "Pass"})
    definition = jsonata(M={"Type": "Map", "Items": [1, 2], "MaxConcurrency": 1, "ItemProcessor": processor})
    finished = run(definition)
    assert chain(finished)[2:] == [
        (3, 2, "MapStateStarted"),
        (4, 3, "MapIterationStarted"),
        (5, 4, "PassStateEntered"),
        (6, 5, "PassStateExited"),
        (7, 6, "MapIterationSucceeded"),
        (8, 6, "MapIterationStarted"),
        (9, 8, "PassStateEntered"),
        (10, 9, "PassStateExited"),
        (11, 10, "MapIterationSucceeded"),
        (12, 11, "MapStateSucceeded"),
        (13, 11, "MapStateExited"),
        (14, 13, "ExecutionSucceeded"),
    ]
    starts = [each for each in finished.history.events if each["type"] == "MapIterationStarted"]
    assert [event["mapIterationStartedEventDetails"] for event in starts] == [
        {"name": "M", "index": 0},
        {"name": "M", "index": 1},
    ]


def test_a_failed_iteration_is_followed_on_by_nothing() -> None:
    """As AWS answered: localstack's scenarios/test_base_scenarios.py, map states that fail, recorded."""
    processor = states(F={"Type": "Fail", "Error": "E"})
    caught = [{"ErrorEquals": ["E"], "Next": "Z"}]
    definition = states(
        M={"Type": "Map", "ItemsPath": "$", "ItemProcessor": processor, "Catch": caught},
        Z={"Type": "Succeed"},
    )
    assert chain(run(definition, [1]))[3:8] == [
        (4, 3, "MapIterationStarted"),
        (5, 4, "FailStateEntered"),
        (6, 5, "MapIterationFailed"),
        (7, 5, "MapStateFailed"),
        (8, 7, "MapStateExited"),
    ]


def test_branches_are_left_from_their_last_event() -> None:
    """As AWS answered: localstack's assign/test_assign_base.py::test_base_parallel_cases, recorded."""
    definition = states(P={"Type": "Parallel", "Branches": [branch(X={"Type": "Pass"})]})
    assert chain(run(definition))[4:] == [
        (5, 4, "PassStateExited"),
        (6, 5, "ParallelStateSucceeded"),
        (7, 5, "ParallelStateExited"),
        (8, 7, "ExecutionSucceeded"),
    ]


def test_an_execution_that_is_stopped_ends_on_no_event() -> None:
    """As AWS answered: localstack's test_sfn_api.py::test_stop_execution, recorded."""
    stopped = execution(states(W={"Type": "Wait", "Seconds": 90_000}), wait_scale=1.0)
    thread = threading.Thread(target=stopped.run)
    thread.start()
    while len(stopped.history.events) < 2:
        time.sleep(0.01)
    stopped.abort()
    thread.join(5)
    assert chain(stopped)[-1] == (3, 0, "ExecutionAborted")


@pytest.mark.parametrize(
    ("fields", "location"),
    [
        ({"Type": "Pass", "Output": {"result": "{% $nobody %}"}}, "Output/result"),
        ({"Type": "Pass", "Assign": {"a": "{% $nobody %}"}}, "Assign/a"),
        ({"Type": "Task", "Resource": FUNCTION, "Arguments": "{% $nobody %}"}, "Arguments"),
    ],
)
def test_an_expression_that_fails_is_located_and_comes_before_the_states_work(
    fields: dict, location: str
) -> None:
    """As AWS answered: localstack's assign/test_assign_reference_variables.py::test_undefined_reference, recorded."""
    finished = run(jsonata(A={"Type": "Pass"}, B=fields))
    failed = next(each for each in finished.history.events if each["type"] == "EvaluationFailed")
    assert (failed["id"], failed["previousEventId"]) == (5, 3)
    assert failed["evaluationFailedEventDetails"]["location"] == location
    assert finished.history.events[-1]["previousEventId"] == 5


@pytest.mark.parametrize(
    ("fields", "value", "cause"),
    [
        (
            {"Items": "{% 1 %}"},
            {},
            "The JSONata expression '1' specified for the field 'Items' returned an unexpected result type. "
            "Expected 'array', but was 'number' for value: 1",
        ),
        ({"Items": "{% null %}"}, {}, "Expected 'array', but was 'null' for value: null"),
        ({"Items": "{% function($x){$x} %}"}, {}, "The JSONata expression 'function($x){$x}'"),
        ({}, "some", 'Map state input must be an array but was: "some"'),
    ],
)
def test_items_that_are_no_array_fail_the_evaluation_and_then_the_map(
    fields: dict, value: Any, cause: str
) -> None:
    """Recorded in localstack's test_base_scenarios.py: test_map_state_items_eval_jsonata_fail, ..._input_types."""
    definition = jsonata(M={"Type": "Map", "ItemProcessor": branch(P={"Type": "Pass"}), **fields})
    finished = run(definition, value)
    assert chain(finished)[2:] == [
        (3, 0, "EvaluationFailed"),
        (4, 3, "MapStateFailed"),
        (5, 4, "ExecutionFailed"),
    ]
    assert (finished.result.error, cause in (finished.result.cause or "")) == (
        "States.QueryEvaluationError",
        True,
    )


def test_a_timestamp_that_is_none_is_found_after_the_states_entry() -> None:
    """Recorded in localstack's test_base_scenarios.py::test_wait_timestamp_jsonata."""
    finished = run(jsonata(W={"Type": "Wait", "Timestamp": "{% $states.input.t %}"}), {"t": "soon"})
    assert chain(finished)[2] == (3, 2, "EvaluationFailed")
    details = finished.history.events[2]["evaluationFailedEventDetails"]
    assert details["location"] == "Timestamp"
    assert details["cause"].endswith("ISO-8601 extended offset date-time format string: soon")


def test_a_map_or_parallel_state_fails_once_however_often_it_was_tried() -> None:
    """Recorded in localstack's test_base_scenarios.py: test_map_state_retry, test_parallel_state_retry."""
    failing, retry = branch(F={"Type": "Fail", "Error": "E"}), [{"ErrorEquals": ["E"], "MaxAttempts": 1}]
    mapped = run(states(M={"Type": "Map", "ItemProcessor": failing, "Retry": retry}), [1])
    attempt = ["MapStateStarted", "MapIterationStarted", "FailStateEntered", "MapIterationFailed"]
    assert event_types(mapped)[2:] == [*attempt, *attempt, "MapStateFailed", "ExecutionFailed"]
    parallel = run(states(P={"Type": "Parallel", "Branches": [failing], "Retry": retry}))
    attempt = ["ParallelStateStarted", "FailStateEntered"]
    assert event_types(parallel)[2:] == [*attempt, *attempt, "ParallelStateFailed", "ExecutionFailed"]


@pytest.mark.parametrize(
    ("fields", "given", "cause"),
    [
        ("ToleratedFailureCountPath", "no", 'field refers to value "no" which is not a valid integer: $.t'),
        ("ToleratedFailureCountPath", -1, "ToleratedFailureCount cannot be negative."),
        ("ToleratedFailurePercentagePath", {}, 'field refers to value "{}" which is not a valid float: $.t'),
        ("ToleratedFailurePercentagePath", 100.1, "ToleratedFailurePercentage must be between 0 and 100."),
        ("ToleratedFailurePercentagePath", -1, "ToleratedFailurePercentage must be between 0 and 100."),
    ],
)
def test_a_tolerance_that_does_not_serve_fails_the_map_that_has_started(
    fields: str, given: Any, cause: str
) -> None:
    """Recorded in localstack's test_base_scenarios.py: test_map_state_tolerated_failure_count_path, ..._percentage_."""
    processor = {**branch(P={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    definition = states(M={"Type": "Map", "ItemsPath": "$.i", "ItemProcessor": processor, fields: "$.t"})
    finished = run(definition, {"i": [0], "t": given})
    assert event_types(finished)[1:] == ["MapStateEntered", "MapStateStarted", "ExecutionFailed"]
    assert (finished.result.error, cause in (finished.result.cause or "")) == ("States.Runtime", True)


def test_a_task_that_fails_its_branch_is_told_of_as_aborted_too() -> None:
    """Recorded in localstack's callback/test_callback.py: ..._no_error_field[SQS_PARALLEL_WAIT_FOR_TASK_TOKEN]."""

    def handler(event: Any) -> None:
        raise ValueError

    failing = branch(T={"Type": "Task", "Resource": FUNCTION})
    finished = run(states(P={"Type": "Parallel", "Branches": [failing]}), cloud=lambda_cloud(handler))
    assert chain(finished)[6:] == [
        (7, 6, "LambdaFunctionFailed"),
        (8, 7, "TaskStateAborted"),
        (9, 7, "ParallelStateFailed"),
        (10, 9, "ExecutionFailed"),
    ]


def test_no_iteration_starts_after_one_that_failed_when_they_run_one_at_a_time() -> None:
    """Recorded in localstack's test_base_scenarios.py::test_map_state_break_condition."""
    failing = branch(F={"Type": "Fail", "Error": "E"})
    for _ in range(20):  # a race, otherwise
        mapped = run(states(M={"Type": "Map", "ItemProcessor": failing, "MaxConcurrency": 1}), [1, 2, 3])
        assert event_types(mapped).count("MapIterationStarted") == 1


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"MaxConcurrencyPath": "$.t"}, {}),
        ({"ToleratedFailureCountPath": "$.t", "ToleratedFailurePercentagePath": "$.t"}, STANDARD),
        ({"ItemBatcher": {"MaxItemsPerBatchPath": "$.t", "MaxInputBytesPerBatch": 100}}, STANDARD),
    ],
)
def test_a_text_that_is_a_number_serves_where_a_maps_path_leads_to_it(fields: dict, mode: dict) -> None:
    """Recorded in localstack's assign/test_assign_reference_variables.py::test_reference_in_map_state."""
    processor = {**branch(P={"Type": "Pass"}), **({"ProcessorConfig": mode} if mode else {})}
    definition = states(M={"Type": "Map", "ItemsPath": "$.i", "ItemProcessor": processor, **fields})
    assert run(definition, {"i": [0], "t": "1"}).result.status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("config", "text", "error", "cause"),
    [
        ({"MaxItems": "{% -1 %}"}, "a\n1", "States.ItemReaderFailed", "field MaxItems must be positive"),
        ({}, "a,a\n1,2", "States.ItemReaderFailed", "CSV headers cannot contain duplicates."),
    ],
)
def test_a_reader_that_fails_fails_its_map_run(config: dict, text: str, error: str, cause: str) -> None:
    """Recorded in localstack's test_base_scenarios.py, test_map_item_reader_csv_…."""
    csv = {"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", **config}
    finished = run(reading(csv), cloud=objects(data=text))
    assert event_types(finished)[2:] == [
        "MapStateStarted",
        "MapRunStarted",
        "MapRunFailed",
        "MapStateFailed",
        "ExecutionFailed",
    ]
    assert (finished.result.error, finished.result.cause) == (error, cause)


def test_items_of_a_reader_are_not_counted_when_their_map_starts() -> None:
    """As AWS answered: localstack's scenarios/test_base_scenarios.py::test_map_item_reader_base_list_objects_v2."""
    finished = run(reading({"InputType": "JSON"}, "data"), cloud=objects(data="[1, 2]"))
    started = next(each for each in finished.history.events if each["type"] == "MapStateStarted")
    assert started["mapStateStartedEventDetails"] == {"length": 0}


@pytest.mark.parametrize(
    ("state", "members"),
    [
        ({"Type": "Pass"}, ["EnteredTime", "Name"]),
        ({"Type": "Task", "Resource": FUNCTION, "Arguments": 1}, ["EnteredTime", "Name", "RetryCount"]),
    ],
)
def test_retries_are_counted_in_the_context_of_states_that_may_retry(state: dict, members: list[str]) -> None:
    """As AWS answered: localstack's base/test_base.py::test_query_context_object_values, recorded."""
    definition = jsonata(A={**state, "Output": "{% $sort($keys($states.context.State)) %}"})
    finished = run(definition, cloud=lambda_cloud(lambda _: 1))
    assert json.loads(finished.result.output or "") == members


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


def test_an_execution_ends_at_25000_events_whatever_it_catches() -> None:
    loop = {
        "More": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $millis() < 0 %}", "Next": "Enough"}],
            "Default": "Again",
        },
        "Again": {"Type": "Pass", "Next": "More"},
        "Enough": {"Type": "Succeed"},
    }
    looping = jsonata(
        All={
            "Type": "Parallel",
            "Branches": [{"StartAt": "More", "States": loop}],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}],
        },
        Caught={"Type": "Succeed"},
    )
    finished = run(looping)
    assert finished.result.status == "FAILED"
    assert finished.result.cause == "The execution reached the maximum number of history events (25000)."
    assert len(finished.history.events) == 25_000
    assert finished.history.events[-1]["type"] == "ExecutionFailed"
