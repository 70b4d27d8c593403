"""An action model as one user sees it, with the action interactions that were streamed since training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osusume_engine.data import ActionEvent
from osusume_engine.ids import Ids
from osusume_engine.models.timelines import Columns, Timeline

if TYPE_CHECKING:
    from osusume_engine.models.actions import ActionModel


@dataclass(frozen=True)
class Rows:
    """Events to add to a timeline, by owner."""

    owners: np.ndarray
    times: np.ndarray
    values: np.ndarray

    def where(self, keep: np.ndarray) -> Rows:
        return Rows(self.owners[keep], self.times[keep], self.values[keep])


def with_streamed(model: ActionModel, user_id: str, events: Sequence[ActionEvent]) -> ActionModel:
    """A model of that user alone, who may be new; events with actions that the model lacks are left out."""
    actions = model.actions.codes([event.action_id for event in events])
    times = np.array([event.timestamp for event in events], dtype=np.int64)
    taken = np.array([event.taken for event in events], dtype=float)
    pairs = Rows(actions, times, taken).where(actions >= 0)
    mine = replace(pairs, owners=np.zeros(len(pairs.owners), dtype=np.int64))
    newer = {"action_events": mine, "pair_events": pairs, "taken_events": mine.where(mine.values > 0)}
    code = model.users.code(user_id)
    own: dict[str, Any] = {f.name: _own(model, f.name, code, newer.get(f.name)) for f in fields(model)}
    return replace(
        model,
        **{name: timeline for name, timeline in own.items() if timeline is not None},
        users=Ids(np.array([user_id], dtype=object)),
        user_columns=Columns(model.user_columns.values[[code, -1]]),
        interests=model.interests[[code, -1]],
        now=max(model.now, int(times.max(initial=0))),
    )


def _own(model: ActionModel, name: str, user: int, newer: Rows | None) -> Any:
    """The user's part of a field that holds timelines, and the newer rows; None for other fields."""
    value = getattr(model, name)
    if isinstance(value, Timeline):
        width = len(model.actions) if name == "pair_events" else 1
        return _extended(value, user, width, newer or _NONE)
    if isinstance(value, tuple) and value and isinstance(value[0], Timeline):
        return tuple(_extended(one, user, 1, _NONE) for one in value)
    return None


_NONE = Rows(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))


def _extended(timeline: Timeline, user: int, width: int, newer: Rows) -> Timeline:
    """Owners count from 0; each user has `width` of them."""
    bounds = np.array([max(user, 0), user + 1]) * width * timeline.span
    first, last = np.searchsorted(timeline.keys, bounds)
    keys = timeline.keys[first:last]
    return Timeline.of(
        np.concatenate([keys // timeline.span - user * width, newer.owners]),
        np.concatenate([keys % timeline.span + timeline.start, newer.times]),
        np.concatenate([np.diff(timeline.sums[first : last + 1]), newer.values]),
    )
