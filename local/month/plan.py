"""What the month holds: four experiments, each with something planted, and a configuration that has them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from config.settings import Settings

DAYS = 28
PLANTED, NULL, LOST, NOVELTY = "planted-effect", "no-effect", "lost-users", "wears-off"
NAMES = (PLANTED, NULL, LOST, NOVELTY)
CONTROL, TREATMENT = "control", "new"
LIFT = 0.3
"""Of clicks, by the variant of PLANTED: what its interval has to cover."""
FIRST_LIFT = 0.9
"""Of NOVELTY on its first day; it falls by the same amount every day, to nothing."""
LOSS = 0.55
"""The share of LOST's treatment whose impressions the application never sends."""
CLICKS, BUYERS, REVENUE = "clicks_per_impression", "buyers", "revenue_per_user"
LAYER = "month"
_QUARTER = 100 // len(NAMES)


class NoPlacements(ValueError):
    """The configuration has no placement whose lists are for users; the message has the cure."""


def lift(experiment: str | None, variant: str | None, day: int) -> float:
    """What is planted for who got the variant on the day, 0 for the first."""
    if variant != TREATMENT or experiment in (None, NULL):
        return 0.0
    if experiment == NOVELTY:
        return FIRST_LIFT * (1 - day / (DAYS - 1))
    return LIFT if experiment == PLANTED else 0.0


def configured(base: Settings, *, first: date) -> Settings:
    """The environment with the month's experiments in place of its own. Raises NoPlacements, ConfigError."""
    return Settings.model_validate(base.model_dump() | {"experiments": _experiments(base, first)})


def placements(base: Settings) -> list[str]:
    """Two whose lists are for users. Raises NoPlacements."""
    audiences = {one.name: one.for_each for one in base.solutions}
    found = [
        name
        for name, one in base.placements.items()
        if one.fallback and {audiences[given] for given in one.lists} <= {"user"}
    ]
    if not found:
        raise NoPlacements(
            "the month shows lists for users: add a placement of a list for users with a fallback"
        )
    return found[:2]


def _experiments(base: Settings, first: date) -> Mapping[str, Any]:
    shown, clicked = base.analytics.impression_event, base.analytics.click_event
    return {
        "holdout_percent": 0,
        "pre_period_days": 28,
        "segments": base.experiments.segments[:1],
        "layers": [{"name": LAYER, "placements": placements(base)}],
        "metrics": [
            {"name": CLICKS, "event": clicked, "counts": "events", "per": shown},
            {"name": BUYERS, "event": "purchase", "counts": "users"},
            {"name": REVENUE, "event": "purchase", "counts": "value"},
        ],
        "definitions": [_definition(name, n, first) for n, name in enumerate(NAMES)],
    }


def _definition(name: str, number: int, first: date) -> dict[str, Any]:
    """A quarter of the layer each, so that nobody is in two. The novelty has no declared end."""
    return {
        "name": name,
        "layer": LAYER,
        "slots": {"first": _QUARTER * number, "end": _QUARTER * (number + 1)},
        "starts": first,
        "ends": None if name == NOVELTY else first + timedelta(days=DAYS - 1),
        "variants": [{"name": CONTROL, "weight": 50}, {"name": TREATMENT, "weight": 50}],
        "control": CONTROL,
        "primary": CLICKS,
        "secondary": [BUYERS],
        "guardrails": [{"metric": REVENUE, "margin": 0.5}],
        "detectable": 0.2,
    }
