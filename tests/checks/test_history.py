"""The count of a workflow's longest history, against the histories of the interpreter."""

from __future__ import annotations

from typing import Any

import pytest

from checks import history
from config.limits import MAX_CAMPAIGNS
from config.settings import Settings
from config.solution import Campaign
from osusume_endpoint.testing.harness import jsonata, run
from osusume_endpoint.testing.scripted import Cloud
from stacks.workflows import load, prepare, recommend, train
from tests import example
from tests.stacks.test_workflows import SETTINGS

POLL = {
    "Describe": {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:personalize:describeSolution",
        "Arguments": {"SolutionArn": "a"},
        "Next": "Status",
    },
    "Status": {
        "Type": "Choice",
        "Choices": [
            {"Condition": "{% $states.input.Solution.Status = 'ACTIVE' %}", "Next": "Done"},
            {"Condition": "{% $millis() > $deadline %}", "Next": "Done"},
        ],
        "Default": "Wait",
    },
    "Wait": {"Type": "Wait", "Seconds": 60, "Next": "Describe"},
    "Done": {"Type": "Succeed"},
}


def polling(minutes: int) -> dict[str, Any]:
    start = {
        "Type": "Pass",
        "Assign": {"deadline": f"{{% $millis() + {minutes * 60_000} %}}"},
        "Next": "Describe",
    }
    return {"QueryLanguage": "JSONata", "StartAt": "Start", "States": {"Start": start, **POLL}}


def answering(polls: int) -> Cloud:
    """ACTIVE at the poll after so many."""
    left = [polls]

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        left[0] -= 1
        return {"solution": {"status": "ACTIVE" if left[0] < 0 else "CREATE IN_PROGRESS"}}

    return Cloud({("personalize", "DescribeSolution"): describe})


@pytest.mark.parametrize("polls", [1, 5, 60])
def test_a_poll_is_counted_as_the_interpreter_writes_it(polls: int) -> None:
    written = len(run(polling(polls), cloud=answering(polls), wait_scale=0).history.events)
    assert written <= history.longest(polling(polls)) <= written + 2 * 9, "a round more, and the last look"


def test_branches_and_iterations_are_counted_as_the_interpreter_writes_them() -> None:
    def one(name: str) -> dict[str, Any]:
        return {"StartAt": name, "States": {name: {"Type": "Pass", "End": True}}}

    definition = jsonata(
        Both={"Type": "Parallel", "Branches": [one("Left"), one("Right")]},
        Each={
            "Type": "Map",
            "Items": [1, 2, 3],
            "ItemProcessor": one("Item"),
        },
    )
    assert history.longest(definition) == len(run(definition).history.events)


def with_solutions(count: int) -> Settings:
    one = SETTINGS.solutions[0]
    return SETTINGS.model_copy(
        update={"solutions": tuple(one.model_copy(update={"name": f"s{n}"}) for n in range(count))}
    )


@pytest.mark.parametrize("workflow", [prepare, train, recommend, load])
def test_the_largest_allowed_configuration_fits_with_trainings_of_twelve_hours(workflow: Any) -> None:
    assert history.longest(workflow.definition(with_solutions(10))) <= history.LIMIT


def test_the_largest_with_campaigns_and_fields_that_are_added_fits() -> None:
    content = example.content()
    colour = {"name": "COLOUR", "column": "colour", "categorical": True, "nullable": True, "added": True}
    for dataset in ("users", "items"):
        content["datasets"][dataset]["fields"].append(colour)
    settings = Settings.model_validate(content)
    one = settings.solutions[0]
    several = [
        one.model_copy(update={"name": f"s{n}", "campaign": Campaign() if n < MAX_CAMPAIGNS else None})
        for n in range(10)
    ]
    settings = settings.model_copy(update={"solutions": tuple(several)})
    found = [history.longest(each.definition(settings)) for each in (prepare, train, recommend)]
    assert max(found) <= history.LIMIT, found


def test_a_poll_each_minute_would_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stacks.workflows.asl.LONGEST_WAIT_SECONDS", 60)
    assert history.longest(train.definition(with_solutions(10))) > history.LIMIT
