"""Offline metrics as the Amazon Personalize developer guide defines them.

Source: "Evaluating an Amazon Personalize solution version with metrics". The guide differs from textbooks
in one point: the ideal of NDCG is the returned list itself with its hits moved to the front, so a list with
one hit at rank 1 scores 1 however many relevant items it misses.
"""

from __future__ import annotations

import numpy as np

CUTOFFS = (5, 10, 25)


def ranking_metrics(*, lists: np.ndarray, relevant: list[np.ndarray], n_items: int) -> dict[str, float]:
    """lists: (queries, 25) item codes, padded with -1; relevant: item codes of each query."""
    hits = hit_matrix(lists, relevant)
    metrics = {"coverage": coverage(lists, n_items), "mean_reciprocal_rank_at_25": mean_reciprocal_rank(hits)}
    for k in CUTOFFS:
        metrics[f"normalized_discounted_cumulative_gain_at_{k}"] = float(list_ideal_ndcg(hits, k).mean())
        metrics[f"precision_at_{k}"] = precision(hits, k)
    return metrics


def hit_matrix(lists: np.ndarray, relevant: list[np.ndarray]) -> np.ndarray:
    """bool, True where a list's entry is relevant to its query."""
    width = int(max([lists.max(initial=-1), *(r.max(initial=-1) for r in relevant)])) + 1
    rows = np.repeat(np.arange(len(relevant), dtype=np.int64), [len(r) for r in relevant])
    truth = rows * width + (np.concatenate(relevant) if relevant else np.zeros(0, int))
    keys = np.arange(len(lists), dtype=np.int64)[:, None] * width + lists
    return np.isin(keys, truth) & (lists >= 0)


def coverage(lists: np.ndarray, n_items: int) -> float:
    """Distinct recommended items over distinct items of the Interactions and Items datasets."""
    return len(np.unique(lists[lists >= 0])) / max(n_items, 1)


def sameness(lists: np.ndarray, k: int = 25) -> float:
    """Mean overlap of two different lists: items that their first k places share, over k.

    1 where every query gets the same list. Over all pairs of lists, none drawn: an item in n lists is common to
    n (n - 1) / 2 pairs. 0.0 for fewer than two lists. Items stand once in a list.
    """
    top = lists[:, :k]
    pairs = len(top) * (len(top) - 1)
    counts = np.bincount(top[top >= 0]).astype(np.float64)
    return float((counts * (counts - 1)).sum() / pairs / k) if pairs else 0.0


def mean_reciprocal_rank(hits: np.ndarray) -> float:
    """1 / rank of the first hit within the list, 0 without one; mean over queries."""
    if not hits.size:
        return 0.0
    return float(np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1.0), 0.0).mean())


def list_ideal_ndcg(hits: np.ndarray, k: int) -> np.ndarray:
    """One NDCG per query; discount 1 / log2(1 + rank). The guide's example, hits at 2 and 5 of 5, gives 0.6241."""
    top = hits[:, :k]
    discounts = 1 / np.log2(np.arange(2, top.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[top.sum(axis=1)]
    return np.divide((top * discounts).sum(axis=1), ideal, out=np.zeros(len(top)), where=ideal > 0)


def precision(hits: np.ndarray, k: int) -> float:
    """Hits among the first k, over k even where the list is shorter."""
    return float(hits[:, :k].sum(axis=1).mean() / k) if len(hits) else 0.0


def average_rewards(*, lists: np.ndarray, relevant: list[np.ndarray], rewards: np.ndarray) -> float:
    """Objective: rewards of a user's hits in 25 over those of all their relevant items; mean over users."""
    hits = hit_matrix(lists, relevant)
    gained = (hits * rewards[np.maximum(lists, 0)]).sum(axis=1)
    total = np.array([rewards[r].sum() for r in relevant])
    return float(np.divide(gained, total, out=np.zeros(len(total)), where=total > 0).mean())


def weighted_ndcg(*, lists: np.ndarray, relevant: list[dict[int, float]], k: int = 25) -> float:
    """Events configuration: a hit gains its event's weight; the ideal sorts the list's gains."""
    gains = np.array(
        [[truth.get(int(i), 0.0) for i in row[:k]] for row, truth in zip(lists, relevant, strict=True)]
    )
    discounts = 1 / np.log2(np.arange(2, gains.shape[1] + 2))
    ideal = (-np.sort(-gains, axis=1) * discounts).sum(axis=1)
    return float(
        np.divide((gains * discounts).sum(axis=1), ideal, out=np.zeros(len(gains)), where=ideal > 0).mean()
    )


def trend_prediction_accuracy(*, recommended: np.ndarray, increase: np.ndarray) -> float:
    """Trending-Now: popularity gained by the recommended items over that of the 25 that gained most."""
    best = np.sort(np.maximum(increase, 0))[::-1][:25].sum()
    return float(np.maximum(increase[recommended[:25]], 0).sum() / best) if best > 0 else 0.0


def segment_metrics(*, segments: list[np.ndarray], truth: list[np.ndarray], n_users: int) -> dict[str, float]:
    """USER_SEGMENTATION: segments hold the top 1% of users of each query item, truth who interacted."""
    hits = np.array([np.isin(s, t).sum() for s, t in zip(segments, truth, strict=True)], dtype=float)
    sizes = np.array([max(len(t), 1) for t in truth])
    users = np.unique(np.concatenate(segments)) if segments else np.zeros(0)
    return {
        "coverage": len(users) / max(n_users, 1),
        "hit_at_k": float(hits.mean()) if len(hits) else 0.0,
        "recall_at_k": float((hits / sizes).mean()) if len(hits) else 0.0,
    }


def beyond_chance(gains: np.ndarray, *, errors: float) -> bool:
    """Whether the mean gain exceeds so many of its standard errors; without any gains it does not."""
    return bool(len(gains) and gains.mean() > errors * gains.std() / np.sqrt(len(gains)))


def area_under_curve(labels: np.ndarray, scores: np.ndarray) -> float:
    """The chance that a positive outscores a negative; ties count half. 0.5 without both classes."""
    positives = int(labels.sum())
    negatives = len(labels) - positives
    if not positives or not negatives:
        return 0.5
    _, where, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[where]
    wins = ranks[labels.astype(bool)].sum() - positives * (positives + 1) / 2
    return float(wins / (positives * negatives))
