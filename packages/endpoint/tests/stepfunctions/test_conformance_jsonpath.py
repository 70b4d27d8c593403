"""JSONPath states, case by case as the specification and the developer guide describe them."""

from __future__ import annotations

import pytest

from osusume_endpoint.testing.harness import Case, check, states

SPEC = "https://states-language.net/spec.html"
GUIDE = "https://docs.aws.amazon.com/step-functions/latest/dg"
PATHS = f"{GUIDE}/input-output-inputpath-params.html"
RESULT_PATH = f"{GUIDE}/input-output-resultpath.html"
INTRINSICS = f"{GUIDE}/intrinsic-functions.html"
CONTEXT = f"{GUIDE}/input-output-contextobject.html"
VARIABLES = f"{GUIDE}/workflow-variables.html"
JAYWAY = "https://github.com/json-path/JsonPath#operators"
CHOICE = f"{GUIDE}/state-choice.html"


def passing(**fields: object) -> dict:
    return states(P={"Type": "Pass", **fields})


def computed(text: str) -> dict:
    return passing(Parameters={"v.$": text})


def choosing(rule: dict, **fields: object) -> dict:
    return states(
        C={"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No", **fields},
        Yes={"Type": "Pass", "Result": "yes", "End": True},
        No={"Type": "Pass", "Result": "no", "End": True},
    )


PASSING = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
DATA_FLOW = [
    Case("input is output without any field", f"{SPEC}#pass-state", passing(), {"a": 1}, {"a": 1}),
    Case("InputPath selects", PATHS, passing(InputPath="$.d.e"), {"d": {"e": [1]}}, [1]),
    Case("InputPath null is an empty object", f"{SPEC}#filters", passing(InputPath=None), {"a": 1}, {}),
    Case("OutputPath selects", PATHS, passing(OutputPath="$.b"), {"a": 1, "b": 2}, 2),
    Case("OutputPath null is an empty object", f"{SPEC}#filters", passing(OutputPath=None), {"a": 1}, {}),
    Case(
        "Parameters mix constants and paths",
        PATHS,
        passing(Parameters={"c": "$.a", "v.$": "$.a", "n": {"x.$": "$.b[0]"}, "l": [{"y.$": "$.a"}]}),
        {"a": 1, "b": [7]},
        {"c": "$.a", "v": 1, "n": {"x": 7}, "l": [{"y": 1}]},
    ),
    Case(
        "a backslash that escapes no quote is part of a name",
        "localstack's test_base_scenarios.py::test_escape_sequence_parsing, recorded",
        computed("$['a\\\"b']['it\\'s']"),
        {'a\\"b': {"it's": 1}},
        {"v": 1},
    ),
    Case("Parameters read the context object", CONTEXT, computed("$$.Execution.Name"), {}, {"v": "run-1"}),
    Case("the context object holds the input", CONTEXT, computed("$$.Execution.Input.a"), {"a": 3}, {"v": 3}),
    Case("the context object names the state", CONTEXT, computed("$$.State.Name"), {}, {"v": "P"}),
    Case("Result replaces the input", f"{SPEC}#pass-state", passing(Result={"r": 1}), {"a": 1}, {"r": 1}),
    Case(
        "ResultPath adds to the raw input",
        RESULT_PATH,
        passing(InputPath="$.b", Result=5, ResultPath="$.r.s"),
        {"a": 1, "b": 2},
        {"a": 1, "b": 2, "r": {"s": 5}},
    ),
    Case(
        "ResultPath replaces a node",
        RESULT_PATH,
        passing(Result=5, ResultPath="$.a[1]"),
        {"a": [1, 2, 3]},
        {"a": [1, 5, 3]},
    ),
    Case(
        "ResultPath null keeps the input", RESULT_PATH, passing(Result=5, ResultPath=None), {"a": 1}, {"a": 1}
    ),
    Case(
        "ResultPath that can't be applied fails",
        f"{SPEC}#appendix-a",
        passing(Result=5, ResultPath="$.a.b"),
        {"a": "text"},
        error="States.ResultPathMatchFailure",
    ),
    Case(
        "a path that leads nowhere fails the execution",
        f"{GUIDE}/concepts-error-handling.html",
        computed("$.missing"),
        {"a": 1},
        error="States.Runtime",
        cause="'$.missing' specified for the field 'v.$' could not be found in the input '{\"a\":1}'",
    ),
    Case(
        "Assign sets a variable for later states",
        VARIABLES,
        states(
            A={"Type": "Pass", "Assign": {"x.$": "$.a", "y": 2}},
            B={"Type": "Pass", "Parameters": {"x.$": "$x", "n.$": "States.MathAdd($x, $y)"}},
        ),
        {"a": 40},
        {"x": 40, "n": 42},
    ),
    Case(
        "Assign reads the values at the state's entry",
        VARIABLES,
        states(
            A={"Type": "Pass", "Assign": {"x": 1, "y": 2}},
            B={"Type": "Pass", "Assign": {"x.$": "$y", "y.$": "$x"}},
            C={"Type": "Pass", "Parameters": {"x.$": "$x", "y.$": "$y"}},
        ),
        {},
        {"x": 2, "y": 1},
    ),
    Case(
        "a variable's members are read by path",
        VARIABLES,
        states(
            A={"Type": "Pass", "Assign": {"x": {"y": [1, 2]}}}, B={"Type": "Pass", "InputPath": "$x.y[1]"}
        ),
        {},
        2,
    ),
    Case(
        "a variable that was never assigned fails",
        VARIABLES,
        computed("$nobody"),
        {},
        error="States.Runtime",
        cause="nobody",
    ),
    Case(
        "$ in Assign of a Pass is its result",
        VARIABLES,
        states(
            A={"Type": "Pass", "Result": {"q": 9}, "Assign": {"x.$": "$.q"}},
            B={"Type": "Pass", "InputPath": "$x"},
        ),
        {},
        9,
    ),
]

