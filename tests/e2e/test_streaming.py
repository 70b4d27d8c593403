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
from tests.e2e.test_examples import campaign, deployment, environment, shop_with

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


def test_an_event_reaches_personalize_at_once_and_by_no_import(tmp_path: Path) -> None:
    with environment(tmp_path):
        made = deployment(tmp_path, "streaming.yaml")
        made.deploy(shop_with())
        line = made.line
        log(line, "early", at=time.time() - 60)
        line.run()
        assert streamed(line) == [], "before the noted moment everything is imported"
        assert {name: trainings(line, name) for name in ("related", "popular")} == {
            "related": ["AUTOMATIC"],
            "popular": ["MANUAL"],
        }
        assert "early" in imported(line)
        moment = opened(line)
        assert set(moment) == {"click", "favourite"} and min(moment.values()) > time.time() + 3600
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
        line.run()
        assert line.api.get("/v1/trending")["version"] == line.pointer("personal")["current"]
        assert {"early", "at-once"} & imported(line) == {"early"}
        assert streamed(line) == ["at-once"], "what was streamed stays, and comes once"
        known = line.warehouse("select item_id from landing.interactions where item_id = 'at-once'")
        assert known == [["at-once"]], "the warehouse has what no import brings"
        nothing_is_left(line)


def trainings(line: Line, solution: str) -> list[str]:
    """How the versions of a solution came to be, the one that serves among them."""
    serving = line.pointer(solution)["solution_version_arn"]
    listed = line.client("personalize").list_solution_versions(solutionArn=serving.rpartition("/")[0])
    versions = {one["solutionVersionArn"]: one["trainingType"] for one in listed["solutionVersions"]}
    assert serving in versions
    return list(versions.values())


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


def imported(line: Line) -> set[str]:
    """Items of the newest run's interactions."""
    bucket, s3 = line.settings.names.datasets_bucket, line.client("s3")
    run = line.pointer("personal")["current"]
    prefix = layout.DATASET.of(run_id=run, dataset="interactions")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    found = set()
    for one in listed:
        if one["Key"].endswith(".csv"):
            text = s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read().decode()
            found |= {row["ITEM_ID"] for row in csv.DictReader(io.StringIO(text))}
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
