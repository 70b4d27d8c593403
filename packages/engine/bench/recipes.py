"""Offline metrics of every recipe beside popularity, item-kNN, EASE and their like.

python -m bench.recipes                        # all data sets and recipes, prints a table
python -m bench.recipes --data ml-100k-liked --recipes aws-similar-items --folds 2
python -m bench.recipes --data ../mine         # a folder of your own: bench/data.py says what is in it
python -m bench.recipes --write                # and keep it in bench/RESULTS-recipes.md
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from osusume_engine.data import TrainingData
from osusume_engine.metrics import ranking_metrics
from osusume_engine.preparation import Prepared, TrainingError, prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.recipes.segments import attribute_groups, sampled_queries, single_items, single_values
from osusume_engine.splits import held_out_lengths, hold_out
from osusume_engine.training import train

from . import baselines
from .baselines import Baseline
from .data import SETS, load

RESULTS = Path(__file__).with_name("RESULTS-recipes.md")
# One recipe of a family stands for all where they share a learner.
PERSONAL = "aws-user-personalization-v2"
TWINS = {"aws-user-personalization", "aws-personalized-ranking", "aws-personalized-ranking-v2"}
HEADER = f"""# Recipes, offline

Means over folds of the hold-out that Amazon Personalize documents. CPU seconds train a model twice, without
and with the test users, and evaluate it.

The learner is this package's and not Amazon's: these figures compare ways to recommend with each other, and say
nothing of what Amazon's models would reach. Three recipes have no rows of their own, since they share the learner of
aws-user-personalization-v2, whose rows stand for them:
{", ".join(sorted(TWINS))}.
The data of `shop` are generated (bench/shop.py).
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
NEW = "users without events"
# By default SIMS reads the newest events alone of the tenth of the items with most events.
VARIANTS = {"aws-sims": {"max_item_interaction_count_percentile": "1.0"}}


@dataclass(frozen=True)
class Row:
    data: str
    name: str
    metrics: dict[str, float]
    cpu_seconds: float
    folds: int


Run = tuple[dict[str, float], float]  # metrics, CPU seconds


def measure(name: str, data: TrainingData, recipes: list[str], folds: int) -> Iterator[Row]:
    """The baselines of a family come before its first recipe. What can't be trained is said and left out."""
    prepared = prepare(data, events=None, required=frozenset({"Interactions"}))
    families: set[str] = set()
    for recipe in recipes:
        family = "ATTRIBUTES" if "attribute" in recipe else RECIPES[recipe].type
        try:
            simple = {} if family in families else simple_runs(family, prepared)
            families.add(family)
            yield from _rows(name, data, prepared, recipe, simple, folds)
        except TrainingError as error:
            print(f"{name}: {recipe} is not measured: {error}", file=sys.stderr, flush=True)


def _rows(
    name: str,
    data: TrainingData,
    prepared: Prepared,
    recipe: str,
    simple: dict[str, Callable[[int], Run]],
    folds: int,
) -> Iterator[Row]:
    for label, baseline in simple.items():
        yield _mean(name, label, [baseline(fold) for fold in range(folds)])
    yield _mean(name, recipe, [_learned(recipe, prepared, {}, fold) for fold in range(folds)])
    if recipe in VARIANTS:
        given = VARIANTS[recipe]
        label = ", ".join((recipe, *(f"{key}={value}" for key, value in given.items())))
        yield _mean(name, label, [_learned(recipe, prepared, given, fold) for fold in range(folds)])
    if recipe == PERSONAL and data.users is not None:
        runs = [newcomers(data, prepared, fold) for fold in range(folds)]
        for at, label in enumerate(("popularity", recipe)):
            yield _mean(name, f"{label}, {NEW}", [run[at] for run in runs])


def simple_runs(family: str, prepared: Prepared) -> dict[str, Callable[[int], Run]]:
    """The runs by label, each from a fold to a run."""
    if family == "PERSONALIZED_ACTIONS":
        values = RECIPES["aws-next-best-action"].parse({})
        rates = lambda fold: _timed(lambda: baselines.action_rates(Task(prepared, values, fold)))  # noqa: E731
        return {"each action's rate": rates}
    if family in ("USER_SEGMENTATION", "ATTRIBUTES"):
        attributes = family == "ATTRIBUTES"
        return {
            f"{label}, {'attributes' if attributes else 'items'}": _segments(prepared, simple, attributes)
            for label, simple in baselines.SEGMENTS.items()
        }
    lists = baselines.OF_TYPE.get(family, {})
    return {label: _lists(prepared, simple) for label, simple in lists.items()}


