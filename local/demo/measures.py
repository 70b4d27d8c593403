"""Offline metrics beside their baseline, and what each of them means, on one example that fits a slide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import log2
from typing import Any

import numpy as np

from config import layout
from config.names import Names
from config.settings import Solution
from osusume_engine.metrics import ranking_metrics

Clients = Callable[[str], Any]
Metrics = Mapping[str, float]

BASELINE = "aws-popularity-count"
_NDCG = "normalized_discounted_cumulative_gain"
SHORT: Mapping[str, str] = {
    "coverage": "coverage",
    "mean_reciprocal_rank_at_25": "MRR@25",
    **{f"{_NDCG}_at_{k}": f"NDCG@{k}" for k in (5, 10, 25)},
    **{f"precision_at_{k}": f"precision@{k}" for k in (5, 10, 25)},
    **{f"{_NDCG}_with_event_weights_at_{k}": f"weighted NDCG@{k}" for k in (5, 10, 25)},
}

# What USER-A bought in the part of the data that was held back, and what was inferred, best first.
EXAMPLE = "USER-A"
HELD_BACK = ("ITEM-002", "ITEM-005", "ITEM-012")
INFERRED = {"ITEM-005": 0.81, "ITEM-002": 0.74, "ITEM-001": 0.53, "ITEM-003": 0.49, "ITEM-012": 0.33}
CATALOGUE = tuple(f"ITEM-{n:03}" for n in range(1, 13))  # up to the highest id that is named


def of_versions(clients: Clients, names: Names, solutions: Sequence[Solution]) -> dict[str, Metrics]:
    """GetSolutionMetrics of each version that serves."""
    personalize, found = clients("personalize"), {}
    for solution in solutions:
        key = {layout.PK: {"S": layout.SERVING.of(solution=solution.name)}}
        item = clients("dynamodb").get_item(TableName=names.control_table, Key=key).get("Item")
        if item is not None:
            arn = item["solution_version_arn"]["S"]
            found[solution.name] = personalize.get_solution_metrics(solutionVersionArn=arn)["metrics"]
    return found


def told(metrics: Mapping[str, Metrics], solutions: Sequence[Solution]) -> Iterator[str]:
    """A row for each key of any version, the baseline named beside it; then the example."""
    baseline = next((s.name for s in solutions if s.recipe == BASELINE and s.name in metrics), None)
    example = of_example()
    columns = dict(sorted(metrics.items(), key=lambda row: row[0] == baseline))
    heads = [f"{name} = baseline" if name == baseline else name for name in columns]
    rows = [["", *heads, f"{EXAMPLE} (below)"]]
    for key in _keys(metrics):
        base = metrics[baseline].get(key) if baseline else None
        cells = [_cell(m.get(key), None if name == baseline else base) for name, m in columns.items()]
        rows.append([SHORT.get(key, key), *cells, _cell(example.get(key), None)])
    yield from _aligned(rows)
    yield from _about_baseline(baseline)
    yield from explained()


def _keys(metrics: Mapping[str, Metrics]) -> list[str]:
    present = {key for values in metrics.values() for key in values}
    return [key for key in SHORT if key in present] + sorted(present - SHORT.keys())


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _cell(value: float | None, baseline: float | None) -> str:
    if value is None:
        return "-"
    times = f"  {value / baseline:.1f} times" if baseline else ""
    return f"{value:.3f}{times}"


def _about_baseline(baseline: str | None) -> Iterator[str]:
    yield ""
    if baseline is None:
        yield f"  No baseline: no solution of {BASELINE} serves, so these figures stand alone."
        return
    yield f"  The baseline is {baseline} ({BASELINE}): the most popular items for everybody, asked for the same"
    yield "  users: one in ten, held back from training. `times` is what a version has of the baseline's figure."


def of_example() -> dict[str, float]:
    """The metrics of the example, as those of a solution version are made."""
    code = {item: n for n, item in enumerate(CATALOGUE)}
    found = np.full((1, 25), -1)
    found[0, : len(INFERRED)] = [code[item] for item in INFERRED]
    truth = [np.array([code[item] for item in HELD_BACK])]
    return ranking_metrics(lists=found, relevant=truth, n_items=len(CATALOGUE))


def explained() -> Iterator[str]:
    """Each metric in words, with the example's own numbers."""
    metrics = {SHORT[key]: value for key, value in of_example().items()}
    places = [n for n, item in enumerate(INFERRED, start=1) if item in HELD_BACK]
    right, gained = len(places), sum(1 / log2(1 + place) for place in places)
    best = sum(1 / log2(1 + place) for place in range(1, right + 1))
    ideal = ", ".join(map(str, range(1, right + 1)))
    marked = [f"{item} {score}{' ✓' if item in HELD_BACK else ''}" for item, score in INFERRED.items()]
    listed = ", ".join(map(str, places))
    yield ""
    yield f"  {EXAMPLE}: held back, because bought later: {', '.join(HELD_BACK)}"
    yield f"    inferred: {', '.join(marked)}"
    yield (
        f"    precision@5 {metrics['precision@5']:.3f}: {right} of 5 places are right; @10 "
        f"{metrics['precision@10']:.3f} and @25 {metrics['precision@25']:.3f}, since empty places count"
    )
    yield f"    MRR@25 {metrics['MRR@25']:.3f}: 1 over the place of the first right one, which is {places[0]}"
    yield (
        f"    NDCG@5 {metrics['NDCG@5']:.3f}: order counts. 1/log2(1+place) over places {listed} gives {gained:.3f},"
        f" of {best:.3f} on places {ideal}"
    )
    yield (
        f"    coverage {metrics['coverage']:.3f}: {len(INFERRED)} different items of a shop of {len(CATALOGUE)}"
        f" ({CATALOGUE[0]} to {CATALOGUE[-1]}), over all lists"
    )
