"""RELATED_ITEMS: what is said about pairs of items, and a ranker trained on what users did after an item."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, profile
from osusume_engine.models.discount import MOST_POPULAR, Discount
from osusume_engine.models.model import Answers
from osusume_engine.models.neighbours import together, without_diagonal
from osusume_engine.models.personalization import joined, labelled
from osusume_engine.models.popularity import Popularity
from osusume_engine.models.ranker import (
    Baselines,
    Examples,
    Ranker,
    baseline,
    fit_ranker,
    qualities,
    worth_having,
)
from osusume_engine.models.ranking import Lists, Mask, best_of, normalised, popular_tail
from osusume_engine.models.relations import NO_CONTENT, Relations
from osusume_engine.splits import practice
from osusume_engine.storage import storable

KEEP = 500  # neighbours of an item, Amazon's largest numResults
RELATED_MASS = 0.95
BATCH = 256
MAX_QUERIES = 6000
ENOUGH_EVENTS = 200_000  # from here on one fold of the users is queried, not all four
END = (0,)  # twentieths of a history: what is asked where a test asks
SPREAD = (0, 3, 6)  # other moments too: more relations to learn from, of which fewer are like a test's
FEW_EVENTS = 80_000  # up to here relations are too many to learn from ends alone (bench/RESULTS-recipes.md)

COLD = 5  # events; the developer guide's definition for Similar-Items
JUDGED = 30  # queries

Build = Callable[[Histories], Relations]
POPULARITY = {"users_score": 1.0}
SIMILAR: Baselines = {
    "popularity": POPULARITY,
    "window": {"window_share": 8.0},
    "given": {"given_share": 8.0},
    "shared": {"shared_share": 8.0},
    "window and popularity": {"window_share": 8.0, "users_share": 4.0},
}
TEXTS: Baselines = {
    "popularity": POPULARITY,
    "content": {"content_share": 8.0},
    "popular content": {"popular_content_share": 8.0},
}
BLENDS: Baselines = {
    "popularity": POPULARITY,
    "together": {"together_share": 8.0},
    "together and popularity": {"together_share": 6.0, "users_share": 2.0},
}
UNDISCOUNTED = Discount()


@storable
@dataclass(frozen=True)
class RelatedItems(Answers):
    """cold: items of fewer events are related by content alone."""

    relations: Relations
    ranker: Ranker
    cold: int
    discount: Discount = UNDISCOUNTED

    @staticmethod
    def fit(
        histories: Histories,
        build: Build,
        *,
        baselines: Baselines,
        discount: Discount = UNDISCOUNTED,
        learned: bool = True,
        seed: int = 0,
    ) -> RelatedItems:
        """learned: whether a ranker is fitted as well; the best on queries that it did not see is kept.

        With a discount, popularity is kept only where an item says nothing about the next one: without
        associations the popular items are the best there is, and nothing is discounted.
        """
        relations = build(histories)
        few = bool(relations.matrices) and len(histories.items) < FEW_EVENTS
        examples = pair_examples(
            histories, build, discount=discount, seed=seed, moments=SPREAD if few else END
        )
        ranker = fit_ranker(
            examples,
            seed=seed,
            names=relations.names,
            baselines=baselines,
            learned=learned,
            mixed=True,
        )
        cold = cold_limit(examples, relations.names, ranker) if relations.matrices else COLD
        if discount.factor:
            ranker = _associating(ranker, examples, baselines, relations.names, seed=seed)
        popular = ranker.kind == "popularity"
        return RelatedItems(relations, ranker, cold, UNDISCOUNTED if popular else discount)

    def rebuilt(self, histories: Histories, build: Build) -> RelatedItems:
        """The same ranker over what more users did."""
        return replace(self, relations=build(histories))

    def related(self, items: np.ndarray, k: int, *, allowed: Mask | None = None) -> Lists:
        """items: query item codes, -1 where unknown. The query item itself is never listed."""
        lists = Lists.empty(len(items), k)
        known = np.flatnonzero(items >= 0)
        for start in range(0, len(known), BATCH):
            rows = known[start : start + BATCH]
            part = self._related(items[rows], k, allowed)
            lists.items[rows], lists.scores[rows] = part.items, part.scores
        users = self.relations.popularity.users
        return popular_tail(lists, users, k, allowed, mass=1 - RELATED_MASS, never=items)

    def _related(self, items: np.ndarray, k: int, allowed: Mask | None) -> Lists:
        """Where allowed leaves fewer than k candidates, they are drawn again inside what it allows."""
        lists = self._ranked(items, k, allowed, None)
        if allowed is not None and lists.shortest < k:
            inside = np.asarray(allowed(np.arange(self.relations.n_items)), dtype=bool)
            lists = self._ranked(items, k, None, inside)
        return lists

    def _ranked(self, items: np.ndarray, k: int, allowed: Mask | None, inside: np.ndarray | None) -> Lists:
        pairs = self.relations.candidates(items, inside)
        if not len(pairs.rows):
            return Lists.empty(len(items), k)
        odds = self.ranker.log_odds(self.relations.features(items, pairs))
        scores = RELATED_MASS * normalised(odds, pairs)
        lists = best_of(pairs, scores, len(items), k + MOST_POPULAR, allowed)
        return self.discount.spread(lists, self.relations.popularity, k)


def pair_examples(
    histories: Histories,
    build: Build,
    *,
    discount: Discount = UNDISCOUNTED,
    seed: int,
    moments: Sequence[int] = END,
) -> Examples:
    """Queries cut from users whom the relations that answer them haven't seen; their last event is the query.

    discount: what hits are worth beside each other.
    """
    random = np.random.RandomState(seed)
    fold = random.permutation(len(histories)) % 4
    parts = 4 if len(histories.items) < ENOUGH_EVENTS else 1
    found = []
    for part in range(parts):
        relations = build(histories.take(np.flatnonzero(fold != part)))
        users = np.flatnonzero((fold == part) & (histories.lengths >= 2))
        limit = MAX_QUERIES // parts // len(moments)
        if len(users) > limit:
            users = np.sort(random.choice(users, limit, replace=False))
        for back in moments:
            found += _examples_at(histories.take(users), users, relations, back, discount)
    return _weighed(joined(found)) if discount.factor else joined(found)


def cold_limit(examples: Examples, names: Sequence[str], ranker: Ranker) -> int:
    """The largest of COLD, 1 and 0 below which content relates items at least as well as the ranker does.

    Where there are fewer than JUDGED queries to tell, content is trusted.
    """
    if "content_share" not in names:
        return COLD
    alike = examples.features[:, names.index("content_share")]
    gain = qualities(alike, examples) - qualities(ranker.log_odds(examples.features), examples)
    users = examples.features[:, names.index("query_users")]
    for limit in (COLD, 1):
        cold = np.unique(examples.queries[users < np.log1p(limit) - 1e-6])
        if len(cold) < JUDGED or gain[cold].mean() >= 0:
            return limit
    return 0


def _associating(
    ranker: Ranker, examples: Examples, baselines: Baselines, names: Sequence[str], *, seed: int
) -> Ranker:
    """The best baseline beside popularity in place of it, where associations say anything beyond popularity."""
    if ranker.kind != "popularity":
        return ranker
    counts = ("users_", "recent_", "query_")
    associations = [name for name in names if not name.startswith(counts)]
    if not worth_having(examples, names, associations, seed=seed):
        return ranker
    others = {kind: ranker.validation[kind] for kind in baselines if kind != "popularity"}
    kind = max(others, key=lambda name: others[name])
    return replace(baseline(kind, baselines[kind], names), validation=ranker.validation)


def _weighed(examples: Examples) -> Examples:
    """Relevant pairs weigh 1 on average again, so that a discount moves weight among them only."""
    relevant = examples.labels > 0
    mean = examples.weights[relevant].mean() if relevant.any() else 1.0
    return replace(examples, weights=np.where(relevant, examples.weights / mean, examples.weights))


def _examples_at(
    histories: Histories, users: np.ndarray, relations: Relations, back: int, discount: Discount
) -> list[Examples]:
    rows, seen, relevant = practice(histories, back)
    last = seen.items[seen.ptr[1:] - 1]
    return [
        _answered(last[part], relevant.take(part), users[rows[part]], relations, discount)
        for part in np.split(np.arange(len(rows)), range(BATCH, len(rows), BATCH))
    ]


def _answered(
    items: np.ndarray, relevant: Histories, users: np.ndarray, relations: Relations, discount: Discount
) -> Examples:
    pairs = relations.candidates(items)
    found = labelled(pairs, relations.features(items, pairs), relevant, users, relations.n_items)
    if not discount.factor:
        return found
    worth = discount.worth(relations.popularity.users[pairs.items])
    return replace(found, weights=np.where(found.labels > 0, found.weights * worth, found.weights))


def cooccurrence(
    histories: Histories, n_items: int, *, minimum: int, popularity_discount: float, popular: Popularity
) -> Relations:
    """SIMS: users in common, at least `minimum`, over the neighbour's popularity^discount.

    popular: of every item, for where nothing is related.
    """
    users_by_items = profile(histories, n_items)
    discount = np.power(np.asarray(users_by_items.sum(axis=0)).ravel() + 1, popularity_discount)

    def score(counts: sp.csr_matrix, first: int) -> sp.csr_matrix:
        matrix = without_diagonal(counts, first=first)
        enough = matrix.data >= minimum
        matrix.data = np.where(enough, matrix.data / discount[matrix.indices], 0).astype(np.float32)
        return matrix

    return Relations({"together": together(users_by_items, score, keep=KEEP)}, popular, NO_CONTENT)


def newest_of_each_item(histories: Histories, limit: int) -> Histories:
    """At most `limit` events of each item, the newest ones; users stay, perhaps empty."""
    order = np.lexsort((-histories.times, histories.items))
    items = histories.items[order]
    keep = np.empty(len(order), dtype=bool)
    keep[order] = np.arange(len(order)) - np.searchsorted(items, items) < limit
    return histories.where(keep)
