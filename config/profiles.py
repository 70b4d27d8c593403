"""What a run publishes of each user beside their list, for who is asked about when lists are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.business import NotInterested

if TYPE_CHECKING:
    from config.settings import Settings


def published(settings: Settings) -> bool:
    """Whether anything may ask. Experiments come without a deployment, so a layer may ask for states at any time."""
    states = any(placement.rules_by_state for placement in settings.placements.values())
    asked = states or settings.publishing.user_fields or bought_in(settings)
    return bool(asked or settings.experiments.layers)


def bought_in(settings: Settings) -> list[str]:
    """Item fields of which it is asked when the user bought something of a value."""
    rules = [rule for rule in settings.rules.values() if isinstance(rule, NotInterested)]
    return sorted({rule.again_when_related_bought for rule in rules if rule.again_when_related_bought})
