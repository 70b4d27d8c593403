"""The same questions to two places: what is asked, what is kept, and that a difference is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session

from operations.parity import probes
from operations.parity.command import ask, parity
from operations.parity.differences import differences
from operations.parity.probe import call, reduced
from operations.place import Place, Refused
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import PLUGINS, running
from tests import example

ROOT = Path(__file__).parents[2]
ALL = f"{PLUGINS},personalize,stepfunctions,rds,redshift,glue"
BARE = [probe for probe in probes.PROBES if not probe.needs]
Answers = dict[str, Any]


class Session:
    """The endpoint's clients under the name that a place knows."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    def client(self, service: str) -> Any:
        return self.endpoint.client(service)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with running(tmp_path_factory.mktemp("parity"), plugins=ALL) as endpoint:
        yield Place(example.settings(), Session(endpoint))


@pytest.fixture(scope="module")
def answers(place: Place) -> Answers:
    return ask(place, BARE)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from leaves(member, (*path, key))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from leaves(element, (*path, index))
    else:
        yield path


def replaced(answers: Answers, path: tuple[Any, ...], *, value: Any = None) -> Answers:
    """With another value at the path; without the member where none is given."""
    changed = copy.deepcopy(answers)
    parent: Any = changed
    for step in path[:-1]:
        parent = parent[step]
    if value is None:
        del parent[path[-1]]
    else:
        parent[path[-1]] = value
    return changed


def test_a_place_differs_in_nothing_from_itself(place: Place, answers: Answers) -> None:
    assert len(answers) > 50
    assert differences(answers, ask(place, BARE)) == []


def test_whatever_one_answer_says_otherwise_is_found(answers: Answers) -> None:
    paths = list(leaves(answers))
    assert len(paths) > 200
    unseen = [path for path in paths if not differences(answers, replaced(answers, path, value="another"))]
    assert unseen == []


def test_a_member_that_one_place_lacks_is_found(answers: Answers) -> None:
    paths = [path for path in leaves(answers) if isinstance(path[-1], str)]
    unseen = [path for path in paths if not differences(answers, replaced(answers, path))]
    assert unseen == []


def test_a_difference_says_question_path_and_both_sides(answers: Answers) -> None:
    question = "stepfunctions describe_state_machine of nothing"
    [found] = differences(answers, replaced(answers, (question, "error"), value="InvalidArn"))
    assert str(found) == f"{question} error: endpoint StateMachineDoesNotExist, account InvalidArn"


def test_an_empty_list_differs_from_no_list_only() -> None:
    assert differences({"a": {"b": []}}, {"a": {"b": ["<text>"]}}) == []
    assert differences({"a": {"b": ["<text>"]}}, {"a": {"b": ["<text>", "<number>"]}}) != []
    assert differences({"a": {"b": []}}, {"a": {}}) != []


def test_values_that_the_services_model_enumerates_are_compared_and_others_by_type() -> None:
    shape = get_session().get_service_model("dynamodb").operation_model("DescribeTable").output_shape
    table = {"TableStatus": "ACTIVE", "TableName": "a", "ItemCount": 3}
    assert reduced({"Table": table}, shape) == {
        "Table": {"ItemCount": "<number>", "TableName": "<text>", "TableStatus": "ACTIVE"}
    }


def test_names_of_questions_are_their_own() -> None:
    names = [probe.name for probe in probes.PROBES]
    assert len(names) == len(set(names))


def test_what_a_question_confirms_stands_in_the_assumptions() -> None:
    page = (ROOT / "docs" / "assumptions.md").read_text()
    confirmed = [probe.confirms for probe in probes.PROBES if probe.confirms]
    assert confirmed
    assert [words for words in confirmed if f"| {words}" not in page] == []


def test_the_workflows_asked_about_are_those_that_exist() -> None:
    from stacks.workflows import DEFINITIONS

    assert set(probes.WORKFLOWS) == set(DEFINITIONS)


class Recording:
    """A session that notes operations and answers nothing."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def client(self, service: str) -> Any:
        recording = self

        class Client:
            def __getattr__(self, operation: str) -> Any:
                recording.called.append(operation)
                raise AssertionError

        return Client()


READS = ("describe_", "list_", "get_", "head_", "validate_", "test_", "can_paginate")
# Refused before they change anything: what is named isn't there, isn't valid, or a condition fails.
REFUSED = frozenset(["delete_solution", "delete_filter", "create_schema", "update_item"])
SELECTS = frozenset(["execute_statement"])


def test_no_question_changes_anything() -> None:
    session = Recording()
    for probe in probes.PROBES:
        with pytest.raises((AssertionError, AttributeError)):
            probe.ask(Place(example.settings(), session))
    changing = {name for name in session.called if not name.startswith(READS)}
    assert changing == REFUSED | SELECTS


def test_what_could_change_something_is_refused_by_the_place(answers: Answers) -> None:
    for question in ("personalize delete_solution of nothing", "personalize create_schema malformed"):
        assert answers[question]["error"], question


def test_where_nothing_is_deployed_it_says_what_to_do_first(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="make deploy"):
        parity(place, on="aws", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_answers_are_kept_and_the_second_place_is_compared(
    place: Place, answers: Answers, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}}
    made = place.client("cloudformation").create_stack
    made(StackName="of-another", TemplateBody=json.dumps(stack))
    with pytest.raises(Refused, match="No stack of dev"):
        parity(place, on="aws", folder=tmp_path)
    made(StackName=place.names.stack("storage"), TemplateBody=json.dumps(stack))
    assert parity(place, on="endpoint", folder=tmp_path, probes=BARE) == 0
    assert "make parity ENV=dev ON=aws" in capsys.readouterr().out
    question = "stepfunctions describe_execution of nothing"
    other = replaced(answers, (question, "error"), value="InvalidArn")
    (tmp_path / "dev.aws.json").write_text(json.dumps(other))
    assert parity(place, on="endpoint", folder=tmp_path, probes=BARE) == 1
    said = capsys.readouterr().out
    assert f"DIFFERS {question} error: endpoint ExecutionDoesNotExist, account InvalidArn" in said
    assert "decides the assumption: an execution that Step Functions has forgotten" in said


def test_a_refusal_is_reduced_to_its_code_and_status(place: Place) -> None:
    answer = call("iam", "get_role", {"RoleName": "nobody"})(place)
    assert answer == {"error": "NoSuchEntity", "status": "404"}
