"""A simulated year of runs: what is exported in full, and whether every moment of the log is exported once or more.

DynamoDB's side (the restorable time that trails, windows that it refuses) is the endpoint's; times of start are
EventBridge Scheduler's: wall-clock times of a zone, fired up to a minute late.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from lambdas.plan_run.plan import Restorable, Watermark, plan
from osusume_endpoint.dynamodb import export

RECOVERY = timedelta(days=35)
FIRST = date(2026, 1, 5)


@dataclass
class Year:
    """Runs one after another; `fails` are nights whose run ends before its lists serve."""

    zone: str = "America/New_York"
    seed: int = 0
    missed: frozenset[int] = frozenset()
    fails: frozenset[int] = frozenset()
    watermark: Watermark | None = None
    full: list[int] = field(default_factory=list)
    windows: list[tuple[datetime, datetime]] = field(default_factory=list)
    served: list[datetime] = field(default_factory=list)

    def run(self, nights: int = 365) -> Year:
        rng = random.Random(self.seed)
        for night in range(nights):
            local = datetime.combine(FIRST + timedelta(days=night), time(3), ZoneInfo(self.zone))
            started = local.astimezone(UTC) + timedelta(seconds=rng.uniform(0, 60))
            lag = timedelta(seconds=rng.uniform(290, 310))
            if night not in self.missed:
                self._night(night, started=started.replace(microsecond=0), lag=lag)
        return self

    def _night(self, night: int, *, started: datetime, lag: timedelta) -> None:
        earliest = max(started - RECOVERY, datetime(2026, 1, 1, tzinfo=UTC))
        planned = plan(
            mode="auto",
            started_at=started,
            restorable=Restorable(since=earliest, until=(started - lag).replace(microsecond=0)),
            watermark=self.watermark,
        )
        # The exports start minutes after the plan, when recovery has moved on.
        self._check(planned, now=started + timedelta(minutes=10))
        if night in self.fails:
            return
        if planned["mode"] == "full":
            self.full.append(night)
        until = moment(planned["export"]["to"])
        self.watermark = Watermark(exported_until=until, run_id=planned["run_id"])
        self.windows += [(moment(w["from"]), moment(w["to"])) for w in planned["export"]["windows"]]
        self.served.append(until)

    def _check(self, planned: dict[str, Any], *, now: datetime) -> None:
        earliest = now - RECOVERY
        for asked in planned["export"]["windows"]:
            specification = {"ExportFromTime": moment(asked["from"]), "ExportToTime": moment(asked["to"])}
            export.window(specification, earliest=earliest, now=now - timedelta(minutes=5), scale=1)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def days(first: int, count: int) -> frozenset[int]:
    return frozenset(range(first, first + count))


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize("seed", range(5))
def test_in_a_year_of_nights_only_the_first_run_is_full(zone: str, seed: int) -> None:
    rng = random.Random(seed)
    missed = frozenset(rng.sample(range(1, 365), 20))
    year = Year(zone=zone, seed=seed, missed=missed, fails=days(rng.randrange(40, 300), 7)).run()
    assert year.full == [0]


@pytest.mark.parametrize(("gap", "full"), [(33, [0]), (34, [0, 134])])
def test_only_a_gap_beyond_recovery_makes_a_later_run_full(gap: int, full: list[int]) -> None:
    """`gap` nights missed in a row are a gap of one day more."""
    assert Year(missed=days(100, gap)).run(200).full == full


def test_the_windows_of_a_year_leave_no_moment_out() -> None:
    year = Year(missed=days(50, 3) | days(200, 30), fails=days(120, 7)).run()
    end = year.served[0]
    for start, until in sorted(year.windows):
        assert start <= end, "a hole in what was exported"
        end = max(end, until)
    assert end == year.served[-1]
