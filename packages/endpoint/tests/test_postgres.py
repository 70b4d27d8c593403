from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from osusume_endpoint import postgres


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("home")) as started:
        yield started


def processor_seconds() -> float:
    """Of this process and of its children that have ended: what a busy machine does not change."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def test_starting_costs_little_beside_what_initdb_itself_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In processor seconds of one run, so that neither a slow nor a busy machine fails it."""
    of_initdb: list[float] = []
    initdb = postgres._initdb

    def measured(*arguments: Any, **named: Any) -> None:
        began = processor_seconds()
        initdb(*arguments, **named)
        of_initdb.append(processor_seconds() - began)

    monkeypatch.setattr(postgres, "_initdb", measured)
    began = processor_seconds()
    with postgres.running(tmp_path):
        pass
    first = processor_seconds() - began
    with postgres.running(tmp_path):
        pass
    second = processor_seconds() - began - first
    assert len(of_initdb) == 1, "a folder is initialised once"
    assert first < 2 * of_initdb[0], f"{first:.2f} s, of which initdb {of_initdb[0]:.2f} s"
    assert second < of_initdb[0] / 2, f"{second:.2f} s, initdb {of_initdb[0]:.2f} s"


def test_rows_and_port_survive_a_restart(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as started:
        port = started.address.port
        with started.connect().cursor() as cursor:
            cursor.execute("create table kept (n int); insert into kept values (7)")
    with postgres.running(tmp_path) as again, again.connect().cursor() as cursor:
        cursor.execute("select n from kept")
        assert cursor.fetchall() == [(7,)]
        assert again.address.port == port


def test_it_listens_on_the_loopback_only(server: postgres.Server) -> None:
    listening = {
        connection.laddr.ip
        for connection in psutil.Process(server.process.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    assert listening == {"127.0.0.1"}


def test_nobody_enters_without_the_password(server: postgres.Server) -> None:
    with pytest.raises(psycopg2.OperationalError, match=r"password|authentication"):
        psycopg2.connect(
            host=server.address.host, port=server.address.port, user=postgres.SUPERUSER, password="wrong"
        )


def test_it_never_runs_as_root(server: postgres.Server) -> None:
    assert psutil.Process(server.process.pid).uids().effective != 0


def test_a_role_reaches_its_own_database_and_no_other(server: postgres.Server) -> None:
    admin = server.connect()
    for name in ("first", "second"):
        postgres.ensure_role(admin, name=name, password=f"it's {name}")
        assert postgres.ensure_database(admin, name=name, owner=name)
        assert not postgres.ensure_database(admin, name=name, owner=name)
    place = {"host": server.address.host, "port": server.address.port}
    psycopg2.connect(**place, user="first", password="it's first", dbname="first").close()
    with pytest.raises(psycopg2.OperationalError, match="permission denied for database"):
        psycopg2.connect(**place, user="first", password="it's first", dbname="second")


def test_a_new_password_replaces_the_old_one(server: postgres.Server) -> None:
    admin = server.connect()
    postgres.ensure_role(admin, name="changing", password="old")
    postgres.ensure_role(admin, name="changing", password="new")
    place = {
        "host": server.address.host,
        "port": server.address.port,
        "dbname": "postgres",
        "user": "changing",
    }
    psycopg2.connect(**place, password="new").close()
    with pytest.raises(psycopg2.OperationalError):
        psycopg2.connect(**place, password="old")


def test_it_dies_with_a_killed_parent_and_starts_again_on_the_same_folder(tmp_path: Path) -> None:
    script = (
        "import sys, time, threading; from pathlib import Path; from osusume_endpoint import postgres\n"
        # Started from a thread that ends at once: the server must outlive the thread, not the process.
        f"start = lambda: print(postgres.ensure(Path({str(tmp_path)!r})).process.pid, flush=True)\n"
        "t = threading.Thread(target=start)\n"
        "t.start(); t.join(); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    time.sleep(0.3)
    assert child.is_running(), "the server must not end with the thread that started it"
    parent.kill()
    parent.wait()
    gone, _ = psutil.wait_procs([child], timeout=10)
    assert gone or child.status() == psutil.STATUS_ZOMBIE
    with postgres.running(tmp_path) as again:
        assert again.alive


def test_a_stale_pid_file_of_a_crashed_server_is_no_obstacle(tmp_path: Path) -> None:
    with postgres.running(tmp_path) as started:
        os.kill(started.process.pid, signal.SIGKILL)
        started.process.wait()
        pid_file = tmp_path / "postgres" / "data" / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    # The pid now belongs to somebody else: this very test.
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with postgres.running(tmp_path) as again:
        assert again.alive


def test_a_taken_port_is_refused_with_the_cure(tmp_path: Path) -> None:
    import socket

    with postgres.running(tmp_path) as started:
        port = started.address.port
    with socket.socket() as squatter:
        # Connections of the stopped server linger on the port for a while.
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", port))
        squatter.listen()
        with pytest.raises(postgres.PostgresFailed, match=f"Port {port} .* is taken"):
            postgres.start(home=tmp_path)


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "shared_buffers", "nonsense")
    with pytest.raises(postgres.PostgresFailed, match="shared_buffers"):
        postgres.start(home=tmp_path)
