"""The candidate generators of personalization, fitted together."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from osusume_engine.histories import Histories, OwnEvents, own_events, profile
from osusume_engine.models.contents import Contents, Likes
from osusume_engine.models.habits import Habits
from osusume_engine.models.linear import Vocabulary, fit_ease, fit_next_item
from osusume_engine.models.moments import Moments
from osusume_engine.models.neighbours import fit_cosine, fit_transitions
from osusume_engine.models.popularity import Popularity
from osusume_engine.storage import storable

HISTORY = 500  # newest events of a user that a request reads
OWN_HISTORY = 1000  # newest events that count as their own items


@storable
@dataclass(frozen=True)
class Settings:
    vocabulary: int = 4000
    training_history: int = 1000
    ease_ridge: float = 300.0
    ease_decay: float = 0.93
    window: int = 15
    window_decay: float = 0.8
    window_ridge: float = 30.0
    max_positions: int = 250_000
    neighbours: int = 100
    neighbour_shrink: float = 10.0
    neighbour_decay: float = 0.9
    transition_window: int = 5
    transition_decay: float = 0.7


@storable
@dataclass(frozen=True)
class Generators:
    settings: Settings
    popularity: Popularity
    moments: Moments
    vocabulary: Vocabulary
    ease: np.ndarray
    next_item: np.ndarray
    transitions: sp.csr_matrix
    neighbours: sp.csr_matrix
    contents: Contents | None = None  # None where metadata does not help

    @property
    def n_items(self) -> int:
        return len(self.popularity.events)

    @staticmethod
    def fit(
        histories: Histories,
        n_items: int,
        *,
        settings: Settings,
        seed: int = 0,
        contents: Contents | None = None,
    ) -> Generators:
        recent = histories.newest(settings.training_history)
        users_by_items = profile(recent, n_items)
        popularity = Popularity.fit(recent, users_by_items)
        moments = Moments.fit(recent, n_items)
        vocabulary = Vocabulary.most_popular(popularity.users, settings.vocabulary)
        with ThreadPoolExecutor(1) as other:  # dense models beside the sparse ones
            dense = other.submit(_dense, recent, users_by_items, vocabulary, settings, seed)
            transitions = fit_transitions(
                recent,
                n_items,
                window=settings.transition_window,
                decay=settings.transition_decay,
                events=popularity.events,
                keep=2 * settings.neighbours,
            )
            neighbours = fit_cosine(
                users_by_items, shrink=settings.neighbour_shrink, keep=settings.neighbours
            )
            ease, next_item = dense.result()
        return Generators(
            settings,
            popularity,
            moments,
            vocabulary,
            ease,
            next_item,
            transitions,
            neighbours.T.tocsr(),
            contents,
        )


def _dense(
    recent: Histories, users_by_items: sp.csr_matrix, vocabulary: Vocabulary, settings: Settings, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    ease = fit_ease(users_by_items[:, vocabulary.codes], ridge=settings.ease_ridge)
    next_item = fit_next_item(
        recent,
        vocabulary,
        window=settings.window,
        decay=settings.window_decay,
        ridge=settings.window_ridge,
        max_positions=settings.max_positions,
        seed=seed,
    )
    return ease, next_item


@dataclass
class Views:
    """What each generator says about a batch of queries.

    moments: int64 seconds as of which each is answered; dense: (queries, vocabulary); sparse: (queries, items).
    """

    queries: Histories
    moments: np.ndarray
    dense: dict[str, np.ndarray]
    sparse: dict[str, sp.csr_matrix]
    own: OwnEvents
    habits: Habits
    likes: Likes | None  # by metadata, where it is read
    lengths: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = self.queries.lengths

    @staticmethod
    def of(queries: Histories, generators: Generators, *, today: int | None = None) -> Views:
        """today: second before which nobody is answered; None: everybody is as of their newest event."""
        s, n, codes = generators.settings, generators.n_items, generators.vocabulary.codes
        recent = queries.newest(HISTORY)
        decayed = profile(recent, n, decay=s.ease_decay)[:, codes]
        flat = decayed.copy()
        flat.data[:] = 1
        window = profile(recent, n, decay=s.window_decay, limit=s.window)[:, codes]
        dense = {
            "ease_decayed": np.asarray(decayed @ generators.ease),
            "ease": np.asarray(flat @ generators.ease),
            "next_item": np.asarray(window @ generators.next_item),
        }
        sparse = {
            "neighbours": (profile(recent, n, decay=s.neighbour_decay) @ generators.neighbours).tocsr(),
            "transitions": (
                profile(recent, n, decay=s.transition_decay, limit=10) @ generators.transitions
            ).tocsr(),
            "last_item": (profile(recent, n, limit=1) @ generators.transitions).tocsr(),
        }
        for matrix in sparse.values():
            matrix.sort_indices()
        known = queries.newest(OWN_HISTORY)
        likes = None if generators.contents is None else generators.contents.likes(recent)
        moments = recent.last_times if today is None else np.maximum(recent.last_times, today)
        return Views(recent, moments, dense, sparse, own_events(known, n), Habits(known, n), likes)
