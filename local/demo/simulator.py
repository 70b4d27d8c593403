"""Impressions, clicks, favourites and views around real purchases. Every event says `simulated`.

Real data sets lack what was shown and clicked. These events follow from the purchases and a seed: they make
the line work, and say nothing about people.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from local.demo.shop import EVENT_COLUMNS, no_events

FROM_BASKET, POPULAR, AT_RANDOM = 3, 3, 2  # what a list shows: about to be bought, popular, anything
CLICK_WHEN_BOUGHT, CLICK_OTHERWISE = 0.5, 0.04
FAVOURITE_AFTER_CLICK, VIEW_OF_BASKET = 0.15, 0.25
WITHOUT_PURCHASE = 0.1  # sessions that end in no order, for each that does


DEVICES = ("phone", "phone", "phone", "computer", "computer", "tablet")  # each as likely as it is often here


def device_of(session_id: str) -> str:
    """The device of a simulated visit, the same whenever it is asked for; it says nothing of what is bought."""
    return DEVICES[hashlib.sha256(session_id.encode()).digest()[0] % len(DEVICES)]


class Visit(NamedTuple):
    key: str
    user_id: str
    starts_at: pd.Timestamp
    bought: Sequence[str]


def simulate(*, orders: pd.DataFrame, seed: int, share: float = 1.0, max_visits: int = 4000) -> pd.DataFrame:
    """Events of at most `max_visits` visits before orders, `share` of all, in the order of time."""
    if orders.empty:
        return no_events()
    random = np.random.default_rng(seed)
    visits = _visits(orders, random=random, share=share, max_visits=max_visits)
    lists = _lists(orders, random=random, count=len(visits))
    rows = [
        event
        for visit, shown in zip(visits, lists, strict=True)
        for event in _events(visit, shown, random, seed)
    ]
    events = pd.DataFrame(rows, columns=EVENT_COLUMNS)
    return events.sort_values(["occurred_at", "event_id"], ignore_index=True)


def _visits(
    orders: pd.DataFrame, *, random: np.random.Generator, share: float, max_visits: int
) -> list[Visit]:
    baskets = orders.sort_values(["order_id", "item_id"]).groupby("order_id", sort=True)
    summary = baskets.agg(
        user_id=("user_id", "first"), ordered_at=("ordered_at", "first"), bought=("item_id", list)
    )
    count = min(max_visits, max(1, round(share * len(summary))), len(summary))
    chosen = summary.iloc[np.sort(random.choice(len(summary), count, replace=False))]
    before = pd.to_timedelta(random.uniform(5, 60, count).round(3), unit="min")
    buying = [
        Visit(str(key), row.user_id, row.ordered_at - wait, row.bought)
        for (key, row), wait in zip(chosen.iterrows(), before, strict=True)
    ]
    return [*buying, *_idle_visits(chosen, random=random, count=round(count * WITHOUT_PURCHASE))]


def _idle_visits(chosen: pd.DataFrame, *, random: np.random.Generator, count: int) -> Iterator[Visit]:
    """Visits of the same users at other users' times, who then buy nothing."""
    users = random.choice(len(chosen), count)
    times = random.choice(len(chosen), count)
    for n, (user, time) in enumerate(zip(users, times, strict=True)):
        row, at = chosen.iloc[user], chosen.iloc[time].ordered_at
        yield Visit(f"{chosen.index[user]}-idle-{n}", row.user_id, at - pd.Timedelta(minutes=90), ())


def _lists(orders: pd.DataFrame, *, random: np.random.Generator, count: int) -> list[list[str]]:
    """Lists of items: for each visit POPULAR items drawn as they sell, then AT_RANDOM drawn evenly."""
    sold = orders.groupby("item_id", sort=True).size()
    names = sold.index.to_numpy(dtype=object)
    popular = random.choice(names, (count, POPULAR), p=(sold / sold.sum()).to_numpy())
    anything = random.choice(names, (count, AT_RANDOM))
    return [list(row) for row in np.concatenate([popular, anything], axis=1)]


def _events(
    visit: Visit, others: list[str], random: np.random.Generator, seed: int
) -> Iterator[dict[str, Any]]:
    bought = list(random.choice(visit.bought, min(FROM_BASKET, len(visit.bought)), replace=False))
    shown = list(dict.fromkeys([*bought, *others]))
    random.shuffle(shown)
    shown = [str(item) for item in shown]
    at = visit.starts_at
    yield _event(visit, seed, "impression", at, impression=shown)
    for position, item in enumerate(shown):
        chance = CLICK_WHEN_BOUGHT if item in visit.bought else CLICK_OTHERWISE
        if random.random() >= chance:
            continue
        at_click = at + pd.Timedelta(seconds=6 + 9 * position)
        yield _event(visit, seed, "click", at_click, item=item)
        if random.random() < FAVOURITE_AFTER_CLICK:
            yield _event(visit, seed, "favourite", at_click + pd.Timedelta(seconds=4), item=item)
    if visit.bought and random.random() < VIEW_OF_BASKET:
        item = str(random.choice(visit.bought))
        yield _event(visit, seed, "view", at + pd.Timedelta(seconds=120), item=item)


def _event(
    visit: Visit,
    seed: int,
    kind: str,
    at: pd.Timestamp,
    *,
    item: str | None = None,
    impression: list[str] | None = None,
) -> dict[str, Any]:
    name = f"{seed}/{visit.key}/{kind}/{item}"
    return {
        "event_id": hashlib.sha256(name.encode()).hexdigest()[:20],
        "event_type": kind,
        "user_id": visit.user_id,
        "item_id": item,
        "occurred_at": at.floor("ms"),
        "session_id": f"s-{visit.key}",
        "value": None,
        "impression": impression,
        "recommendation_id": None,
        "simulated": True,
    }
