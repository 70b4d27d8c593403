"""The configurations in docs/examples, deployed and run: every recipe trains and answers somebody."""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from botocore.credentials import Credentials

from config.settings import load
from local import cli
from local.demo import loader
from local.demo.api import Api
from local.demo.deployed import EXPORTED_AFTER_SECONDS
from local.demo.generated import GeneratedShop, generate
from operations import place as places
from operations.destroy import destroy
from operations.place import Refused
from osusume_endpoint.signed import RequestRefused
from stacks.synthesis import synthesize
from stacks.workflows import solutions
from tests import example
from tests.e2e.line import Line, deployed, let_go, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]
FOLDER = example.CONFIG.parent / "docs" / "examples"


class Deployment:
    """An example's environment, whose configuration can be changed between runs."""

    def __init__(self, home: Path, content: example.Content) -> None:
        self._home, self._folder, self.content = home, home / "config", content
        self._folder.mkdir()
        self.line: Line

    def synthesized(self, name: str) -> Path:
        (self._folder / "dev.yaml").write_text(yaml.safe_dump(self.content, sort_keys=False))
        out = self._home / name
        synthesize(environment="dev", folder=out, configuration=self._folder)
        return out

    def deploy(self, shop: GeneratedShop) -> None:
        out = self.synthesized("cdk.out")
        self.line = deployed(home=self._home, cdk_out=out, settings=load("dev", self._folder), shop=shop)

    def redeploy(self) -> None:
        assert cli.run_deploy(argparse.Namespace(cdk_out=self.synthesized("changed"))) == 0
        self.line.settings = load("dev", self._folder)

    def solution(self, name: str) -> dict[str, Any]:
        return next(one for one in self.content["solutions"] if one["name"] == name)


@contextmanager
def environment(home: Path) -> Iterator[None]:
    variables = {
        "OSUSUME_CONFIG": str(home / "config"),
        "OSUSUME_HOME": str(home),
        "OSUSUME_PORT": "0",
        "OSUSUME_WAIT_SCALE": "0.01",
        "OSUSUME_VALIDATE_RESPONSES": "1",
        "OSUSUME_DIE_WITH_PARENT": "1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        try:
            yield
        finally:
            cli.run_down(argparse.Namespace())


def shop_with(**columns: Any) -> GeneratedShop:
    """The generated shop with more columns of items."""
    shop = generate(now=pd.Timestamp.now("UTC") - pd.Timedelta(hours=1))
    items = shop.shop.items.assign(**columns)
    return dataclasses.replace(shop, shop=dataclasses.replace(shop.shop, items=items))


def deployment(home: Path, file: str) -> Deployment:
    return Deployment(home, example.content(**yaml.safe_load((FOLDER / file).read_text())))


def campaign(line: Line, solution: str) -> dict[str, str]:
    item = line.item(f"pointer#{solution}", "campaign")
    assert item is not None, f"{solution} has no campaign"
    return {key: next(iter(value.values())) for key, value in item.items()}


def campaigns(line: Line) -> set[str]:
    return {one["name"] for one in line.client("personalize").list_campaigns()["campaigns"]}


def answered(line: Line, solution: str, **more: Any) -> list[dict[str, Any]]:
    runtime = line.client("personalize-runtime")
    arn = campaign(line, solution)["campaign_arn"]
    answer = runtime.get_recommendations(campaignArn=arn, userId=line.shop.held_out_user, **more)
    return list(answer["itemList"])


def keys(line: Line, solution: str) -> set[str]:
    """Who has a list in the version that serves."""
    pages = (
        line.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=line.settings.names.recommendations_table)
    )
    version = line.pointer(solution)["current"]
    items = [item for page in pages for item in page["Items"] if item["sk"]["S"] == version]
    start = f"{solution}#"
    return {item["pk"]["S"].removeprefix(start) for item in items if item["pk"]["S"].startswith(start)}


def test_recipes_for_people_recommend_by_batch_and_by_campaign(tmp_path: Path) -> None:
    """Two versions of one recipe side by side, then changes: what is pinned, moved and removed."""
    with environment(tmp_path):
        made = deployment(tmp_path, "people.yaml")
        made.deploy(shop_with(margin=1.5))
        line = made.line
        first = line.run()
        _everybody_is_served(line)
        _campaigns_answer(line)
        before = {name: campaign(line, name)["solution_version_arn"] for name in ("explorer", "trending")}
        [pinned] = {line.pointer("personal")["solution_version_arn"]}
        line.run()
        assert line.pointer("personal")["solution_version_arn"] != pinned
        _campaigns_moved(line, before)
        _change(made, pinned)
        third = line.run()
        _changes_are_applied(line, pinned, third)
        assert first != third


