"""docs/examples/streaming.yaml, deployed and run: each event reaches Personalize by the stream or by import, once."""

from __future__ import annotations

import csv
import io
import json
import time
from pathlib import Path
from typing import Any

import pytest

from config import layout
from operations import place as places
from operations.destroy import destroy
from tests.e2e.line import Line, wait_for
from tests.e2e.test_examples import campaign, deployment, environment, propose_actions, shop_with

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


def test_an_event_reaches_personalize_at_once_and_by_no_import(tmp_path: Path) -> None:
    with environment(tmp_path):
        made = deployment(tmp_path, "streaming.yaml")
        made.deploy(shop_with())
        line = made.line
        propose_actions(line)
        log(line, "early", at=time.time() - 60)
        line.run()
        assert streamed(line) == [], "before the noted moment everything is imported"
        assert {name: trainings(line, name) for name in ("related", "popular")} == {
            "related": ["AUTOMATIC"],
            "popular": ["MANUAL"],
        }
        assert "early" in imported(line)
        moment = opened(line)
        assert set(moment) == {"click", "favourite", "offer_taken", "offer_left"}
        assert min(moment.values()) > time.time() + 3600
        open_at(line, time.time() - 30)
        log(line, "at-once", at=time.time())
        log(line, None, at=time.time())
        wait_for(lambda: streamed(line) == ["at-once"], seconds=60, what="the event in Personalize's dataset")
        wait_for(lambda: quarantined(line) == ["missing_item_id"], seconds=60, what="the wrong one's reason")
        asked = line.client("personalize-runtime").get_recommendations(
            campaignArn=campaign(line, "personal")["campaign_arn"], userId=line.shop.held_out_user
        )
        assert asked["itemList"]
        rising = line.api.get("/v1/trending?numResults=5")
        assert (rising["source"], len(rising["items"])) == ("trending", 5)
        _what_is_no_event_about_an_item_is_known_at_once(line)
        line.run()
        assert line.api.get("/v1/trending")["version"] == line.pointer("personal")["current"]
        assert {"early", "at-once"} & imported(line) == {"early"}
        assert streamed(line) == ["at-once"], "what was streamed stays, and comes once"
        known = line.warehouse("select item_id from landing.interactions where item_id = 'at-once'")
        assert known == [["at-once"]], "the warehouse has what no import brings"
        _runs_leave_to_the_stream_what_is_its(line)
        nothing_is_left(line)


def _what_is_no_event_about_an_item_is_known_at_once(line: Line) -> None:
    entry(
        line,
        "new-item",
        "item_changed",
        user="catalogue",
        item_id="new-item",
        brand_name="own",
        department="d",
    )
    entry(line, "new-user", "user_changed", user="new-user", age="25-34")
    entry(line, "taken", "offer_taken", user="new-user", action_id="join")
    wait_for(lambda: put(line, "items") == [{"ITEM_ID": "new-item", **PUT_ITEM}], seconds=60, what="the item")
    wait_for(
        lambda: put(line, "users") == [{"USER_ID": "new-user", "AGE": "25-34"}], seconds=60, what="the user"
    )
    wait_for(lambda: len(put(line, "action_interactions")) == 1, seconds=60, what="the event about an action")
    [taken] = put(line, "action_interactions")
    assert (taken["USER_ID"], taken["ACTION_ID"], taken["EVENT_TYPE"]) == ("new-user", "join", "Taken")
    wait_for(lambda: recommended(line, "new-item"), seconds=60, what="the new item in somebody's list")
    arn = campaign(line, "actions")["campaign_arn"]
    asked = line.client("personalize-runtime").get_action_recommendations(campaignArn=arn, userId="new-user")
    assert asked["actionList"]


def recommended(line: Line, item: str) -> bool:
    """Whether the campaign explores it for some user."""
    runtime, arn = line.client("personalize-runtime"), campaign(line, "personal")["campaign_arn"]
    users = list(line.shop.user_groups)[:20]
    answers = [runtime.get_recommendations(campaignArn=arn, userId=user)["itemList"] for user in users]
    return any(one["itemId"] == item for answer in answers for one in answer)


def _runs_leave_to_the_stream_what_is_its(line: Line) -> None:
    assert "new-item" not in imported(line, "items"), "the table lacks it"
    assert [one["ITEM_ID"] for one in put(line, "items")] == ["new-item"], "and Personalize keeps it"
    acted = imported(line, "action_interactions", column="USER_ID")
    assert "new-user" not in acted and set(line.shop.user_groups) <= acted
    logged = line.warehouse("select distinct event_type from landing.events")
    assert {"item_changed", "user_changed"} & {kind for [kind] in logged} == set(), "they are no events"


