"""Definitions that the service refuses, and the reason it gives."""

from __future__ import annotations

import json
from typing import Any

import pytest

from osusume_endpoint.stepfunctions.definition import diagnostics, express_problems, refusal, validate
from osusume_endpoint.testing.harness import FUNCTION, jsonata, states
from tests.stepfunctions.test_parallel_and_map import STANDARD, branch

SDK = "arn:aws:states:::aws-sdk"
CHOOSE = {"Variable": "$.a", "NumericEquals": 1, "Next": "S"}


def machine(**states_: dict) -> dict:
    return {"StartAt": next(iter(states_)), "States": states_}


def task(resource: str, **fields: Any) -> dict:
    return states(T={"Type": "Task", "Resource": resource, **fields})


def choice(*rules: dict, **fields: Any) -> dict:
    return machine(C={"Type": "Choice", "Choices": list(rules), **fields}, S={"Type": "Succeed"})


def retrier(**fields: Any) -> dict:
    return task(FUNCTION, Retry=[{"ErrorEquals": ["E"], **fields}])


def distributed(**fields: Any) -> dict:
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    return jsonata(M={"Type": "Map", "ItemProcessor": processor, **fields})


INLINE = {"Type": "Map", "ItemProcessor": branch(X={"Type": "Pass"})}