def _everybody_is_served(line: Line) -> None:
    buyers = set(line.shop.shop.orders.user_id)
    assert buyers <= keys(line, "personal") and buyers <= keys(line, "explorer")
    asked = [line.published("ranked", user) for user in ("u1-000", line.shop.held_out_user)]
    assert len(asked[0]) == 20 and set(asked[0]) == set(asked[1]) and asked[0] != asked[1]
    _own_items_come_first(line, "u1-000")
    assert len(line.published("ranked-v2", line.shop.held_out_user)) == 3
    bought = line.shop.shop.orders.query("user_id == 'u1-000'").item_id
    steady = line.published("steady", "u1-000")
    assert steady and not set(steady) & set(bought), "the filter leaves out what was bought"
    days = pd.Timestamp.now("UTC") - pd.Timedelta(days=31)
    seen = pd.concat([line.shop.shop.orders[["user_id", "ordered_at"]].set_axis(["user", "at"], axis=1)])
    inactive = set(seen.groupby("user")["at"].max().loc[lambda last: last < days].index)
    assert not inactive & keys(line, "steady")
    assert line.item("filter#of-a-department", "filter")


def _own_items_come_first(line: Line, user: str) -> None:
    """Of what everybody buys, a person's ranking begins with what their own group does."""
    ranked = line.published("ranked", user)
    own = [line.shop.item_groups[item] == line.shop.user_groups[user] for item in ranked]
    places = [place for place, is_own in enumerate(own) if is_own]
    assert not places or sum(places) / len(places) < (len(ranked) - 1) / 2, own


def _campaigns_answer(line: Line) -> None:
    assert campaigns(line) == {
        solutions.name(line.settings, one) for one in line.settings.solutions if one.campaign
    }
    assert answered(line, "trending")
    department = line.item("filter#of-a-department", "filter")
    assert department is not None
    found = answered(
        line,
        "explorer",
        filterArn=department["filter_arn"]["S"],
        filterValues={"DEPARTMENT": '"department 0"'},
        metadataColumns={"ITEMS": ["CATEGORY_L1"]},
    )
    assert found and {value for one in found for value in one["metadata"].values()} == {"department 0"}


def _campaigns_moved(line: Line, before: dict[str, str]) -> None:
    personalize = line.client("personalize")
    for name, version in before.items():
        found = campaign(line, name)
        described = personalize.describe_campaign(campaignArn=found["campaign_arn"])["campaign"]
        assert described["solutionVersionArn"] == found["solution_version_arn"] != version
    modes = personalize.list_solution_versions(solutionArn=before["explorer"].rpartition("/")[0])[
        "solutionVersions"
    ]
    described = [
        personalize.describe_solution_version(solutionVersionArn=one["solutionVersionArn"]) for one in modes
    ]
    assert sorted(one["solutionVersion"]["trainingMode"] for one in described) == ["FULL", "UPDATE"]


def _change(made: Deployment, pinned: str) -> None:
    """A version is named, a campaign and a solution go, a filter says something else."""
    made.solution("personal")["version"] = pinned
    made.content["solutions"] = [one for one in made.content["solutions"] if one["name"] != "trending"]
    made.content["filters"]["not-bought"] = (
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase", "click")'
    )
    made.redeploy()


def _changes_are_applied(line: Line, pinned: str, run: str) -> None:
    pointer = line.pointer("personal")
    assert (pointer["solution_version_arn"], pointer["current"]) == (pinned, run)
    kept = {campaign(line, "explorer")["campaign_arn"].rpartition("/")[2]}
    wait_for(lambda: campaigns(line) == kept, seconds=30, what="the campaign that nothing configures is gone")
    wait_for(lambda: len(filters(line)) == 2, seconds=30, what="the filter of before is gone")
    named = line.item("filter#not-bought", "filter")
    assert named is not None and named["filter_arn"]["S"] in filters(line)


def filters(line: Line) -> set[str]:
    group = line.settings.names.dataset_group_arn
    listed = line.client("personalize").list_filters(datasetGroupArn=group)["Filters"]
    return {one["filterArn"] for one in listed}


def test_recipes_for_items_relate_make_segments_andpropose_actions(tmp_path: Path) -> None:
    with environment(tmp_path):
        made = deployment(tmp_path, "items-and-segments.yaml")
        described = [f"Made for shelf {number // 12}, of the best" for number in range(6 * 12)]
        made.deploy(shop_with(description=described))
        line = made.line
        propose_actions(line)
        run = line.run()
        for name in ("related", "bought-together", "alike"):
            assert len(keys(line, name)) >= 20, name
        _segments_are_published(line, run)
        _actions_are_recommended(line)
        _callers_read_what_is_for_them(line, run)
        _nothing_is_left(line)


