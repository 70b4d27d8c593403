from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.plan_run.environment import Environment
from lambdas.plan_run.handler import run
from lambdas.plan_run.plan import NothingToExport, Watermark, WatermarkTooOld, window_start, windows
from lambdas.plan_run.sources import PointInTimeRecoveryDisabled
from lambdas.plan_run.streaming import AHEAD, StreamingCannotEnd, note
from lambdas.shared.events import InvalidEvent
from lambdas.stream_events.records import CLOCK_SKEW
from osusume_endpoint.dynamodb import export
from tests.lambdas.fakes import DynamoDB

START = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
SETTINGS = Environment("control", "osusume-dev", [], "log")
WITHOUT_LOG = Environment("control", "osusume-dev", [])
STREAMING = {"pk": {"S": "streaming#osusume-dev"}}


@pytest.fixture
def planned(stubbed: Any) -> Any:
    """The plan of a run that starts at START."""

    def make(
        *,
        mode: str = "auto",
        watermark: datetime | None = None,
        restorable: datetime = START,
        recovery: str = "ENABLED",
        recoverable_since: datetime = START - timedelta(days=35),
        export_whole: bool = False,
        log_table: str = "",
        **changes: Any,
    ) -> Any:
        client, stubber = stubbed("dynamodb")
        description: dict[str, Any] = {"PointInTimeRecoveryStatus": recovery}
        if recovery == "ENABLED":
            description["LatestRestorableDateTime"] = restorable
            description["EarliestRestorableDateTime"] = recoverable_since
        stubber.add_response(
            "describe_continuous_backups",
            {
                "ContinuousBackupsDescription": {
                    "ContinuousBackupsStatus": "ENABLED",
                    "PointInTimeRecoveryDescription": description,
                }
            },
            {"TableName": "log"},
        )
        item = {
            "pk": {"S": "watermark"},
            "log_exported_until": {"S": watermark and watermark.strftime("%Y-%m-%dT%H:%M:%SZ")},
            "run_id": {"S": "20261123T030000Z"},
            **({"export_whole": {"BOOL": True}} if export_whole else {}),
            **({"log_table": {"S": log_table}} if log_table else {}),
        }
        stubber.add_response(
            "get_item",
            {"Item": item} if watermark else {},
            {"TableName": "control", "Key": {"pk": {"S": "watermark"}}, "ConsistentRead": True},
        )
        stubber.add_response(
            "get_item", {}, {"TableName": "control", "Key": STREAMING, "ConsistentRead": True}
        )
        event = {"mode": mode, "execution_name": "e", "started_at": "2026-11-24T03:00:00.123Z"} | changes
        return run(event, dynamodb=client, settings=SETTINGS, now=START)

    return make


def test_the_first_run_exports_everything(planned: Any) -> None:
    assert planned() == {
        "run_id": "20261124T030000Z",
        "mode": "full",
        "export": {
            "type": "FULL_EXPORT",
            "windows": [],
            "to": "2026-11-24T03:00:00Z",
            "prefix": "application_log/run=20261124T030000Z",
        },
        "previous_run_id": "none",
        "streamed": {},
    }


def test_a_later_run_exports_since_the_watermark(planned: Any) -> None:
    plan = planned(watermark=START - timedelta(hours=23))
    assert plan["mode"] == "incremental"
    assert plan["export"]["type"] == "INCREMENTAL_EXPORT"
    assert plan["export"]["windows"] == [{"from": "2026-11-23T04:00:00Z", "to": "2026-11-24T03:00:00Z"}]
    assert plan["export"]["to"] == "2026-11-24T03:00:00Z", "the next run's watermark"
    assert plan["previous_run_id"] == "20261123T030000Z"


@pytest.mark.parametrize(
    ("age", "windows"),
    [
        (timedelta(hours=24), 1),
        (timedelta(hours=24, seconds=1), 2),
        (timedelta(hours=25), 2),
        (timedelta(days=7, seconds=301), 8),
        (timedelta(days=34, hours=22), 35),
    ],
)
def test_a_longer_gap_is_exported_in_several_windows(planned: Any, age: timedelta, windows: int) -> None:
    plan = planned(watermark=START - age)
    assert (plan["mode"], len(plan["export"]["windows"])) == ("incremental", windows)
    assert plan["previous_run_id"] == "20261123T030000Z"