REFUSED = [
    (
        "a missing StartAt",
        {"States": {"A": {"Type": "Succeed"}}},
        "/",
        "These fields are required: [StartAt]",
    ),
    ("no states", {"StartAt": "A", "States": {}}, "/States", "at least one state"),
    ("an unknown top-level field", {**states(A={"Type": "Succeed"}), "Foo": 1}, "/Foo", '"Foo"'),
    (
        "an unknown query language",
        {**states(A={"Type": "Succeed"}), "QueryLanguage": "SQL"},
        "/QueryLanguage",
        "JSONPath",
    ),
    ("another version", {**states(A={"Type": "Succeed"}), "Version": "2.0"}, "/Version", "1.0"),
    (
        "an unknown type",
        machine(A={"Type": "Jump"}),
        "/States/A/Type",
        "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]",
    ),
    (
        "a missing target",
        machine(A={"Type": "Pass", "Next": "B"}),
        "/States/A/Next",
        "Missing 'Next' target: B",
    ),
    (
        "a missing start",
        {**states(A={"Type": "Succeed"}), "StartAt": "B"},
        "/StartAt",
        "Missing 'StartAt' target: B",
    ),
    ("neither Next nor End", machine(A={"Type": "Pass"}), "/States/A", "either Next or End"),
    (
        "Next and End",
        machine(A={"Type": "Pass", "Next": "A", "End": True}),
        "/States/A",
        "either Next or End",
    ),
    (
        "an unreachable state",
        machine(A={"Type": "Succeed"}, B={"Type": "Succeed"}),
        "/States/B",
        "not reachable",
    ),
    ("no end", machine(A={"Type": "Pass", "Next": "A"}), "/States", "No terminal state"),
    ("Next of a Succeed", machine(A={"Type": "Succeed", "Next": "A"}), "/States/A/Next", "not supported"),
    ("a long name", machine(**{"x" * 81: {"Type": "Succeed"}}), "/States/" + "x" * 81, "80 characters"),
    ("Output in JSONPath", states(A={"Type": "Pass", "Output": 1}), "/States/A/Output", "JSONPath"),
    ("InputPath in JSONata", jsonata(A={"Type": "Pass", "InputPath": "$"}), "/States/A/InputPath", "JSONata"),
    (
        "a JSONPath state in a JSONata machine",
        jsonata(A={"Type": "Pass", "QueryLanguage": "JSONPath"}),
        "/States/A",
        "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine",
    ),
    (
        "a broken path",
        states(A={"Type": "Pass", "InputPath": "$.a["}),
        "/States/A/InputPath",
        "not a JSONPath",
    ),
    ("no path", states(A={"Type": "Pass", "InputPath": "a"}), "/States/A/InputPath", "begin with '$'"),
    (
        "ResultPath that is no reference path",
        states(A={"Type": "Pass", "ResultPath": "$.a[*]"}),
        "/States/A/ResultPath",
        "reference path",
    ),
    (
        "a broken path inside Parameters",
        states(A={"Type": "Pass", "Parameters": {"x": {"y.$": "a.b"}}}),
        "/States/A/Parameters/x/y.$",
        "not a JSONPath",
    ),
    (
        "an escape that intrinsic functions don't know",
        states(P={"Type": "Pass", "Parameters": {"v.$": "States.Format('\\\"{}\\\"', 1)"}}),
        "/States/P/Parameters/v.$",
        "may follow a backslash",
    ),
    (
        "an unknown intrinsic function",
        states(A={"Type": "Pass", "Parameters": {"x.$": "States.Frobnicate($.a)"}}),
        "/States/A/Parameters/x.$",
        "States.Frobnicate",
    ),
    (
        "a broken JSONata expression",
        jsonata(A={"Type": "Pass", "Output": {"x": "{% $foo( %}"}}),
        "/States/A/Output/x",
        "$foo(",
    ),
    ("$eval", jsonata(A={"Type": "Pass", "Output": "{% $eval('1') %}"}), "/States/A/Output", "$eval"),
    (
        "an unknown member of $states",
        jsonata(A={"Type": "Pass", "Output": "{% $states.inputs %}"}),
        "/States/A/Output",
        "inputs",
    ),
    (
        "$states.result before there is one",
        jsonata(T={"Type": "Task", "Resource": FUNCTION, "Arguments": "{% $states.result %}"}),
        "/States/T/Arguments",
        "$states.result",
    ),
    (
        "$states.errorOutput outside of a Catch",
        jsonata(T={"Type": "Task", "Resource": FUNCTION, "Output": "{% $states.errorOutput %}"}),
        "/States/T/Output",
        "$states.errorOutput",
    ),
    (
        "a variable named states",
        jsonata(A={"Type": "Pass", "Assign": {"states": 1}}),
        "/States/A/Assign/states",
        "states",
    ),
    ("a path as variable", jsonata(A={"Type": "Pass", "Assign": {"x.y": 1}}), "/States/A/Assign/x.y", "x.y"),
    (
        "a variable of an outer scope assigned inside",
        jsonata(
            A={"Type": "Pass", "Assign": {"x": 1}},
            P={"Type": "Parallel", "Branches": [branch(B={"Type": "Pass", "Assign": {"x": 2}})]},
        ),
        "/States/P/Branches[0]/States/B/Assign/x",
        "outer scope",
    ),
    (
        "one name in two branches",
        states(P={"Type": "Parallel", "Branches": [branch(B={"Type": "Pass"}), branch(B={"Type": "Pass"})]}),
        "/States/P/Branches[1]/States/B",
        "Duplicate",
    ),
    ("no choices", choice(), "/States/C/Choices", "non-empty"),
    ("a rule without Next", choice({"Variable": "$.a", "IsNull": True}), "/States/C/Choices[0]", '"Next"'),
    (
        "a rule with two operators",
        choice({**CHOOSE, "IsNull": True}),
        "/States/C/Choices[0]",
        "one comparison",
    ),
    (
        "an unknown operator",
        choice({"Variable": "$.a", "Equals": 1, "Next": "S"}),
        "/States/C/Choices[0]",
        "one comp",
    ),
    (
        "an operand of the wrong type",
        choice({**CHOOSE, "NumericEquals": "1"}),
        "/States/C/Choices[0]/NumericEquals",
        "number",
    ),
    ("an empty And", choice({"And": [], "Next": "S"}), "/States/C/Choices[0]", "non-empty"),
    (
        "a JSONPath rule in JSONata",
        {"QueryLanguage": "JSONata", **choice(CHOOSE)},
        "/States/C/Choices[0]",
        '"Condition"',
    ),
    ("a Wait without time", states(W={"Type": "Wait"}), "/States/W", "exactly one of"),
    (
        "a Wait with two times",
        states(W={"Type": "Wait", "Seconds": 1, "SecondsPath": "$.a"}),
        "/States/W",
        "exactly one",
    ),
    ("a negative Wait", states(W={"Type": "Wait", "Seconds": -1}), "/States/W/Seconds", "from 0"),
    ("an empty ErrorEquals", retrier(ErrorEquals=[]), "/States/T/Retry[0]/ErrorEquals", "non-empty"),
    ("a small BackoffRate", retrier(BackoffRate=0.5), "/States/T/Retry[0]/BackoffRate", "1.0"),
    (
        "a fractional interval",
        retrier(IntervalSeconds=1.5),
        "/States/T/Retry[0]/IntervalSeconds",
        "positive integer",
    ),
    (
        "a cap below the interval",
        retrier(IntervalSeconds=9, MaxDelaySeconds=5),
        "/States/T/Retry[0]/MaxDelaySeconds",
        "above",
    ),
    ("an unknown jitter", retrier(JitterStrategy="SOME"), "/States/T/Retry[0]/JitterStrategy", "FULL"),
    (
        "States.ALL beside others",
        retrier(ErrorEquals=["States.ALL", "E"]),
        "/States/T/Retry[0]/ErrorEquals",
        "alone",
    ),
    (
        "an invented States error",
        retrier(ErrorEquals=["States.Foo"]),
        "/States/T/Retry[0]/ErrorEquals",
        "States.Foo",
    ),
    (
        "States.ALL before the last catcher",
        machine(
            T={
                "Type": "Task",
                "Resource": FUNCTION,
                "End": True,
                "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "S"}, {"ErrorEquals": ["E"], "Next": "S"}],
            },
            S={"Type": "Succeed"},
        ),
        "/States/T/Catch[0]/ErrorEquals",
        "last",
    ),
    (
        "a heartbeat above the timeout",
        task(FUNCTION, TimeoutSeconds=5, HeartbeatSeconds=6),
        "/States/T",
        "smaller",
    ),
    ("a resource that is no ARN", task("f"), "/States/T/Resource", "is not recognized"),
    ("an unknown service", task(f"{SDK}:frob:doIt"), "/States/T/Resource", "'frob'"),
    ("an unknown action", task(f"{SDK}:personalize:makeSolution"), "/States/T/Resource", "'makeSolution'"),
    ("an action in the wrong case", task(f"{SDK}:s3:GetObject"), "/States/T/Resource", "'GetObject'"),
    ("a job of an SDK integration", task(f"{SDK}:glue:startJobRun.sync"), "/States/T/Resource", "no .sync"),
    (
        "an argument in the wrong case",
        task(f"{SDK}:personalize:describeSolution", Parameters={"solutionArn": "x"}),
        "/States/T/Parameters/solutionArn",
        "did you mean SolutionArn?",
    ),
    (
        "a missing argument",
        task(f"{SDK}:s3:getObject", Parameters={"Bucket": "b"}),
        "/States/T/Parameters",
        'The field "Key" is required but was missing',
    ),
    (
        "an unknown argument inside a structure",
        task(
            f"{SDK}:personalize:createSolution",
            Parameters={"Name": "n", "DatasetGroupArn": "d", "SolutionConfig": {"Foo": 1}},
        ),
        "/States/T/Parameters/SolutionConfig/Foo",
        '"Foo" is not supported',
    ),
    (
        "a reader of an inline Map",
        jsonata(M={**INLINE, "ItemReader": {}}),
        "/States/M/ItemReader",
        "DISTRIBUTED",
    ),
    (
        "a reader without format",
        distributed(ItemReader={"Resource": "arn:aws:states:::s3:getObject", "Arguments": {}}),
        "/States/M/ItemReader/ReaderConfig/InputType",
        "InputType",
    ),
    ("a batcher without limit", distributed(ItemBatcher={}), "/States/M/ItemBatcher", "MaxItemsPerBatch"),
    ("a Map without processor", jsonata(M={"Type": "Map"}), "/States/M", '"ItemProcessor"'),
]

