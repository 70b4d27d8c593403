"""Expressions, patterns and documents of requests that would take for ever, or all the memory.

Each ends within SECONDS with the service's own error; expressions of the same kinds that mean well still work.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from osusume_endpoint import validation, wire
from osusume_endpoint.depth import MOST_LEVELS, loads, nests_too_deep
from osusume_endpoint.errors import ApiError
from osusume_endpoint.rds import placeholders
from osusume_endpoint.redshift import tokens
from osusume_endpoint.stepfunctions import bounded, choice, intrinsics, jsonata, jsonpath
from osusume_endpoint.stepfunctions.bounded import LimitExceeded, Limits, Pool
from osusume_endpoint.stepfunctions.errors import StateError
from osusume_endpoint.testing.harness import jsonata as jsonata_machine
from osusume_endpoint.testing.harness import run, states
from osusume_engine.filters.expressions import FilterError, parse_filter
from osusume_engine.schemas import SchemaError, parse_schema

SECONDS = 20.0  # of a busy machine; the processor time of an expression is one second here
A = "a" * 60
INPUT = {"a": [1] * 200, "deep": {"b": [{"c": [1] * 20}] * 20}, "text": A + "!"}
HOSTILE = {
    "nested quantifiers": f"$match('{A}!', /(a+)+$/)",
    "overlapping alternatives": f"$contains('{A}!', /^(a|a|aa)+$/)",
    "a pattern of replace": f"$replace('{A}!', /(.*)*=(.*)*x$/, 'y')",
    "a pattern of split": f"$split('{A}!', /(a*)*$b/)",
    "a subject from the input": "$match($states.input.text, /(a|a)*$/)",
    "a range mapped": "$map([1..900000], function($i) { $sum([1..$i]) })",
    "a range above the library's limit": "[1..100000000]",
    "ten million by ranges": "[1..10].([1..1000000])",
    "$range without end": "$range(1, 1e12, 1)",
    "$range of tiny steps": "$range(0, 1, 1e-12)",
    "endless recursion": "($f := function($n) { $f($n + 1) + 1 }; $f(1))",
    "an endless tail call": "($f := function($n) { $f($n + 1) }; $f(1))",
    "mutual recursion": "($a := function($n) { $b($n) }; $b := function($n) { $a($n) }; $a(1))",
    "doubling a text": "($d := function($s) { $d($s & $s) }; $d('x'))",
    "doubling an array": "($d := function($s) { $d($append($s, $s)) }; $d([1]))",
    "exponential calls": "($f := function($n) { $n < 2 ? $n : $f($n - 1) + $f($n - 2) }; $f(60))",
    "$pad of gigabytes": "$pad('', 2000000000)",
    "$join of many": "$join($map([1..900000], function($i) { $pad('x', 10000) }))",
    "a sort of many": "$sort([1..900000], function($a, $b) { $a < $b })",
    "$distinct in a square": "$distinct($map([1..100000], function($i) { {'a': $i} }))",
    "$string of a large array": "$string([1..1000000].{'aaaaaaaaaaaaaaaaaaaaaaa': $})",
    "a growing reduction": "$reduce([1..100000], function($a, $b) { $a & $pad('x', 1000) })",
    "parentheses": "(" * 50_000 + "1" + ")" * 50_000,
    "arrays": "[" * 50_000 + "]" * 50_000,
    "nested calls": "$string(" * 5000 + "1" + ")" * 5000,
    "nested groups of a pattern": f"$match('x', /{'(' * 20_000}x{')' * 20_000}/)",
    "$parse of depth": f"$parse('{'[' * 100_000}')",
    "$eval": "$eval('1')",
}


@pytest.fixture(scope="module", autouse=True)
def quick_pool() -> Iterator[Pool]:
    """One second of processor time an expression, for the tests' sake."""
    pool, usual = Pool(limits=Limits(seconds=1)), bounded.pool
    with pytest.MonkeyPatch.context() as patch:
        for module in (jsonata, jsonpath):
            patch.setattr(module, "pool", lambda: pool)
        yield pool
    pool.close()
    assert usual is bounded.pool


@pytest.fixture(autouse=True)
def in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SECONDS


