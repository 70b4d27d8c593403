"""What to mend first: what refuses the data, what Personalize lacks, what looks wrong, what would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from assess.data import Own
from assess.quotas import Quota
from assess.shape import DAY, Shape

Level = Literal["stop", "fix", "hint"]  # nothing can be trained; looks wrong; would help

FEW_DAYS = 7
FEW_WITH_TWO = 0.2
MANY_COLD_ITEMS = 0.6
A_LOT = 0.25  # of the events, of one item
SPARSE_METADATA = 0.5
AGAIN_SECONDS = 5
AGAIN = 0.1  # of the events repeat user, item and type within AGAIN_SECONDS
ENOUGH_FOR_TIME = 500  # interactions, to say something about their time
FEW_VALUES = 0.5


@dataclass(frozen=True)
class Finding:
    """`key` and `values` make a sentence of the words."""

    level: Level
    key: str
    values: dict[str, Any] = field(default_factory=dict)


def findings(own: Own, shape: Shape, quotas: tuple[Quota, ...]) -> tuple[Finding, ...]:
    """The gravest first."""
    found = [*_refused(own, quotas), *_suspicious(own), *_of_time(own, shape), *_of_people(shape)]
    found += [*_of_metadata(own, shape), *_of_events(own, shape)]
    order = ("stop", "fix", "hint")
    return tuple(sorted(found, key=lambda one: order.index(one.level)))


def _refused(own: Own, quotas: tuple[Quota, ...]) -> Iterator[Finding]:
    for line in own.refused:
        yield Finding("stop", "read", {"line": line})
    if own.refused and own.interactions.empty:
        return
    for quota in quotas:
        if not quota.held:
            level: Level = "stop" if quota.stops and quota.key != "event_types" else "fix"
            yield Finding(level, f"quota_{quota.key}", {"found": quota.found, "limit": quota.limit})


def _suspicious(own: Own) -> Iterator[Finding]:
    for line in own.suspicious:
        yield Finding("fix", "read", {"line": line})


def _of_time(own: Own, shape: Shape) -> Iterator[Finding]:
    if shape.interactions < ENOUGH_FOR_TIME:
        return
    if shape.days < FEW_DAYS:
        yield Finding("fix", "short", {"days": shape.days, "least": FEW_DAYS})
        return
    times = np.sort(own.interactions.TIMESTAMP.to_numpy(dtype=np.int64))
    steps = np.diff(times)
    at = int(steps.argmax())
    # A hole of a tenth of the time, when the rest is dense enough for that to be no chance.
    gap = steps[at]
    if gap > (times[-1] - times[0]) / 10 and gap > 2 * DAY:
        yield Finding("fix", "hole", {"days": gap / DAY, "start": int(times[at]), "end": int(times[at + 1])})
    tail = _ends_thin(times)
    if tail is not None:
        yield Finding("fix", "ends_thin", {"share": tail})


def _ends_thin(times: np.ndarray) -> float | None:
    """How the last twentieth compares with the one before; None where it isn't far below."""
    edges = times[0] + (times[-1] - times[0]) * np.array([0.8, 0.85, 0.9, 0.95, 1.0])
    counts = np.diff(np.searchsorted(times, edges, side="left")).astype(float)
    before = float(np.median(counts[:3]))
    return counts[3] / before if before >= 20 and counts[3] < before / 10 else None


def _of_people(shape: Shape) -> Iterator[Finding]:
    if shape.users and shape.share_with_two < FEW_WITH_TWO:
        yield Finding("fix", "few_return", {"share": shape.share_with_two})
    if shape.items and shape.cold_items > MANY_COLD_ITEMS:
        yield Finding("fix", "cold_items", {"share": shape.cold_items})
    if shape.top_item > A_LOT and shape.items > 10:
        yield Finding("fix", "top_item", {"share": shape.top_item})


def _of_metadata(own: Own, shape: Shape) -> Iterator[Finding]:
    for left in own.left:
        level: Level = "hint" if left.reason == "unique" else "fix"
        yield Finding(level, f"left_{left.reason}", {"table": left.table, "column": left.column})
    for name, shares in shape.filled_in.items():
        for column, share in shares.items():
            if share < SPARSE_METADATA:
                values = {"table": name, "column": column, "share": share}
                yield Finding("fix", "sparse_metadata", values)
        if getattr(own, name) is None:
            yield Finding("hint", f"no_{name}", {})


def _of_events(own: Own, shape: Shape) -> Iterator[Finding]:
    frame = own.interactions
    if len(frame) and (share := _again(own)) > AGAIN:
        yield Finding("fix", "again", {"share": share, "seconds": AGAIN_SECONDS})
    for name, share in shape.valued.items():
        if 0 < share < FEW_VALUES:
            yield Finding("fix", "few_values", {"type": name, "share": share})
    if len(shape.types) == 1:
        yield Finding("hint", "one_type", {"type": next(iter(shape.types))})


def _again(own: Own) -> float:
    ordered = own.interactions.sort_values(["USER_ID", "ITEM_ID", "EVENT_TYPE", "TIMESTAMP"])
    same = ~ordered.duplicated(["USER_ID", "ITEM_ID", "EVENT_TYPE"]).to_numpy()
    steps = np.diff(ordered.TIMESTAMP.to_numpy(dtype=np.int64), prepend=0)
    return float(((steps <= AGAIN_SECONDS) & ~same).mean())
