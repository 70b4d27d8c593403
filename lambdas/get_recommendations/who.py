"""Who asks: what the last run and the user's own state say of them, and in which state they are.

The states are config/business.py's UserStates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lambdas.get_recommendations.ranking import seconds
from lambdas.shared.user_state import DAY, UserState

Definitions = Mapping[str, int]


@dataclass(frozen=True)
class Who:
    """`state` is None where nothing tells it; attributes that nobody knows are left out."""

    attributes: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None


NOBODY_KNOWN = Who()


def who(
    profile: Mapping[str, Any] | None,
    state: UserState | None,
    *,
    listed: bool,
    given: Definitions,
    now: float,
) -> Who:
    """`profile`: what the run published of them, None where nothing; `listed`: whether it has a list for them at all.

    `state` is None where it can't be read: who isn't known is not new.
    """
    told = profile or {}
    attributes: Mapping[str, str] = told.get("attributes", {})
    if state is None:
        return Who(attributes)
    firsts = [*_times(told.get("first")), *([] if state.since is None else [float(state.since)])]
    if not firsts and listed and profile is None:
        return Who(attributes)  # a run of before: whether they ever bought it doesn't say
    bought = [*_times(told.get("last")), *map(float, state.bought.values())]
    deeds = [*bought, *map(float, state.clicked.values())]
    return Who(attributes, _state(firsts, bought, deeds, given=given, now=now))


def _times(text: str | None) -> list[float]:
    return [] if text is None else [seconds(text)]


def _state(
    firsts: list[float], bought: list[float], deeds: list[float], *, given: Definitions, now: float
) -> str:
    if bought and now - max(bought) < given["just_bought_days"] * DAY:
        return "just_bought"
    if not firsts or now - min(firsts) < given["new_days"] * DAY:
        return "new"
    if now - max(deeds) >= given["lapsed_days"] * DAY:
        return "lapsed"
    return "active"
