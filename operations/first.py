"""Which stacks were never whole: `make deploy` deploys them without protection first (docs/adr/0027)."""

from __future__ import annotations

from operations import stacks
from operations.place import Place


def parts(place: Place) -> list[str]:
    """The parts of a retained environment. What protects a stack whose creation failed is lifted, so that it can go."""
    found = stacks.deployed(place)
    never = [stack for stack in found if stack.status in stacks.NEVER]
    for stack in never:
        stacks.lift_protection(place, stack)
    whole = {stack.part for stack in found} - {stack.part for stack in never}
    return sorted(set(_wanted(place)) - whole) if place.retains else []


def _wanted(place: Place) -> list[str]:
    """What is not wanted is not made, and so would be new for ever."""
    settings = place.settings
    wanted = {
        "network": settings.sources.aurora is not None or settings.analytics.enabled,
        "sources": settings.sources.aurora is not None or settings.creates_log,
        "analytics": settings.analytics.enabled,
        "streaming": settings.datasets.streams,
        "dashboards": settings.analytics.quicksight.enabled,
    }
    return [part for part in PARTS if wanted.get(part, True)]


# As app.py composes them, which needs Node to be asked; a test compares.
PARTS = (
    "storage",
    "network",
    "sources",
    "analytics",
    "preparation",
    "training",
    "publishing",
    "pipeline",
    "forgetting",
    "serving",
    "streaming",
    "observability",
    "dashboards",
)
