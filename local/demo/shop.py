"""What an application holds: users, items and orders in its database, events in its log."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

USER_COLUMNS = ["user_id", "age", "income", "household_size", "created_at", "updated_at"]
ITEM_COLUMNS = ["item_id", "department", "category", "brand", "title", "created_at", "updated_at"]
ORDER_COLUMNS = ["order_id", "user_id", "item_id", "quantity", "sales_value", "ordered_at"]
EVENT_COLUMNS = [
    "event_id",
    "event_type",
    "user_id",
    "item_id",
    "occurred_at",
    "session_id",
    "value",
    "impression",
    "recommendation_id",
    "simulated",
]


class DataSetEnded(RuntimeError):
    """Every day of the data set is loaded."""


@dataclass(frozen=True, kw_only=True)
class ShopData:
    """Frames with the columns above (users and items may have more); times are UTC."""

    source: str
    users: pd.DataFrame
    items: pd.DataFrame
    orders: pd.DataFrame
    events: pd.DataFrame
    notes: tuple[str, ...] = ()
    said: tuple[str, ...] = ()  # how the source's files were read
    progress: dict[str, str] = field(default_factory=dict)  # what the source needs to continue from here


def no_events() -> pd.DataFrame:
    return pd.DataFrame({column: pd.Series(dtype="object") for column in EVENT_COLUMNS})
