"""A deletion that a killed endpoint took with it is asked for again, and a run's rows are counted without its user."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from local.chaos import deeds as deeds_
from local.chaos import rounds
from local.chaos.deeds import Deeds
from local.chaos.line import KILLED, Outcome


class Deleting:
    """A line whose API takes deletions. Attempts of one deletion are executions whose name it begins."""

    def __init__(self, ends: list[str]) -> None:
        self.ends = ends  # how the executions end, in the order that they are started in
        self.asked: list[str] = []
        self.executions: dict[str, str] = {}
        self.settings = SimpleNamespace(names=SimpleNamespace(workflow_arn=lambda name: name))
        self.place = self

    def send(self, place: Any, method: str, *path: str) -> tuple[int, dict[str, str]]:
        assert (method, path[:2]) == ("DELETE", ("v1", "users"))
        self.asked.append(path[2])
        attempt = self.asked.count(path[2])
        self.executions[f"{path[2]}-deletion-{attempt}"] = self.ends.pop(0)
        return 202, {"deletionId": f"{path[2]}-deletion"}

    def client(self, service: str) -> Any:
        listed = [
            {"name": name, "executionArn": name, "startDate": datetime(2026, 11, 29, 6, at, tzinfo=UTC)}
            for at, name in enumerate(self.executions)
        ]
        return SimpleNamespace(list_executions=lambda **_: {"executions": listed})

    def status(self, arn: str) -> str:
        return self.executions.get(arn, "")

    def follow(self, arn: str, *, seconds: float) -> Outcome:
        return Outcome(self.executions[arn], 1.0, workflow="forget", arn=arn)

    def behind(self) -> bool:
        return False


def deleting(monkeypatch: pytest.MonkeyPatch, *ends: str) -> tuple[Deleting, Deeds]:
    line: Any = Deleting(list(ends))
    counts = SimpleNamespace(
        is_back=lambda: True, somebody=lambda but: next(user for user in ("ann", "bob") if user not in but)
    )
    monkeypatch.setattr(deeds_, "Counts", lambda line: counts)
    monkeypatch.setattr(deeds_.signed, "send", line.send)
    monkeypatch.setattr(Deeds, "watermark", lambda self: "run")
    return line, Deeds(line)


def test_each_deletion_is_of_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    line, deeds = deleting(monkeypatch, "SUCCEEDED", "SUCCEEDED")
    assert deeds.forget().succeeded and deeds.forget().succeeded
    assert line.asked == ["ann", "bob"] and deeds.finish() == []


@pytest.mark.parametrize("end", ["FAILED", ""])
def test_one_that_died_is_asked_for_again(monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    line, deeds = deleting(monkeypatch, KILLED, "SUCCEEDED", "SUCCEEDED")
    deeds.forget(), deeds.forget()
    line.executions["ann-deletion-1"] = end  # after the restart: FAILED, or not known
    [again] = deeds.finish()
    assert line.asked == ["ann", "bob", "ann"] and again.arn == "ann-deletion-2" and again.succeeded
    assert deeds.finish() == []


def test_one_that_the_api_could_not_answer_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    line, deeds = deleting(monkeypatch, "SUCCEEDED")

    def gone(*_: Any) -> Any:
        raise ConnectionResetError

    monkeypatch.setattr(deeds_.signed, "send", gone)
    with pytest.raises(ConnectionResetError):
        deeds.forget()
    monkeypatch.setattr(deeds_.signed, "send", line.send)
    assert [one.succeeded for one in deeds.finish()] == [True] and line.asked == ["ann"]


def test_one_that_fails_again_is_told_and_rows_are_counted_without_its_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    line, deeds = deleting(monkeypatch, "FAILED", "FAILED")
    counted: list[Any] = []
    monkeypatch.setattr(rounds, "lost", lambda *given, forgotten: counted.append(forgotten) or [])
    deeds.forget()
    [problem] = rounds._settled(line, deeds, run=False)
    assert problem.startswith("the deletion that was asked for again failed: FAILED")
    assert counted == [["ann"]]