@given(age=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=34, hours=22)))
def test_windows_cover_the_gap_without_holes_and_dynamodb_takes_each(age: timedelta) -> None:
    until = START
    since = window_start(
        until=until, earliest=until - timedelta(days=35), watermark=Watermark(whole(until - age), "run")
    )
    assert since is not None
    edges = [(parse(w["from"]), parse(w["to"])) for w in windows(since=since, until=until)]
    assert edges[0][0] == since <= until - age + timedelta(seconds=1)
    assert edges[-1][1] == until
    assert all(end == start for (_, end), (start, _) in itertools.pairwise(edges))
    for start, end in edges:
        asked = {"ExportFromTime": start, "ExportToTime": end}
        export.window(asked, earliest=until - timedelta(days=35), now=until, scale=1)


def whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def parse(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("age", [timedelta(days=34, hours=23, minutes=30), timedelta(days=36)])
def test_auto_is_full_when_recovery_no_longer_reaches_the_watermark(planned: Any, age: timedelta) -> None:
    plan = planned(watermark=START - age)
    assert plan["mode"] == "full"
    assert plan["previous_run_id"] == "20261123T030000Z", "the figures are compared with it in any case"


@pytest.mark.parametrize("age", [timedelta(0), timedelta(minutes=1), timedelta(minutes=14)])
def test_an_incremental_export_spans_at_least_15_minutes(planned: Any, age: timedelta) -> None:
    assert planned(watermark=START - age)["export"]["windows"][0]["from"] == "2026-11-24T02:45:00Z"


def test_an_export_ends_where_the_table_can_be_restored_to(planned: Any) -> None:
    plan = planned(watermark=START - timedelta(hours=2), restorable=START - timedelta(minutes=5))
    assert plan["export"]["to"] == "2026-11-24T02:55:00Z"
    assert plan["run_id"] == "20261124T030000Z"


def test_auto_is_full_while_recovery_does_not_reach_back_far_enough(planned: Any) -> None:
    recent = {"watermark": START - timedelta(minutes=5), "recoverable_since": START - timedelta(minutes=14)}
    assert planned(**recent)["export"]["type"] == "FULL_EXPORT"
    with pytest.raises(WatermarkTooOld, match="within point-in-time recovery"):
        planned(mode="incremental", **recent)


def test_full_is_full_whatever_the_watermark(planned: Any) -> None:
    plan = planned(mode="full", watermark=START - timedelta(hours=1))
    assert (plan["mode"], plan["export"]["windows"]) == ("full", [])


def test_after_a_forgetting_the_whole_log_is_exported_once(planned: Any) -> None:
    """Changes would have a line for each event that was deleted, with its user."""
    plan = planned(watermark=START - timedelta(hours=23), export_whole=True)
    assert (plan["mode"], plan["export"]["windows"]) == ("full", [])
    assert plan["previous_run_id"] == "20261123T030000Z", "what expired before goes on being learned"
    with pytest.raises(WatermarkTooOld, match="users were forgotten since the last run"):
        planned(mode="incremental", watermark=START - timedelta(hours=23), export_whole=True)


@pytest.mark.parametrize("before", ["another-table", "none"])
def test_a_log_that_was_another_table_is_exported_whole_once(planned: Any, before: str) -> None:
    """Events of the imported table that are older than the last run were in no run's export."""
    hour = START - timedelta(hours=1)
    plan = planned(watermark=hour, log_table=before)
    assert (plan["mode"], plan["export"]["windows"]) == ("full", [])
    assert plan["previous_run_id"] == "20261123T030000Z", "what expired before goes on being learned"
    assert planned(watermark=hour, log_table="log")["mode"] == "incremental"
    assert planned(watermark=hour)["mode"] == "incremental", "a watermark of an earlier version"
    with pytest.raises(WatermarkTooOld, match="exported another table"):
        planned(mode="incremental", watermark=hour, log_table=before)


@pytest.mark.parametrize("watermark", [None, START - timedelta(days=36)])
def test_incremental_without_a_usable_watermark_is_refused_with_the_cure(
    planned: Any, watermark: datetime | None
) -> None:
    with pytest.raises(WatermarkTooOld, match="start with mode full or auto"):
        planned(mode="incremental", watermark=watermark)


def test_a_log_without_point_in_time_recovery_is_refused_by_name(planned: Any) -> None:
    with pytest.raises(PointInTimeRecoveryDisabled, match="table log has no point-in-time recovery"):
        planned(recovery="DISABLED")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mode": "partial"}, "mode is 'partial': pass one of auto, full, incremental"),
        ({"mode": ""}, "mode is ''"),
        ({"started_at": "today"}, "started_at is 'today': pass ISO 8601"),
        ({"started_at": "2026-11-24T03:00:00"}, "add its time zone"),
        ({"started_at": None}, "started_at is None"),
    ],
)
def test_a_wrong_event_is_refused_by_key_and_value(planned: Any, changes: Any, said: str) -> None:
    with pytest.raises(InvalidEvent, match=said):
        planned(**changes)


