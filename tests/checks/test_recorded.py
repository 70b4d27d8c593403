from __future__ import annotations

import json
from typing import Any

import pytest

from checks import recorded
from checks.assembly import Assembly
from checks.policies import roles
from tests.mutations.mutation import with_template

ROLE = "arn:aws:sts::111111111111:assumed-role/{}/session"


def call(**more: Any) -> dict[str, Any]:
    caller = ROLE.format("osusume-dev-training-TrainRole2EAAD23F-A08A64DDEA07A")
    return {
        "caller": caller,
        "action": "personalize:DescribeSolution",
        "resource": "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal",
        "code": "",
        "stub": False,
    } | more


def test_a_call_is_kept_under_its_role_without_the_environments_names(dev: Assembly) -> None:
    [kept] = recorded.condense([call(), call()], dev)
    assert kept.role == "Training/TrainRole2EAAD23F"
    assert kept.resource == "arn:aws:personalize:{region}:{account}:solution/{prefix}-personal"


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("osusume-dev-personalize", "Training/PersonalizeRole6C121A81"),
        (
            "osusume-dev-publishing-PostprocessRecommendationsRo05D3DCD922523",
            "Publishing/PostprocessRecommendationsRole1DBE8B2B",
        ),
    ],
)
def test_roles_are_found_by_their_name_and_by_a_cut_logical_id(dev: Assembly, name: str, role: str) -> None:
    assert [kept.role for kept in recorded.condense([call(caller=ROLE.format(name))], dev)] == [role]


@pytest.mark.parametrize(
    "more",
    [{"caller": "arn:aws:iam::111111111111:root"}, {"code": "AccessDenied"}, {"stub": True}, {"action": ""}],
)
def test_calls_that_prove_nothing_are_left_out(dev: Assembly, more: dict[str, Any]) -> None:
    assert recorded.condense([call(**more)], dev) == []


@pytest.mark.parametrize(
    ("resource", "kept"),
    [
        ("b/runs/20261124T041607Z/items/part-00000-265475b7-c000.csv", "b/runs/*/items/part-*"),
        ("a:table/x/export/01795493773850-d2d77871", "a:table/x/export/*"),
        ("a:secret:osusume-dev/aurora-75d414", "a:secret:{prefix}/aurora-000000"),
        ("a:execution:m:20261124T041607Z-aea0ff8c-0d6f-4fbc-bbcc-c7087d1f00d2", "a:execution:m:*"),
        ("a:solution/osusume-dev-related/9f6df7bb", "a:solution/{prefix}-related/*"),
    ],
)
def test_what_changes_from_run_to_run_is_a_star(dev: Assembly, resource: str, kept: str) -> None:
    assert recorded.stable(resource, dev) == kept


def test_datasets_are_those_of_the_generation_that_is_looked_at(dev: Assembly) -> None:
    """A later one has a dataset group of another name, and its roles are for that one only."""
    text = json.dumps(dev.templates["Training"]).replace('"Name": "osusume-dev"', '"Name": "osusume-dev-v2"')
    later = with_template(dev, "Training", json.loads(text))
    arn = "arn:aws:personalize:ap-northeast-1:111111111111:dataset/{}/USERS"
    kept = "arn:aws:personalize:{region}:{account}:dataset/{dataset_group}/USERS"
    for assembly, group in ((dev, "osusume-dev"), (later, "osusume-dev-v2")):
        assert recorded.stable(arn.format(group), assembly) == kept
        asked = {c.resource for c in recorded.calls(assembly) if c.action == "personalize:DescribeDataset"}
        assert arn.format(group) in asked and len(asked) == 3


def test_every_recorded_call_is_of_a_role_that_exists(dev: Assembly) -> None:
    """Else a renamed construct would silently lose its measured calls: record again then."""
    assert {kept.role for kept in recorded.calls(dev)} <= {role.key for role in roles(dev)}


def test_calls_of_every_role_that_runs_code_were_recorded(dev: Assembly) -> None:
    """RunDbt works on the embedded warehouse, which it reaches without AWS; ValidateExperiments calls nothing."""
    kept = {call.role for call in recorded.calls(dev)}
    running = {
        role.key
        for role in roles(dev)
        if role.services & {"lambda.amazonaws.com", "glue.amazonaws.com", "states.amazonaws.com"}
    }
    assert {
        key for key in running - kept if "RunDbt" not in key and "ValidateExperiments" not in key
    } == set()


def test_an_action_counts_as_called_when_it_was_answered_whoever_called() -> None:
    root = "arn:aws:iam::111111111111:root"
    answered = call(action="s3:HeadBucket", caller=root)
    refused = call(action="s3:GetObject", code="AccessDenied")
    stubbed = call(action="athena:StartQueryExecution", stub=True)
    assert recorded.succeeded([answered, refused, stubbed, answered]) == ["s3:HeadBucket"]


def test_what_roles_were_recorded_calling_succeeded_in_the_line_too(dev: Assembly) -> None:
    """Both are recorded together: operations of an older run would call something tested that no longer is."""
    assert {kept.action for kept in recorded.calls(dev)} <= set(recorded.operations())
