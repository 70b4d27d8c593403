"""What a learner reads, made of the datasets of a dataset group; refuses what Amazon Personalize refuses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osusume_engine.data import EventsConfig, TrainingData
from osusume_engine.histories import Histories, encode
from osusume_engine.ids import Ids

MINIMUM_INTERACTIONS = 1000
MINIMUM_USERS = 25


_NO_INTERACTIONS = pd.DataFrame(
    {
        "USER_ID": pd.Series(dtype=str),
        "ITEM_ID": pd.Series(dtype=str),
        "TIMESTAMP": pd.Series(dtype="int64"),
    }
)


class TrainingError(Exception):
    """Training can't start or go on; the message is the solution version's failureReason."""


@dataclass(frozen=True)
class Prepared:
    histories: Histories
    users: Ids
    items: Ids  # of Interactions, then those that only the Items dataset has
    kinds: tuple[str, ...]
    interactions: pd.DataFrame  # those that count
    data: TrainingData


def prepare(data: TrainingData, *, events: EventsConfig | None, required: frozenset[str]) -> Prepared:
    _require_datasets(data, required)
    given = data.interactions if data.interactions is not None else _NO_INTERACTIONS
    interactions = events.select(given) if events else given
    if "Interactions" in required:
        _require_enough(interactions)
    weights = {p.event_type: p.weight for p in events.parameters} if events else {}
    encoded = encode(interactions, weights=weights)
    catalogue = _catalogue(encoded.items, data.items)
    return Prepared(encoded.histories, encoded.users, catalogue, encoded.kinds, interactions, data)


def _require_datasets(data: TrainingData, required: frozenset[str]) -> None:
    present = {
        "Interactions": data.interactions,
        "Items": data.items,
        "Users": data.users,
        "Actions": data.actions,
        "Action_Interactions": data.action_interactions,
    }
    for name in sorted(required):
        frame = present[name]
        if frame is None or not len(frame):
            raise TrainingError(f"Dataset of type {name} is missing or empty: import data into it first.")


def _require_enough(interactions: pd.DataFrame) -> None:
    if len(interactions) < MINIMUM_INTERACTIONS:
        raise TrainingError(
            f"Number of interactions after filtering by event type and event value threshold is "
            f"{len(interactions)}: at least {MINIMUM_INTERACTIONS} are required."
        )
    repeated = int((interactions["USER_ID"].value_counts() >= 2).sum())
    if repeated < MINIMUM_USERS:
        raise TrainingError(
            f"Number of unique users with at least 2 interactions is {repeated}: "
            f"at least {MINIMUM_USERS} are required."
        )


def _catalogue(seen: Ids, items: pd.DataFrame | None) -> Ids:
    if items is None:
        return seen
    listed = pd.unique(items["ITEM_ID"].astype(str))
    cold = listed[seen.codes(listed) < 0]
    return Ids(np.concatenate([seen.values, np.asarray(cold, dtype=object)])) if len(cold) else seen
