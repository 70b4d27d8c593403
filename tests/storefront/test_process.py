"""Where the server is found, and that it ends with its endpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local import cli
from local.storefront import __main__ as program
from local.storefront import process
from local.storefront.process import Running
from osusume_endpoint import state

TOKEN = "a-token-of-the-test"


def running(pid: int) -> Running:
    return Running(pid=pid, environment="dev", port=4711, token=TOKEN)


def test_both_addresses_carry_the_token_where_no_server_sees_it() -> None:
    assert running(1).addresses == (
        f"http://127.0.0.1:4711/#token={TOKEN}",
        f"http://127.0.0.1:4711/console#token={TOKEN}",
    )


def test_a_server_that_runs_is_found_and_one_that_ended_is_not(tmp_path: Path) -> None:
    assert process.found(tmp_path) is None
    process.save(tmp_path, running(os.getpid()))
    assert process.found(tmp_path) == running(os.getpid())
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    process.save(tmp_path, running(ended.pid))
    assert process.found(tmp_path) is None


def test_the_next_server_keeps_port_and_token_so_that_an_open_page_goes_on(tmp_path: Path) -> None:
    port, token = process.wanted(tmp_path, state.DEFAULT_PORT)
    assert port == process.PORT and len(token) >= 32
    assert process.wanted(tmp_path, 5001)[0] == 0, "beside another endpoint any free port will do"
    assert process.wanted(tmp_path, 5001)[1] != token
    process.save(tmp_path, running(2**22 + 1))
    assert process.wanted(tmp_path, 5001) == (4711, TOKEN)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', "null"])
def test_a_file_that_says_nothing_is_no_server(tmp_path: Path, text: str) -> None:
    (tmp_path / process.FILE).write_text(text)
    assert process.found(tmp_path) is None
    assert process.wanted(tmp_path, state.DEFAULT_PORT)[0] == process.PORT


def test_down_ends_it_and_the_token_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OSUSUME_HOME", str(tmp_path))
    server = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    process.save(tmp_path, running(server.pid))
    assert cli.main(["down"]) == 0
    assert server.wait(10) != 0 and not (tmp_path / process.FILE).exists()


def test_the_server_ends_when_its_endpoint_does(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = subprocess.Popen([sys.executable, "-c", ""])
    endpoint.wait()
    ended: list[int] = []
    monkeypatch.setattr(program.os, "_exit", ended.append)
    started = time.monotonic()
    program._end_with(endpoint.pid)
    assert ended == [0] and time.monotonic() - started < program.LOOK_SECONDS


def test_what_it_said_is_shown_when_it_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an endpoint it has nothing to show."""
    with pytest.raises(process.NotStarted, match="No local endpoint runs"):
        process.start(tmp_path, "dev")