# Each of these takes seconds to reach its limit; every limit has a quicker expression as well.
SLOW = {
    "$string of a large array",
    "a pattern of replace",
    "$distinct in a square",
    "a growing reduction",
    "a sort of many",
    "$join of many",
}


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param(expression, id=name, marks=[pytest.mark.nightly] if name in SLOW else [])
        for name, expression in HOSTILE.items()
    ],
)
def test_a_hostile_jsonata_expression_ends_as_an_evaluation_error(expression: str) -> None:
    with pytest.raises(StateError) as caught:
        jsonata.evaluate(expression, states={"input": INPUT}, variables={}, field="Output")
    assert caught.value.error == "States.QueryEvaluationError"


def test_the_cause_says_which_limit_was_reached() -> None:
    causes = {
        "processor time": "($f := function($n) { $f($n + 1) }; $f(1))",
        "memory": "$pad('', 2000000000)",
        "nests too deeply": "(" * 50_000,
        "bytes": "$pad('', 20000000)",
    }
    for cause, expression in causes.items():
        with pytest.raises(StateError) as caught:
            jsonata.evaluate(expression, states={}, variables={}, field="Output")
        assert cause in str(caught.value.cause)


def test_an_execution_fails_with_the_error_and_can_catch_it() -> None:
    machine = jsonata_machine(P={"Type": "Pass", "Output": "{% " + HOSTILE["nested quantifiers"] + " %}"})
    assert run(machine).result.error == "States.QueryEvaluationError"


@pytest.mark.parametrize(
    "expression",
    ["(" * 50_000 + "1" + ")" * 50_000, "[" * 50_000, "$match('x', /" + "(" * 20_000 + "/)"],
    ids=["parentheses", "brackets", "groups"],
)
def test_a_definition_with_an_expression_that_cannot_be_read_is_refused(expression: str) -> None:
    assert jsonata.syntax_error(expression)


def test_expressions_that_mean_well_are_evaluated() -> None:
    rows = [{"id": i, "name": f"n{i}", "tags": ["x"] * 3} for i in range(2000)]
    expected = {
        "$count($states.input.rows)": 2000,
        "$sum($states.input.rows.id)": 1_999_000,
        "$map($states.input.rows[id < 3], function($r) { $r.name })": ["n0", "n1", "n2"],
        "$match('abc-12', /[a-z]+-([0-9]+)/).groups[0]": "12",
        "$replace('2024-01-31', /-/, '')": "20240131",
        "($f := function($n) { $n < 2 ? 1 : $n * $f($n - 1) }; $f(10))": 3_628_800,
        "$length($pad('x', 100000))": 100_000,
    }
    for expression, value in expected.items():
        states_ = {"input": {"rows": rows}}
        assert jsonata.evaluate(expression, states=states_, variables={}, field="Output") == value


def test_one_slow_expression_leaves_room_for_others(quick_pool: Pool) -> None:
    ended: list[str] = []

    def spin() -> None:
        with pytest.raises(LimitExceeded) as caught:
            quick_pool.run(kind="evaluate", **_job(HOSTILE["an endless tail call"]))
        ended.append(str(caught.value))

    slow = threading.Thread(target=spin)
    slow.start()
    time.sleep(0.2)
    started = time.monotonic()
    assert quick_pool.run(kind="evaluate", **_job("1 + 1")) == {"is": 2}
    assert time.monotonic() - started < 5.0
    slow.join()
    assert "processor time" in ended[0]


def _job(expression: str) -> dict[str, Any]:
    return {"expression": expression, "states": {}, "variables": {}}


def test_a_child_that_was_killed_is_replaced(quick_pool: Pool) -> None:
    assert quick_pool.run(kind="evaluate", **_job("1")) == {"is": 1}
    for worker in list(quick_pool.idle):
        worker.process.kill()
    assert quick_pool.run(kind="evaluate", **_job("2")) == {"is": 2}


def test_the_clock_of_an_expression_that_was_read_before_goes_on(quick_pool: Pool) -> None:
    first = quick_pool.run(kind="evaluate", **_job("$millis()"))["is"]
    quick_pool.run(kind="evaluate", **_job("'another'"))
    time.sleep(0.05)
    assert quick_pool.run(kind="evaluate", **_job("$millis()"))["is"] > first


TREE: Any = {"v": "a" * 40 + "!"}
for _ in range(60):
    TREE = {"x": TREE, "y": [1, 2, 3]}


