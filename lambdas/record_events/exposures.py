"""Which variant what was shown is of: a line for a user, a version of an experiment and a day.

Impressions that name their placement tell it, so that a user counts from what they saw, not from what was fetched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.record_events.events import ANONYMOUS, Event
from lambdas.shared.assignment import Document, Unit, assigned, exposure

EXPERIMENTS = Path(__file__).parent / "experiments.json"  # put there by the stack, from the configuration
KEY = "exposures/day={day}/{file}"  # a copy of config/layout.py's EXPOSURES, which a test compares

Line = Mapping[str, str]


@cache
def document() -> Document:
    content: Document = json.loads(EXPERIMENTS.read_text())
    return content


def of(events: Iterable[Event], experiments: Document) -> list[Line]:
    """One line for each exposure, however often it was seen."""
    found = {line["exposure_id"]: line for event in events for line in _of_event(event, experiments)}
    return list(found.values())


def _of_event(event: Event, experiments: Document) -> Iterator[Line]:
    if event.type != "impression" or event.placement is None or event.user.startswith(ANONYMOUS):
        return
    at = event.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    unit = Unit(id=event.user, attributes={})
    for one in assigned(experiments, placement=event.placement, unit=unit, day=at[:10]):
        if not one.tester:
            yield exposure(
                one,
                unit_id=event.user,
                exposed_at=at,
                placement=event.placement,
                recommendation_id=event.recommendation or "",
            )


def keep(s3: Any, *, bucket: str, lines: list[Line], now: datetime) -> None:
    """Writes an object below the day of its arrival; the same lines again write the same object."""
    names = "".join(sorted(line["exposure_id"] for line in lines))
    file = hashlib.sha256(names.encode()).hexdigest()[:32]
    body = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    key = KEY.format(day=now.strftime("%Y-%m-%d"), file=f"{file}.json")
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
