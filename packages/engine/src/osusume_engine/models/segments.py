"""USER_SEGMENTATION: the users most likely to interact with an item, or with any of a set of items."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, own_events, profile
from osusume_engine.metrics import segment_metrics
from osusume_engine.models.generators import HISTORY, Generators, Settings
from osusume_engine.models.model import Answers
from osusume_engine.splits import split_each_user
from osusume_engine.storage import storable

BLEND, OWN, OWN_RECENT = "ease and next item", "own events", "own recent events"
METHODS = ("activity", "ease", BLEND, OWN, OWN_RECENT)
WITH_NEXT_ITEM = {BLEND, OWN, OWN_RECENT}  # users without events of an item are told apart alike
SHARPNESS = 8.0
ELSE = 0.01  # of an event is what the best user without events of an item is worth
LAST = 1e-6  # share of their score that keeps users in a segment, behind all others
BATCH = 512


@storable
@dataclass(frozen=True)
class Segmenter(Answers):
    """A user's chance of an item is a softmax over the vocabulary, times how active they are.

    Where people come back to items, the users with most (recent) events of an item come first instead.
    """

    generators: Generators
    histories: Histories
    normaliser: np.ndarray  # per user, the softmax's sum
    method: str
    repeats: bool  # whether users who already had the item compete for its segment; else they come last

    @staticmethod
    def fit(
        histories: Histories, n_items: int, *, groups: list[np.ndarray], settings: Settings, seed: int
    ) -> Segmenter:
        """Method and repeats are chosen for the groups of items on the newest 20% of every user's events."""
        earlier, later = split_each_user(histories)
        trial = Segmenter.build(earlier, n_items, settings=settings, seed=seed)
        method, repeats = trial._best_variant(later, groups)
        whole = Segmenter.build(histories, n_items, settings=settings, seed=seed, method=method)
        return replace(whole, repeats=repeats)

    @staticmethod
    def build(
        histories: Histories, n_items: int, *, settings: Settings, seed: int, method: str = BLEND
    ) -> Segmenter:
        generators = Generators.fit(histories, n_items, settings=settings, seed=seed)
        model = Segmenter(generators, histories, np.zeros(0), method, True)
        return model.using(method)

    def using(self, method: str) -> Segmenter:
        changed = replace(self, method=method)
        if {method, self.method} <= WITH_NEXT_ITEM and len(self.normaliser):
            return changed  # their normaliser is the same
        if method == "activity":
            return replace(changed, normaliser=np.ones(len(self.histories)))
        sums = [
            np.exp(changed._affinity(start)).sum(axis=1) for start in range(0, len(self.histories), BATCH)
        ]
        return replace(changed, normaliser=np.concatenate(sums))

    def segment(
        self, items: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Codes and scores (which sum to at most 1) of the k best users for a set of item codes."""
        scores = self.scores([items])[:, 0]
        scores = scores / max(scores.sum(), 1e-12)
        order = np.argsort(-scores, kind="stable")
        if allowed is not None:
            order = order[allowed[order]]
        order = order[scores[order] > 0][:k]
        return order, scores[order]

    def scores(self, groups: list[np.ndarray]) -> np.ndarray:
        """(users, groups): expected interest of each user in any item of each group of item codes."""
        wanted = indicator(groups, self.generators.n_items)
        activity = self.histories.lengths.astype(np.float64)[:, None]
        scores = activity * self._neighbourly(wanted)
        inside = np.asarray(wanted[:, self.generators.vocabulary.codes].sum(axis=1)).ravel() > 0
        if self.method != "activity" and inside.any():
            chosen = wanted[inside][:, self.generators.vocabulary.codes].T.tocsr()
            starts = range(0, len(self.histories), BATCH)
            raw = np.concatenate([np.exp(self._affinity(start)) @ chosen for start in starts])
            scores[:, inside] = raw / self.normaliser[:, None] * activity
        if self.method in (OWN, OWN_RECENT):
            best = np.maximum(scores.max(axis=0, keepdims=True), 1e-12)
            scores = (self._own @ wanted.T).toarray() + ELSE * scores / best
        return scores if self.repeats else np.where(self._had(wanted), scores * LAST, scores)

    def evaluate(self, later: Histories, *, groups: list[np.ndarray], top: int) -> dict[str, float]:
        """groups: the item codes of each query. Groups that nobody met later are left out."""
        met = met_later(later, indicator(groups, self.generators.n_items))
        segments, truth = [], []
        size = max(1, min(200, 20_000_000 // max(len(self.histories), 1)))
        for start in range(0, len(groups), size):
            scores = self.scores(groups[start : start + size])
            for column, users in enumerate(met[start : start + size]):
                if len(users):
                    segments.append(np.argsort(-scores[:, column], kind="stable")[:top])
                    truth.append(users)
        return segment_metrics(segments=segments, truth=truth, n_users=len(self.histories))

    @cached_property
    def _own(self) -> sp.csr_matrix:
        """users x items, their (recent) events."""
        events = own_events(self.histories, self.generators.n_items)
        return events.counts if self.method == OWN else events.decayed

    def _best_variant(self, later: Histories, groups: list[np.ndarray]) -> tuple[str, bool]:
        top = top_share(len(self.histories))
        recall = {}
        for method in METHODS:
            model = self.using(method)
            for repeats in (True, False):
                variant = replace(model, repeats=repeats)
                recall[method, repeats] = variant.evaluate(later, groups=groups, top=top)["recall_at_k"]
        return max(recall, key=lambda variant: recall[variant])

    def _affinity(self, start: int) -> np.ndarray:
        """(users, vocabulary), at most 0: how far below the user's best item each item is."""
        s, n, codes = self.generators.settings, self.generators.n_items, self.generators.vocabulary.codes
        end = min(start + BATCH, len(self.histories))
        users = self.histories.take(np.arange(start, end)).newest(HISTORY)
        scores = _share_of_best(profile(users, n, decay=s.ease_decay)[:, codes] @ self.generators.ease)
        if self.method in WITH_NEXT_ITEM:
            window = profile(users, n, decay=s.window_decay, limit=s.window)[:, codes]
            scores = scores + _share_of_best(window @ self.generators.next_item)
        return SHARPNESS * (scores - scores.max(axis=1, keepdims=True))

    def _neighbourly(self, wanted: sp.csr_matrix) -> np.ndarray:
        """Interest by shared users in items outside the vocabulary; the same for all where none is known."""
        ones = np.ones((len(self.histories), wanted.shape[0]))
        if self.method == "activity":
            return ones
        owned = profile(self.histories.newest(HISTORY), self.generators.n_items)
        interest = (owned @ (self.generators.neighbours @ wanted.T)).toarray()
        return np.where(interest.any(axis=0), interest, ones)

    def _had(self, wanted: sp.csr_matrix) -> np.ndarray:
        """bool (users, groups): users who had all of a group's items."""
        sizes = np.asarray(wanted.sum(axis=1)).ravel()
        return (profile(self.histories, self.generators.n_items) @ wanted.T).toarray() >= sizes


@storable
@dataclass(frozen=True)
class AttributeSegmenter(Answers):
    """groups: column -> value -> item codes."""

    segmenter: Segmenter
    groups: dict[str, dict[str, np.ndarray]]

    def segment(
        self, items: np.ndarray, k: int, *, allowed: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        return self.segmenter.segment(items, k, allowed=allowed)

    def matching(self, attributes: Mapping[str, Collection[str]]) -> np.ndarray:
        """Items that have one of the given values in every given column."""
        found = np.arange(self.segmenter.generators.n_items)
        for column, values in attributes.items():
            known = self.groups.get(column, {})
            codes = [known[value] for value in values if value in known]
            found = np.intersect1d(found, np.concatenate(codes)) if codes else found[:0]
        return found


def indicator(groups: list[np.ndarray], n_items: int) -> sp.csr_matrix:
    """groups x items, 1 where the item is in the group."""
    ptr = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
    columns = np.concatenate([*groups, np.zeros(0, np.int64)]).astype(np.int64)
    return sp.csr_matrix((np.ones(len(columns), np.float32), columns, ptr), shape=(len(groups), n_items))


def met_later(later: Histories, wanted: sp.csr_matrix) -> list[np.ndarray]:
    """The users with an event of the group, for each group."""
    met = (profile(later, wanted.shape[1]) @ wanted.T).T.tocsr()
    return np.split(met.indices, met.indptr[1:-1])


def _share_of_best(scores: np.ndarray) -> np.ndarray:
    return scores / np.maximum(scores.max(axis=1, keepdims=True), 1e-6)


def top_share(users: int) -> int:
    """Amazon evaluates segments of the top 1% of users."""
    return max(1, round(0.01 * users))