JSONPATHS = [
    ("$.a[-1]", {"a": [1, 2]}, 2),
    ("$['a b']['c']", {"a b": {"c": 3}}, 3),
    ("$.a[*].b", {"a": [{"b": 1}, {"b": 2}, {}]}, [1, 2]),
    ("$..b", {"a": [{"b": 1}, {"c": {"b": 2}}], "b": 0}, [0, 1, 2]),
    ("$.a[0,2]", {"a": [1, 2, 3]}, [1, 3]),
    ("$.a[1:]", {"a": [1, 2, 3]}, [2, 3]),
    ("$.a[?(@.p < 10 && @.n == 'x')].p", {"a": [{"p": 5, "n": "x"}, {"p": 50, "n": "x"}, {"p": 1}]}, [5]),
    ("$.a[?(@.n)].n", {"a": [{"n": None}, {"p": 1}]}, [None]),
    ("$.a[?(@ > $.least)]", {"a": [1, 5, 9], "least": 4}, [5, 9]),
    ("$.a[?(@.s =~ /b.*/i)].s", {"a": [{"s": "Bob"}, {"s": "Al"}]}, ["Bob"]),
    ("$.a[?(!(@.x in ['p','q']))].x", {"a": [{"x": "p"}, {"x": "r"}]}, ["r"]),
    ("$.a[*].nothing", {"a": [{"b": 1}]}, []),
    ("$.a.length()", {"a": [1, 2, 3]}, 3),
]

