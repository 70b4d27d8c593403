from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from osusume_engine.storage import storable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class TrainingData:
    """The datasets of one dataset group at one moment.

    interactions: USER_ID str, ITEM_ID str, TIMESTAMP int64 seconds; optional EVENT_TYPE, EVENT_VALUE,
    IMPRESSION and contextual columns. action_interactions has ACTION_ID in place of ITEM_ID.
    categorical and textual map a dataset type ("Items", "Users", ...) to its columns of that kind.
    """

    interactions: pd.DataFrame | None = None
    users: pd.DataFrame | None = None
    items: pd.DataFrame | None = None
    actions: pd.DataFrame | None = None
    action_interactions: pd.DataFrame | None = None
    categorical: Mapping[str, frozenset[str]] = field(default_factory=dict)
    textual: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """One streamed event, put after the training; its time may be older than the training data."""

    item_id: str
    timestamp: int
    event_type: str | None = None
    event_value: float | None = None


@dataclass(frozen=True)
class ActionEvent:
    """One streamed action interaction; any event type but TAKEN (in any case) did not take the action."""

    action_id: str
    timestamp: int
    event_type: str

    @property
    def taken(self) -> bool:
        return self.event_type.upper() == "TAKEN"


@storable
@dataclass(frozen=True)
class EventParameters:
    """One row of a solution's eventsConfig: weight 0..1, events below the threshold are left out."""

    event_type: str
    weight: float = 1.0
    threshold: float | None = None


@storable
@dataclass(frozen=True)
class EventsConfig:
    """Which interactions count: one event type with a threshold, or weighted event types."""

    event_type: str | None = None
    event_value_threshold: float | None = None
    parameters: tuple[EventParameters, ...] = ()

    def select(self, interactions: pd.DataFrame) -> pd.DataFrame:
        if self.parameters:
            return interactions[self._weighted(interactions)]
        import pandas as pd

        from osusume_engine.numeric import finite

        keep = pd.Series(True, index=interactions.index)
        if self.event_type is not None:
            keep &= self._type(interactions) == self.event_type
        if self.event_value_threshold is not None and "EVENT_VALUE" in interactions:
            keep &= finite(interactions["EVENT_VALUE"]) >= self.event_value_threshold
        return interactions[keep.to_numpy(dtype=bool)]

    def accepts(self, event: Event) -> bool:
        """The same for one streamed event; one without a value is below every threshold."""
        if self.parameters:
            return any(
                _reaches(event, row.threshold)
                for row in self.parameters
                if row.event_type == event.event_type
            )
        named = self.event_type is None or self.event_type == event.event_type
        return named and _reaches(event, self.event_value_threshold)

    def weights(self, event_types: Iterable[str]) -> list[float]:
        """The weight of each event type, in order; 1 where the configuration names none."""
        by_type = {p.event_type: p.weight for p in self.parameters}
        return [by_type.get(name, 1.0) for name in event_types]

    def _weighted(self, interactions: pd.DataFrame) -> pd.Series:
        import pandas as pd

        from osusume_engine.numeric import finite

        keep = pd.Series(False, index=interactions.index)
        for row in self.parameters:
            match = self._type(interactions) == row.event_type
            if row.threshold is not None and "EVENT_VALUE" in interactions:
                match &= finite(interactions["EVENT_VALUE"]) >= row.threshold
            keep |= match.fillna(False)
        return keep

    @staticmethod
    def _type(interactions: pd.DataFrame) -> pd.Series:
        if "EVENT_TYPE" in interactions:
            return interactions["EVENT_TYPE"]
        import pandas as pd

        return pd.Series([None] * len(interactions), index=interactions.index, dtype=object)


@storable
@dataclass(frozen=True)
class Objective:
    """A solution's optimizationObjective: a numeric column of Items, and OFF, LOW, MEDIUM or HIGH."""

    attribute: str
    sensitivity: str = "OFF"


def _reaches(event: Event, threshold: float | None) -> bool:
    """An infinite value is missing, as in numeric.finite."""
    value = event.event_value
    return threshold is None or (value is not None and math.isfinite(value) and value >= threshold)
