"""Clean shops of different kinds, as people would export them, and what spoils them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

START = 1_760_000_000  # October 2025
DAY = 86_400
NOW = pd.Timestamp("2026-11-24T04:00:00Z")
CATEGORIES = ("tea", "bread", "fish", "fruit", "paper")


def interactions(
    *,
    events: int = 1500,
    users: int = 100,
    items: int = 60,
    days: int = 90,
    seed: int = 1,
    kinds: str = "view purchase",
) -> pd.DataFrame:
    """Everybody acts at times of their own, on items of a mild long tail."""
    random = np.random.RandomState(seed)
    names = np.array(kinds.split())
    kind = names[random.randint(0, len(names), events)]
    return pd.DataFrame(
        {
            "USER_ID": [f"u{n % users:03}" for n in range(events)],
            "ITEM_ID": [f"i{n:03}" for n in (items * random.power(0.7, events)).astype(int)],
            "TIMESTAMP": np.sort(random.choice(days * DAY, events, replace=False)) + START,
            "EVENT_TYPE": kind,
            "EVENT_VALUE": np.where(kind == "purchase", random.randint(1, 90, events), np.nan),
        }
    )


def catalogue(items: int = 60) -> pd.DataFrame:
    number = np.arange(items)
    return pd.DataFrame(
        {
            "ITEM_ID": [f"i{n:03}" for n in number],
            "TITLE": [f"Good {n}" for n in number],
            "CATEGORY": [CATEGORIES[n % len(CATEGORIES)] for n in number],
            "PRICE": number * 0.75 + 1,
        }
    )


def members(users: int = 100) -> pd.DataFrame:
    ages = ("18-29", "30-49", "50+")
    return pd.DataFrame(
        {"USER_ID": [f"u{n:03}" for n in range(users)], "AGE": [ages[n % 3] for n in range(users)]}
    )


def write(folder: Path, rows: pd.DataFrame, **tables: pd.DataFrame) -> Path:
    for name, frame in {"interactions": rows, **tables}.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder
