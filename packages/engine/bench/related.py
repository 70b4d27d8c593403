"""Related lists: do they go with their item, or with every item?

python -m bench.related                            # all data sets, prints a table of each
python -m bench.related --data shop --factors 0 0.5 1
python -m bench.related --data ../mine             # a folder of your own: bench/data.py says what is in it
python -m bench.related --write                    # and keep it in bench/RESULTS-related.md

Users are tested whom nothing was learned from: folds of a fifth of them. Events of one second, such as a
basket, are in an order by chance: which of them comes next says nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories, profile, users_of
from osusume_engine.metrics import coverage, list_ideal_ndcg, sameness
from osusume_engine.models.neighbours import fit_cosine
from osusume_engine.preparation import Prepared, prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import hold_out

from .data import load
from .recipes import conditions, write

RESULTS = Path(__file__).with_name("RESULTS-related.md")
HEADER = """# Related lists

What a list holds for the items with at least 20 buyers, and whether it holds what a user went on to. *popular*:
of a list's 25 items, how many are among the 25 most popular; *at most 5*: the share of lists where that is at
most 5. *sameness*: mean overlap of two lists. *hit@25*, *NDCG@25*: the next item of users whom nothing was
learned from, given the item before it; *against popularity*: the difference of hit@25 to the 25 most popular
items, with its 95% interval (bootstrap over users). `popularity_discount_factor` stands behind the recipe.
"""
SETS = ("shop", "ml-100k-liked", "ml-100k")
SHIPPED = 0.8  # config/common.yaml
FACTORS = (0.0, 0.25, 0.5, SHIPPED, 1.0)
BUYERS = 20
PLACES = 25
AT_MOST = 5
FOLDS = 5
DRAWS = 1000


@dataclass(frozen=True)
class Next:
    """Items that a user had one after the other, of held-out users. Of equals in time, by chance."""

    items: np.ndarray
    followers: np.ndarray
    users: np.ndarray

    @staticmethod
    def of(histories: Histories, *, seed: int = 0) -> Next:
        chance = np.random.RandomState(seed).rand(len(histories.items))
        order = np.lexsort((chance, histories.times, histories.owners))
        items, owners = histories.items[order], histories.owners[order]
        pairs = np.flatnonzero((owners[1:] == owners[:-1]) & (items[1:] != items[:-1]))
        return Next(items[pairs], items[pairs + 1], owners[pairs])

    def hits(self, lists: np.ndarray) -> np.ndarray:
        """bool (pairs, 25): the place where the item's list holds what followed it."""
        return lists[self.items] == self.followers[:, None]


@dataclass(frozen=True)
class Measured:
    """gains and counts: of each held-out user, hits beyond popularity's and pairs."""

    figures: Mapping[str, float]
    gains: np.ndarray
    counts: np.ndarray


def measured(lists: np.ndarray, asked: Next, users: np.ndarray) -> Measured:
    """lists: (items, 25) of every item of the catalogue; users: of each item, among those learned from."""
    hits, popular = asked.hits(lists), asked.hits(popular_lists(users))
    often = np.flatnonzero(users >= BUYERS)
    among = np.isin(lists[often], np.argsort(-users, kind="stable")[:PLACES]).sum(axis=1)
    gain = hits.any(axis=1).astype(float) - popular.any(axis=1)
    size = int(asked.users.max(initial=-1)) + 1
    figures = {
        "popular": float(among.mean()),
        "at most 5": float((among <= AT_MOST).mean()),
        "hit@25": float(hits.any(axis=1).mean()),
        "NDCG@25": float(list_ideal_ndcg(hits, PLACES).mean()),
        "coverage": coverage(lists[often], len(users)),
        "sameness": sameness(lists[often]),
    }
    return Measured(
        figures, np.bincount(asked.users, gain, minlength=size), np.bincount(asked.users, minlength=size)
    )


def popular_lists(users: np.ndarray) -> np.ndarray:
    """The 25 most popular others of each item."""
    order = np.argsort(-users, kind="stable")[: PLACES + 1]
    return np.stack([order[order != item][:PLACES] for item in range(len(users))])


