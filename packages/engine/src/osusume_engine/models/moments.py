"""What was there and in demand when: users are answered as of their newest event, not as of the end of all data.

In data of many years most users' histories end long before the newest items appear. The service describes no
such thing; tests/test_moments.py shows what it is for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osusume_engine.histories import Histories
from osusume_engine.storage import storable

SPANS = 48  # of about equally many events
CELLS = 20_000_000  # items x spans, which bounds memory
FADING = 0.85  # what is left of an event's weight a span later
POPULAR = 50
SAMPLE = 100_000  # events that tell where spans end


@storable
@dataclass(frozen=True)
class Moments:
    """Time is cut into spans, whose events count for every moment inside."""

    ends: np.ndarray  # int64 (spans - 1), first second of the next span
    so_far: np.ndarray  # float32 (items, spans), events until the end of the span
    first: np.ndarray  # int64 per item, second of its first event; the end of all time without any
    popular: np.ndarray  # int32 (spans, POPULAR), items with most events until then, older ones fading
    length: float  # seconds between the first and the last event of all

    @staticmethod
    def fit(histories: Histories, n_items: int) -> Moments:
        times = histories.times
        spans = max(1, min(SPANS, CELLS // max(n_items, 1)))
        every = times[:: 1 + len(times) // SAMPLE]
        cuts = np.quantile(every, np.arange(1, spans) / spans) if len(every) else np.zeros(0)
        ends = np.unique(cuts.astype(np.int64))
        ends = ends[ends > times.min(initial=np.iinfo(np.int64).max)]
        spans = len(ends) + 1
        cell = histories.items.astype(np.int64) * spans + np.searchsorted(ends, times, side="right")
        events = np.bincount(cell, minlength=n_items * spans).astype(np.float32).reshape(n_items, spans)
        recent = events.copy()
        for span in range(1, spans):
            recent[:, span] += FADING * recent[:, span - 1]
        first = np.full(n_items, np.iinfo(np.int64).max)
        np.minimum.at(first, histories.items, times)
        best = np.argsort(-recent, axis=0, kind="stable")[:POPULAR].T
        return Moments(
            ends,
            np.cumsum(events, axis=1),
            first,
            np.ascontiguousarray(best.astype(np.int32)),
            float(np.ptp(times)) if len(times) else 0.0,
        )

    def span_of(self, seconds: np.ndarray) -> np.ndarray:
        """The column of each moment."""
        return np.searchsorted(self.ends, seconds, side="right")

    def columns(self, seconds: np.ndarray, items: np.ndarray) -> list[np.ndarray]:
        """item_age and so_far of each item at a moment, as the ranker reads them."""
        so_far = self.so_far[items, self.span_of(seconds)]
        age = (seconds - self.first[items]) / max(self.length, 1.0)
        return [
            np.clip(age, -1, 1),
            np.log1p(so_far) - np.log1p(self.so_far[items, -1]),
        ]