NOT_EMULATED = [
    (task("arn:aws:states:::ecs:runTask.sync"), "ecs:runTask.sync"),
    (task("arn:aws:states:::http:invoke"), "http:invoke"),
    (task("arn:aws:states:::sqs:sendMessage.sync"), "sqs:sendMessage.sync"),
    (task("arn:aws:states:eu-west-1:123456789012:activity:a"), "activity"),
    (task(FUNCTION, Credentials={"RoleArn": "r"}), "Credentials"),
    (
        distributed(
            ItemReader={
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "PARQUET"},
                "Arguments": {},
            }
        ),
        "PARQUET",
    ),
]


@pytest.mark.parametrize(
    ("definition", "path", "message"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_definition_is_refused_because_of(definition: dict, path: str, message: str) -> None:
    found = [problem for problem in validate(definition) if (problem.path or "/") == path]
    assert any(message in problem.message for problem in found), list(map(str, validate(definition)))


@pytest.mark.parametrize(("definition", "name"), NOT_EMULATED)
def test_what_is_not_emulated_is_refused_by_name(definition: dict, name: str) -> None:
    (problem,) = [problem for problem in validate(definition) if problem.code == "NOT_EMULATED_LOCALLY"]
    assert name in problem.message


def test_the_refusal_lists_every_problem_in_the_services_wording() -> None:
    text = json.dumps(machine(A={"Type": "Pass", "Next": "B", "Foo": 1}))
    expected = (
        "Invalid State Machine Definition: 'MISSING_TRANSITION_TARGET: Missing 'Next' target: B at "
        '/States/A/Next, SCHEMA_VALIDATION_FAILED: The field "Foo" is not supported in a Pass state whose '
        "QueryLanguage is JSONPath at /States/A/Foo'"
    )
    assert refusal(text) == expected


def test_text_that_is_no_json_is_refused() -> None:
    assert "INVALID_JSON_DESCRIPTION" in (refusal("{") or "")


def waiting(**fields: Any) -> dict:
    return states(W={"Type": "Wait", **fields})


# The first five, and that an expression isn't one in JSONPath, as AWS answered (localstack's recorded
# test_wait_timestamp_invalid); the others are of the same profile of RFC 3339.
NO_TIMESTAMPS = [
    "2016-12-05 21:29:29Z",
    "2016-12-05T21:29:29",
    "2016-13-05T21:29:29Z",
    "2016-12-05T25:29:29Z",
    "05-12-2016T21:29:29Z",
    "{% '2016-03-14T01:59:00Z' %}",
    "2016-03-14",
    "2016-03-14t01:59:00z",
    "2016-03-14T01:59Z",
    "20160314T015900Z",
    "2016-02-30T01:59:00Z",
    "2016-03-14T01:59:00+0900",
    "",
]


@pytest.mark.parametrize("text", NO_TIMESTAMPS)
def test_what_is_no_rfc_3339_timestamp_is_refused(text: str) -> None:
    problem = "SCHEMA_VALIDATION_FAILED: String does not match RFC3339 timestamp at /States/W/Timestamp"
    assert refusal(json.dumps(waiting(Timestamp=text))) == f"Invalid State Machine Definition: '{problem}'"
    rule = {"Variable": "$.a", "TimestampEquals": text, "Next": "S"}
    assert refusal(json.dumps(choice(rule))) is not None


@pytest.mark.parametrize(
    "text",
    ["2016-03-14T01:59:00Z", "2016-03-05T21:29:29.243167252Z", "2016-03-14T01:59:00.5+09:00"],
)
def test_timestamps_of_rfc_3339_are_taken(text: str) -> None:
    assert refusal(json.dumps(waiting(Timestamp=text))) is None
    assert refusal(json.dumps(jsonata(W={"Type": "Wait", "Timestamp": text}))) is None
    assert refusal(json.dumps(jsonata(W={"Type": "Wait", "Timestamp": f"{{% '{text}' %}}"}))) is None


@pytest.mark.parametrize("text", [" {% 1 %}", "{% 1 %} ", "a {% 1 %}", "{% 1", "1 %}", "{ % 1 %}"])
def test_what_only_looks_like_an_expression_is_text(text: str) -> None:
    assert refusal(json.dumps(jsonata(A={"Type": "Pass", "Output": {"a": text}}))) is None


@pytest.mark.parametrize(
    "label", ["a b", "a?", "a*", "a[0]", "a/b", "a:b", "a$", "a\n", "a#b", "<a>", "x" * 41]
)
def test_a_label_with_odd_characters_is_refused(label: str) -> None:
    assert "/States/M/Label" in (refusal(json.dumps(distributed(Label=label))) or "")


@pytest.mark.parametrize("label", ["label_a-1", "x" * 40, "a.b", "日本"])
def test_a_label_of_other_characters_is_taken(label: str) -> None:
    assert refusal(json.dumps(distributed(Label=label))) is None


@pytest.mark.parametrize("name", ["ToleratedFailureCount", "ToleratedFailurePercentage"])
def test_failures_are_tolerated_of_an_inline_map_too(name: str) -> None:
    assert refusal(json.dumps(states(M={**INLINE, name: 1}))) is None


def test_a_reader_may_have_an_items_path_beside_it() -> None:
    """It changes nothing, as AWS answered: localstack's recorded test_map_item_reader_base_json_with_items_path."""
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "b", "Key": "k"},
    }
    processor = {**branch(X={"Type": "Pass"}), "ProcessorConfig": STANDARD}
    state = {"Type": "Map", "ItemsPath": "$.a", "ItemReader": reader, "ItemProcessor": processor}
    assert refusal(json.dumps(states(M=state))) is None


