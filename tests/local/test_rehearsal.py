"""The rehearsal's own part: which commands run, as whom, and what is said when one fails."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from local import cli, rehearsal
from osusume_endpoint import processes, state


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[int]]:
    """The pids that were ended; no endpoint starts."""
    pids: list[int] = []

    def start(*, home: Path, account: str, region: str) -> state.State:
        return state.State(
            pid=7, server_pid=8, port=9, url="http://127.0.0.1:9", region=region, account=account
        )

    monkeypatch.setattr(cli, "start", start)
    monkeypatch.setattr(processes, "terminate", pids.append)
    monkeypatch.setattr(rehearsal, "CDK", tmp_path / "cdk")
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    yield pids


def fake_cdk(tmp_path: Path, *, fails_at: str = "") -> Path:
    log = tmp_path / "log"
    script = tmp_path / "cdk"
    script.write_text(
        "#!/bin/sh\n"
        f'echo "$1 $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $OSUSUME_ENV profile=$AWS_PROFILE" >> {log}\n'
        f'if [ "$1" = "{fails_at}" ]; then echo "said why"; exit 3; fi\n'
    )
    script.chmod(0o755)
    return log


def test_every_step_is_the_account_root_on_the_endpoint(tmp_path: Path, ended: list[int]) -> None:
    log, before = fake_cdk(tmp_path), dict(os.environ)
    assert rehearsal.run(argparse.Namespace(environment="prod")) == 0
    steps = ["bootstrap", "deploy", "diff", "deploy", "destroy"]
    expected = [f"{step} http://127.0.0.1:9 222222222222 prod profile=" for step in steps]
    assert log.read_text().splitlines() == expected
    assert ended == [7] and dict(os.environ) == before


def test_a_step_that_fails_ends_it_with_what_it_printed(
    tmp_path: Path, ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    log = fake_cdk(tmp_path, fails_at="deploy")
    assert rehearsal.run(argparse.Namespace(environment="dev")) == 1
    said = capsys.readouterr().err
    assert "cdk deploy --all --require-approval never ended with 3" in said and "said why" in said
    assert len(log.read_text().splitlines()) == 2
    assert ended == [7]


def test_without_the_command_line_it_says_how_to_get_it(
    ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert rehearsal.run(argparse.Namespace(environment="dev")) == 1
    assert "make rehearse" in capsys.readouterr().err


def test_an_unknown_environment_is_refused_before_anything_starts(
    tmp_path: Path, ended: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    fake_cdk(tmp_path)
    assert cli.main(["rehearse", "--environment", "nope"]) == 1
    assert "environment 'nope' has no nope.yaml: use one of ['dev', 'prod']" in capsys.readouterr().err
    assert ended == []
