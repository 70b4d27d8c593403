"""Filters that workflows create and name: the checks find those that Personalize refuses."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from checks import personalize_calls
from tests.mutations.mutation import shipped, with_template

GROUP = "arn:aws:personalize:ap-northeast-1:111111111111:"


Call = tuple[str, dict[str, Any]]  # an operation of Personalize, its arguments


def recommending(*calls: Call, named: str | None = None) -> set[str]:
    """Findings of filters where batch jobs name one, and the workflow makes these calls before each."""
    template = copy.deepcopy(shipped().templates["Publishing"])
    machine = next(
        one["Properties"]
        for name, one in template["Resources"].items()
        if name.startswith("RecommendStateMachine") and one["Type"] == "AWS::StepFunctions::StateMachine"
    )
    definition = json.loads(machine["DefinitionString"])
    states = definition["States"]["InferLists"]["ItemProcessor"]["States"]
    if named is not None:
        states["CreateInference"]["Arguments"]["FilterArn"] = f"{GROUP}filter/{named}"
    for call in reversed(calls):
        _plant(states, *call)
    machine["DefinitionString"] = json.dumps(definition)
    changed = with_template(shipped(), "Publishing", template)
    return {one.why for one in personalize_calls.calls(changed) if one.rule == "personalize-filter"}


def _plant(states: dict[str, Any], operation: str, arguments: dict[str, Any]) -> None:
    """A state whose next is the one that came before CreateInference until now."""
    name = f"Planted{len(states)}"
    first = next((key for key in reversed(states) if key.startswith("Planted")), "CreateInference")
    text = json.dumps(states).replace(f'"Next": "{first}"', f'"Next": "{name}"')
    resource = f"arn:aws:states:::aws-sdk:personalize:{operation}"
    states.update(json.loads(text))
    states[name] = {"Type": "Task", "Resource": resource, "Arguments": arguments, "Next": first}


def filter_of(expression: str) -> Call:
    """Called `made`."""
    group = f"{GROUP}dataset-group/x"
    return "createFilter", {"Name": "made", "DatasetGroupArn": group, "FilterExpression": expression}


def schema_of(name: str, *fields: dict[str, Any]) -> Call:
    text = json.dumps({"type": "record", "name": name, "fields": fields, "version": "1.0"})
    return "createSchema", {"Name": name, "Schema": text}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")', ""),
        ('EXCLUDE UserID WHERE Users.AGE IN ("x")', "filters USERID"),
        # For `related` alone of the three solutions.
        ("INCLUDE ItemID WHERE Items.BRAND IN CurrentItem.BRAND", "has no current item"),
    ],
)
def test_the_filter_of_a_batch_job_is_compared_with_the_recipe(expression: str, told: str) -> None:
    found = recommending(filter_of(expression), named="made")
    assert [bool(found), all(told in one for one in found)] == [bool(told), True], found


def test_a_filter_of_actions_looks_at_the_schemas_that_workflows_make() -> None:
    """No template has them: CloudFormation knows no dataset of actions."""
    texts = [{"name": name, "type": "string"} for name in ("USER_ID", "ACTION_ID", "EVENT_TYPE")]
    value, time = {"name": "VALUE", "type": ["null", "long"]}, {"name": "TIMESTAMP", "type": "long"}
    made = (schema_of("Actions", texts[1], value), schema_of("ActionInteractions", *texts, time))
    for expression, told in (
        ("INCLUDE ActionID WHERE Actions.VALUE > 3", ""),
        ('EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("Viewed")', ""),
        ("INCLUDE ActionID WHERE Actions.VALEU > 3", "The ACTIONS schema has no field VALEU."),
    ):
        found = recommending(*made, filter_of(expression))
        assert [one.partition(": ")[2] for one in found] == ([told] if told else [])
    [why] = recommending(filter_of("INCLUDE ActionID WHERE Actions.VALUE > 3"))
    assert "no ACTIONS dataset" in why


def test_a_filter_that_no_workflow_creates_is_found() -> None:
    found = recommending(named="other")
    assert found and all("no workflow creates" in one and ":filter/other" in one for one in found), found


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ('ITEMS.BRAND = "x"', ""),
        ('ITEMS.BRAND IN ("x")', "know no IN"),
        ("ITEMS.BRAND = 3", "compare it with a quoted string"),
        ('ITEMS.NONE = "x"', "no column NONE"),
    ],
)
def test_a_query_of_the_lines_that_a_job_reads_is_found(query: str, told: str) -> None:
    """Of the input of `related`, as if it were one of attributes."""
    template = copy.deepcopy(shipped().templates["Preparation"])
    [job] = [
        one["Properties"]["DefaultArguments"]
        for one in template["Resources"].values()
        if one["Type"] == "AWS::Glue::Job"
        and "--batch_inputs" in one["Properties"].get("DefaultArguments", {})
    ]
    given = json.loads(job["--batch_inputs"])
    next(one for one in given if one["lines"] == "items")["queries"] = {"one": query}
    job["--batch_inputs"] = json.dumps(given)
    found = personalize_calls.calls(with_template(shipped(), "Preparation", template))
    whys = [one.why for one in found if one.rule == "personalize-batch"]
    assert [bool(whys), all(told in why for why in whys)] == [bool(told), True], whys
