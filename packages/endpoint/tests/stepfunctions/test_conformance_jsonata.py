"""JSONata states, as the developer guide's "Transforming data with JSONata" describes them."""

from __future__ import annotations

import hashlib
import uuid

import pytest

from osusume_endpoint.testing.harness import Case, check, jsonata, output, states

GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
JSONATA = f"{GUIDE}/transforming-data.html"
VARIABLES = f"{GUIDE}/workflow-variables.html"
CHOICE = f"{GUIDE}/state-choice.html"
CONTEXT = f"{GUIDE}/input-output-contextobject.html"


def giving(template: object) -> dict:
    return jsonata(P={"Type": "Pass", "Output": template})


def computing(expression: str) -> dict:
    return giving("{% " + expression + " %}")


def choosing(condition: object, **fields: object) -> dict:
    rule = {"Condition": condition, "Next": "Yes"}
    return jsonata(
        C={"Type": "Choice", "Choices": [rule], "Default": "No", **fields},
        Yes={"Type": "Pass", "Output": "yes", "End": True},
        No={"Type": "Pass", "Output": "no", "End": True},
    )


EXPRESSIONS = [
    ("$states.input.a", {"a": 1}, 1),
    ("$states.input", [1, 2], [1, 2]),
    ("$states.input.a", {"a": None}, None),
    ("null", {}, None),
    ("{'n': null, 'l': [null, 1]}", {}, {"n": None, "l": [None, 1]}),
    ("$states.input.items[price > 100].name", {"items": [{"price": 200, "name": "x"}]}, "x"),
    ("[$states.input.items[price > 100]]", {"items": [{"price": 20}]}, []),
    ("$sum($states.input.items.price)", {"items": [{"price": 1}, {"price": 2.5}]}, 3.5),
    ("10 / 2", {}, 5),
    ("'a' & 'b'", {}, "ab"),
    ("$exists($states.input.x) ? 1 : 2", {}, 2),
    ("( $x := 2; $y := function($n) { $n * $x }; $y(21) )", {}, 42),
    ("$merge([$states.input, {'b': 2}])", {"a": 1}, {"a": 1, "b": 2}),
    ("$map([1..3], function($v, $i) { $v * $i })", {}, [0, 2, 6]),
    ("$toMillis('2026-01-01T00:00:00Z')", {}, 1767225600000),
    ("$states.context.Execution.Name", {}, "run-1"),
    ("$states.context.State.Name", {}, "P"),
    ("$states.context.StateMachine.Name", {}, "machine"),
    ("$states.context.Execution.Input.a", {"a": 5}, 5),
    ("$partition([1,2,3,4,5], 2)", {}, [[1, 2], [3, 4], [5]]),
    ("$partition($states.input.none, 2) ~> $exists", {}, False),
    ("$range(0, 10, 2)", {}, [0, 2, 4, 6, 8, 10]),
    ("$range(3, 1, -1)", {}, [3, 2, 1]),
    ("$range(1, 9, 9)", {}, 1),
    ("$hash('input data', 'SHA-256')", {}, hashlib.sha256(b"input data").hexdigest()),
    ("$random(7) = $random(7)", {}, True),
    ("$parse('{\"a\": [1, null]}').a[0]", {}, 1),
    ("$parse('null')", {}, None),
]

FAILURES = [
    ("$states.input.missing", "returned nothing (undefined)"),
    ("$nobody", "returned nothing (undefined)"),
    ("$error('boom')", "boom"),
    ("$number('x')", "threw an error"),
    ("1 / 0", ""),
    ("$hash('x', 'CRC32')", "CRC32"),
    ("function($x) { $x }", ""),
    ("/ab+/", "unsupported result type"),
    ("$partition([1], 0)", "positive chunk size"),
    ("$parse('{')", "threw an error"),
]

