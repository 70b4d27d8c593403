"""Retry, Catch, timeouts and size limits: "Handling errors in Step Functions workflows"."""

from __future__ import annotations

import time
from typing import Any

import pytest

from osusume_endpoint.stepfunctions import retry
from osusume_endpoint.testing.harness import (
    FUNCTION,
    event_types,
    failure,
    jsonata,
    lambda_cloud,
    output,
    run,
    states,
)

INVOKE = "arn:aws:states:::lambda:invoke"
TASK = {"Type": "Task", "Resource": INVOKE, "Parameters": {"FunctionName": "f", "Payload.$": "$"}}
JSONATA_TASK = {
    "Type": "Task",
    "Resource": INVOKE,
    "Arguments": {"FunctionName": "f", "Payload": "{% $states.input %}"},
}


class Flaky:
    """Raises its errors one after the other, then answers."""

    def __init__(self, *errors: type[Exception]) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, event: Any) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)("bad")
        return {"calls": self.calls}


def retrying(*rules: dict) -> dict:
    return states(T={**TASK, "Retry": list(rules)})


def test_a_retried_task_succeeds_after_its_errors() -> None:
    flaky = Flaky(ValueError, ValueError)
    rule = {"ErrorEquals": ["ValueError"], "MaxAttempts": 2}
    assert output(retrying(rule), cloud=lambda_cloud(flaky))["Payload"] == {"calls": 3}


def test_the_task_fails_when_the_attempts_are_used_up() -> None:
    flaky = Flaky(*[ValueError] * 5)
    error, _ = failure(retrying({"ErrorEquals": ["ValueError"], "MaxAttempts": 2}), cloud=lambda_cloud(flaky))
    assert (error, flaky.calls) == ("ValueError", 3)


def test_the_default_is_three_retries() -> None:
    flaky = Flaky(*[ValueError] * 9)
    failure(retrying({"ErrorEquals": ["States.ALL"]}), cloud=lambda_cloud(flaky))
    assert flaky.calls == 4


def test_every_retrier_counts_its_own_attempts() -> None:
    flaky = Flaky(ValueError, KeyError, ValueError, KeyError)
    one, other = (
        {"ErrorEquals": ["ValueError"], "MaxAttempts": 2},
        {"ErrorEquals": ["KeyError"], "MaxAttempts": 2},
    )
    assert output(retrying(one, other), cloud=lambda_cloud(flaky))["Payload"] == {"calls": 5}


def test_the_first_matching_retrier_decides_even_with_no_attempts() -> None:
    flaky = Flaky(ValueError)
    none = {"ErrorEquals": ["ValueError"], "MaxAttempts": 0}
    failure(retrying(none, {"ErrorEquals": ["States.ALL"]}), cloud=lambda_cloud(flaky))
    assert flaky.calls == 1


def test_the_context_object_counts_the_retries() -> None:
    seen: list[int] = []

    def handler(event: Any) -> None:
        seen.append(event)
        raise ValueError

    payload = {"FunctionName": "f", "Payload.$": "$$.State.RetryCount"}
    rule = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}
    failure(states(T={**TASK, "Parameters": payload, "Retry": [rule]}), cloud=lambda_cloud(handler))
    assert seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("retrier", "delays"),
    [
        ({}, [1, 2, 4, 8]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5}, [3, 4.5, 6.75, 10.125]),
        ({"IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 7}, [3, 6, 7, 7]),
        ({"IntervalSeconds": 5, "BackoffRate": 1}, [5, 5, 5, 5]),
    ],
)
def test_the_delay_grows_by_the_backoff_rate_up_to_its_cap(retrier: dict, delays: list[float]) -> None:
    assert [retry.delay_seconds(retrier, attempt=attempt) for attempt in range(4)] == delays


def test_full_jitter_spreads_the_delay_between_zero_and_the_backoff() -> None:
    retrier = {"IntervalSeconds": 10, "JitterStrategy": "FULL"}
    delays = [retry.delay_seconds(retrier, attempt=1) for _ in range(200)]
    assert 0 <= min(delays) < 5 < 15 < max(delays) <= 20


@pytest.mark.parametrize(
    ("names", "error", "expected"),
    [
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.QueryEvaluationError", True),
        (["States.ALL"], "States.DataLimitExceeded", False),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "ValueError", True),
        (["States.TaskFailed"], "States.Timeout", False),
        (["States.Timeout"], "States.HeartbeatTimeout", True),
        (["States.HeartbeatTimeout"], "States.Timeout", False),
        (["A", "B"], "B", True),
        (["valueerror"], "ValueError", False),
    ],
)
def test_error_names_match_as_documented(names: list[str], error: str, expected: bool) -> None:
    assert retry.matches(names, error) is expected


def test_a_catcher_adds_the_error_at_its_result_path() -> None:
    catch = {"ErrorEquals": ["ValueError"], "ResultPath": "$.error", "Next": "C"}
    definition = states(T={**TASK, "Catch": [catch], "End": True}, C={"Type": "Pass"})
    result = output(definition, {"a": 1}, cloud=lambda_cloud(Flaky(ValueError)))
    assert result["a"] == 1
    assert result["error"]["Error"] == "ValueError"
    assert '"errorMessage": "bad"' in result["error"]["Cause"]


def test_a_catcher_replaces_the_input_by_default() -> None:
    definition = states(
        T={**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "C"}], "End": True}, C={"Type": "Pass"}
    )
    assert set(output(definition, {"a": 1}, cloud=lambda_cloud(Flaky(KeyError)))) == {"Error", "Cause"}


