"""TestState against what AWS answered: localstack/localstack, tests/aws/services/stepfunctions/v2/test_state."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.stepfunctions.served import ROLE

pytestmark = pytest.mark.slow

INVOKE = "arn:aws:states:::lambda:invoke"
PASS = {"Type": "Pass", "End": True}
TASK_BASE = {"Type": "Task", "Resource": INVOKE, "End": True}
TASK = {**TASK_BASE, "Parameters": {"FunctionName": "f"}}
PROCESSOR = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "TestState",
    "States": {"TestState": PASS},
}
MAP = {"Type": "Map", "ItemsPath": "$.Values", "ItemProcessor": PROCESSOR, "End": True}
PARALLEL = {
    "Type": "Parallel",
    "Branches": [{"StartAt": "B1", "States": {"B1": PASS}}, {"StartAt": "B2", "States": {"B2": PASS}}],
    "End": True,
}
VALUES = {"Values": ["a", "b"]}


def ask(sfn: Any, state: dict, value: Any = None, **more: Any) -> dict[str, Any]:
    mock = more.pop("result", None)
    if mock is not None:
        more["mock"] = {"result": json.dumps(mock)}
    answer = sfn.test_state(definition=json.dumps(state), input=json.dumps(value or {}), **more)
    answer.pop("ResponseMetadata")
    return dict(answer)


def inspected(sfn: Any, state: dict, value: Any = None, **more: Any) -> dict[str, Any]:
    data = ask(sfn, state, value, inspectionLevel="DEBUG", **more)["inspectionData"]
    return {key: json.loads(item) if isinstance(item, str) else item for key, item in data.items()}


def refused(sfn: Any, state: dict, value: Any = None, **more: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        ask(sfn, state, value, **more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("inner", ["TestState", "StateName", "Inner"])
def test_a_state_inside_of_the_tested_one_may_have_any_name(sfn: Any, inner: str) -> None:
    """test_state_configuration.py: BASE_MAP_STATE has a state named TestState in its Map."""
    state = {**MAP, "ItemProcessor": {**PROCESSOR, "StartAt": inner, "States": {inner: PASS}}}
    assert ask(sfn, state, VALUES, result=[1, 2])["output"] == "[1,2]"


def test_a_name_that_two_states_share_is_still_refused(sfn: Any) -> None:
    twice = {**PARALLEL, "Branches": [PARALLEL["Branches"][0]] * 2}
    code, message = refused(sfn, twice, result=[1, 2])
    assert (code, "Duplicate State name: B1" in message) == ("InvalidDefinition", True)


@pytest.mark.parametrize("name", ["Outer", "HandleItem"])
def test_a_state_of_a_machine_is_tested_by_its_name_at_any_depth(sfn: Any, name: str) -> None:
    """test_test_state_machine_scenarios.py::test_base_state_name[BASE_MAP_STATE_MACHINE]."""
    processor = {**PROCESSOR, "StartAt": "HandleItem", "States": {"HandleItem": PASS}}
    machine = {
        "StartAt": "Outer",
        "States": {"Outer": PASS | {"Next": "M"}, "M": {**MAP, "ItemProcessor": processor}},
    }
    machine["States"]["Outer"].pop("End")
    assert json.loads(ask(sfn, machine, {"a": 1}, stateName=name)["output"]) == {"a": 1}
    assert refused(sfn, machine, stateName="dne") == ("ValidationException", "State not found in definition")


@pytest.mark.parametrize(
    ("state", "asked", "message"),
    [
        (TASK, {}, "RoleArn must be specified when testing a Task state"),
        (PASS, {"result": 1}, "State type 'Pass' is not supported when a mock is specified"),
        (TASK, {"mock": {"result": "no json"}}, "Mocked result must be valid JSON"),
        (
            TASK,
            {"mock": {"result": "{}", "errorOutput": {"error": "E"}}},
            "A test mock should have only one of the following fields: [result, errorOutput].",
        ),
        (
            TASK,
            {"result": {}, "revealSecrets": True},
            "TestState does not support RevealSecrets when a mock is specified.",
        ),
        (MAP, {"result": {"a": 1}}, "Mocked result must be an array."),
        (
            {
                **MAP,
                "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b"}},
            },
            {"result": [1]},
            "Mocked result must be a JSON object.",
        ),
        (PARALLEL, {"result": {"a": 1}}, "Mocked result must be an array."),
        (
            PARALLEL,
            {"result": [1]},
            "Mocked result must contain the same number of items as number of Parallel branches.",
        ),
        (
            PASS,
            {"stateConfiguration": {"mapIterationFailureCount": 1}},
            "TestState does not support MapIterationFailureCount when a mock is not specified.",
        ),
        (
            MAP,
            {"result": [1, 2], "stateConfiguration": {"mapIterationFailureCount": 3}},
            "Map iteration failure count must be less than or equal to the number of Map iterations",
        ),
        (PASS, {"context": "{}"}, "TestState does not support Context when a mock is not specified."),
    ],
)
def test_a_mock_that_does_not_fit_is_refused(sfn: Any, state: dict, asked: dict, message: str) -> None:
    """test_state_mock_validation.py; test_test_state_scenarios.py::…_no_role_arn_validation. The last is ours."""
    assert refused(sfn, state, VALUES, **asked) == ("ValidationException", message)


@pytest.mark.parametrize("state", [MAP, PARALLEL])
def test_states_of_states_need_a_mock(sfn: Any, state: dict) -> None:
    """test_state_mock_validation.py::test_state_type_requires_mock."""
    message = "TestState API does not support Map or Parallel states. Supported state types include: "
    message += "[Task, Wait, Pass, Succeed, Fail, Choice]"
    assert refused(sfn, state, VALUES) == ("InvalidDefinition", message)


def test_a_parallel_state_needs_branches(sfn: Any) -> None:
    """test_state_mock_validation.py::test_parallel_state_empty_branches."""
    message = "Invalid State Machine Definition: "
    message += "'SCHEMA_VALIDATION_FAILED: Value cannot be empty at /States/StateName/Branches'"
    assert refused(sfn, {**PARALLEL, "Branches": []}, result=[]) == ("InvalidDefinition", message)


@pytest.mark.parametrize(
    ("context", "what"),
    [
        ({"Map": {}}, "'Map' field is not supported when mocking a Context object"),
        ({"Pokedex": {}}, "Field 'Pokedex' is not allowed"),
        ({"Execution": {"pokemon": 1}}, "Field 'pokemon' is not allowed"),
        ({"Execution": {"Id": 1}}, "Execution.Id must be a string"),
        (
            {"Task": {"Token": "t"}},
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern",
        ),
    ],
)
def test_a_context_that_no_execution_has_is_refused(sfn: Any, context: dict, what: str) -> None:
    """test_state_context_object.py: …_invalid_states and …_validation_failures."""
    found = refused(sfn, TASK, context=json.dumps(context), result={})
    assert found == ("ValidationException", f"Invalid Context object provided: {what}")


@pytest.mark.parametrize("context", [{}, {"Execution": {}, "State": {"Name": "Mine"}, "StateMachine": {}}])
def test_a_mocked_context_is_the_whole_context(sfn: Any, context: dict) -> None:
    """test_state_context_object.py::test_state_context_object_edge_cases."""
    state = {**TASK, "ResultSelector": {"context.$": "$$"}}
    answer = ask(sfn, state, context=json.dumps(context), result={})
    assert json.loads(answer["output"]) == {"context": context}


def test_a_state_on_its_own_has_the_context_of_an_express_execution(sfn: Any) -> None:
    """test_test_state_scenarios.py: test_state_task_catch_error, test_state_with_variables[base_expressions]."""
    state = {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.context %}", "End": True}
    found = json.loads(ask(sfn, state)["output"])
    assert sorted(found["Execution"]) == ["Id", "Input", "Name", "RoleArn", "StartTime"]
    assert (found["Execution"]["RoleArn"], found["State"]["Name"]) == (None, "StateName")
    assert found["Execution"]["Id"].split(":")[5] == "express"
    assert sorted(found["State"]) == ["EnteredTime", "Name"]


@pytest.mark.parametrize(
    ("result", "mode", "fault"),
    [
        ({"StatusCode": "x"}, "STRICT", "Field 'StatusCode' must be a number"),
        ({"StatusCode": "x"}, "PRESENT", "Field 'StatusCode' must be a number"),
        ({"StatusCode": "x"}, "NONE", None),
        ({"Payload": [1]}, "STRICT", None),
        ({"random": "json"}, "STRICT", None),
    ],
)
def test_a_mocked_result_is_held_against_the_api(
    sfn: Any, result: dict, mode: str, fault: str | None
) -> None:
    """test_field_validation_mode.py, …_present.py and …_none.py."""
    mock = {"result": json.dumps(result), "fieldValidationMode": mode}
    if fault is None:
        assert ask(sfn, TASK, mock=mock)["status"] == "SUCCEEDED"
        return
    assert refused(sfn, TASK, mock=mock) == (
        "ValidationException",
        f"Mock result schema validation error: {fault}",
    )


@pytest.mark.parametrize(
    ("resource", "result", "fault"),
    [
        ("events:putEvents", {"Entries": {}}, "Field 'Entries' must be an array"),
        ("events:putEvents", {"Entries": [{"EventId": 1}]}, "Field 'EventId' must be a string"),
        ("states:startExecution", {"StartDate": "d"}, "Required field 'ExecutionArn' is missing"),
        (
            "states:startExecution",
            {"ExecutionArn": "a", "StartDate": True},
            "Field 'StartDate' must be a string",
        ),
        ("aws-sdk:s3:getObject", {"StorageClass": "COLD"}, "Field 'StorageClass' is not an expected value"),
        (
            "aws-sdk:kms:encrypt",
            {"CiphertextBlob": ""},
            "Field 'CiphertextBlob' is smaller than the minimum length",
        ),
        (
            "aws-sdk:lambda:getFunction",
            {"Configuration": {"MemorySize": 1}},
            "Field 'MemorySize' is less than the minimum value",
        ),
    ],
)
def test_a_field_that_the_api_never_answers_is_refused(
    sfn: Any, resource: str, result: dict, fault: str
) -> None:
    """test_field_validation_mode.py."""
    given = {
        "events:putEvents": {"Entries": []},
        "states:startExecution": {"StateMachineArn": "a"},
        "aws-sdk:s3:getObject": {"Bucket": "b", "Key": "k"},
        "aws-sdk:kms:encrypt": {"KeyId": "k", "Plaintext": "p"},
        "aws-sdk:lambda:getFunction": {"FunctionName": "f"},
    }
    state = {**TASK, "Resource": f"arn:aws:states:::{resource}", "Parameters": given[resource]}
    expected = ("ValidationException", f"Mock result schema validation error: {fault}")
    assert refused(sfn, state, result=result) == expected


RETRY = [{"ErrorEquals": ["Other"]}, {"ErrorEquals": ["E"], "MaxAttempts": 2, "IntervalSeconds": 3}]
CATCH = [{"ErrorEquals": ["Other"], "Next": "A"}, {"ErrorEquals": ["E"], "Next": "B"}]
FAILING = {"mock": {"errorOutput": {"error": "E", "cause": "c"}}, "inspectionLevel": "DEBUG"}


@pytest.mark.parametrize(
    ("retried", "handlers", "status", "details"),
    [
        (0, {"Retry": RETRY}, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 3}),
        (1, {"Retry": RETRY}, "RETRIABLE", {"retryIndex": 1, "retryBackoffIntervalSeconds": 6}),
        (2, {"Retry": RETRY}, "FAILED", {"retryIndex": 1}),
        (2, {"Retry": RETRY, "Catch": CATCH}, "CAUGHT_ERROR", {"catchIndex": 1}),
        (0, {}, "FAILED", None),
    ],
)
def test_an_inspection_says_what_handles_the_error(
    sfn: Any, retried: int, handlers: dict, status: str, details: dict | None
) -> None:
    """test_state_configuration.py::…_retrier_retry_count, test_test_state_scenarios.py::test_state_task_catch_error."""
    answer = ask(sfn, TASK | handlers, stateConfiguration={"retrierRetryCount": retried}, **FAILING)
    assert (answer["status"], answer["inspectionData"].get("errorDetails")) == (status, details)


@pytest.mark.parametrize(("failures", "status"), [(0, "SUCCEEDED"), (1, "SUCCEEDED"), (2, "FAILED")])
def test_more_failed_iterations_than_tolerated_fail_the_map(sfn: Any, failures: int, status: str) -> None:
    """test_state_configuration.py::test_map_state_failure_count."""
    tolerant = {**MAP, "ToleratedFailureCount": 1}
    answer = ask(
        sfn, tolerant, VALUES, result=[1, 2], stateConfiguration={"mapIterationFailureCount": failures}
    )
    assert answer["status"] == status
    if status == "FAILED":
        assert answer["error"] == "States.ExceedToleratedFailureThreshold"
        assert answer["cause"] == "The specified tolerated failure threshold was exceeded"
    untold = ask(sfn, MAP, VALUES, result=[1, 2], stateConfiguration={"mapIterationFailureCount": failures})
    assert untold["status"] == "SUCCEEDED"


VALUE = {"a": {"b": 1}}
STAGES: list[tuple[str, dict, dict, dict]] = [
    (
        "a Pass state",
        {**PASS, "InputPath": "$.a", "Parameters": {"c.$": "$.b"}, "ResultPath": "$.d"},
        {},
        {
            "afterInputPath": {"b": 1},
            "afterParameters": {"c": 1},
            "afterResultSelector": {"c": 1},
            "afterResultPath": {**VALUE, "d": {"c": 1}},
        },
    ),
    (
        "a Pass state with a Result",
        {**PASS, "Result": 7},
        {},
        {"result": 7, "afterResultSelector": 7, "afterResultPath": 7},
    ),
    ("a Fail state", {"Type": "Fail", "Error": "E"}, {}, {"afterInputPath": VALUE}),
    ("a Succeed state", {"Type": "Succeed"}, {}, {"afterInputPath": VALUE}),
    (
        "a Task state",
        {**TASK, "ResultSelector": {"s.$": "$.StatusCode"}},
        {"result": {"StatusCode": 200}},
        {
            "afterInputPath": VALUE,
            "afterParameters": {"FunctionName": "f"},
            "result": {"StatusCode": 200},
            "afterResultSelector": {"s": 200},
            "afterResultPath": {"s": 200},
        },
    ),
    (
        "a JSONata Task state",
        {**TASK_BASE, "QueryLanguage": "JSONata", "Arguments": {"FunctionName": "f"}},
        {"result": {"StatusCode": 200}},
        {"afterArguments": {"FunctionName": "f"}, "result": {"StatusCode": 200}},
    ),
    ("a Parallel state", PARALLEL, {"result": [1, 2]}, {"afterResultSelector": [1, 2], "afterResultPath": [1, 2]}),
    (
        "a Map state",
        {**MAP, "ItemsPath": "$.l", "ToleratedFailurePercentage": 1, "InputPath": "$.m"},
        {"result": [1], "value": {"m": {"l": [5]}}},
        {
            "afterInputPath": {"l": [5]},
            "afterItemsPath": [5],
            "maxConcurrency": 0,
            "toleratedFailurePercentage": 1.0,
            "afterResultSelector": [1],
            "afterResultPath": [1],
        },
    ),
    (
        "variables",
        {"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $v %}", "End": True},
        {"variables": '{"v": 1}'},
        {"variables": {"v": 1}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "asked", "stages"), [case[1:] for case in STAGES], ids=[c[0] for c in STAGES]
)
def test_an_inspection_shows_the_stages_of(sfn: Any, state: dict, asked: dict, stages: dict) -> None:
    """test_test_state_scenarios.py::test_base_inspection_level_debug, test_test_state_mock_scenarios.py and others."""
    asked = dict(asked)
    value = asked.pop("value", VALUE)
    assert inspected(sfn, state, value, **asked) == {"input": value, **stages}


def test_a_failed_state_shows_the_stages_before_its_failure(sfn: Any) -> None:
    state = {**TASK, "Parameters": {"FunctionName.$": "$.nowhere"}}
    answer = ask(sfn, state, inspectionLevel="TRACE", result={})
    assert (answer["status"], answer["error"]) == ("FAILED", "States.Runtime")
    assert answer["inspectionData"] == {"input": "{}", "afterInputPath": "{}"}


def test_items_that_are_no_array_fail_before_a_map_shows_its_items(sfn: Any) -> None:
    """test_state_context_object.py::test_state_map_context_object."""
    answer = ask(sfn, {**MAP, "ItemsPath": "$.o"}, {"o": {"a": 1}}, inspectionLevel="TRACE", result=[1])
    assert (answer["error"], answer["cause"]) == (
        "States.Runtime",
        'Reference path "$.o" must point to array.',
    )
    assert set(answer["inspectionData"]) == {"input", "afterInputPath"}


def test_the_roles_of_the_answer_are_as_before(sfn: Any) -> None:
    """A mocked task needs no role; one that is made needs one that may be passed."""
    assert ask(sfn, TASK, result={})["status"] == "SUCCEEDED"
    answer = ask(
        sfn, {**TASK, "Resource": "arn:aws:states:::aws-sdk:s3:listBuckets", "Parameters": {}}, roleArn=ROLE
    )
    assert answer["status"] == "SUCCEEDED"
