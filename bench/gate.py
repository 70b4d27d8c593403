"""The quality gate's error rates: how many equally good versions it turns down, how many that are 10% worse it catches.

python -m bench.gate                 # every data set; prints a table of each
python -m bench.gate --data shop     # one of them, or a folder: packages/engine/bench/data.py says what is in it
python -m bench.gate --write         # and keep it in bench/RESULTS-gate.md

The gate is the deployed one (lambdas/judge_solution_version); data and tables are those of the engine's benches.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from lambdas.judge_solution_version.gate import LEVEL, Case, Earlier, Rules, Serving, judge
from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories
from osusume_engine.metrics import hit_matrix, list_ideal_ndcg
from osusume_engine.models.neighbours import fit_cosine
from osusume_engine.preparation import prepare
from osusume_engine.splits import held_out_lengths
from packages.engine.bench.data import load
from packages.engine.bench.recipes import conditions, write

RESULTS = Path(__file__).with_name("RESULTS-gate.md")
HEADER = """# Error rates of the quality gate

*Nights*: one data set as it was on its last 40 nights; a model (item-kNN, with what the user had before where that
comes again) learns each night, and gives each user's NDCG@25 on the newest tenth of their events. A *version's* figure
is the mean over a tenth of the users, as GetSolutionMetrics answers it. Versions of one model on successive nights are
*equally good*; for one that is *10% worse* every tenth tested user, by chance, gets a list without a hit.
*drawn anew*: each version is tested on another tenth of the users. *the same*: all are tested on one tenth. Amazon
Personalize does not say which of the two it does.
*turned down*: share of equally good versions that the gate refuses. *caught*: share of the worse ones that it refuses.
*spread*: standard deviation between equally good versions, as a share of the figure. Shipped rules:
`min_against_serving` 0.95, `false_rejections` 0.05, `min_against_best` 0.9.
"""
SETS = ("ml-100k", "complete-journey", "shop")
NIGHTS = 40
DAY = 86_400
ITEMS = 5_000  # the most frequent
WORSE = 0.1
BEFORE = (1, 5, 15, 30)  # versions that were promoted before
SERIES = 1_000
METRIC = "normalized_discounted_cumulative_gain_at_25"
RULES = Rules(METRIC, 0.95, min_against_best=0.9)


@dataclass(frozen=True)
class Nights:
    """gains: (nights, users) NDCG@25 of whoever could be tested by then, NaN of the others."""

    gains: np.ndarray

    @cached_property
    def tested(self) -> np.ndarray:
        """Users who could be tested on every night."""
        return np.flatnonzero(np.isfinite(self.gains).all(axis=0))


def nights(data: TrainingData) -> Nights:
    prepared = prepare(data, events=None, required=frozenset({"Interactions"}))
    frequent = np.argsort(-np.bincount(prepared.histories.items), kind="stable")[:ITEMS]
    histories = prepared.histories.where(np.isin(prepared.histories.items, frequent))
    codes = np.full(len(prepared.items), -1)
    codes[frequent] = np.arange(len(frequent))
    last = int(histories.times.max())
    rows = [
        _gains(histories.where(histories.times <= last - back * DAY), codes, len(frequent))
        for back in reversed(range(NIGHTS))
    ]
    return Nights(np.stack(rows))


def _gains(histories: Histories, codes: np.ndarray, n_items: int) -> np.ndarray:
    """Each user's NDCG@25 of one night."""
    kept = np.maximum(histories.lengths - held_out_lengths(histories.lengths), 0)
    seen, relevant = histories.head(kept), histories.skip(kept)
    scores = _scores(seen, codes, n_items)
    lists = np.argsort(-scores, axis=1, kind="stable")[:, :25]
    truth = np.split(codes[relevant.items], relevant.ptr[1:-1])
    gains = list_ideal_ndcg(hit_matrix(lists, truth), 25)
    return np.where((histories.lengths >= 2) & (kept > 0), gains, np.nan)


