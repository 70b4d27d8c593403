"""Runs that repeat, and runs that die: nothing is lost, nothing is half-published."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import time
from typing import Any

import pandas as pd
import psutil
import pytest

from local.demo import story
from local.demo.generated import generate
from local.demo.progress import RunFailed
from operations import control, promote, rollback
from operations.place import ENDPOINT, Place
from osusume_endpoint import state
from tests.e2e.line import Line, line_store, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.slow]


def _one_more_day(line: Line) -> int:
    """Orders after those that are loaded; how many."""
    later = generate(now=pd.Timestamp.now("UTC"), seed=8, orders=2)
    newest = line.shop.shop.orders.ordered_at.max()
    orders = later.shop.orders[later.shop.orders.ordered_at > newest].copy()
    orders["order_id"] = "later-" + orders.order_id
    events = later.shop.events[later.shop.events.occurred_at > line.shop.shop.events.occurred_at.max()]
    shop = dataclasses.replace(later.shop, source=line.shop.shop.source, orders=orders, events=events)
    line_store(line, dataclasses.replace(line.shop, shop=shop))
    return len(orders)


def test_a_second_run_extracts_the_log_by_its_watermark_and_swaps_the_version(
    line: Line, first_run: str
) -> None:
    exports = line.client("dynamodb").list_exports()["ExportSummaries"]
    [[before]] = line.warehouse("select count(*) from landing.orders")
    added = _one_more_day(line)
    second = line.run()
    newer = line.client("dynamodb").list_exports()["ExportSummaries"]
    assert {e["ExportType"] for e in exports} == {"FULL_EXPORT"}
    assert [e["ExportType"] for e in newer if e not in exports] == ["INCREMENTAL_EXPORT"]
    assert added > 0 and line.warehouse("select count(*) from landing.orders") == [[before + added]]
    pointer = line.pointer("personal")
    assert (pointer["current"], pointer["previous"]) == (second, first_run)
    assert line.api.get(f"/v1/users/{line.shop.held_out_user}/recommendations")["version"] in (
        second,
        first_run,
    )


def test_readers_go_back_and_forward_and_a_version_is_promoted_by_a_person(
    line: Line, first_run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the second run, so that there is a version before."""
    monkeypatch.setenv(ENDPOINT, line.endpoint.url)
    place = Place(line.settings, line.endpoint)
    if line.pointer("personal")["previous"] == line.pointer("personal")["current"]:
        line.run()
    before = line.pointer("personal")
    user = line.shop.held_out_user
    back = line.item(f"personal#{user}", before["previous"])
    assert back is not None
    rollback.rollback(place, lists="all")
    swapped = {s.name: line.pointer(s.name)["current"] for s in line.settings.solutions}
    assert set(swapped.values()) == {before["previous"]}
    assert line.published("personal", user) == [entry[0] for entry in json.loads(back["items"]["S"])]
    promote.promote(place, solution="personal", version=line.pointer("personal")["solution_version_arn"])
    item = control.item(place, "serving#personal")
    assert item["solution_version_arn"] == before["previous_solution_version_arn"]
    promote.promote(place, solution="personal", version="previous")
    rollback.rollback(place, lists="all")
    after = line.pointer("personal")
    assert {**after, "updated_at": ""} == {**before, "updated_at": ""}


@pytest.mark.nightly  # of the day is tests/stacks/test_jobs_that_die.py
def test_a_killed_job_runs_once_more_and_what_served_serves_meanwhile(line: Line, first_run: str) -> None:
    before, ended = line.pointer("personal"), len(_builds(line))
    arn = line.fire()
    _kill_build(line, number=ended + 1)
    assert line.pointer("personal") == before
    assert line.api.get(f"/v1/users/{line.shop.held_out_user}/recommendations")["source"] == "personal"
    run = line.follow(arn)
    assert story.run_id_of(run.execution.description["output"]) == line.pointer("personal")["current"]
    assert [run["JobRunState"] for run in _builds(line)[: -ended or None]] == ["SUCCEEDED", "FAILED"]


@pytest.mark.nightly
def test_a_job_killed_twice_leaves_the_previous_lists_and_the_next_run_succeeds(
    line: Line, first_run: str
) -> None:
    before, ended = line.pointer("personal"), len(_builds(line))
    arn = line.fire()
    for attempt in (1, 2):
        _kill_build(line, number=ended + attempt)
    with pytest.raises(RunFailed, match="BuildDatasets"):
        line.follow(arn)
    assert line.pointer("personal") == before
    assert line.api.get(f"/v1/users/{line.shop.held_out_user}/recommendations")["source"] == "personal"
    again = line.run()
    assert line.pointer("personal")["current"] == again


@pytest.mark.parametrize(
    ("workflow", "action", "resource"),
    [
        ("pipeline", "dynamodb:PutItem", "table/osusume-dev-control"),
        ("train", "personalize:CreateDatasetImportJob", "dataset-import-job/osusume-dev-"),
        ("recommend", "iam:PassRole", "role/osusume-dev-personalize"),
    ],
)
def test_a_statement_taken_from_a_role_is_missed_by_name(
    line: Line, first_run: str, workflow: str, action: str, resource: str
) -> None:
    versions = {s.name: line.pointer(s.name)["solution_version_arn"] for s in line.settings.solutions}
    payload = {"mode": "auto"} if workflow == "pipeline" else {"run_id": first_run, "versions": versions}
    with line.without_statement(workflow, action), pytest.raises(RunFailed) as failed:
        line.start(workflow, payload)
    assert action in str(failed.value) and resource in str(failed.value), failed.value


def _builds(line: Line) -> list[dict[str, Any]]:
    """Runs of the build-datasets job, the newest first."""
    return list(
        line.client("glue").get_job_runs(JobName=line.settings.names.job("build-datasets"))["JobRuns"]
    )


def _kill_build(line: Line, *, number: int) -> None:
    def runs() -> bool:
        builds = _builds(line)
        return len(builds) == number and builds[0]["JobRunState"] == "RUNNING"

    wait_for(runs, seconds=90, what="the build-datasets job ran")
    time.sleep(1)  # into the script
    wait_for(lambda: _kill_spark(line), seconds=5, what="Spark was killed")


def _kill_spark(line: Line) -> bool:
    """Kills every Java process below the endpoint: the running job's and the warm one."""
    root = psutil.Process(state.running(line.endpoint.home).pid)
    found = [process for process in root.children(recursive=True) if process.name() == "java"]
    for process in found:
        os.kill(process.pid, signal.SIGKILL)
    return bool(found)
