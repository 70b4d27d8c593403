"""The template's own command, and where its endpoint listens."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from local import cli, console
from osusume_endpoint import state


def test_the_command_is_called_as_the_project_and_runs_anywhere(tmp_path: Path) -> None:
    command = console.install(tmp_path)
    assert command.name == "osusume"
    shown = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert shown.stdout.startswith("usage: osusume ")
    assert {"up", "demo", "down"} <= set(shown.stdout.replace(",", " ").replace("{", " ").split())


@pytest.fixture
def running_on_4570(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> state.State:
    monkeypatch.setenv("OSUSUME_HOME", str(tmp_path))
    current = state.State(1, 1, 4570, "http://127.0.0.1:4570", "eu-west-1", "1" * 12)
    state.save(tmp_path, current)
    return current


def test_a_port_other_than_the_running_endpoints_is_refused(
    running_on_4570: state.State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", "--no-deploy", "--port", "4571"]) == 1
    assert "--port 4571: an endpoint runs on http://127.0.0.1:4570 already" in capsys.readouterr().err


def test_the_running_endpoints_own_port_is_accepted(
    running_on_4570: state.State, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["up", "--no-deploy", "--port", "4570"]) == 0
    assert "endpoint http://127.0.0.1:4570" in capsys.readouterr().out


def test_an_endpoint_starts_on_the_port_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSUSUME_HOME", str(tmp_path))
    monkeypatch.setenv("OSUSUME_PORT", "1")  # one that nobody may take
    try:
        assert cli.main(["up", "--no-deploy", "--port", "0"]) == 0
        assert state.running(tmp_path).port > 1024
    finally:
        cli.main(["down"])