FLOW = [
    Case("without Output the input goes on", JSONATA, jsonata(P={"Type": "Pass"}), {"a": 1}, {"a": 1}),
    Case(
        "expressions are found at any depth, other texts stay",
        JSONATA,
        giving({"l": [{"x": "{% $states.input.a %}"}], "text": "$states.input.a", "n": 1}),
        {"a": 1},
        {"l": [{"x": 1}], "text": "$states.input.a", "n": 1},
    ),
    Case(
        "one state of a JSONPath machine may use JSONata",
        JSONATA,
        states(
            A={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.a + 1 %}"},
            B={"Type": "Pass", "Parameters": {"v.$": "$"}},
        ),
        {"a": 1},
        {"v": 2},
    ),
    Case(
        "Assign and Output read the variables as at entry",
        VARIABLES,
        jsonata(
            A={"Type": "Pass", "Assign": {"x": 3, "y": 6}},
            B={"Type": "Pass", "Assign": {"x": "{% $y %}", "y": "{% $x %}"}, "Output": "{% $x %}"},
            C={"Type": "Pass", "Output": "{% [$states.input, $x, $y] %}"},
        ),
        {},
        [3, 6, 3],
    ),
    Case(
        "a variable may be null",
        VARIABLES,
        jsonata(A={"Type": "Pass", "Assign": {"x": None}}, B={"Type": "Pass", "Output": "{% $x %}"}),
        {},
        None,
    ),
    Case(
        "JSONPath and JSONata states share variables",
        VARIABLES,
        states(
            A={"Type": "Pass", "Assign": {"x.$": "$.a"}},
            B={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $x * 2 %}"},
        ),
        {"a": 4},
        8,
    ),
    Case(
        "Wait evaluates its seconds and hands on Output",
        f"{GUIDE}/state-wait.html",
        jsonata(W={"Type": "Wait", "Seconds": "{% $states.input.s * 2 %}", "Output": "done"}),
        {"s": 1},
        "done",
    ),
    Case(
        "Wait refuses seconds that are no number",
        f"{GUIDE}/state-wait.html",
        jsonata(W={"Type": "Wait", "Seconds": "{% 'x' %}"}),
        {},
        error="States.QueryEvaluationError",
    ),
    Case(
        "Succeed transforms its output",
        f"{GUIDE}/state-succeed.html",
        jsonata(S={"Type": "Succeed", "Output": {"v": "{% $states.input.a %}"}}),
        {"a": 1},
        {"v": 1},
    ),
    Case(
        "Fail computes error and cause",
        f"{GUIDE}/state-fail.html",
        jsonata(
            F={"Type": "Fail", "Error": "{% $states.input.e %}", "Cause": "{% 'no ' & $states.input.c %}"}
        ),
        {"e": "Bad", "c": "luck"},
        error="Bad",
        cause="no luck",
    ),
    Case("a true condition is taken", CHOICE, choosing("{% $states.input.a > 1 %}"), {"a": 2}, "yes"),
    Case("a false condition leads to Default", CHOICE, choosing("{% $states.input.a > 1 %}"), {"a": 1}, "no"),
    Case("a constant condition is allowed", CHOICE, choosing(True), {}, "yes"),
    Case(
        "a condition that is no boolean fails",
        CHOICE,
        choosing("{% $states.input.a %}"),
        {"a": 1},
        error="States.QueryEvaluationError",
        cause="Condition",
    ),
    Case(
        "the matching rule's Output and Assign are used",
        CHOICE,
        jsonata(
            C={
                "Type": "Choice",
                "Choices": [
                    {"Condition": True, "Next": "E", "Output": "rule", "Assign": {"tier": "premium"}}
                ],
                "Default": "E",
                "Output": "state",
                "Assign": {"tier": "standard"},
            },
            E={"Type": "Pass", "Output": "{% $states.input & '/' & $tier %}"},
        ),
        {},
        "rule/premium",
    ),
    Case(
        "a matching rule without Output hands on the input",
        CHOICE,
        jsonata(
            C={
                "Type": "Choice",
                "Choices": [{"Condition": True, "Next": "E"}],
                "Default": "E",
                "Output": "state",
                "Assign": {"tier": "standard"},
            },
            E={"Type": "Pass", "Output": "{% [$states.input.a, $exists($tier)] %}"},
        ),
        {"a": 1},
        [1, False],
    ),
    Case(
        "the state's Output and Assign belong to Default",
        CHOICE,
        jsonata(
            C={
                "Type": "Choice",
                "Choices": [
                    {"Condition": False, "Next": "E", "Output": "rule", "Assign": {"tier": "premium"}}
                ],
                "Default": "E",
                "Output": "state",
                "Assign": {"tier": "standard"},
            },
            E={"Type": "Pass", "Output": "{% $states.input & '/' & $tier %}"},
        ),
        {},
        "state/standard",
    ),
]


@pytest.mark.parametrize(("expression", "value", "expected"), EXPRESSIONS)
def test_an_expression_evaluates_to_json(expression: str, value: object, expected: object) -> None:
    check(Case(expression, JSONATA, computing(expression), value, expected))


@pytest.mark.parametrize(("expression", "cause"), FAILURES)
def test_a_failing_or_undefined_expression_is_a_query_evaluation_error(expression: str, cause: str) -> None:
    check(Case(expression, JSONATA, computing(expression), error="States.QueryEvaluationError", cause=cause))


@pytest.mark.parametrize("case", FLOW, ids=lambda case: case.name)
def test_a_jsonata_state_behaves_as_documented(case: Case) -> None:
    check(case)


def test_the_cause_of_a_failed_expression_names_state_event_and_field() -> None:
    expected = (
        "An error occurred while executing the state 'P' (entered at the event id #2). The JSONata "
        "expression '$states.input.q' specified for the field 'Output/deep[0]' returned nothing (undefined)."
    )
    definition = giving({"deep": ["{% $states.input.q %}"]})
    check(Case("cause", JSONATA, definition, error="States.QueryEvaluationError", cause=expected))


def test_uuid_makes_a_new_random_identifier_each_time() -> None:
    first, second = output(computing("[$uuid(), $uuid()]"))
    assert uuid.UUID(first).version == 4
    assert first != second


def test_random_without_a_seed_lies_between_zero_and_one() -> None:
    assert 0 <= output(computing("$random()")) < 1