FUNCTIONS = [
    ("States.Format('Hi {}, \\{\\} is \\'{}\\'', $.n, $.o)", "Hi Ann, {} is '{k=1}'"),
    ("States.Format('{}', States.Array($.o, States.Array('x', 2), $.n))", "[{k=1}, [x, 2], Ann]"),
    ("States.StringToJson($.json)", {"x": [1]}),
    ("States.StringToJson(' ')", None),
    ("States.JsonToString($.o)", '{"k":1}'),
    ("States.Array($.n, 1, null, true, 'q')", ["Ann", 1, None, True, "q"]),
    ("States.Array()", []),
    ("States.ArrayPartition($.nine, 4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("States.ArrayContains($.nine, 5)", True),
    ("States.ArrayContains($.nine, '5')", False),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayGetItem($.nine, 5)", 6),
    ("States.ArrayLength($.nine)", 9),
    ("States.ArrayUnique($.dup)", [1, 2, 3]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode('RGVjb2RlZCBkYXRh')", "Decoded data"),
    ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("States.JsonMerge($.o, $.p, false)", {"k": 2, "m": 3}),
    ("States.MathAdd(111, -1)", 110),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.ArrayLength(States.StringSplit(States.Format('{},{}', $.n, 'b'), ','))", 2),
]
VALUES = {
    "n": "Ann",
    "o": {"k": 1},
    "p": {"k": 2, "m": 3},
    "json": '{"x":[1]}',
    "nine": list(range(1, 10)),
    "dup": [1, 2, 1, 3, 2],
}

INTRINSIC_FAILURES = [
    "States.StringToJson('{')",
    "States.ArrayGetItem($.nine, 9)",
    "States.ArrayPartition($.nine, 0)",
    "States.JsonMerge($.o, $.p, true)",
    "States.Hash('x', 'CRC32')",
    "States.ArrayRange(0, 5000, 1)",
    "States.Format('{} {}', 1)",
]

RULES = [
    ({"Variable": "$.s", "StringEquals": "b"}, True),
    ({"Variable": "$.n", "StringEquals": "3"}, False),
    ({"Variable": "$.s", "StringLessThan": "c"}, True),
    ({"Variable": "$.s", "StringGreaterThanEquals": "b"}, True),
    ({"Variable": "$.n", "NumericEquals": 3}, True),
    ({"Variable": "$.n", "NumericGreaterThan": 3}, False),
    ({"Variable": "$.n", "NumericLessThanEqualsPath": "$.m"}, True),
    ({"Variable": "$.b", "BooleanEquals": True}, True),
    ({"Variable": "$.one", "BooleanEquals": True}, False),
    ({"Variable": "$.b", "NumericEquals": 1}, False),
    ({"Variable": "$.s", "NumericLessThan": 5}, False),
    ({"Variable": "$.n", "StringLessThan": "z"}, False),
    ({"Variable": "$.n", "NumericLessThanPath": "$.s"}, False),
    ({"Variable": "$.b", "BooleanEqualsPath": "$.b"}, True),
    ({"Variable": "$.t", "TimestampLessThan": "2026-01-01T00:00:00Z"}, True),
    ({"Variable": "$.t", "TimestampEquals": "2025-06-01T14:00:00+02:00"}, True),
    ({"Variable": "$.s", "TimestampEquals": "2025-06-01T14:00:00+02:00"}, False),
    ({"Variable": "$.file", "StringMatches": "log-*.txt"}, True),
    ({"Variable": "$.file", "StringMatches": "log-\\*.txt"}, False),
    ({"Variable": "$.none", "IsNull": True}, True),
    ({"Variable": "$.missing", "IsPresent": False}, True),
    ({"Variable": "$.none", "IsPresent": True}, True),
    ({"Variable": "$.n", "IsNumeric": True}, True),
    ({"Variable": "$.b", "IsNumeric": True}, False),
    ({"Variable": "$.s", "IsString": False}, False),
    ({"Variable": "$.b", "IsBoolean": True}, True),
    ({"Variable": "$.t", "IsTimestamp": True}, True),
    ({"Not": {"Variable": "$.s", "StringEquals": "b"}}, False),
    ({"And": [{"Variable": "$.n", "NumericEquals": 3}, {"Variable": "$.b", "BooleanEquals": True}]}, True),
    ({"Or": [{"Variable": "$.n", "NumericEquals": 0}, {"Variable": "$.b", "BooleanEquals": True}]}, True),
    (
        {
            "And": [
                {"Variable": "$.missing", "IsPresent": True},
                {"Variable": "$.missing", "NumericEquals": 1},
            ]
        },
        False,
    ),
]
FACTS = {
    "s": "b",
    "n": 3,
    "m": 3,
    "b": True,
    "none": None,
    "one": 1,
    "t": "2025-06-01T12:00:00Z",
    "file": "log-2026.txt",
}

CHOICES = [
    Case(
        "Default is taken when no rule matches",
        CHOICE,
        choosing({"Variable": "$.a", "IsString": True}),
        {"a": 1},
        "no",
    ),
    Case(
        "no rule and no Default fails",
        f"{SPEC}#choice-state",
        {
            "StartAt": "C",
            "States": {
                "C": {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 2, "Next": "E"}]},
                "E": {"Type": "Succeed"},
            },
        },
        {"a": 1},
        error="States.NoChoiceMatched",
    ),
    Case(
        "comparing a missing value fails",
        CHOICE,
        choosing({"Variable": "$.b", "NumericEquals": 1}),
        {"a": 1},
        error="States.Runtime",
        cause="references an invalid value",
    ),
    Case(
        "rules are tried in order",
        f"{SPEC}#choice-state",
        states(
            C={
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.a", "NumericGreaterThan": 1, "Next": "One"},
                    {"Variable": "$.a", "NumericGreaterThan": 0, "Next": "Two"},
                ],
            },
            One={"Type": "Pass", "Result": 1, "End": True},
            Two={"Type": "Pass", "Result": 2, "End": True},
        ),
        {"a": 5},
        1,
    ),
    Case(
        "rules read variables",
        VARIABLES,
        states(
            A={"Type": "Pass", "Assign": {"x": 4}},
            C={"Type": "Choice", "Choices": [{"Variable": "$x", "NumericEquals": 4, "Next": "S"}]},
            S={"Type": "Succeed"},
        ),
        {"i": 1},
        {"i": 1},
    ),
    Case(
        "a matching rule assigns variables",
        CHOICE,
        states(
            C={
                "Type": "Choice",
                "Choices": [{"Variable": "$.a", "NumericEquals": 1, "Next": "S", "Assign": {"x.$": "$.a"}}],
                "Default": "S",
            },
            S={"Type": "Pass", "InputPath": "$x"},
        ),
        {"a": 1},
        1,
    ),
]