@pytest.mark.parametrize(
    "path",
    [
        "$" + "..*" * 20,
        "$" + "..[?(@..*)]" * 12,
        "$..[?(@.v =~ /(a+)+$/)]",
        "$" + "..[0,0,0]" + "[0,0,0]" * 30,
    ],
    ids=["descents", "filters with descents", "a regular expression", "unions"],
)
def test_a_hostile_jsonpath_ends_as_a_runtime_error(path: str) -> None:
    with pytest.raises(StateError) as caught:
        jsonpath.find(path, {"t": TREE, "u": _nested_list(40)})
    assert caught.value.error == "States.Runtime"


def _nested_list(levels: int) -> Any:
    return [1] if levels == 0 else [_nested_list(levels - 1)]


@pytest.mark.parametrize(
    "path",
    ["$[?(" + "(" * 100_000, "$" + ".a" * 100_000, "$[?(@.a =~ /" + "(" * 50_000 + "/)]", "$[?(@.a =~ /(/)]"],
    ids=["parentheses", "steps", "groups", "a broken pattern"],
)
def test_a_jsonpath_that_cannot_be_read_is_a_syntax_error(path: str) -> None:
    with pytest.raises(jsonpath.PathSyntaxError):
        jsonpath.parse(path)


def test_jsonpaths_that_mean_well_are_followed() -> None:
    books = {"books": [{"title": "A1", "price": 5}, {"title": "B2", "price": 15}]}
    assert jsonpath.find("$..price", books) == [5, 15]
    assert jsonpath.find("$.books[?(@.title =~ /a.*/i)].price", books) == [5]
    assert jsonpath.find("$.books[*].title", books) == ["A1", "B2"]


@pytest.mark.parametrize("stars", [2, 10, 60])
def test_many_stars_of_a_choice_rule_end(stars: int) -> None:
    assert not choice.fits_wildcard("a" * 200_000, "*a" * stars + "b")
    assert choice.fits_wildcard("a" * 200_000 + "b", "*a" * stars + "b")


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("log-1.txt", "log-*.txt", True),
        ("log-1.txt.gz", "log-*.txt", False),
        ("", "*", True),
        ("ab", "ab*b", False),
        ("abb", "ab*b", True),
        ("a*b", r"a\*b", True),
        ("axb", r"a\*b", False),
        ("a\\b", r"a\\b", True),
        ("a\nb", "a*b", True),
        ("aXbXc", "a*b*c", True),
        ("abcabc", "*abc", True),
    ],
)
def test_stars_of_a_choice_rule_match_as_specified(text: str, pattern: str, fits: bool) -> None:
    assert choice.fits_wildcard(text, pattern) is fits


def test_values_that_a_template_repeats_are_counted() -> None:
    big = {"v": "x" * 200_000}
    fields = {f"f{i}.$": "$" for i in range(2000)}
    result = run(states(P={"Type": "Pass", "Parameters": fields}), big).result
    assert result.error == "States.DataLimitExceeded"
    fields = {f"f{i}": "{% $states.input %}" for i in range(200)}
    result = run(jsonata_machine(P={"Type": "Pass", "Output": fields}), big).result
    assert result.error == "States.DataLimitExceeded"


def test_values_that_an_intrinsic_function_repeats_are_counted() -> None:
    call = "States.Format('" + "{}" * 2000 + "'" + ", $" * 2000 + ")"
    with pytest.raises(StateError) as caught:
        intrinsics.evaluate(call, lambda path: "x" * 200_000)
    assert caught.value.error == "States.DataLimitExceeded"


FILTER = "INCLUDE ItemID WHERE "


@pytest.mark.parametrize(
    "text",
    [
        FILTER + "(" * 1200 + "Items.A = 1" + ")" * 1200,
        FILTER + "(" * 2400,
        FILTER + "Items.A IN (" + ",".join(['"a"'] * 100_000) + ")",
        FILTER + 'Items.A = "' + "\\" * 2400,
        "|".join([FILTER + "Items.A = 1"] * 5000),
    ],
    ids=["parentheses", "open parentheses", "a long list", "an open quote", "many expressions"],
)
def test_a_hostile_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterError, match="Invalid"):
        parse_filter(text)


def test_a_filter_of_the_greatest_length_is_read() -> None:
    listed = ",".join(['"a"'] * 600)
    assert len(next(parse_filter(f"{FILTER}Items.A IN ({listed})").predicates()).values) == 600
    assert parse_filter(FILTER + "(" * 50 + "Items.A = 1" + ")" * 50).expressions


