"""Our metrics beside trec_eval, in its Python binding, on the same lists.

Amazon's ideal of NDCG is the returned list, trec_eval's all judged items: it is told only of those returned.
"""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval

from osusume_engine.metrics import CUTOFFS, ranking_metrics, weighted_ndcg

QUERIES, ITEMS, LENGTH = 300, 80, 25
LISTS = np.stack([np.random.RandomState(seed).permutation(ITEMS)[:LENGTH] for seed in range(QUERIES)])
RELEVANT = [np.random.RandomState(1000 + seed).permutation(ITEMS)[: seed % 12] for seed in range(QUERIES)]
GAINS = [{int(item): 1 + int(item) % 3 for item in items} for items in RELEVANT]


def judged(
    measures: set[str], *, first: int, returned_only: bool, graded: bool = False
) -> list[dict[str, float]]:
    """Of every query. returned_only: whether relevant items below the first ones are kept from trec_eval."""
    truth, runs = {}, {}
    for query, (listed, gains) in enumerate(zip(LISTS.tolist(), GAINS, strict=True)):
        known = gains.keys() & set(listed[:first]) if returned_only else gains.keys()
        # A query without any judgement is left out of the answers, and one with an irrelevant item scores 0.
        truth[f"q{query}"] = {"none": 0} | {str(item): gains[item] if graded else 1 for item in known}
        runs[f"q{query}"] = {str(item): float(LENGTH - place) for place, item in enumerate(listed[:first])}
    results = pytrec_eval.RelevanceEvaluator(truth, measures).evaluate(runs)
    return [results[f"q{query}"] for query in range(QUERIES)]


def mean(results: list[dict[str, float]], measure: str) -> float:
    return float(np.mean([result[measure] for result in results]))


@pytest.fixture(scope="module")
def ours() -> dict[str, float]:
    return ranking_metrics(lists=LISTS, relevant=RELEVANT, n_items=ITEMS)


@pytest.mark.parametrize("k", CUTOFFS)
def test_ndcg_is_trec_evals_with_the_judgements_of_the_returned_items(ours: dict[str, float], k: int) -> None:
    theirs = mean(judged({"ndcg"}, first=k, returned_only=True), "ndcg")
    assert 0.1 < theirs < 0.9
    assert ours[f"normalized_discounted_cumulative_gain_at_{k}"] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("k", CUTOFFS)
def test_precision_is_trec_evals(ours: dict[str, float], k: int) -> None:
    theirs = mean(judged({f"P.{k}"}, first=LENGTH, returned_only=False), f"P_{k}")
    assert 0.05 < theirs < 0.5
    assert ours[f"precision_at_{k}"] == pytest.approx(theirs, abs=1e-9)


def test_reciprocal_rank_is_trec_evals(ours: dict[str, float]) -> None:
    theirs = mean(judged({"recip_rank"}, first=LENGTH, returned_only=False), "recip_rank")
    assert 0.1 < theirs < 0.9
    assert ours["mean_reciprocal_rank_at_25"] == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("k", CUTOFFS)
def test_weighted_ndcg_is_trec_evals_with_graded_judgements(k: int) -> None:
    theirs = mean(judged({"ndcg"}, first=k, returned_only=True, graded=True), "ndcg")
    truth = [{item: float(gain) for item, gain in gains.items()} for gains in GAINS]
    assert weighted_ndcg(lists=LISTS, relevant=truth, k=k) == pytest.approx(theirs, abs=1e-9)


def test_the_textbooks_ideal_gives_less() -> None:
    """So that the agreement above is known to depend on what trec_eval was told."""
    textbook = mean(judged({"ndcg"}, first=25, returned_only=False), "ndcg")
    assert textbook < mean(judged({"ndcg"}, first=25, returned_only=True), "ndcg") - 0.1
