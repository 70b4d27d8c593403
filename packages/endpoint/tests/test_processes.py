"""Nothing outlives the endpoint: each way it can end is tried for real."""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from osusume_endpoint import processes, state
from osusume_endpoint.testing.running import attached, eventually, invoke, make_function, start

pytestmark = pytest.mark.slow


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def running_with_a_worker(home: Path) -> tuple[int, int, int, list[int]]:
    """(supervisor, server, port, every process below) with a warm function."""
    supervisor = start(home)
    function = make_function(attached(home), "import os\ndef handler(e, c): return os.getpid()\n")
    worker, _ = invoke(attached(home), function)
    current = state.running(home)
    below = processes.descendants(supervisor)
    assert worker in below
    return supervisor, current.server_pid, current.port, below


def assert_nothing_left(below: list[int], port: int) -> None:
    eventually(lambda: not any(processes.is_alive(pid) for pid in below))
    assert not is_open(port)


def test_down_leaves_no_process_and_no_port(tmp_path: Path) -> None:
    supervisor, _, port, below = running_with_a_worker(tmp_path)
    started = time.monotonic()
    processes.terminate(supervisor)
    assert time.monotonic() - started < 10
    assert_nothing_left(below, port)
    assert state.load(tmp_path) is None
    assert not state.path(tmp_path).exists()


def test_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    supervisor, _, port, below = running_with_a_worker(tmp_path)
    os.killpg(supervisor, signal.SIGINT)
    assert_nothing_left([supervisor, *below], port)


def test_a_killed_server_leaves_nothing(tmp_path: Path) -> None:
    supervisor, server, port, below = running_with_a_worker(tmp_path)
    os.kill(server, signal.SIGKILL)
    assert_nothing_left([supervisor, *below], port)
    assert state.load(tmp_path) is None


def test_a_killed_supervisor_leaves_nothing(tmp_path: Path) -> None:
    supervisor, _, port, below = running_with_a_worker(tmp_path)
    os.kill(supervisor, signal.SIGKILL)
    assert_nothing_left(below, port)


def test_an_endpoint_of_killed_tests_ends_with_them(tmp_path: Path) -> None:
    code = "import sys, time, pathlib; from osusume_endpoint.testing import running; "
    code += "running.start(pathlib.Path(sys.argv[1]), plugins='iam'); time.sleep(60)"
    tests = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    eventually(lambda: state.load(tmp_path), seconds=30)
    current = state.running(tmp_path)
    below = [current.pid, *processes.descendants(current.pid)]
    tests.kill()
    tests.wait()
    assert_nothing_left(below, current.port)


def test_a_child_in_a_session_of_its_own_is_ended_too(tmp_path: Path) -> None:
    marker = tmp_path / "pid"
    supervisor = os.fork()
    if supervisor == 0:

        def serve() -> None:
            processes.start_detached(
                ["/bin/sh", "-c", f"echo $$ > {marker}; exec sleep 60"],
                log=tmp_path / "log",
                environment={"PATH": os.environ["PATH"]},
            )
            eventually(marker.exists)
            time.sleep(0.2)

        os._exit(processes.supervise(serve))
    assert os.waitstatus_to_exitcode(os.waitpid(supervisor, 0)[1]) == 0
    assert not processes.is_alive(int(marker.read_text()))


def test_what_was_made_is_there_after_a_restart(tmp_path: Path) -> None:
    supervisor = start(tmp_path)
    before = attached(tmp_path)
    function = make_function(before, "def handler(e, c): return 'kept'\n")
    before.client("ssm").put_parameter(Name="/kept", Value="v", Type="String")
    bucket = {"CreateBucketConfiguration": {"LocationConstraint": before.region}}
    before.client("s3").create_bucket(Bucket="kept", **bucket)
    before.client("s3").put_object(Bucket="kept", Key="k", Body=b"body")
    processes.terminate(supervisor)
    supervisor = start(tmp_path)
    try:
        after = attached(tmp_path)
        assert after.client("ssm").get_parameter(Name="/kept")["Parameter"]["Value"] == "v"
        assert after.client("s3").get_object(Bucket="kept", Key="k")["Body"].read() == b"body"
        assert invoke(after, function) == ("kept", None)
    finally:
        processes.terminate(supervisor)


def test_a_stream_is_waited_for_whatever_the_number_of_its_descriptor() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(4096, hard)), hard))
    source, target = os.pipe()
    with os.fdopen(fcntl.fcntl(source, fcntl.F_DUPFD, 2000), "rb", buffering=0) as stream:
        assert not processes.readable(stream, seconds=0)
        os.write(target, b"x")
        assert processes.readable(stream, seconds=5)
        os.read(stream.fileno(), 1)
        os.close(target)
        assert processes.readable(stream, seconds=5), "its end is something to read"
    os.close(source)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
