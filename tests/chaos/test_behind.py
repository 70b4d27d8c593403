"""A run whose marts could not be built succeeds, and is followed by one that builds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from local.chaos.line import Line


@pytest.mark.parametrize(
    ("pending", "loads", "behind"),
    [
        ([], ["SUCCEEDED"], False),
        ([], ["FAILED", "SUCCEEDED"], False),
        ([], ["SUCCEEDED", "FAILED"], True),  # dbt died after the rows were copied
        (["run"], ["SUCCEEDED"], True),
        ([], [], False),
    ],
)
def test_marts_are_behind_after_a_load_that_did_not_end(
    monkeypatch: pytest.MonkeyPatch, pending: list[str], loads: list[str], behind: bool
) -> None:
    listed = [
        {"status": status, "startDate": datetime(2026, 11, 29, 6, at, tzinfo=UTC)}
        for at, status in enumerate(loads)
    ]

    class Watched(Line):
        def client(self, service: str) -> Any:
            return self

        def list_executions(self, *, stateMachineArn: str) -> Any:
            assert stateMachineArn == "load"
            return {"executions": listed}

        def pending(self) -> list[str]:
            return pending

    class Named:
        names: Any = type("Names", (), {"workflow_arn": staticmethod(lambda name: name)})

    settings: Any = Named()
    endpoint: Any = None
    assert Watched(endpoint, settings).behind() is behind
