"""The end of the session's environment, which has run: smoke, a destruction that is interrupted, another deployment.

Its name makes it the last: nothing of the line is left for another test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local import acting, deploy
from local.demo import loader
from operations import inventory, smoke, stacks
from operations.destroy import destroy
from operations.parity.command import parity
from operations.place import Place, Refused
from osusume_endpoint.faults.client import Faults
from tests.e2e.line import Line, let_go, place_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(line: Line) -> Iterator[Place]:
    with place_of(line) as found:
        yield found


@pytest.mark.parametrize("look", sorted(set(smoke.LOOKS) - {"alarms"}))
def test_what_has_run_is_as_its_users_want_it(place: Place, first_run: str, look: str) -> None:
    """Alarms ring here: tests before this one made runs fail."""
    assert smoke.LOOKS[look](place)


def test_every_question_of_parity_is_answered_here(place: Place, first_run: str, tmp_path: Path) -> None:
    assert parity(place, on="endpoint", folder=tmp_path) == 0
    answers = json.loads((tmp_path / "dev.endpoint.json").read_text())
    errors = {name: answer["error"] for name, answer in answers.items() if "error" in answer}
    unanswered = {"AccessDenied", "AccessDeniedException", "NotEmulated"}
    assert [name for name, error in errors.items() if error in unanswered] == []
    assert [
        name for name, answer in answers.items() if name.endswith(" is valid") and answer["result"] != "OK"
    ] == []
    assert set(answers["the keys of the solution versions' metrics"]) >= {"aws-popularity-count"}
    assert answers["the API without a signature"]["status"] == "403"
    assert answers["the API's popular list"]["status"] == "200"
    assert answers["the warehouse's types"] == ["int 1", "float 1.5", "NoneType None", "bool True", "str é"]


def rows(line: Line, connection: Any) -> dict[str, tuple[Any, ...]]:
    """(count, digest of every row) by table."""
    found = {}
    for name, table in line.settings.sources.aurora.tables.model_dump(exclude_none=True).items():
        with connection.cursor() as cursor:
            cursor.execute(f"select count(*), md5(string_agg(t::text, '|' order by t::text)) from {table} t")
            found[name] = cursor.fetchone()
    return found


def test_the_data_api_writes_what_the_driver_writes(place: Place, line: Line) -> None:
    with closing(loader.connect(line.client, secret=line.settings.aurora_secret)) as direct:
        by_driver = loaded_through(direct, place=place, line=line, direct=direct)
        with closing(acting.database(place)) as connection:
            by_data_api = loaded_through(connection, place=place, line=line, direct=direct)
    assert by_data_api == by_driver and all(count for count, _ in by_driver.values())


def loaded_through(connection: Any, *, place: Place, line: Line, direct: Any) -> dict[str, tuple[Any, ...]]:
    """The rows of the shop's tables, emptied before: other tests have added a day to them."""
    tables = line.settings.sources.aurora.tables.model_dump(exclude_none=True).values()
    with direct.cursor() as cursor:
        cursor.execute(f"truncate {', '.join(tables)}")
    direct.commit()
    shop = line.shop.shop
    loader.store(shop, previous=None, connection=connection, clients=place.client, settings=line.settings)
    return rows(line, direct)


def test_another_name_than_the_environments_changes_nothing(place: Place) -> None:
    before = [(left.kind, left.name) for left in inventory.left(place)]
    with pytest.raises(Refused, match="Nothing was done"):
        destroy(place, ask=lambda question: "prod")
    assert [(left.kind, left.name) for left in inventory.left(place)] == before


def test_an_application_that_may_still_call_is_told_before_anything_goes(place: Place, line: Line) -> None:
    iam = line.client("iam")
    policy = f"arn:aws:iam::{line.settings.account}:policy/{place.names.caller_policy}"
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    iam.create_role(RoleName="shop", AssumeRolePolicyDocument=document)
    iam.attach_role_policy(RoleName="shop", PolicyArn=policy)
    before = [stack.part for stack in stacks.deployed(place)]
    with pytest.raises(Refused) as refused:
        destroy(place, given="dev")
    assert [stack.part for stack in stacks.deployed(place)] == before
    assert "shop" in let_go(line, refused.value)  # and the storefront, where it has been shown
    iam.delete_role(RoleName="shop")


def test_a_destruction_that_is_interrupted_is_repeated_and_leaves_nothing(
    place: Place, line: Line, first_run: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert line.client("personalize").list_solutions()["solutions"], "the run made none"
    faults = Faults(line.endpoint.url, line.endpoint.region, line.endpoint.administrator)
    faults.use("resources: [{type: 'AWS::S3::Bucket', name: 'Raw*', change: delete}]")
    assert destroy(place, given="dev") == 1
    told = capsys.readouterr().out
    assert "failed: osusume-dev-storage: Raw" in told and "Internal Failure" in told
    assert [stack.part for stack in stacks.deployed(place)] == ["storage"]
    faults.clear()
    assert destroy(place, given="dev") == 0
    assert inventory.left(place) == []
    assert "Nothing of the environment is left." in capsys.readouterr().out


def test_it_is_deployed_again_and_destroyed_again(place: Place, line: Line) -> None:
    assembly = deploy.read_assembly(line.endpoint.home / "cdk.out")
    outcomes = deploy.deploy(assembly=assembly, endpoint=line.endpoint, report=lambda text: None)
    assert {outcome.action for outcome in outcomes} == {"created"}
    assert len(stacks.deployed(place)) == len(outcomes)
    assert destroy(place, given="dev") == 0
    assert inventory.left(place) == []