def test_a_catcher_of_another_error_does_not_catch() -> None:
    definition = states(
        T={**TASK, "Catch": [{"ErrorEquals": ["KeyError"], "Next": "C"}], "End": True}, C={"Type": "Pass"}
    )
    assert failure(definition, cloud=lambda_cloud(Flaky(ValueError)))[0] == "ValueError"


def test_retries_come_before_the_catcher() -> None:
    flaky = Flaky(ValueError, ValueError, ValueError)
    rule = {"ErrorEquals": ["States.ALL"], "MaxAttempts": 1}
    catch = {"ErrorEquals": ["States.ALL"], "Next": "C"}
    definition = states(T={**TASK, "Retry": [rule], "Catch": [catch], "End": True}, C={"Type": "Pass"})
    assert output(definition, cloud=lambda_cloud(flaky))["Error"] == "ValueError"
    assert flaky.calls == 2


def test_a_jsonata_catcher_computes_output_and_variables_from_the_error() -> None:
    catch = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"failed": "{% $states.errorOutput.Error %}"},
        "Output": "{% $states.input.a %}",
        "Next": "C",
    }
    definition = jsonata(
        T={**JSONATA_TASK, "Catch": [catch], "End": True},
        C={"Type": "Pass", "Output": "{% [$states.input, $failed] %}"},
    )
    assert output(definition, {"a": 1}, cloud=lambda_cloud(Flaky(ValueError))) == [1, "ValueError"]


def test_a_failed_query_of_a_task_can_be_caught() -> None:
    catch = {"ErrorEquals": ["States.QueryEvaluationError"], "Output": "caught", "Next": "C"}
    task = {**JSONATA_TASK, "Output": "{% $states.result.Payload.missing %}", "Catch": [catch], "End": True}
    finished = run(jsonata(T=task, C={"Type": "Pass"}), cloud=lambda_cloud(Flaky()))
    assert finished.result.output == '"caught"'
    assert "EvaluationFailed" in event_types(finished)


def test_a_runtime_error_of_a_task_ends_the_execution_despite_a_catcher() -> None:
    catch = {"ErrorEquals": ["States.ALL"], "Next": "C"}
    task = {**TASK, "Parameters": {"FunctionName.$": "$.missing"}, "Catch": [catch], "End": True}
    assert failure(states(T=task, C={"Type": "Pass"}), cloud=lambda_cloud(Flaky()))[0] == "States.Runtime"


def test_a_task_that_takes_too_long_times_out() -> None:
    definition = states(T={**TASK, "TimeoutSeconds": 1})
    started = time.monotonic()
    finished = run(definition, cloud=lambda_cloud(lambda event: time.sleep(3)))
    assert finished.result.error == "States.Timeout"
    assert time.monotonic() - started < 2.5
    assert "TaskTimedOut" in event_types(finished)


def test_the_whole_execution_times_out() -> None:
    definition = {**states(W={"Type": "Wait", "Seconds": 600}), "TimeoutSeconds": 1}
    finished = run(definition, wait_scale=1)
    assert finished.result.status == "TIMED_OUT"
    assert event_types(finished)[-1] == "ExecutionTimedOut"


def test_a_result_above_256_kib_fails_with_data_limit_exceeded() -> None:
    error, cause = failure(states(T=TASK), cloud=lambda_cloud(lambda event: "x" * 300_000))
    assert error == "States.DataLimitExceeded"
    assert "exceeding the maximum number of bytes" in cause


def test_the_size_is_counted_in_bytes_not_characters() -> None:
    cloud = lambda_cloud(lambda event: "é" * 140_000)
    assert failure(states(T=TASK), cloud=cloud)[0] == "States.DataLimitExceeded"
    cloud = lambda_cloud(lambda event: "e" * 140_000)
    assert len(output(states(T=TASK), cloud=cloud)["Payload"]) == 140_000


def test_a_state_output_above_the_limit_fails_the_execution() -> None:
    definition = jsonata(P={"Type": "Pass", "Output": "{% $pad('', 300000, 'x') %}"})
    assert failure(definition)[0] == "States.DataLimitExceeded"


def test_an_output_above_the_limit_can_be_caught_by_its_name_only() -> None:
    task = {**JSONATA_TASK, "Output": "{% $pad('', 300000, 'x') %}", "End": True}

    def caught_by(name: str) -> dict:
        catch = [{"ErrorEquals": [name], "Output": "caught", "Next": "C"}]
        return jsonata(T={**task, "Catch": catch}, C={"Type": "Pass"})

    assert output(caught_by("States.DataLimitExceeded"), cloud=lambda_cloud(Flaky())) == "caught"
    assert failure(caught_by("States.ALL"), cloud=lambda_cloud(Flaky()))[0] == "States.DataLimitExceeded"


def test_a_timeout_computed_to_nothing_fails_the_task() -> None:
    definition = jsonata(T={**JSONATA_TASK, "TimeoutSeconds": "{% $states.input.s %}"})
    assert failure(definition, {"s": -1}, cloud=lambda_cloud(Flaky()))[0] == "States.QueryEvaluationError"
    assert output(definition, {"s": 5}, cloud=lambda_cloud(Flaky()))["Payload"] == {"calls": 1}


def test_a_function_arn_as_resource_fails_with_lambda_events() -> None:
    definition = states(T={"Type": "Task", "Resource": FUNCTION})
    finished = run(definition, cloud=lambda_cloud(Flaky(ValueError)))
    assert event_types(finished)[2:5] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionFailed",
    ]
