"""dbt's password while it runs."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import MagicMock

import pytest
from dbt.adapters.factory import FACTORY
from dbt.adapters.redshift.connections import RedshiftConnectionManager, RedshiftCredentials

from lambdas.run_dbt import renewal


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> RedshiftCredentials:
    """Of an adapter that dbt has registered: dbt-redshift's own type."""
    made = RedshiftCredentials(
        host="host.example", user="IAMR:x", password="first", port=5439, database="d", schema="marts"
    )
    adapter: Any = SimpleNamespace(config=SimpleNamespace(credentials=made))
    monkeypatch.setitem(FACTORY.adapters, "redshift", adapter)
    return made


def test_a_connection_that_is_opened_later_has_the_newer_password(
    credentials: RedshiftCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By dbt-redshift itself and what it hands to redshift-connector."""
    opened: list[str] = []

    def connect(**arguments: Any) -> Any:
        opened.append(arguments["password"])
        return MagicMock()

    monkeypatch.setattr("redshift_connector.connect", connect)
    profile: Any = SimpleNamespace(credentials=credentials)
    manager = RedshiftConnectionManager(profile, multiprocessing.get_context("spawn"))
    for node, password in (("one", "first"), ("two", "second")):
        if password != "first":
            renewal.give(password)
        manager.open(manager.set_connection_name(node))
        manager.clear_thread_connection()
    assert opened == ["first", "second"]


def test_passwords_are_asked_for_while_dbt_runs_and_no_longer(credentials: RedshiftCredentials) -> None:
    asked: list[str] = []

    def password() -> str:
        asked.append(f"password {len(asked)}")
        return asked[-1]

    with renewal.renewed(password, seconds=0.01):
        eventually(lambda: credentials.password == "password 2")
    count = len(asked)
    time.sleep(0.05)
    assert len(asked) == count
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("renewal")]


def test_a_short_build_asks_for_none(credentials: RedshiftCredentials) -> None:
    asked: list[int] = []
    with renewal.renewed(lambda: str(asked.append(1))):
        pass
    assert asked == [] and credentials.password == "first"
    assert renewal.SECONDS + renewal.AGAIN_SECONDS < 3600, "before the password ends"


def test_a_request_that_fails_is_made_again_and_dbt_goes_on(
    credentials: RedshiftCredentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[Any] = [RuntimeError("throttled"), "second"]

    def password() -> str:
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    monkeypatch.setattr(renewal, "AGAIN_SECONDS", 0.01)
    with renewal.renewed(password, seconds=0.05):
        eventually(lambda: credentials.password == "second")
