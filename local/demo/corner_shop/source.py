"""The generated shop as the loader asks for it: everything until yesterday, then a day each time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from zlib import crc32

import pandas as pd

from local.demo import days, simulator
from local.demo.corner_shop import catalogue as shelves_of
from local.demo.corner_shop import households
from local.demo.corner_shop.catalogue import Product
from local.demo.corner_shop.households import Household
from local.demo.corner_shop.purchases import Shelves, lines
from local.demo.shop import ITEM_COLUMNS, ORDER_COLUMNS, USER_COLUMNS, DataSetEnded, ShopData

SEED = 20240710
SPARE_DAYS = 14  # that "one more day" may follow
OLDEST = 400  # days before the first, when the shop's first items came in
EVENTS = 0.45  # of visits have impressions and clicks

_NOTES = (
    "made by a seed: households, brands and purchases are nobody's, and the data is yours to use as you like",
    "impressions, clicks, favourites and views are SIMULATED (seeded, marked simulated)",
)


@dataclass(frozen=True, kw_only=True)
class Size:
    households: int
    weeks: int
    brands: int  # of a good, at most
    visits: int  # with events


SIZES = {
    "small": Size(households=600, weeks=8, brands=4, visits=4000),
    "full": Size(households=1500, weeks=52, brands=6, visits=40000),
}


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """All that happens, the spare days too. `orders.day` counts from `first`."""

    first: pd.Timestamp
    users: list[Household]
    products: list[Product]
    orders: pd.DataFrame


def source(size: str) -> str:
    return f"generated shop ({size})"


def load(*, size: str, today: date) -> ShopData:
    """The shop as it is today, before the first run."""
    loaded = SIZES[size].weeks * 7
    simulated = simulate(SIZES[size], first=today - timedelta(days=loaded))
    orders = simulated.orders[simulated.orders.day < loaded]
    there = [product for product in simulated.products if product.launched < loaded]
    return ShopData(
        source=source(size),
        users=_users(simulated, orders),
        items=_items(there, first=simulated.first),
        orders=orders[ORDER_COLUMNS],
        events=simulator.simulate(orders=orders, seed=SEED, share=EVENTS, max_visits=SIZES[size].visits),
        notes=_NOTES,
        progress={"first": f"{simulated.first:%Y-%m-%d}", "days": str(loaded)},
    )


def next_day(*, size: str, progress: dict[str, str], newest: pd.Timestamp, now: pd.Timestamp) -> ShopData:
    """The day after those that are loaded, with the items that came in. Raises DataSetEnded.

    It lies after `newest` and before `now`: where less than a day is between them, times are compressed.
    """
    day = int(progress["days"])
    if day >= SIZES[size].weeks * 7 + SPARE_DAYS:
        raise DataSetEnded(f"The generated shop has {day} days, every one of them is loaded")
    simulated = simulate(SIZES[size], first=date.fromisoformat(progress["first"]))
    orders = simulated.orders[simulated.orders.day == day]
    start = simulated.first + pd.Timedelta(days=day)
    orders = orders.assign(ordered_at=days.compressed(orders.ordered_at, start=start, newest=newest, now=now))
    arrived = [product for product in simulated.products if product.launched == day]
    items = _items(arrived, first=simulated.first).assign(created_at=newest, updated_at=newest)
    return ShopData(
        source=source(size),
        users=_users(simulated, orders).iloc[:0],
        items=items,
        orders=orders[ORDER_COLUMNS],
        events=simulator.simulate(orders=orders, seed=SEED + day, share=EVENTS),
        notes=(f"one more day: {len(orders):,} purchases, moved after the newest one", *_NOTES),
        progress={**progress, "days": str(day + 1)},
    )


def simulate(size: Size, *, first: date) -> Simulated:
    """The same for the same arguments, whatever day it is."""
    catalogue, length = shelves_of.read(), size.weeks * 7 + SPARE_DAYS
    products = shelves_of.products(catalogue, seed=SEED, brands=size.brands, days=length)
    shelves = Shelves(catalogue=catalogue, products=products, first=first, days=length)
    users = [households.make(catalogue, seed=SEED, number=n) for n in range(1, size.households + 1)]
    rows = [line for user in users for line in lines(user, shelves)]
    start = pd.Timestamp(first, tz="UTC")
    return Simulated(
        first=start,
        users=users,
        products=[product for variants in products.values() for product in variants],
        orders=_orders(rows, start),
    )


def _orders(rows: list[tuple[int, int, str, str, int, int]], start: pd.Timestamp) -> pd.DataFrame:
    columns = ["day", "second", "user_id", "item_id", "quantity", "sales_value"]
    frame = pd.DataFrame(rows, columns=columns)
    moments = pd.to_timedelta(frame.day * 86_400 + frame.second, unit="s")
    frame = frame.assign(
        ordered_at=start + moments, order_id=frame.user_id + "-" + frame.day.astype(str).str.zfill(3)
    )
    return frame.sort_values(["ordered_at", "order_id", "item_id"], ignore_index=True)


def _users(simulated: Simulated, orders: pd.DataFrame) -> pd.DataFrame:
    """Users who have ordered, since their first order."""
    created = orders.groupby("user_id").ordered_at.min()
    rows = [
        (user.user_id, user.age, user.income, user.household_size, created[user.user_id])
        for user in simulated.users
        if user.user_id in created.index
    ]
    frame = pd.DataFrame(rows, columns=USER_COLUMNS[:-1])
    return frame.assign(updated_at=frame.created_at)


def _items(products: list[Product], *, first: pd.Timestamp) -> pd.DataFrame:
    rows = [_item(product, first) for product in products]
    return pd.DataFrame(rows, columns=[*ITEM_COLUMNS, "title_ja"])


def _item(product: Product, first: pd.Timestamp) -> tuple[object, ...]:
    good = product.good
    age = product.launched if product.launched >= 0 else -1 - (crc32(product.item_id.encode()) % OLDEST)
    created = first + pd.Timedelta(days=age)
    return (
        product.item_id,
        good.department,
        good.category,
        product.brand,
        product.title,
        created,
        created,
        product.title_ja,
    )