def _scores(seen: Histories, codes: np.ndarray, n_items: int) -> np.ndarray:
    ones = np.ones(len(seen.items))
    counts = sp.csr_matrix((ones, (seen.owners, codes[seen.items])), shape=(len(seen), n_items))
    repeated = counts.nnz < 0.95 * counts.sum()
    had = (counts > 0).astype(float).tocsr()
    near = fit_cosine(had, shrink=10.0, keep=100)
    scores = np.asarray((had @ near).todense()) + had.sum(axis=0).A1 * 1e-6
    if repeated:
        scores = scores / max(scores.max(), 1e-9) + np.log1p(counts.toarray())
    else:
        scores[had.toarray() > 0] = -1.0
    return scores


@dataclass(frozen=True)
class Rates:
    turned_down: float
    caught: float
    spread: float


def rates(found: Nights, *, before: int, anew: bool, seed: int = 0) -> Rates:
    random = np.random.RandomState(seed)
    outcomes = np.array([_series(found, before, anew, random) for _ in range(SERIES)])
    refused, caught = outcomes[:, 0].mean(), outcomes[:, 1].mean()
    return Rates(float(refused), float(caught), float(np.sqrt(outcomes[:, 2].mean())))


def _series(
    found: Nights, before: int, anew: bool, random: np.random.RandomState
) -> tuple[bool, bool, float]:
    """(equally good turned down, worse caught, squared relative difference) of the version after `before` others."""
    start = random.randint(0, NIGHTS - before)
    count = len(found.tested) // 10
    drawn = random.choice(found.tested, count, replace=False)
    promoted: list[Earlier] = []
    for night in range(start, start + before):
        tested = random.choice(found.tested, count, replace=False) if anew else drawn
        value = float(found.gains[night, tested].mean())
        if not promoted or _passes(promoted, value, users=count * 10):
            promoted.append(Earlier(f"solution/v{night}", {METRIC: value}))
    tested = random.choice(found.tested, count, replace=False) if anew else drawn
    gains = found.gains[start + before, tested]
    worse = np.where(random.rand(count) < WORSE, 0.0, gains)
    level = promoted[-1].metrics[METRIC]
    good, bad = (_passes(promoted, float(one.mean()), users=count * 10) for one in (gains, worse))
    return not good, not bad, float(((gains.mean() - level) / level) ** 2 / 2)


def _passes(promoted: Sequence[Earlier], value: float, *, users: int) -> bool:
    serving = Serving(promoted[-1].arn, promoted[-1].metrics)
    case = Case(
        arn="solution/new", metrics={METRIC: value}, serving=serving, history=promoted[-30:], users=users
    )
    return judge(case, RULES).promote


def rows(found: Nights) -> Iterator[str]:
    for anew in (True, False):
        for before in BEFORE:
            if before < NIGHTS:
                rate = rates(found, before=before, anew=anew)
                who = "drawn anew" if anew else "the same"
                cells = [
                    who,
                    str(before),
                    f"{rate.spread:.1%}",
                    f"{rate.turned_down:.1%}",
                    f"{rate.caught:.1%}",
                ]
                yield f"| {' | '.join(cells)} |"


def section(name: str, found: Nights, lines: Sequence[str]) -> str:
    gains = found.gains[-1, found.tested]
    tested = len(gains) // 10
    relative = gains.std() / gains.mean()
    needed = (1.645 + 1.282) ** 2 * (1 + 1 / LEVEL) * relative**2 / WORSE**2
    said = (
        f"{tested} of {len(gains)} users tested, NDCG@25 {gains.mean():.3f}; between users it differs by "
        f"{relative:.2f} times the mean, so where they are drawn anew 90% of 10% drops are caught from "
        f"{needed:,.0f} tested users on."
    )
    head = ["tested users", "versions before", "spread", "turned down", "caught"]
    table = [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines]
    return "\n".join([f"## {name}\n", conditions("bench.gate"), "", said, "", *table]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", nargs="*", default=list(SETS), help=f"{', '.join(SETS)}, or a folder")
    parser.add_argument("--recbole", type=Path)
    parser.add_argument("--write", action="store_true", help="replace these sections of RESULTS-gate.md")
    options = parser.parse_args()
    sections = {}
    for name in options.data:
        found = nights(load(name, options.recbole))
        sections[Path(name).name] = section(Path(name).name, found, list(rows(found)))
        print(sections[Path(name).name], flush=True)
    if options.write:
        write(sections, RESULTS, HEADER)


if __name__ == "__main__":
    main()