def interval(parts: Sequence[Measured], *, seed: int = 0) -> tuple[float, float, float]:
    """(mean, low, high) of the gain in hit@25, by drawing users with replacement."""
    gains = np.concatenate([part.gains for part in parts])
    counts = np.concatenate([part.counts for part in parts])
    random = np.random.RandomState(seed)
    drawn = [random.randint(0, len(gains), len(gains)) for _ in range(DRAWS)]
    means = [gains[one].sum() / max(counts[one].sum(), 1) for one in drawn]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(gains.sum() / max(counts.sum(), 1)), float(low), float(high)


def cosine_lists(train: Histories, n_items: int) -> np.ndarray:
    """item-kNN, then the popular."""
    scores = fit_cosine(profile(train, n_items), shrink=10.0, keep=100).toarray()
    users = users_of(train, n_items)
    scores += users / (users.max() + 1) * 1e-6
    np.fill_diagonal(scores, -1)
    return np.argsort(-scores, axis=1, kind="stable")[:, :PLACES]


def learned_lists(
    train: Histories, n_items: int, *, prepared: Prepared, recipe: str, given: Mapping[str, str]
) -> np.ndarray:
    """Lists of every item, by a model of the recipe that learned from these users alone."""
    task = Task(replace(prepared, histories=train), RECIPES[recipe].parse(given), 0)
    return LEARNERS[recipe](task).model.related(np.arange(n_items), PLACES).items


def contenders(prepared: Prepared, factors: Sequence[float]) -> dict[str, object]:
    found: dict[str, object] = {
        "popularity": lambda train, n_items: popular_lists(users_of(train, n_items)),
        "item-kNN": cosine_lists,
    }
    for recipe in ("aws-similar-items", "aws-sims"):
        for factor in factors:
            given = {"popularity_discount_factor": str(factor)}
            found[f"{recipe}, {factor:g}"] = partial(
                learned_lists, prepared=prepared, recipe=recipe, given=given
            )
    return found


def measure(
    data: TrainingData, *, factors: Sequence[float], folds: int
) -> Iterator[tuple[str, list[Measured]]]:
    prepared = prepare(data, events=None, required=frozenset({"Interactions"}))
    n_items = len(prepared.items)
    splits = [hold_out(prepared.histories, fold=fold, folds=FOLDS) for fold in range(folds)]
    for name, lists in contenders(prepared, factors).items():
        parts = []
        for split in splits:
            asked = Next.of(prepared.histories.take(split.test_users))
            train = split.train
            parts.append(measured(lists(train, n_items), asked, users_of(train, n_items)))  # type: ignore[operator]
        yield name, parts


def row(name: str, parts: Sequence[Measured]) -> str:
    means = {key: float(np.mean([part.figures[key] for part in parts])) for key in parts[0].figures}
    gain, low, high = interval(parts)
    cells = [f"{means.pop('popular'):.1f}", f"{means.pop('at most 5'):.0%}"]
    cells += [f"{value:.3f}" for value in means.values()]
    return f"| {name} | {' | '.join(cells)} | {gain:+.4f} [{low:+.4f}, {high:+.4f}] |"


def section(name: str, rows: Sequence[str]) -> str:
    head = (
        "lists",
        "popular",
        "at most 5",
        "hit@25",
        "NDCG@25",
        "coverage",
        "sameness",
        "against popularity",
    )
    lines = [
        f"## {name}\n",
        conditions("bench.related"),
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
    ]
    return "\n".join([*lines, *rows]) + "\n"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=list(SETS), help=f"{', '.join(SETS)}, or a folder")
    parser.add_argument("--factors", nargs="*", type=float, default=list(FACTORS))
    parser.add_argument("--folds", type=int, default=FOLDS, choices=range(1, FOLDS + 1))
    parser.add_argument("--recbole", type=Path)
    parser.add_argument(
        "--write", action="store_true", help="replace the sections of these sets in RESULTS-related.md"
    )
    return parser.parse_args()


def main() -> None:
    options = arguments()
    sections = {}
    for name in options.data:
        rows = []
        for label, parts in measure(
            load(name, options.recbole), factors=options.factors, folds=options.folds
        ):
            rows.append(row(label, parts))
            print(rows[-1], flush=True)
        title = Path(name).name
        sections[title] = section(title, rows)
    print("\n".join(sections.values()))
    if options.write:
        write(sections, RESULTS, HEADER)


if __name__ == "__main__":
    main()
