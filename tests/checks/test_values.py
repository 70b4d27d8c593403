"""Values of templates: those that the configuration refuses, and properties that need or exclude each other."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from checks.assembly import Assembly
from checks.rules import data, values, workflows
from checks.rules.values import Pair
from config import settings
from config.values import problem
from tests.checks.test_rules import added, definition, first, importing
from tests.mutations.mutation import shipped, with_template

Change = Callable[[dict[str, Any]], Any]


def changed(stack: str, change: Change) -> Assembly:
    template = copy.deepcopy(shipped().templates[stack])
    change(template)
    return with_template(shipped(), stack, template)


def rules_of(stack: str, change: Change) -> set[str]:
    return {finding.rule for finding in values.check(changed(stack, change))}


def test_the_shipped_templates_have_values_that_the_configuration_takes() -> None:
    assert values.check(shipped()) == []


WRONG = {
    "a time zone": ("Pipeline", "AWS::Scheduler::Schedule", {"ScheduleExpressionTimezone": "Asia/Tokio"}),
    "a retention": ("Pipeline", "AWS::Logs::LogGroup", {"RetentionInDays": 31}),
    "half of half a unit": (
        "Sources",
        "AWS::RDS::DBCluster",
        {"ServerlessV2ScalingConfiguration": {"MinCapacity": 0.25, "MaxCapacity": 2}},
    ),
    "too many units": (
        "Sources",
        "AWS::RDS::DBCluster",
        {"ServerlessV2ScalingConfiguration": {"MinCapacity": 1, "MaxCapacity": 257}},
    ),
    "a Glue version": ("Preparation", "AWS::Glue::Job", {"GlueVersion": "5.2"}),
    "a worker": ("Preparation", "AWS::Glue::Job", {"WorkerType": "G.3X"}),
    "one worker": ("Preparation", "AWS::Glue::Job", {"NumberOfWorkers": 1}),
    "a Glue time-out": ("Preparation", "AWS::Glue::Job", {"Timeout": 10081}),
    "a capacity between": ("Analytics", "AWS::RedshiftServerless::Workgroup", {"BaseCapacity": 12}),
    "a reserved word": ("Analytics", "AWS::RedshiftServerless::Namespace", {"DbName": "raw"}),
    "a burst": (
        "Serving",
        "AWS::ApiGateway::Stage",
        {"MethodSettings": [{"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingBurstLimit": 5001}]},
    ),
    "a small VPC": ("Network", "AWS::EC2::VPC", {"CidrBlock": "10.0.0.0/28"}),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_value_that_the_configuration_refuses_is_a_finding(what: str) -> None:
    stack, kind, given = WRONG[what]
    assert "value-range" in rules_of(stack, lambda t: first(t, kind).update(given))


def test_the_model_refuses_nonsense_for_every_property_that_is_known() -> None:
    for kind, path, section, key in values._KNOWN:
        assert problem(section, key, {"no": "value"}) is not None, (kind, path)


def test_the_models_own_answer_is_told() -> None:
    assert problem(settings.Schedule, "time_zone", "Asia/Tokyo") is None
    assert "did you mean 'Asia/Tokyo'" in str(problem(settings.Schedule, "time_zone", "Asia/Tokio"))
    assert "multiple of 8" in str(problem(settings.Analytics, "base_capacity_rpu", 12))
    assert "reserved word of Redshift" in str(problem(settings.Analytics, "database", "raw"))


def valued(path: str, value: Any) -> dict[str, Any]:
    head, _, rest = path.partition(".")
    return {head: valued(rest, value) if rest else value}


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in parts:
        for key, value in part.items():
            before = found.get(key)
            found[key] = (
                merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
            )
    return found


def about(pair: Pair, *, other: bool) -> set[str]:
    """What is told of that pair where a resource has its first property, and the other or not."""
    given = valued(pair.first, pair.values[0] if pair.values else "x")
    if other:
        given = merged(given, valued(pair.other, "y"))
    found = values.check(changed("Storage", added(pair.type, given)))
    return {f.rule for f in found if f.logical_id == "Added" and pair.other in f.why and pair.first in f.why}


@pytest.mark.parametrize("pair", values._NEEDS, ids=lambda p: f"{p.type}-{p.first}-{p.other}")
def test_a_property_that_needs_another_is_a_finding_without_it(pair: Pair) -> None:
    assert "value-needs" in about(pair, other=False)
    assert "value-needs" not in about(pair, other=True)


@pytest.mark.parametrize("pair", values._EXCLUDES, ids=lambda p: f"{p.type}-{p.first}-{p.other}")
def test_properties_that_exclude_each_other_are_a_finding_together(pair: Pair) -> None:
    assert "value-excludes" in about(pair, other=True)
    assert "value-excludes" not in about(pair, other=False)


@pytest.mark.parametrize(
    ("stack", "kind", "given"),
    [
        (
            "Sources",
            "AWS::RDS::DBCluster",
            {"ServerlessV2ScalingConfiguration": {"MinCapacity": 4, "MaxCapacity": 2.5}},
        ),
        ("Analytics", "AWS::RedshiftServerless::Workgroup", {"BaseCapacity": 64, "MaxCapacity": 32}),
        ("Observability", "AWS::CloudWatch::Alarm", {"DatapointsToAlarm": 5, "EvaluationPeriods": 4}),
        (
            "Pipeline",
            "AWS::Scheduler::Schedule",
            {"StartDate": "2027-02-01T00:00:00Z", "EndDate": "2027-01-01T00:00:00Z"},
        ),
    ],
)
def test_a_minimum_above_its_maximum_is_a_finding(stack: str, kind: str, given: dict[str, Any]) -> None:
    assert "value-order" in rules_of(stack, lambda t: first(t, kind).update(given))


def test_subnets_of_a_group_in_one_zone_are_a_finding_of_each_group() -> None:
    def gathered(template: dict[str, Any]) -> None:
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::EC2::Subnet":
                resource["Properties"]["AvailabilityZone"] = "ap-northeast-1a"

    found = [f for f in values.check(changed("Network", gathered)) if f.rule == "value-zones"]
    assert {finding.stack for finding in found} == {"Sources", "Analytics"}
    assert all("3 of its 3 subnets lie in ap-northeast-1a" in finding.why for finding in found)


EXPRESSIONS = [
    ("ConditionExpression", "pk == :me"),
    ("ConditionExpression", "owner = :me"),
    ("ConditionExpression", "attribute_not_exists(pk) OR expires < "),
    ("ConditionExpression", "attribute_not_exist(pk)"),
]


@pytest.mark.parametrize(("member", "expression"), EXPRESSIONS)
def test_an_expression_that_dynamodb_cannot_read_is_a_finding(member: str, expression: str) -> None:
    change = definition(
        "PipelineStateMachine", lambda d: d["States"]["AcquireLock"]["Arguments"].update({member: expression})
    )
    found = [f for f in data.check(changed("Pipeline", change)) if f.rule == "data-expression"]
    assert [f for f in found if "Syntax error" in f.why or "reserved keyword" in f.why]


@pytest.mark.parametrize(
    "placeholders",
    [{"ExpressionAttributeValues": {":run": {"SS": ["x"]}}}, {"ExpressionAttributeNames": {"#r": "run_ids"}}],
)
def test_placeholders_without_an_expression_are_a_finding(placeholders: dict[str, Any]) -> None:
    """DynamoDB: "ExpressionAttributeValues can only be specified when using expressions"."""
    [(rule, why, _)] = data._expressions({"Key": {"pk": {"S": "warehouse#pending"}}, **placeholders})
    assert rule == "data-expression" and why.endswith("is given and not used: DynamoDB refuses the call.")


def test_expressions_inside_a_transaction_are_read_too() -> None:
    item = {
        "Update": {"UpdateExpression": "SET status = :s", "ExpressionAttributeValues": {":s": {"S": "x"}}}
    }
    [problem_found] = data._expressions({"TransactItems": [item]})
    assert "reserved keyword: status" in problem_found[1]


@pytest.mark.parametrize("seconds", [0, "{% 0 %}", "{% $max([0, -1]) %}", -1])
def test_a_poll_that_does_not_wait_is_a_finding(seconds: Any) -> None:
    change = importing("WaitImport", lambda s: s.update(Seconds=seconds))
    found = workflows._waits(changed("Training", change))
    assert {(f.rule, "WaitImport" in f.why) for f in found} == {("workflow-wait", True)}
    assert list(workflows._waits(shipped())) == []


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 3 31 2 ? *)",
        "cron(0 3 40W * ? *)",
        "cron(* * * * ? *)",
        "rate(1 minute)",
        "at(2020-01-01T00:00:00)",
    ],
)
def test_a_schedule_that_never_fires_or_always_is_a_finding(expression: str) -> None:
    change: Change = lambda t: first(t, "AWS::Scheduler::Schedule").update(ScheduleExpression=expression)  # noqa: E731
    [finding] = [f for f in data.check(changed("Pipeline", change)) if f.rule == "data-schedule"]
    assert json.dumps(expression)[1:-1] in finding.why
