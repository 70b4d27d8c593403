"""What the console shows of runs, rows, versions and logs: answers as AWS gives them, in the form of the page."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config import layout
from lambdas.judge_solution_version import handler as judge
from local.demo import recording
from local.storefront import logs, rows, runs, versions
from local.storefront.versions import NotAsked, Rollback
from operations.place import Place
from tests import example

SETTINGS = example.settings()
NAMES = SETTINGS.names
START = datetime(2026, 11, 27, 18, 0, tzinfo=UTC)
FUNCTION = f"arn:aws:lambda:ap-northeast-1:111111111111:function:{NAMES.prefix}-plan-run"


@dataclass(frozen=True)
class Stand(Place):
    """A place whose clients are given: service -> client."""

    clients: Mapping[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        return self.clients[service]


def place(**clients: Any) -> Stand:
    return Stand(SETTINGS, None, clients)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "GetIt")


@dataclass
class StepFunctions:
    """Executions by ARN: (description, events)."""

    executions: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:
        return self.executions[executionArn][0]

    def get_execution_history(self, *, executionArn: str, **_: Any) -> dict[str, Any]:
        return {"events": list(reversed(self.executions[executionArn][1]))}


def events(*told: tuple[Any, ...]) -> list[dict[str, Any]]:
    """(type, details' name or None, details, number of the event before it): numbered from 1, a second apart."""
    return [
        {
            "id": number,
            "previousEventId": before[0] if before else number - 1,
            "type": kind,
            "timestamp": START + timedelta(seconds=number),
            **({name: details} if name else {}),
        }
        for number, (kind, name, details, *before) in enumerate(told, start=1)
    ]


def graph(status: str, told: list[dict[str, Any]], **described: Any) -> dict[str, Any]:
    description = {"status": status, "startDate": START, "input": "{}", **described}
    client = StepFunctions({f"{NAMES.execution_arn('pipeline')}:one": (description, told)})
    return runs.graph(place(stepfunctions=client), "pipeline", "one")


def entered(name: str, given: str = "{}") -> tuple[str, dict[str, str]]:
    return "stateEnteredEventDetails", {"name": name, "input": given}


def exited(name: str, given: str = "{}") -> tuple[str, dict[str, str]]:
    return "stateExitedEventDetails", {"name": name, "output": given}


FAILED = events(
    ("TaskStateEntered", *entered("PlanRun", '{"mode": "no"}')),
    (
        "TaskScheduled",
        "taskScheduledEventDetails",
        {
            "resourceType": "lambda",
            "resource": "invoke",
            "parameters": json.dumps({"FunctionName": FUNCTION}),
        },
    ),
    (
        "TaskFailed",
        "taskFailedEventDetails",
        {"error": "InvalidEvent", "cause": json.dumps({"errorMessage": "mode is 'no'", "stackTrace": []})},
    ),
    ("TaskStateExited", *exited("PlanRun", '{"Error": "InvalidEvent"}')),
    ("FailStateEntered", *entered("Failed")),
)


def test_a_failed_run_shows_the_state_its_error_its_cause_in_words_and_its_log() -> None:
    cause = json.dumps({"cause": "mode is 'no'"})
    told = graph("FAILED", FAILED, error="InvalidEvent", cause=cause, stopDate=START + timedelta(seconds=9))
    assert (told["status"], told["error"], told["cause"]) == ("FAILED", "InvalidEvent", "mode is 'no'")
    assert told["stopped"] - told["started"] == 9
    plan, end = told["rows"]
    assert (plan["name"], plan["status"], plan["error"], plan["cause"]) == (
        "PlanRun",
        "caught",
        "InvalidEvent",
        "mode is 'no'",
    )
    assert (plan["input"], plan["output"]) == ('{"mode": "no"}', '{"Error": "InvalidEvent"}')
    assert plan["to"] - plan["from"] == 3
    assert plan["log"] == {
        "group": f"/aws/lambda/{NAMES.prefix}-plan-run",
        "from": int((START + timedelta(seconds=1)).timestamp() * 1000) - runs.SLACK_MS,
        "to": int((START + timedelta(seconds=4)).timestamp() * 1000) + runs.SLACK_MS,
    }
    assert (end["name"], end["kind"], end["status"]) == ("Failed", "Fail", "failed")


def test_what_went_well_in_a_second_attempt_has_no_error_any_more() -> None:
    told = events(
        ("TaskStateEntered", *entered("PlanRun")),
        ("TaskFailed", "taskFailedEventDetails", {"error": "Throttled", "cause": "slow down"}),
        ("TaskSucceeded", None, {}),
        ("TaskStateExited", *exited("PlanRun")),
    )
    [row] = graph("SUCCEEDED", told)["rows"]
    assert (row["status"], row["error"], row["cause"]) == ("done", "", "")


def test_a_running_state_ends_now_and_one_of_a_run_that_was_stopped_with_the_run() -> None:
    told = events(("TaskStateEntered", *entered("BuildDatasets")))
    [running] = graph("RUNNING", told)["rows"]
    [stopped] = graph("ABORTED", told)["rows"]
    assert running["status"] == "running" and running["to"] > (START + timedelta(days=-1)).timestamp()
    assert stopped["status"] == "failed" and stopped["to"] == (START + timedelta(seconds=1)).timestamp()


def test_a_glue_job_s_log_is_found_by_its_run() -> None:
    submitted = {"resourceType": "glue", "resource": "startJobRun.sync", "output": '{"JobRunId": "jr_1f"}'}
    told = events(
        ("TaskStateEntered", *entered("BuildDatasets")),
        ("TaskSubmitted", "taskSubmittedEventDetails", submitted),
        ("TaskStateExited", *exited("BuildDatasets")),
    )
    assert graph("SUCCEEDED", told)["rows"][0]["log"] == {"job": "jr_1f"}


def map_events(name: str, first: int, inner: str) -> list[tuple[Any, ...]]:
    """A Map of one round over {"dataset": "users"} with one state inside; `first` is the number of its first event."""
    return [
        ("MapStateEntered", *entered(name), first - 1),
        ("MapIterationStarted", "mapIterationStartedEventDetails", {"name": name, "index": 0}, first),
        ("TaskStateEntered", *entered(inner, '{"dataset": "users"}'), first + 1),
        ("TaskStateExited", *exited(inner), first + 2),
        ("MapIterationSucceeded", "mapIterationSucceededEventDetails", {"name": name, "index": 0}, first + 3),
        ("MapStateExited", *exited(name), first + 4),
    ]


def test_rounds_of_two_maps_with_the_same_label_keep_their_own_states() -> None:
    told = graph("SUCCEEDED", events(*map_events("Check", 1, "Read"), *map_events("Import", 7, "Create")))
    assert [(row["depth"], row["name"], row["kind"], row["inner"]) for row in told["rows"]] == [
        (0, "Check", "Map", False),
        (1, "users", "Iteration", False),
        (2, "Read", "Task", True),
        (0, "Import", "Map", False),
        (1, "users", "Iteration", False),
        (2, "Create", "Task", True),
    ]


def test_a_recorded_run_is_drawn_whole_with_the_executions_that_it_started() -> None:
    kept = recording.read(recording.FILE)
    replayed = recording.Replayed(kept.executions)

    class Client:
        def describe_execution(self, **given: Any) -> dict[str, Any]:
            return {"startDate": START, **replayed.describe_execution(**given)}

        def get_execution_history(self, **given: Any) -> Any:
            return replayed.get_execution_history(**given)

    client = Client()
    told = runs.graph(place(stepfunctions=client), "pipeline", kept.arn.rpartition(":")[2])
    by_depth = {row["name"]: row["depth"] for row in told["rows"] if not row["inner"]}
    assert told["status"] == "SUCCEEDED"
    assert (by_depth["RunPrepare"], by_depth["BuildDatasets"], by_depth["RunDbt"]) == (0, 1, 1)
    entered_states = sum(
        event["type"].endswith("StateEntered") for one in kept.executions for event in one["events"]
    )
    rounds = sum(event["type"] == "MapIterationStarted" for one in kept.executions for event in one["events"])
    assert sum(row["times"] for row in told["rows"]) == entered_states + rounds
    assert {row["status"] for row in told["rows"] if not row["error"]} == {"done"}
    # What is created is there already: the workflow goes on.
    assert {row["status"] for row in told["rows"] if row["error"]} == {"caught"}


def test_a_long_input_is_cut_and_says_how_long_it_was() -> None:
    told = events(("TaskStateEntered", *entered("PlanRun", "x" * 30_000)))
    given = graph("RUNNING", told)["rows"][0]["input"]
    assert len(given) < 20_100 and given.endswith("(30,000 characters)")


def test_runs_are_listed_newest_first_and_a_workflow_that_is_not_deployed_is_left_out() -> None:
    class Client:
        def list_executions(self, *, stateMachineArn: str, maxResults: int) -> dict[str, Any]:
            workflow = stateMachineArn.rpartition("-")[2]
            if workflow not in ("pipeline", "prepare"):
                raise refused("StateMachineDoesNotExist")
            started = START + timedelta(minutes=workflow == "prepare")
            return {"executions": [{"name": "one", "status": "RUNNING", "startDate": started}]}

    found = runs.listed(place(stepfunctions=Client()))
    assert [(row["workflow"], row["stopped"]) for row in found] == [("prepare", None), ("pipeline", None)]


REPORT = {
    "mode": "full",
    "datasets": {
        "interactions": {
            "read": 100,
            "kept": 80,
            "ignored": {"unknown_event_type": 5, "duplicate": 9},
            "quarantined": {"bad_timestamp": 6},
        },
        "users": {"read": 3, "kept": 3, "ignored": {}, "quarantined": {}},
    },
    "quality": {
        "accepted": ["rows.items"],
        "figures": {
            "rows.users": {"value": 3, "low": 5, "high": None},
            "rows.items": {"value": 9, "low": None, "high": 7},
            "rows.interactions": {"value": 80, "low": 80, "high": 80},
        },
    },
}


def test_rows_are_shown_with_the_reasons_of_those_left_out() -> None:
    told = rows.shaped("20261127T180000Z", REPORT)
    assert told["datasets"][0] == {
        "dataset": "interactions",
        "read": 100,
        "kept": 80,
        "ignored": [["duplicate", 9], ["unknown_event_type", 5]],
        "quarantined": [["bad_timestamp", 6]],
    }
    assert [(row["name"], row["accepted"]) for row in told["outside"]] == [
        ("rows.items", True),
        ("rows.users", False),
    ]


class Store:
    """S3 as far as the console reads it: objects by (bucket, key)."""

    def __init__(self, objects: Mapping[tuple[str, str], bytes]) -> None:
        self.objects = objects

    def can_paginate(self, operation: str) -> bool:
        return False

    def list_objects_v2(self, *, Bucket: str, Prefix: str, Delimiter: str = "") -> dict[str, Any]:
        keys = [key for bucket, key in self.objects if bucket == Bucket and key.startswith(Prefix)]
        if Delimiter:
            folders = {Prefix + key.removeprefix(Prefix).partition("/")[0] + "/" for key in keys}
            return {"CommonPrefixes": [{"Prefix": folder} for folder in sorted(folders)]}
        return {"Contents": [{"Key": key} for key in keys]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise refused("NoSuchKey")
        return {"Body": io.BytesIO(self.objects[Bucket, Key])}


def test_reports_are_the_newest_runs_and_a_run_without_one_is_left_out() -> None:
    ids = [f"2026112{day}T180000Z" for day in range(10)]
    objects = {
        (NAMES.datasets_bucket, layout.REPORT.of(run_id=run)): json.dumps(REPORT).encode() for run in ids[:9]
    }
    objects[NAMES.datasets_bucket, f"runs/{ids[9]}/users/part-0"] = b""
    found = rows.reports(place(s3=Store(objects)))
    assert [one["run_id"] for one in found] == list(reversed(ids[2:9]))


def test_the_gate_s_lines_become_a_verdict_for_each_version() -> None:
    """Lines as the judge itself writes them."""
    written: dict[str, Any] = {}

    class S3:
        def put_object(self, **given: Any) -> None:
            written.update(given)

    common = {"run_id": "20261127T180000Z", "solution": "personal", "recipe": "aws-user-personalization-v2"}
    verdict = {
        "solution_version_arn": "arn:v1",
        "promoted": False,
        "reason": "coverage is 0.1, the floor 0.2",
    }
    lines = [
        {**common, **verdict, "metric": name, "value": value} for name, value in (("a", 0.5), ("b", 0.25))
    ]
    judge.write_rows(
        S3(), bucket=NAMES.results_bucket, run_id="20261127T180000Z", solution="personal", rows=lines
    )
    objects = {
        (NAMES.results_bucket, written["Key"]): written["Body"],
        (NAMES.datasets_bucket, "runs/20261127T180000Z/report.json"): b"{}",
    }
    assert gzip.decompress(written["Body"])
    [found] = rows.verdicts(place(s3=Store(objects)))
    assert found == {
        **common,
        "promoted": False,
        "reason": "coverage is 0.1, the floor 0.2",
        "arn": "arn:v1",
        "metrics": {"a": 0.5, "b": 0.25},
    }


class Pointers:
    """DynamoDB with pointers: list -> (current, previous)."""

    def __init__(self, pointers: Mapping[str, tuple[str, str]]) -> None:
        self.pointers = pointers

    def get_item(self, *, TableName: str, Key: Mapping[str, Any], ConsistentRead: bool) -> dict[str, Any]:
        kind, _, name = Key[layout.PK]["S"].partition("#")
        if kind != "pointer" or name not in self.pointers:
            return {}
        current, previous = self.pointers[name]
        return {"Item": {"current": {"S": current}, "previous": {"S": previous}}}


def test_the_first_version_has_none_behind_it() -> None:
    pointers = Pointers({"personal": ("B", "A"), "related": ("B", "B")})
    found = {
        row["list"]: (row["current"], row["previous"]) for row in versions.served(place(dynamodb=pointers))
    }
    assert (found["personal"], found["related"], found["popular"]) == (("B", "A"), ("B", ""), ("", ""))


@dataclass
class Made:
    """Stands for `make rollback`: keeps what it was called with."""

    code: int = 0
    text: str = "  personal: from B to A\n\nReaders follow\n"
    called: list[Sequence[str]] = field(default_factory=list)

    def __call__(self, arguments: Sequence[str]) -> tuple[int, str]:
        self.called.append(arguments)
        return self.code, self.text


def rollback(command: Made) -> Rollback:
    return Rollback(place=place(dynamodb=Pointers({"personal": ("B", "A")})), command=command)


def test_a_rollback_is_the_command_s_own_of_the_list_that_was_shown() -> None:
    command = Made()
    told = rollback(command).back({"list": "personal", "current": "B"})
    assert told == {"done": True, "lines": ["  personal: from B to A", "Readers follow"]}
    assert command.called == [["rollback", "--environment", SETTINGS.environment, "--list", "personal"]]


def test_a_refusal_is_told_in_the_command_s_words() -> None:
    told = rollback(Made(code=1, text="Nothing was done: run one is moving pointers\n")).back(
        {"list": "personal", "current": "B"}
    )
    assert told == {"done": False, "lines": ["Nothing was done: run one is moving pointers"]}


def test_a_list_that_moved_since_it_was_shown_is_left_alone() -> None:
    command = Made()
    told = rollback(command).back({"list": "personal", "current": "A"})
    assert told["done"] is False and "is at B by now" in told["lines"][0] and command.called == []


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        "personal",
        {},
        {"list": "personal"},
        {"list": "personal", "current": "B", "force": True},
        {"list": "all", "current": "B"},
        {"list": "personal,related", "current": "B"},
        {"list": "--help", "current": ""},
        {"list": ["personal"], "current": "B"},
        {"list": None, "current": "B"},
        {"list": {"a": 1}, "current": "B"},
    ],
)
def test_anything_but_one_list_of_the_page_moves_nothing(given: Any) -> None:
    command = Made()
    with pytest.raises(NotAsked):
        rollback(command).back(given)
    assert command.called == []


@pytest.mark.parametrize(
    "group",
    [
        "",
        "/aws/lambda/",
        "/aws/lambda/other-dev-plan-run",
        f"/aws/lambda/{NAMES.prefix}x-plan-run",
        f"/aws/vendedlogs/states/{NAMES.prefix}-train",
        f"x/aws/lambda/{NAMES.prefix}-plan-run",
    ],
)
def test_only_logs_of_the_environment_s_functions_are_read(group: str) -> None:
    with pytest.raises(logs.NoLog):
        logs.of_group(place(), group, start=0, end=1)


@pytest.mark.parametrize(
    "job", ["", "..", "../state", "jr_1/../../state", "jr_", "jr_1\n", "jr_1.log", "jr_2", "JR_1"]
)
def test_only_a_job_s_own_log_is_read(tmp_path: Path, job: str) -> None:
    (tmp_path / "jr_1.log").write_text("a\nb\n")
    (tmp_path.parent / "state.log").write_text("secret")
    assert logs.of_job(tmp_path, "jr_1") == ["a", "b"]
    with pytest.raises(logs.NoLog):
        logs.of_job(tmp_path, job)