def _lists(prepared: Prepared, simple: Baseline) -> Callable[[int], Run]:
    def metrics(fold: int) -> dict[str, float]:
        split, n_items = Task(prepared, {}, 0, fold).holdout(), len(prepared.items)
        return ranking_metrics(lists=simple(split, n_items), relevant=split.truth, n_items=n_items)

    return lambda fold: _timed(lambda: metrics(fold))


def _segments(
    prepared: Prepared, simple: Callable[[Prepared, list[np.ndarray]], dict[str, float]], attributes: bool
) -> Callable[[int], Run]:
    task = Task(prepared, {}, 0)
    groups = single_values(attribute_groups(task)) if attributes else single_items(task)

    def metrics(fold: int) -> dict[str, float]:
        return simple(prepared, sampled_queries(groups, seed=fold))

    return lambda fold: _timed(lambda: metrics(fold))


def newcomers(data: TrainingData, prepared: Prepared, fold: int) -> tuple[Run, Run]:
    """(popularity, recipe): test users whose events are hidden, on the oldest tenth of them."""
    assert data.interactions is not None and data.users is not None
    described = prepared.users.codes(data.users.USER_ID.astype(str))
    split = hold_out(prepared.histories, fold=fold)
    hidden = np.zeros(len(prepared.users), dtype=bool)
    hidden[split.test_users] = True
    seen = ~hidden[prepared.users.codes(data.interactions.USER_ID.astype(str))]
    asked = np.intersect1d(split.test_users, described)
    history = prepared.histories.take(asked)
    first = history.head(held_out_lengths(history.lengths))
    started = time.process_time()
    model = train(
        recipe=PERSONAL, data=replace(data, interactions=data.interactions[seen].reset_index(drop=True))
    )
    truth = [model.items.codes(prepared.items.values[one]) for one in np.split(first.items, first.ptr[1:-1])]
    runs = []
    for ids in (["nobody"] * len(asked), prepared.users.values[asked]):
        listed = np.concatenate([items for items, _ in model.recommend_arrays(list(ids), 25)])
        lists = np.stack([model.items.codes(row) for row in listed])
        metrics = ranking_metrics(
            lists=lists, relevant=[one[one >= 0] for one in truth], n_items=len(model.items)
        )
        runs.append((metrics, time.process_time() - started))
    return runs[0], runs[1]


def _by_seed(recipe: str) -> bool:
    """Recipes that don't split users into tenths are repeated with other seeds instead."""
    return RECIPES[recipe].type in ("USER_SEGMENTATION", "PERSONALIZED_ACTIONS")


def _learned(recipe: str, prepared: Prepared, given: dict[str, str], fold: int) -> Run:
    seed = fold if _by_seed(recipe) else 0
    task = Task(prepared, RECIPES[recipe].parse(given), seed, fold)
    return _timed(lambda: LEARNERS[recipe](task).metrics)


def _timed(metrics: Callable[[], dict[str, float]]) -> Run:
    started = time.process_time()
    found = metrics()
    return found, time.process_time() - started


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


def write(sections: dict[str, str], results: Path = RESULTS, header: str = HEADER) -> None:
    """Replaces the sections of the data sets that were measured and keeps the others."""
    known = results.read_text(encoding="utf-8") if results.exists() else ""
    for part in known.split("\n## ")[1:]:
        sections.setdefault(part.splitlines()[0], f"## {part.rstrip()}\n")
    results.write_text(header + "\n" + "\n".join(sections.values()), encoding="utf-8")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=list(SETS), help=f"{', '.join(SETS)}, or a folder")
    parser.add_argument("--recipes", nargs="*")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--recbole", type=Path)
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def usable(data: TrainingData, wanted: list[str] | None) -> list[str]:
    """The -v1 twins of a recipe share its learner, so by default the newer one stands for both."""
    names = wanted or [name for name in RECIPES if name not in TWINS]
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


if __name__ == "__main__":
    main()
