"""A day of the month: who comes, what they are shown, what they send."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from lambdas.get_recommendations.impressions import Shown
from lambdas.record_events.events import Event
from lambdas.record_events.handler import understood
from lambdas.record_events.served import served
from local.month import people, plan
from local.month.people import People
from local.month.reader import Answered, Reader

NIGHT = timedelta(hours=3)
PRICE = 10.0


class NotTaken(RuntimeError):
    """The events function rejected what the simulator sent."""


@dataclass(frozen=True)
class Shop:
    crowd: People
    reader: Reader
    placements: list[str]
    first: date
    seed: int

    def day(self, number: int) -> date:
        return self.first + timedelta(days=number)

    def night(self, number: int) -> datetime:
        """When the run after the day starts."""
        return datetime.combine(self.day(number + 1), datetime.min.time(), UTC) + NIGHT

    def events(self, number: int) -> list[Event]:
        """What the events function takes of the day from the application. Raises NotTaken."""
        return self.lived(number)[0]

    def lived(self, number: int) -> tuple[list[Event], list[Event]]:
        """`events`, and the answers that they are about as the API itself tells them. Raises NotTaken."""
        rng = np.random.default_rng((self.seed, 2, number))
        visits = [visit for who in self.crowd.comers(rng) if (visit := self._visit(who, number, rng))]
        taken, rejected = understood([one for sent, _ in visits for one in sent], now=self.night(number))
        if rejected:
            raise NotTaken(f"{len(rejected)} events, the first: {rejected[0]}")
        return taken, [answer for _, answer in visits]

    def _visit(
        self, who: int, number: int, rng: np.random.Generator
    ) -> tuple[list[dict[str, Any]], Event] | None:
        """What the application sends, and the answer; None where the application loses both."""
        name, day = people.user(who), self.day(number)
        placement = self.placements[int(rng.integers(len(self.placements)))]
        answered, assignment = self.reader.shown(name, placement=placement, day=day.isoformat())
        shown = answered.items
        experiment, variant = (assignment.experiment, assignment.variant) if assignment else (None, None)
        lift = plan.lift(experiment, variant, number)
        clicked = self.crowd.clicked(who, shown, lift=lift, rng=rng)
        bought = [item for item in clicked if rng.random() < people.BUYS]
        if experiment == plan.LOST and variant == plan.TREATMENT and people.is_lost(who, seed=self.seed):
            return None  # the fault that the sample ratio has to find
        at = datetime.combine(day, datetime.min.time(), UTC) + timedelta(
            seconds=int(rng.integers(6 * 3600, 23 * 3600))
        )
        visit = f"{day:%Y%m%d}-{who}"
        sent = _sent(visit, name, at, placement, shown, clicked, bought)
        return list(sent), _served(visit, name, at, placement, answered)


def _served(visit: str, user: str, at: datetime, placement: str, answered: Answered) -> Event:
    """The event that the message of the answer becomes. It names no variant: who was exposed, the application tells."""
    shown = Shown(
        user=user,
        recommendation=f"simulated-{visit}",
        placement=placement,
        start=0,
        items=answered.items,
        assignments=(),
        served_as=answered.served_as,
    )
    return served(json.loads(shown.message(at=at.timestamp()))).event


def _sent(
    visit: str,
    user: str,
    at: datetime,
    placement: str,
    shown: list[str],
    clicked: list[str],
    bought: list[str],
) -> Iterator[dict[str, Any]]:
    """Events as an application sends them to POST /v1/events."""
    common = {"userId": user, "sessionId": visit, "recommendationId": f"simulated-{visit}"}
    yield {
        **common,
        "eventId": f"{visit}-shown",
        "type": "impression",
        "occurredAt": at.isoformat(),
        "itemIds": shown,
        "placement": placement,
    }
    for kind, items, minutes in (("click", clicked, 1), ("purchase", bought, 5)):
        for n, item in enumerate(items):
            moment = at + timedelta(minutes=minutes, seconds=n)
            price = {"value": PRICE} if kind == "purchase" else {}
            yield {**common, "eventId": f"{visit}-{kind}-{n}", "type": kind, "occurredAt": moment.isoformat(),
                   "itemId": item, **price}  # fmt: skip
