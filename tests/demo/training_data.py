"""The demo's shop as the related solution learns from it, without running the line.

python -m tests.demo.training_data FOLDER [small|full]    # interactions.csv and items.csv, for the engine's benches
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pandas as pd

from local.demo import complete_journey
from local.demo.shop import ShopData
from osusume_engine.data import TrainingData

CATEGORICAL = {"department": "CATEGORY_L1", "category": "CATEGORY_L2", "brand": "BRAND"}
LOGGED = ("click", "favourite")  # config/common.yaml: the events beside orders


def training_data(shop: ShopData) -> TrainingData:
    """Purchases, clicks and favourites; the catalogue with the fields of config/common.yaml."""
    logged = shop.events[shop.events.event_type.isin(LOGGED)]
    events = [
        _events(shop.orders.assign(event_type="purchase"), "ordered_at"),
        _events(logged, "occurred_at"),
    ]
    items = shop.items.rename(columns={"item_id": "ITEM_ID", **CATEGORICAL})
    items = items.assign(CREATION_TIMESTAMP=_seconds(shop.items.created_at))
    return TrainingData(
        interactions=pd.concat(events).drop_duplicates(ignore_index=True),
        items=items[["ITEM_ID", "CREATION_TIMESTAMP", *CATEGORICAL.values()]],
        categorical={"Items": frozenset(CATEGORICAL.values())},
    )


def _events(frame: pd.DataFrame, time: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USER_ID": frame.user_id,
            "ITEM_ID": frame.item_id,
            "TIMESTAMP": _seconds(frame[time]),
            "EVENT_TYPE": frame.event_type,
        }
    )


def _seconds(column: pd.Series) -> pd.Series:
    return column.dt.floor("s").astype("datetime64[s, UTC]").astype("int64")


def main(folder: Path, size: str = "small") -> None:
    data = training_data(complete_journey.load(size=size, today=date.today()))
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("interactions", data.interactions), ("items", data.items)):
        assert frame is not None
        frame.to_csv(folder / f"{name}.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
