"""Which stacks were never whole: `make deploy` deploys them without protection first (docs/adr/0029)."""

from __future__ import annotations

from operations import stacks
from operations.place import Place


def parts(place: Place) -> list[str]:
    """Those of the failed attempts, and `all` where none ever succeeded. What protects the failed is lifted."""
    found = stacks.deployed(place)
    never = [stack for stack in found if stack.status in stacks.NEVER]
    for stack in never:
        stacks.lift_protection(place, stack)
    whole = {stack.part for stack in found} - {stack.part for stack in never}
    return sorted(set(PARTS) - whole) if place.retains else []


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
    "serving",
    "observability",
    "dashboards",
)
