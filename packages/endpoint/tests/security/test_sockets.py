"""Every socket that the endpoint or a child of it listens on is on the loopback."""

from __future__ import annotations

import ipaddress
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import eventually

LISTEN = "0A"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """/proc/net/tcp writes addresses as words of the machine's byte order."""
    raw = bytes.fromhex(text)
    words = [
        raw[start : start + 4][:: -1 if sys.byteorder == "little" else 1] for start in range(0, len(raw), 4)
    ]
    found = ipaddress.ip_address(b"".join(words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def listening(pid: int) -> set[tuple[str, int]]:
    """(address, port) of the listening TCP sockets among the process's descriptors."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and fields[9] in inodes:
                address, port = fields[1].split(":")
                found.add((str(address_of(address)), int(port, 16)))
    return found


def all_listening(pid: int) -> dict[str, set[tuple[str, int]]]:
    """By the name of the program, of the process and everything below it."""
    found: dict[str, set[tuple[str, int]]] = {}
    for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
        try:
            found.setdefault(process.name(), set()).update(listening(process.pid))
        except (psutil.Error, OSError):
            continue  # it ended meanwhile
    return found


def exposed(found: dict[str, set[tuple[str, int]]]) -> list[str]:
    return [
        f"{name} listens on {address}:{port}"
        for name, sockets in found.items()
        for address, port in sorted(sockets)
        if not ipaddress.ip_address(address).is_loopback
    ]


@pytest.mark.nightly
def test_no_child_listens_beyond_the_loopback(used: Endpoint, home: Path) -> None:
    supervisor = state.running(home).pid
    # The next job's Spark is being prepared: the gateway of pyspark listens first, then driver and block manager.
    eventually(lambda: len(all_listening(supervisor).get("java", ())) >= 3, seconds=120)
    found = all_listening(supervisor)
    assert any((address, port) == ("127.0.0.1", used.port) for s in found.values() for address, port in s)
    assert found["postgres"], "PostgreSQL was not looked at"
    assert found["java"], "Spark was not looked at"
    lines = [" ".join(child.cmdline()) for child in psutil.Process(supervisor).children(recursive=True)]
    assert any("personalize.worker" in line for line in lines), "training was not looked at"
    assert exposed(found) == []


@pytest.mark.parametrize(("family", "address"), [("AF_INET", "0.0.0.0"), ("AF_INET6", "::")])
def test_a_socket_on_every_address_is_noticed(family: str, address: str) -> None:
    script = (
        f"import socket, sys; s = socket.socket(socket.{family}); s.bind(({address!r}, 0)); s.listen();"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    if family == "AF_INET6" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout and child.stdin
        port = int(child.stdout.readline())
        found = exposed(all_listening(child.pid))
        child.stdin.close()
    assert [line.rpartition(" ")[2] for line in found] == [f"{address}:{port}"]
