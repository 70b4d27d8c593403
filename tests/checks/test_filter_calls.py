"""Filters that workflows create and name: the checks find those that Personalize refuses."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from checks import personalize_calls
from tests.mutations.mutation import shipped, with_template

GROUP = "arn:aws:personalize:ap-northeast-1:111111111111:"


def recommending(expression: str | None, *, named: str) -> set[str]:
    """Findings of filters where a batch job names one, and the workflow creates one called `made` before."""
    template = copy.deepcopy(shipped().templates["Publishing"])
    machine = next(
        one["Properties"]
        for name, one in template["Resources"].items()
        if name.startswith("RecommendStateMachine") and one["Type"] == "AWS::StepFunctions::StateMachine"
    )
    definition = json.loads(machine["DefinitionString"])
    _plant(definition["States"]["InferLists"]["ItemProcessor"]["States"], expression, named)
    machine["DefinitionString"] = json.dumps(definition)
    changed = with_template(shipped(), "Publishing", template)
    return {one.why for one in personalize_calls.calls(changed) if one.rule == "personalize-filter"}


def _plant(states: dict[str, Any], expression: str | None, named: str) -> None:
    states["CreateInference"]["Arguments"]["FilterArn"] = f"{GROUP}filter/{named}"
    if expression is None:
        return
    text = json.dumps(states).replace('"Next": "CreateInference"', '"Next": "Planted"')
    states.update(json.loads(text))
    states["Planted"] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:personalize:createFilter",
        "Arguments": {
            "Name": "made",
            "DatasetGroupArn": f"{GROUP}dataset-group/x",
            "FilterExpression": expression,
        },
        "Next": "CreateInference",
    }


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
    found = recommending(expression, named="made")
    assert [bool(found), all(told in one for one in found)] == [bool(told), True], found


def test_a_filter_that_no_workflow_creates_is_found() -> None:
    found = recommending(None, named="other")
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
