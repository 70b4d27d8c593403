"""All mutations, in a fixed order."""

from __future__ import annotations

from functools import cache

from tests.mutations import configurations, resources, statements, states
from tests.mutations.mutation import Mutation


@cache
def mutations() -> tuple[Mutation, ...]:
    """Raises ValueError when two have one id."""
    found = [
        *statements.mutations(),
        *states.mutations(),
        *resources.mutations(),
        *configurations.mutations(),
    ]
    ids = [mutation.id for mutation in found]
    twice = {i for i in ids if ids.count(i) > 1}
    if twice:
        raise ValueError(f"mutations with the same id: {sorted(twice)[:5]}")
    return tuple(found)
