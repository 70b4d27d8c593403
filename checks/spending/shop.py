"""Whose month is asked for, what is taken for granted of it, and what runs of the pipeline measured instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

ASSUMPTIONS = Path(__file__).with_name("assumptions.yaml")
DAYS = 30  # of a month; hours are those of checks.cost


class ShopRefused(ValueError):
    """A figure of a shop that no shop can have; the message names it."""


@dataclass(frozen=True)
class Assumption:
    value: float
    unit: str
    why: str


@cache
def assumptions(file: Path = ASSUMPTIONS) -> Mapping[str, Assumption]:
    return {key: Assumption(**row) for key, row in yaml.safe_load(file.read_text()).items()}


def assumed(key: str) -> float:
    """Raises KeyError for a key that the file lacks."""
    return float(assumptions()[key].value)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """Its size. Raises ShopRefused for one that isn't positive."""

    users: int
    items: int
    events_per_day: float

    def __post_init__(self) -> None:
        for name in ("users", "items", "events_per_day"):
            if getattr(self, name) <= 0:
                raise ShopRefused(f"{name.upper()}={getattr(self, name):g}: write a figure above 0")

    @property
    def title(self) -> str:
        return f"{self.users:,} users, {self.items:,} items, {self.events_per_day:,.0f} events a day"


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What run records say; None where they say nothing. `source` names the run."""

    source: str = ""
    interactions: int | None = None
    users: int | None = None
    items: int | None = None
    dpu_hours: float | None = None  # of all jobs, a run
    transitions: float | None = None  # of all workflows, a run
    training_hours: Mapping[str, float] = field(default_factory=dict)  # by solution, a training


NOTHING = Measured()


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """Rows that each run has to do with."""

    interactions: float
    users: float
    items: float

    @classmethod
    def of(cls, shop: Shop, measured: Measured) -> Volumes:
        """Counted rows go before those of the shop's size."""
        known = measured.interactions
        return cls(
            interactions=shop.events_per_day * assumed("history_days") if known is None else known,
            users=shop.users if measured.users is None else measured.users,
            items=shop.items if measured.items is None else measured.items,
        )

    @property
    def rows(self) -> float:
        return self.interactions + self.users + self.items
