from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from osusume_endpoint import postgres


class FakeLog:
    """BatchWriteItem of one table in memory; refuses the last request of every third call at first."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.calls = 0
        self._lock = threading.Lock()

    def batch_write_item(self, RequestItems: dict[str, list[Any]]) -> dict[str, Any]:
        ((table, requests),) = RequestItems.items()
        assert 1 <= len(requests) <= 25
        with self._lock:
            self.calls += 1
            taken = requests[:-1] if self.calls % 3 == 0 and len(requests) > 1 else requests
            for request in taken:
                item = request["PutRequest"]["Item"]
                self.items[item["user_id"]["S"], item["event_key"]["S"]] = item
        left = requests[len(taken) :]
        return {"UnprocessedItems": {table: left} if left else {}}


class FakeClients:
    """boto3's clients as the loader uses them: the secret of an embedded database, and a log."""

    def __init__(self, secret: dict[str, Any]) -> None:
        self.log = FakeLog()
        self._secret = secret

    def __call__(self, service: str) -> Any:
        return {"dynamodb": self.log, "secretsmanager": self}[service]

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        assert SecretId == "osusume-dev/aurora"
        return {"SecretString": json.dumps(self._secret)}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[postgres.Server]:
    with postgres.running(tmp_path_factory.mktemp("shop")) as server:
        yield server


@pytest.fixture
def clients(server: postgres.Server, request: pytest.FixtureRequest) -> FakeClients:
    """An empty application: its own database in the embedded server, and an empty log."""
    name = f"shop_{abs(hash(request.node.nodeid)) % 10**8}"
    admin = server.connect()
    postgres.ensure_role(admin, name="application", password="secret")
    postgres.ensure_database(admin, name=name, owner="application")
    host, port = server.address.host, server.address.port
    return FakeClients(
        {"host": host, "port": port, "dbname": name, "username": "application", "password": "secret"}
    )