ENDINGS = [
    Case(
        "Succeed ends early",
        f"{SPEC}#succeed-state",
        states(S={"Type": "Succeed", "InputPath": "$.a"}),
        {"a": [1]},
        [1],
    ),
    Case(
        "Fail names error and cause",
        f"{SPEC}#fail-state",
        states(F={"Type": "Fail", "Error": "E", "Cause": "why"}),
        error="E",
        cause="why",
    ),
    Case(
        "Fail hands on the cause of an earlier error as it is",
        f"{SPEC}#fail-state",
        states(F={"Type": "Fail", "Error": "States.Runtime", "CausePath": "$.c"}),
        {"c": "as it was"},
        error="States.Runtime",
        cause="as it was",
    ),
    Case(
        "Fail reads error and cause by path",
        f"{GUIDE}/state-fail.html",
        states(F={"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.Format('{}!', $.c)"}),
        {"e": "Bad", "c": "so"},
        error="Bad",
        cause="so!",
    ),
    Case(
        "Wait reads its seconds by path",
        f"{SPEC}#wait-state",
        states(W={"Type": "Wait", "SecondsPath": "$.s"}),
        {"s": 3},
        {"s": 3},
    ),
    Case(
        "Wait until a past timestamp ends at once",
        f"{SPEC}#wait-state",
        states(W={"Type": "Wait", "TimestampPath": "$.t"}),
        {"t": "2020-01-01T00:00:00Z"},
        {"t": "2020-01-01T00:00:00Z"},
    ),
    Case(
        "Wait refuses what is no timestamp",
        f"{SPEC}#timestamps",
        states(W={"Type": "Wait", "TimestampPath": "$.t"}),
        {"t": "soon"},
        error="States.Runtime",
        cause="The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format "
        "string: $.t == soon",
    ),
    Case(
        "Wait refuses a fraction of a second",
        "localstack's base/test_wait.py::test_base_wait_seconds_path, recorded",
        states(W={"Type": "Wait", "SecondsPath": "$.s"}),
        {"s": 1.5},
        error="States.Runtime",
        cause="The SecondsPath parameter cannot be parsed as a long value: $.s == 1.5",
    ),
    Case(
        "Wait refuses less than no seconds",
        "localstack's base/test_wait.py::test_base_wait_seconds_path, recorded",
        states(W={"Type": "Wait", "SecondsPath": "$.s"}),
        {"s": -1},
        error="States.Runtime",
        cause="The SecondsPath parameter references a negative value: $.s == -1",
    ),
    Case(
        "Wait refuses a moment that is too far",
        "localstack's base/test_wait.py::test_timestamp_too_far_in_future_boundary, recorded",
        states(W={"Type": "Wait", "TimestampPath": "$.t"}),
        {"t": "2999-01-01T00:00:00Z"},
        error="States.Runtime",
        cause="Wait state delay is too long.",
    ),
    Case(
        "Map refuses a limit that is no number",
        "localstack's test_base_scenarios.py::test_max_concurrency_path, recorded",
        states(M={"Type": "Map", "ItemsPath": "$.i", "MaxConcurrencyPath": "$.m", "ItemProcessor": PASSING}),
        {"i": [1], "m": "many"},
        error="States.Runtime",
        cause='The MaxConcurrencyPath field refers to value "many" which is not a valid integer: $.m',
    ),
]


@pytest.mark.parametrize("case", DATA_FLOW + CHOICES + ENDINGS, ids=lambda case: case.name)
def test_a_jsonpath_state_behaves_as_documented(case: Case) -> None:
    check(case)


@pytest.mark.parametrize(("path", "document", "expected"), JSONPATHS)
def test_a_path_selects_what_jayway_selects(path: str, document: object, expected: object) -> None:
    check(
        Case(
            path,
            JAYWAY,
            passing(InputPath=path),
            document,
            expected,
        )
    )


@pytest.mark.parametrize(("call", "expected"), FUNCTIONS)
def test_an_intrinsic_function_computes_the_documented_value(call: str, expected: object) -> None:
    check(Case(call, INTRINSICS, computed(call), VALUES, {"v": expected}))


@pytest.mark.parametrize("call", INTRINSIC_FAILURES)
def test_a_failing_intrinsic_function_is_an_intrinsic_failure(call: str) -> None:
    check(Case(call, f"{SPEC}#appendix-a", computed(call), VALUES, error="States.IntrinsicFailure"))


@pytest.mark.parametrize(("rule", "holds"), RULES)
def test_a_choice_rule_compares_values_of_its_type_only(rule: dict, holds: bool) -> None:
    check(Case("rule", f"{SPEC}#choice-state", choosing(rule), FACTS, "yes" if holds else "no"))


def test_random_functions_stay_within_their_bounds() -> None:
    check(Case("bounds", INTRINSICS, computed("States.MathRandom(5, 6)"), {}, {"v": 5}))