def test_without_a_log_a_run_exports_nothing_and_asks_for_no_table(stubbed: Any) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response(
        "get_item",
        {"Item": {"log_exported_until": {"S": "2026-11-23T03:00:00Z"}, "run_id": {"S": "20261123T030000Z"}}},
        {"TableName": "control", "Key": {"pk": {"S": "watermark"}}, "ConsistentRead": True},
    )
    stubber.add_response("get_item", {}, {"TableName": "control", "Key": STREAMING, "ConsistentRead": True})
    event = {"mode": "auto", "started_at": "2026-11-24T03:00:00.123Z"}
    assert run(event, dynamodb=client, settings=WITHOUT_LOG, now=START) == {
        "run_id": "20261124T030000Z",
        "mode": "full",
        "export": {"type": "none", "windows": [], "to": "2026-11-24T03:00:00Z", "prefix": "none"},
        "previous_run_id": "20261123T030000Z",
        "streamed": {},
    }


def test_without_a_log_a_run_of_changes_is_refused(stubbed: Any) -> None:
    client, stubber = stubbed("dynamodb")
    stubber.add_response("get_item", {}, None)
    event = {"mode": "incremental", "started_at": "2026-11-24T03:00:00.123Z"}
    with pytest.raises(NothingToExport, match="'incremental', but the environment has no application log"):
        run(event, dynamodb=client, settings=WITHOUT_LOG, now=START)


def noted(
    control: DynamoDB, *types: str, now: datetime = START, group: str = "osusume-dev"
) -> dict[str, int]:
    return note(control, table="control", dataset_group=group, types=types, now=now)


def test_a_type_is_streamed_from_a_moment_that_lies_ahead_and_never_moves() -> None:
    """What is before it is imported by every run, what is after it by none: a later run must not think otherwise."""
    control, opens = DynamoDB(), int((START + AHEAD).timestamp())
    assert noted(control, "click") == {"click": opens}
    assert noted(control, "click", now=START + timedelta(days=1)) == {"click": opens}
    later = START + timedelta(days=2)
    both = {"click": opens, "favourite": int((later + AHEAD).timestamp())}
    assert noted(control, "click", "favourite", now=later) == both


def test_the_moment_lies_further_ahead_than_a_clock_may_be() -> None:
    """An event from a clock that is ahead would be left to the stream before the function knows of it, and be lost."""
    assert timedelta(seconds=CLOCK_SKEW + 5 * 60) < AHEAD


def test_what_was_streamed_cannot_be_imported_again() -> None:
    control = DynamoDB()
    noted(control, "click", "favourite")
    with pytest.raises(
        StreamingCannotEnd, match=r"'click' were streamed .* since 2026-11-24T05:00:00Z.*streamed: true"
    ):
        noted(control, "favourite", now=START + AHEAD)
    assert noted(control, "favourite", "click", now=START + timedelta(days=1)).keys() == {
        "click",
        "favourite",
    }


def test_a_type_whose_moment_has_not_come_may_be_taken_back() -> None:
    control = DynamoDB()
    noted(control, "click")
    assert noted(control, now=START + timedelta(minutes=5)) == {}
    later = START + timedelta(days=1)
    assert noted(control, "click", now=later) == {"click": int((later + AHEAD).timestamp())}


def test_another_dataset_group_gets_all_by_import_and_its_own_moment() -> None:
    control = DynamoDB()
    noted(control, "click")
    later = START + timedelta(days=9)
    assert noted(control, now=later, group="osusume-dev-v2") == {}
    assert noted(control, "click", now=later, group="osusume-dev-v2") == {
        "click": int((later + AHEAD).timestamp())
    }


def test_where_nothing_is_streamed_nothing_is_written() -> None:
    control = DynamoDB()
    assert noted(control) == {}
    assert (control.items, control.calls) == ({}, 1)
