"""Recipes on small data: real sub-samples of users, several seeds, beside the simple baselines.

    python -m bench.small                          # prints a table
    python -m bench.small --write                  # and keeps it in bench/RESULTS-recipes.md

A sample holds at most the 25 (50, 75) newest events of each of 50 (110, 220) users.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np

from osusume_engine.data import TrainingData
from osusume_engine.metrics import ranking_metrics
from osusume_engine.preparation import prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import Holdout

from . import baselines
from .data import load
from .recipes import conditions, write

# Users, newest events of each, and how many times as many seeds: five tested users say little.
SIZES = ((50, 25, 4), (110, 50, 1), (220, 75, 1))
KEY = "normalized_discounted_cumulative_gain_at_25"
PERSONAL = ("aws-user-personalization-v2",)
RELATED = ("aws-similar-items", "aws-sims")
Scores = dict[str, list[float]]


def sample(data: TrainingData, *, users: int, events: int, seed: int) -> TrainingData:
    frame = data.interactions
    assert frame is not None
    ids = np.sort(frame.USER_ID.unique())
    chosen = np.random.RandomState(seed).choice(ids, users, replace=False)
    mine = frame[frame.USER_ID.isin(chosen)].sort_values("TIMESTAMP", kind="stable")
    newest = mine.groupby("USER_ID", sort=False).tail(events)
    return replace(data, interactions=newest.reset_index(drop=True))


def measure(data: TrainingData, *, folds: int, seed: int) -> tuple[Scores, Scores, int]:
    """Scores by name: of the personal recipes and their baselines, and of the related ones."""
    prepared = prepare(data, events=None, required=frozenset({"Interactions"}))
    personal: Scores = {}
    related: Scores = {}
    for fold in range(folds):
        split = Task(prepared, {}, seed, fold).holdout()
        n_items = len(prepared.items)
        for total, simple in ((personal, baselines.PERSONAL), (related, baselines.RELATED)):
            for name, lists in simple.items():
                total.setdefault(name, []).append(_ndcg(lists(split, n_items), split, n_items))
        for group, recipes in ((personal, PERSONAL), (related, RELATED)):
            for recipe in recipes:
                task = Task(prepared, RECIPES[recipe].parse({}), seed, fold, trial=True)
                group.setdefault(recipe, []).append(LEARNERS[recipe](task).metrics[KEY])
    return personal, related, len(prepared.histories.items)


def _ndcg(lists: np.ndarray, split: Holdout, n_items: int) -> float:
    return ranking_metrics(lists=lists, relevant=split.truth, n_items=n_items)[KEY]


def rows(name: str, events: int, scores: Scores, recipes: tuple[str, ...]) -> list[str]:
    """One line for each recipe: the best baseline, and the difference with its standard error over runs."""
    simple = {label: values for label, values in scores.items() if label not in recipes}
    best = max(simple, key=lambda label: float(np.mean(simple[label])))
    lines = []
    for recipe in recipes:
        gain = np.array(scores[recipe]) - np.array(simple[best])
        error = gain.std() / np.sqrt(len(gain))
        figures = f"{np.mean(scores[recipe]):.4f} | {best} | {np.mean(simple[best]):.4f}"
        lines.append(
            f"| {name} | {events} | {recipe} | {figures} | {gain.mean():+.4f} ± {error:.4f} | {len(gain)} |"
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=["ml-100k", "complete-journey"])
    parser.add_argument("--seeds", type=int, default=3, help="of the larger samples (default 3)")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--recbole", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    lines = [
        "## small sets\n",
        conditions("bench.small"),
        "",
        "NDCG@25; the difference is to the best baseline of the same runs, with its standard error over them.",
        "",
        "| data | events | recipe | NDCG@25 | best baseline | its NDCG@25 | difference | runs |",
        "|---" * 8 + "|",
    ]
    for name in options.data:
        whole = load(name, options.recbole)
        for users, events, times in SIZES:
            personal: Scores = {}
            related: Scores = {}
            for seed in range(options.seeds * times):
                data = sample(whole, users=users, events=events, seed=seed)
                *found, count = measure(data, folds=options.folds, seed=seed)
                for total, part in zip((personal, related), found, strict=True):
                    for label, values in part.items():
                        total.setdefault(label, []).extend(values)
            print(
                name,
                count,
                {k: round(float(np.mean(v)), 4) for k, v in {**personal, **related}.items()},
                flush=True,
            )
            lines += rows(name, count, personal, PERSONAL) + rows(name, count, related, RELATED)
    print("\n".join(lines))
    if options.write:
        write({"small sets": "\n".join(lines) + "\n"})


if __name__ == "__main__":
    main()