def _schema(kind: Any) -> str:
    fields = [{"name": "ITEM_ID", "type": "string"}, {"name": "A", "type": kind, "categorical": True}]
    return json.dumps({"type": "record", "name": "Items", "version": "1.0", "fields": fields})


@pytest.mark.parametrize(
    "text",
    [
        _schema("K").replace('"K"', "[" * 9000 + "]" * 9000),
        '{"type":"record","fields":' * 700,
        '{"a":' * 100_000,
        _schema(["null"] * 1000 + ["string"]),
        '{"type":' + "9" * 10_000 + "}",
        _schema("K").replace('"K"', '{"type":' * 300 + '"string"' + "}" * 300),
        json.dumps(
            {"type": "record", "name": "Items", "version": "1.0", "fields": [{"name": "A"}] * 100_000}
        ),
    ],
    ids=["unions", "records", "objects", "nulls", "a number", "types of types", "many fields"],
)
def test_a_hostile_schema_is_refused(text: str) -> None:
    with pytest.raises(SchemaError):
        parse_schema(text)
    assert parse_schema(_schema("string")).dataset_type == "ITEMS"


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 " + "/* " * 30_000,
        "select 1 " + " ".join(f"$t{i}$" for i in range(20_000)),
        "select '" + "a''" * 40_000,
        "select " + "(" * 60_000,
        "select :a" + ":a" * 40_000,
        ";" * 60_000,
    ],
    ids=["open comments", "open dollar quotes", "an open text", "parentheses", "placeholders", "semicolons"],
)
def test_hostile_sql_is_read_in_time(sql: str) -> None:
    assert placeholders.replace(sql, lambda name: "x")
    assert placeholders.is_one_statement("select 1; " + sql) in (True, False)
    assert tokens.render(tokens.scan(sql)) == sql


def test_dollar_quotes_still_hide_what_looks_like_a_placeholder() -> None:
    sql = "select $$ :a $$, $t$ :b $x$ $t$, a$b, :c, $1, /* :d */ :e"
    assert placeholders.names(sql) == ["c", "e"]


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("personalize-events", "PutEvents", lambda: _events("a" * 1000 + "\t")),
        ("personalize", "CreateFilter", lambda: _filter(name="x" * 10_000_000)),
        ("personalize", "CreateFilter", lambda: _filter(filterExpression="f" * 2501)),
        ("personalize", "CreateSchema", lambda: {"name": "x", "schema": "[" * 20_001}),
        ("stepfunctions", "CreateStateMachine", lambda: _machine("[" * 1_048_577)),
    ],
    ids=["a slow pattern of the model", "a long name", "a long filter", "a long schema", "a long definition"],
)
def test_a_parameter_that_breaks_the_model_is_refused_in_time(
    service: str, operation: str, parameters: Callable[[], dict[str, Any]]
) -> None:
    shape = wire.service_model(service).operation_model(operation).input_shape
    with pytest.raises(ApiError, match="failed to satisfy constraint"):
        validation.check_parameters(shape, parameters())


def _events(source: str) -> dict[str, Any]:
    attribution = {"eventAttributionSource": source}
    event = {"eventType": "a", "sentAt": 1, "metricAttribution": attribution}
    return {"trackingId": "t", "sessionId": "s", "eventList": [event]}


def _filter(**more: str) -> dict[str, Any]:
    group = "arn:aws:personalize:eu-west-1:123456789012:dataset-group/g"
    return {"name": "x", "datasetGroupArn": group, "filterExpression": "f", **more}


def _machine(definition: str) -> dict[str, Any]:
    return {"name": "x", "roleArn": "arn:aws:iam::123456789012:role/x", "definition": definition}


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 100_000])
def test_json_that_nests_too_deep_is_malformed(levels: int) -> None:
    text = "[" * levels + "]" * levels
    inside = json.dumps({"definition": json.dumps({"Comment": '\\"[', "x": 1}), "input": text})
    for document in (text, '{"a":' * levels + "1" + "}" * levels, inside):
        assert nests_too_deep(document.encode())
        with pytest.raises(json.JSONDecodeError):
            loads(document)


def test_wide_json_and_brackets_in_texts_are_not_deep() -> None:
    wide = json.dumps([{"a": [1], "text": "see [{" * 600, "quote": '\\"['} for _ in range(1000)])
    assert not nests_too_deep(wide.encode())
    assert loads("[" * MOST_LEVELS + "]" * MOST_LEVELS)
