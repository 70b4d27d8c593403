"""The data that both sides get: an application's tables and log up to a cut, and what people bought after it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from config.settings import Settings
from local.demo import complete_journey, log, own_files
from local.demo.shop import ShopData

HELD_BACK = 0.15  # of the time, at the end
LONGEST = pd.Timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class Shared:
    """`later` maps a user to what they bought after the cut; `bought` to what they had bought before."""

    source: str
    cut: pd.Timestamp
    later: Mapping[str, frozenset[str]]
    bought: Mapping[str, frozenset[str]]
    categories: Mapping[str, str]
    titles: Mapping[str, str]
    users: int
    items: int
    events_per_day: float

    @property
    def run_id(self) -> str:
        return f"{self.cut:%Y%m%dT%H%M%SZ}"


def shop(*, folder: Path | None, settings: Settings, size: str = "small") -> ShopData:
    """A person's own files, or the demo's shop. Raises OwnFilesRefused."""
    now = pd.Timestamp(datetime.now(UTC))
    if folder is not None:
        return own_files.read(folder, datasets=settings.datasets, now=now)
    return complete_journey.load(size=size, today=now.date())


def share(given: ShopData, *, settings: Settings, folder: Path) -> Shared:
    """Writes what both sides read into `folder`, and answers what judges their lists."""
    cut = _cut(given)
    before = given.orders.ordered_at <= cut
    orders, later = given.orders[before], given.orders[~before]
    events = given.events[given.events.occurred_at <= cut] if len(given.events) else given.events
    for name, frame in {"users": given.users, "items": given.items, "orders": orders}.items():
        frame.to_parquet(folder / f"{name}.parquet", coerce_timestamps="us", index=False)
    _write_log(events, settings, folder / "log.jsonl")
    days = max((cut - orders.ordered_at.min()) / pd.Timedelta(days=1), 1)
    found = Shared(
        source=given.source,
        cut=cut,
        later=_by_user(later),
        bought=_by_user(orders),
        categories=_column(given.items, ("department", "category")),
        titles=_column(given.items, ("title", "category")),
        users=max(orders.user_id.nunique(), 1),
        items=max(len(given.items), 1),
        events_per_day=(len(orders) + len(events)) / days,
    )
    (folder / "about.json").write_text(json.dumps({"run_id": found.run_id}))
    return found


def _cut(given: ShopData) -> pd.Timestamp:
    """The time at which data are cut, to the second: a run's id has no more."""
    first, last = given.orders.ordered_at.min(), given.orders.ordered_at.max()
    return pd.Timestamp(last - min((last - first) * HELD_BACK, LONGEST)).floor("s")


def _write_log(events: pd.DataFrame, settings: Settings, path: Path) -> None:
    configured = settings.log
    with path.open("w") as file:
        for row in events.itertuples(index=False):
            file.write(json.dumps(log.configured(log.item_of(row), configured)) + "\n")


def _by_user(orders: pd.DataFrame) -> dict[str, frozenset[str]]:
    return {str(user): frozenset(rows) for user, rows in orders.groupby("user_id").item_id}


def _column(items: pd.DataFrame, names: tuple[str, ...]) -> dict[str, str]:
    """The first of the columns that the items have."""
    name = next((name for name in names if name in items), None)
    if name is None:
        return {}
    known = items[["item_id", name]].dropna()
    return dict(zip(known.item_id.astype(str), known[name].astype(str), strict=True))
