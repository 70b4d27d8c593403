"""USER_PERSONALIZATION and PERSONALIZED_RANKING: candidate generators and a ranker trained out of fold."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from osusume_engine.histories import Histories
from osusume_engine.models.candidates import (
    CONTENT_FEATURES,
    Candidates,
    candidates,
    features,
    names_of,
    queries_of,
)
from osusume_engine.models.contents import Contents
from osusume_engine.models.generators import Generators, Settings, Views
from osusume_engine.models.model import Answers, Personal
from osusume_engine.models.ranker import (
    USUAL,
    Examples,
    Ranker,
    fit_ranker,
    without_idle_habits,
    worth_having,
)
from osusume_engine.models.ranking import Lists, Mask, best_of, normalised, popular_tail
from osusume_engine.splits import practice
from osusume_engine.storage import storable

BATCH = 256
MANY_BATCHES = 8  # from here on threads pay
BACK = range(4)  # twentieths of a history: the fewer the users, the more queries each is worth
ASKED = 20_000  # users, whether metadata helps
PLENTY = 60_000  # users of whom a twentieth is enough to query
CANDIDATE_MASS = 0.95  # of the scores; the rest of the catalogue shares what remains


@storable
@dataclass(frozen=True)
class Personalizer(Answers):
    """today: second before which nobody is answered, so that who comes back after a year sees what is new.

    None, while the ranker learns and is tested: as of each user's newest event.
    """

    generators: Generators
    ranker: Ranker
    today: int | None = None

    @staticmethod
    def fit(
        histories: Histories,
        n_items: int,
        *,
        settings: Settings,
        seed: int = 0,
        contents: Contents | None = None,
    ) -> Personalizer:
        """contents: left out where they don't help to rank for users that nothing was learned from.

        From PLENTY users on the generators that trained the ranker stay: they know 19 users in 20.
        """
        if contents is not None and not helpful(contents, histories, n_items, settings=settings, seed=seed):
            contents = None
        examples, generators = out_of_fold_examples(
            histories, n_items, settings=settings, seed=seed, contents=contents
        )
        ranker = fit_ranker(without_idle_habits(examples), seed=seed, names=names_of(generators), usual=USUAL)
        if len(histories) < PLENTY:
            generators = Generators.fit(histories, n_items, settings=settings, seed=seed, contents=contents)
        return Personalizer(generators, ranker)

    @property
    def base(self) -> Personalizer:
        """What is below that which steers it: itself."""
        return self

    @property
    def contexts(self) -> None:
        return None

    @property
    def newcomers(self) -> None:
        return None

    @property
    def imitable(self) -> Personalizer:
        return self

    @property
    def personal(self) -> Personal:
        return self

    def recommend(
        self,
        queries: Histories,
        k: int,
        *,
        allowed: Mask | None = None,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> Lists:
        """Where allowed leaves fewer than k candidates, they are drawn again inside what it allows."""
        batches = [queries_of(queries, start, BATCH) for start in range(0, len(queries), BATCH)]
        if len(batches) < MANY_BATCHES or allowed is not None:
            return Lists.stacked([self._recommend(batch, k, allowed) for batch in batches], k)
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # most of the work is outside Python's lock
            return Lists.stacked(list(threads.map(lambda batch: self._recommend(batch, k, None), batches)), k)

    def rank(
        self,
        query: Histories,
        items: np.ndarray,
        *,
        context: np.ndarray | None = None,
        traits: np.ndarray | None = None,
    ) -> np.ndarray:
        """Scores of the given item codes, which sum to at most 1 with all others."""
        if not len(query.items):
            share = self.generators.popularity.users + 1
            return (share / share.sum())[items]
        views = Views.of(query, self.generators, today=self.today)
        usual = candidates(views, self.generators)
        rows = np.zeros(len(usual.items) + len(items), np.int32)
        pairs = Candidates.of(rows, np.concatenate([usual.items, items]), self.generators.n_items)
        scores = self._scores(views, pairs)
        return scores[np.searchsorted(pairs.items, items)]

    def _recommend(self, queries: Histories, k: int, allowed: Mask | None) -> Lists:
        views = Views.of(queries, self.generators, today=self.today)
        pairs = candidates(views, self.generators)
        lists = best_of(pairs, self._scores(views, pairs), len(queries), k, allowed)
        if allowed is not None and lists.shortest < k:
            inside = allowed(np.arange(self.generators.n_items))
            pairs = candidates(views, self.generators, allowed=inside)
            lists = best_of(pairs, self._scores(views, pairs), len(queries), k, allowed)
        lists = self._cold(lists, queries, k, allowed)
        return popular_tail(lists, self.generators.popularity.users, k, allowed, mass=1 - CANDIDATE_MASS)

    def _cold(self, lists: Lists, queries: Histories, k: int, allowed: Mask | None) -> Lists:
        """A user without events gets the popular items alone."""
        lists.items[queries.lengths == 0] = -1
        lists.scores[queries.lengths == 0] = 0
        return lists

    def _scores(self, views: Views, pairs: Candidates) -> np.ndarray:
        if not len(pairs.rows):
            return np.zeros(0)
        return CANDIDATE_MASS * normalised(
            self.ranker.log_odds(features(views, self.generators, pairs)), pairs
        )


def helpful(contents: Contents, histories: Histories, n_items: int, *, settings: Settings, seed: int) -> bool:
    """Asked of one part of the users, of at most ASKED."""
    if len(histories) > ASKED:
        chosen = np.random.RandomState(seed).choice(len(histories), ASKED, replace=False)
        histories = histories.take(np.sort(chosen))
    examples, generators = out_of_fold_examples(
        histories, n_items, settings=settings, seed=seed, contents=contents, max_parts=1
    )
    return worth_having(without_idle_habits(examples), names_of(generators), CONTENT_FEATURES, seed=seed)


def out_of_fold_examples(
    histories: Histories,
    n_items: int,
    *,
    settings: Settings,
    seed: int,
    contents: Contents | None = None,
    max_queries: int = 6000,
    max_parts: int = 4,
) -> tuple[Examples, Generators]:
    """Queries cut from users whom the generators that answer them haven't seen, and the last generators."""
    random = np.random.RandomState(seed)
    n_folds, parts = _folds(len(histories), len(histories.items))
    parts = min(parts, max_parts)
    fold = random.permutation(len(histories)) % n_folds
    found = []
    for part in range(parts):
        generators = Generators.fit(
            histories.take(np.flatnonzero(fold != part)),
            n_items,
            settings=settings,
            seed=seed,
            contents=contents,
        )
        users = np.flatnonzero((fold == part) & (histories.lengths >= 2))
        limit = max(1, max_queries // parts // 2)
        if len(users) > limit:
            users = np.sort(random.choice(users, limit, replace=False))
        for back in BACK[: max(2, max_queries // parts // max(len(users), 1))]:
            found += _examples_at(histories.take(users), users, generators, back)
    return joined(found), generators


def _folds(users: int, events: int) -> tuple[int, int]:
    """(folds of users, how many of them to query): all where data is scarce, one where it is plenty."""
    if users >= PLENTY:
        return 20, 1
    if events < 200_000:
        return 4, 4
    return (4, 2) if events < 3_000_000 else (4, 1)


def _examples_at(
    histories: Histories, users: np.ndarray, generators: Generators, back: int
) -> list[Examples]:
    rows, seen, relevant = practice(histories, back)
    return [
        _answered(
            queries_of(seen, at, BATCH),
            queries_of(relevant, at, BATCH),
            users[rows[at : at + BATCH]],
            generators,
        )
        for at in range(0, len(seen), BATCH)
    ]


def _answered(seen: Histories, relevant: Histories, users: np.ndarray, generators: Generators) -> Examples:
    views = Views.of(seen, generators)
    pairs = candidates(views, generators)
    return labelled(pairs, features(views, generators, pairs), relevant, users, generators.n_items)


def labelled(
    pairs: Candidates, columns: np.ndarray, relevant: Histories, users: np.ndarray, n_items: int
) -> Examples:
    """columns: the features of the pairs; relevant: per query, what was wanted."""
    keys = relevant.owners.astype(np.int64) * n_items + relevant.items
    truth, at = np.unique(keys, return_inverse=True)
    heaviest = np.zeros(len(truth), np.float32)
    np.maximum.at(heaviest, at, relevant.weights)
    mine = pairs.rows.astype(np.int64) * n_items + pairs.items
    place = np.minimum(np.searchsorted(truth, mine), len(truth) - 1)
    labels = truth[place] == mine
    return Examples(
        columns,
        labels.astype(np.int8),
        np.where(labels, heaviest[place], 1).astype(np.float32),
        pairs.rows,
        np.bincount(truth // n_items, minlength=len(relevant)),
        users,
    )


def joined(parts: list[Examples]) -> Examples:
    offsets = np.cumsum([0, *(len(part.relevant) for part in parts[:-1])])
    return Examples(
        np.concatenate([part.features for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.queries + offset for part, offset in zip(parts, offsets, strict=True)]),
        np.concatenate([part.relevant for part in parts]),
        np.concatenate([part.users for part in parts]),
    )