def test_a_right_definition_is_not_refused() -> None:
    assert refusal(json.dumps(states(A={"Type": "Pass"}, S={"Type": "Succeed"}))) is None


def test_a_distributed_map_has_variables_of_its_own() -> None:
    processor = {**branch(X={"Type": "Pass", "Assign": {"x": 2}}), "ProcessorConfig": STANDARD}
    outer = {"Type": "Pass", "Assign": {"x": 1}}
    assert validate(jsonata(A=outer, M={"Type": "Map", "ItemProcessor": processor})) == []


@pytest.mark.parametrize(("depth", "problems"), [(10, 0), (11, 1)])
def test_intrinsic_functions_nest_ten_deep(depth: int, problems: int) -> None:
    call = "States.Array(" * depth + "1" + ")" * depth
    assert len(validate(states(A={"Type": "Pass", "Parameters": {"x.$": call}}))) == problems


def test_diagnostics_have_the_shape_of_the_api() -> None:
    assert diagnostics(json.dumps(states(A={"Type": "Succeed"})))["result"] == "OK"
    answer = diagnostics(json.dumps(machine(A={"Type": "Pass", "Next": "B"})))
    assert answer["result"] == "FAIL"
    assert answer["diagnostics"][0]["location"] == "/States/A/Next"


def test_an_express_machine_may_not_wait_for_jobs() -> None:
    definition = task("arn:aws:states:::glue:startJobRun.sync", Parameters={"JobName": "j"})
    assert validate(definition) == []
    (problem,) = express_problems(definition)
    assert "'.sync'" in problem.message


def test_a_name_that_only_its_own_catchers_assign_may_be_assigned_inside_of_a_state() -> None:
    """As AWS answered: localstack's states_variables/test_error_output.py, PARALLEL_CATCH_ERROR_VARIABLE_SAMPLING."""
    inner = states(X={"Type": "Pass", "Assign": {"v": 1}})
    catch = [{"ErrorEquals": ["States.ALL"], "Assign": {"v": 2}, "Next": "Z"}]
    parallel = {"Type": "Parallel", "Branches": [inner], "Catch": catch}
    assert validate(states(P=parallel, Z={"Type": "Succeed"})) == []
    shadowing = states(P=parallel, Y={"Type": "Pass", "Assign": {"v": 3}}, Z={"Type": "Succeed"})
    assert any("'v' is assigned in an outer scope" in problem.message for problem in validate(shadowing))