def trainings(line: Line, solution: str) -> list[str]:
    """How the versions of a solution came to be, the one that serves among them."""
    serving = line.pointer(solution)["solution_version_arn"]
    listed = line.client("personalize").list_solution_versions(solutionArn=serving.rpartition("/")[0])
    versions = {one["solutionVersionArn"]: one["trainingType"] for one in listed["solutionVersions"]}
    assert serving in versions
    return list(versions.values())


CREATED = int(time.time()) - 3600
PUT_ITEM = {"CREATION_TIMESTAMP": CREATED, "CATEGORY_L1": "d", "BRAND": "own"}


def entry(line: Line, key: str, kind: str, *, user: str, **attributes: str) -> None:
    """An item of the log of the type, by what its dataset calls it there."""
    given = {"user_id": user, "event_key": key, "event_type": kind, **attributes}
    times = {"timestamp": {"N": str(int(time.time() * 1000))}, "created_at": {"N": f"{CREATED}000"}}
    line.client("dynamodb").put_item(
        TableName=line.settings.application_log_table,
        Item={name: {"S": value} for name, value in given.items()} | times,
    )


def put(line: Line, dataset: str) -> list[dict[str, Any]]:
    """Records that came one by one, as the endpoint keeps them."""
    files = line.endpoint.home.rglob(f"{dataset}-*.jsonl")
    rows = [json.loads(row) for file in files for row in file.read_text().splitlines()]
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in rows]


def log(line: Line, item: str | None, *, at: float) -> None:
    key = f"test#{item}#{at}"
    line.client("dynamodb").put_item(
        TableName=line.settings.application_log_table,
        Item={
            "user_id": {"S": line.shop.held_out_user},
            "event_key": {"S": key},
            "event_id": {"S": key},
            "event_type": {"S": "click"},
            "timestamp": {"N": str(int(at * 1000))},
            **({"item_id": {"S": item}} if item else {}),
        },
    )
    time.sleep(1.5)  # an export shows the table at a whole second before its run


def streamed(line: Line) -> list[str]:
    """Items of the streamed records of interactions, as the endpoint keeps them."""
    files = line.endpoint.home.rglob("interactions-*.jsonl")
    return [json.loads(row)["ITEM_ID"] for file in files for row in file.read_text().splitlines()]


def imported(line: Line, dataset: str = "interactions", *, column: str = "ITEM_ID") -> set[str]:
    """Items, or what the column has, of a dataset of the newest run."""
    bucket, s3 = line.settings.names.datasets_bucket, line.client("s3")
    run = line.pointer("personal")["current"]
    prefix = layout.DATASET.of(run_id=run, dataset=dataset)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    found = set()
    for one in listed:
        if one["Key"].endswith(".csv"):
            text = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode()
            found |= {row[column] for row in csv.DictReader(io.StringIO(text))}
    return found


def quarantined(line: Line) -> list[str]:
    bucket, s3 = line.settings.names.raw_bucket, line.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{layout.STREAM_QUARANTINE.top}/").get("Contents", [])
    bodies = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode() for one in listed]
    return [json.loads(row)["reason"] for body in bodies for row in body.splitlines()]


def control_key(line: Line) -> dict[str, Any]:
    return {layout.PK: {"S": layout.STREAMING.of(dataset_group=line.settings.names.dataset_group)}}


def opened(line: Line) -> dict[str, int]:
    table = line.settings.names.control_table
    item = line.client("dynamodb").get_item(TableName=table, Key=control_key(line))["Item"]
    return {kind: int(at["N"]) for kind, at in item["opened"]["M"].items()}


def open_at(line: Line, at: float) -> None:
    """As if the moment had come."""
    moments = {kind: {"N": str(int(at))} for kind in opened(line)}
    line.client("dynamodb").put_item(
        TableName=line.settings.names.control_table, Item={**control_key(line), "opened": {"M": moments}}
    )


def nothing_is_left(line: Line) -> None:
    given = {**line.endpoint.administrator.environment(), "AWS_ENDPOINT_URL": line.endpoint.url}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        assert destroy(places.reached("dev"), given="dev") == 0
    personalize = line.client("personalize")
    assert personalize.list_event_trackers()["eventTrackers"] == []
    assert personalize.list_dataset_groups()["datasetGroups"] == []
