"""The rehearsal's own part: which commands run, as whom, with what configuration, and what is said when one fails."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import load
from local import cli, rehearsal
from local.rehearsal import changes, look, stage, steps
from local.rehearsal.stage import RehearsalFailed, Step
from operations.place import Place
from osusume_endpoint import administrator, processes, state
from osusume_endpoint.faults.plan import parse
from tests import example

KEPT = """
import json, os, pathlib
pathlib.Path(os.environ["OSUSUME_HOME"], "seen").write_text(json.dumps(dict(os.environ)))
"""


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[int]]:
    """The pids that were ended; no endpoint starts, and none is told of faults."""
    pids: list[int] = []

    def start(*, home: Path, account: str, region: str) -> state.State:
        administrator.create(home)
        return state.State(
            pid=7, server_pid=8, port=9, url="http://127.0.0.1:9", region=region, account=account
        )

    monkeypatch.setattr(cli, "start", start)
    monkeypatch.setattr(processes, "terminate", pids.append)
    monkeypatch.setattr(stage.Stage, "_set_fault", lambda self, plan: None)
    monkeypatch.setattr(rehearsal, "CDK", tmp_path / "cdk")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("OSUSUME_CONFIG", str(example.folder()))
    yield pids


def python(code: str, **options: object) -> Step:
    return Step("step", [sys.executable, "-c", code], **options)  # type: ignore[arg-type]


def test_every_step_is_the_account_root_on_the_endpoint(ended: list[int]) -> None:
    before = dict(os.environ)
    with stage.opened("prod") as opened:
        opened.take(python(KEPT))
        seen = json.loads((opened.home / "seen").read_text())
    assert seen["AWS_ACCESS_KEY_ID"].startswith("AKIA") and len(seen["AWS_ACCESS_KEY_ID"]) == 20
    assert (seen["AWS_ENDPOINT_URL"], seen["OSUSUME_ENV"]) == ("http://127.0.0.1:9", "prod")
    assert "AWS_PROFILE" not in seen and seen["HOME"] == seen["OSUSUME_HOME"]
    assert seen["OSUSUME_CONFIG"] == f"{seen['OSUSUME_HOME']}/config"
    assert ended == [7] and dict(os.environ) == before


@pytest.mark.parametrize(
    ("code", "options", "told"),
    [
        ("print('said why'); raise SystemExit(3)", {}, "should have succeeded, and ended with 3"),
        ("print('said why')", {"fails": True}, "should have failed, and ended with 0"),
        ("print('said why')", {"said": "gone"}, "did not say 'gone'"),
    ],
)
def test_a_step_that_ends_otherwise_ends_it_with_what_it_printed(
    ended: list[int], code: str, options: dict[str, object], told: str
) -> None:
    with stage.opened("dev") as opened, pytest.raises(RehearsalFailed) as failed:
        opened.take(python(code, **options))
    assert told in str(failed.value) and "said why" in str(failed.value)
    assert opened.taken == []


def test_a_failure_is_told_with_the_table_of_what_was_done(
    ended: list[int], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "cdk").touch()
    monkeypatch.setattr(steps, "short", lambda opened, seed: [python("pass"), python("raise SystemExit(3)")])
    options = argparse.Namespace(environment="dev", short=True, seed=0)
    assert rehearsal.run(options) == 1
    printed = capsys.readouterr()
    assert "ended with 3" in printed.err
    assert [line.split()[0] for line in printed.out.splitlines()[-3:]] == ["step", "step", "all"]
    assert ended == [7]


def test_without_the_command_line_it_says_how_to_get_it(
    ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert rehearsal.run(argparse.Namespace(environment="dev", short=True, seed=0)) == 1
    assert "make rehearse" in capsys.readouterr().err


def test_an_unknown_environment_is_refused_before_anything_starts(
    tmp_path: Path, ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cdk").touch()
    assert cli.main(["rehearse", "--environment", "nope"]) == 1
    assert "environment 'nope' has no nope.yaml: use one of ['dev', 'prod']" in capsys.readouterr().err
    assert ended == []


def test_every_change_is_one_that_the_configuration_takes_and_shows(ended: list[int]) -> None:
    with stage.opened("dev") as opened:
        seen = [opened.settings]
        for change in (change for group in changes.groups(seen[0]) for change in group.changes):
            opened.take(python("pass", edits=change.edits))
            seen.append(load("dev", opened.configuration))
            assert seen[-1] != seen[-2], change.name
    assert len(seen) > 14


@pytest.mark.parametrize("play", [steps.short, steps.whole])
@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_it_ends_twice_and_every_fault_is_one_that_the_endpoint_takes(
    ended: list[int], play: object, environment: str
) -> None:
    with stage.opened(environment) as opened:
        plan = list(play(opened, 3))  # type: ignore[operator]
    names = [step.name for step in plan]
    assert names.count("destroy") == 2 and names[-1] == "destroy"
    assert names.index("destroy") < names.index("deploy again")
    protected = [step for step in plan if "TerminationProtection" in step.said]
    assert len(protected) == (2 if environment == "prod" and play is steps.short else 0)
    failing = [step for step in plan if step.fails and step not in protected]
    assert [bool(step.fault) for step in failing].count(True) == 2
    assert all(parse(step.fault).resources for step in failing if step.fault)
    refused = [step.said for step in failing if not step.fault]
    assert refused == (["raise datasets.schema_version"] if play is steps.whole else [])


class Scheduler:
    """A service whose schedule is this one."""

    def __init__(self, expression: str) -> None:
        self.expression = expression

    def get_schedule(self, *, Name: str) -> dict[str, str]:
        assert Name == example.settings().names.schedule
        return {"ScheduleExpression": self.expression}


@pytest.mark.parametrize(
    ("deployed", "code"), [(example.settings().schedule.expression, 0), ("cron(1 1 * * ? *)", 1)]
)
def test_what_is_deployed_otherwise_than_configured_is_wrong(
    deployed: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = Place(example.settings())
    monkeypatch.setattr(Place, "client", lambda self, service: Scheduler(deployed))
    monkeypatch.setattr(look, "LOOKS", (look.schedule,))
    monkeypatch.setattr(look.places, "reached", lambda environment: place)
    assert look.main("dev") == code
    wanted = f"{deployed!r} is deployed, {place.settings.schedule.expression!r} is configured"
    assert (wanted in capsys.readouterr().out) == bool(code)