def propose_actions(line: Line) -> None:
    """Two actions; users of even groups take the first, the others the second."""
    with closing(loader.connect(line.client, secret=line.settings.aurora_secret)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("create table public.actions (action_id text, value bigint, kind text)")
            cursor.execute("insert into public.actions values ('join', 3, 'club'), ('subscribe', 2, 'mail')")
        connection.commit()
    now = pd.Timestamp.now("UTC") - pd.Timedelta(hours=1)
    writes = [
        {"PutRequest": {"Item": _proposal(user, group, action, now - pd.Timedelta(minutes=number))}}
        for number, (user, group) in enumerate(line.shop.user_groups.items())
        for action in ("join", "subscribe")
    ]
    table = line.settings.application_log_table
    for start in range(0, len(writes), 25):
        answer = line.client("dynamodb").batch_write_item(RequestItems={table: writes[start : start + 25]})
        assert not answer["UnprocessedItems"]
    time.sleep(EXPORTED_AFTER_SECONDS)


def _proposal(user: str, group: int, action: str, at: pd.Timestamp) -> dict[str, Any]:
    takes = (action == "join") == (group % 2 == 0)
    return {
        "user_id": {"S": user},
        "event_key": {"S": f"{at.isoformat()}#{action}"},
        "event_id": {"S": f"{user}-{action}"},
        "event_type": {"S": "offer_taken" if takes else "offer_left"},
        "action_id": {"S": action},
        "timestamp": {"N": str(int(at.timestamp() * 1000))},
    }


def _actions_are_recommended(line: Line) -> None:
    runtime = line.client("personalize-runtime")
    arn = campaign(line, "actions")["campaign_arn"]
    first = {
        user: runtime.get_action_recommendations(campaignArn=arn, userId=user)["actionList"][0]["actionId"]
        for user in ("u0-001", "u1-001")
    }
    assert set(first.values()) <= {"join", "subscribe"}


def _callers_read_what_is_for_them(line: Line, run: str) -> None:
    """A service by its policy and its name, the application by its own."""
    names = line.settings.names
    service = as_role(line, "campaign-tool", policy=names.service_caller_policy)
    page = service.get("/v1/segments/first-department?solution=tastes")
    published = line.item("segment#tastes#first-department", f"{run}#00001")
    assert published is not None and page["version"] == run
    assert [one["userId"] for one in page["members"]] == json.loads(published["items"]["S"])
    application = as_role(line, "shop", policy=names.caller_policy)
    user = line.shop.held_out_user
    assert {one["actionId"] for one in application.get(f"/v1/users/{user}/actions")["actions"]} == {
        "join",
        "subscribe",
    }
    with pytest.raises(RequestRefused, match="403"):
        application.get("/v1/segments/first-department?solution=tastes")
    with pytest.raises(RequestRefused, match="403"):
        service.get(f"/v1/users/{user}/actions")
    other = as_role(line, "another-tool", policy=names.service_caller_policy)
    with pytest.raises(RequestRefused, match=r"403.*api\.service_callers"):
        other.get("/v1/segments/first-department?solution=tastes")


def as_role(line: Line, name: str, *, policy: str) -> Api:
    """The API as a role of this name with this managed policy calls it."""
    iam, account = line.client("iam"), line.settings.account
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
            }
        ],
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::{account}:policy/{policy}")
    issued = line.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    signer = Credentials(issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])
    return dataclasses.replace(line.api, credentials=signer)


def _nothing_is_left(line: Line) -> None:
    """The workflow's datasets go with the environment, as its schemas, solutions and campaigns do.

    Who may call is told first, with the commands that end it.
    """
    given = {**line.endpoint.administrator.environment(), "AWS_ENDPOINT_URL": line.endpoint.url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        place = places.reached("dev")
        with pytest.raises(Refused) as refused:
            destroy(place, given="dev")
        assert let_go(line, refused.value) == {"shop", "campaign-tool", "another-tool"}
        assert destroy(place, given="dev") == 0
    personalize = line.client("personalize")
    assert not personalize.list_dataset_groups()["datasetGroups"]
    assert not personalize.list_schemas()["schemas"] and not campaigns(line)


def _segments_are_published(line: Line, run: str) -> None:
    page = line.item("segment#tastes#first-department", f"{run}#00001")
    assert page is not None and page["pages"] == {"N": "1"}
    users = json.loads(page["items"]["S"])
    of_the_group = [user for user in users if line.shop.user_groups[user] == 0]
    assert len(users) == 50 and len(of_the_group) >= 15
    rows = line.warehouse(
        "select solution, segment, count(*), min(rank) from landing.segments group by 1, 2 order by 1, 2"
    )
    assert [row[0] for row in rows] == ["fans"] * 5 + ["tastes"] * 2
    assert all(row[3] == 1 for row in rows)
    listed = line.client("s3").list_objects_v2(
        Bucket=line.settings.names.results_bucket, Prefix=f"runs/{run}/segments/tastes/"
    )["Contents"]
    bodies = [
        line.client("s3").get_object(Bucket=line.settings.names.results_bucket, Key=one["Key"])["Body"].read()
        for one in listed
    ]
    lines = [text for body in bodies for text in body.decode().splitlines()]
    assert set(lines[:1]) == {"segment,rank,user_id"}
    assert f"first-department,1,{users[0]}" in lines
