"""What the function that answers readers is told of the configuration: a file beside its code.

A file and no variables, which together may have 4 KB.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any

from config import callers
from config.business import moment
from config.digests import digest
from config.experiments import delivered
from config.section import Section
from config.settings import Settings

ACTIONS = "aws-next-best-action"


def content(settings: Settings) -> dict[str, Any]:
    """Keys of lambdas/get_recommendations/placements.py's read(), and `revision`; times are epoch seconds."""
    told = {
        "lists": [
            {"name": one.name, "for_each": one.for_each, "trending": one.trending}
            for one in settings.solutions
            if one.listed
        ],
        "placements": {name: row.model_dump(mode="json") for name, row in settings.placements.items()},
        "rules": {name: _rule(rule) for name, rule in settings.rules.items()},
        "fields": list(settings.publishing.item_fields),
        "user_states": settings.user_states.model_dump(),
        "user_fields": list(settings.publishing.user_fields),
        "experiments": delivered(settings.experiments),
        "log_impressions": settings.logs_by_itself,
    }
    named = partial(callers.named, prefix=settings.names.prefix)
    who = {name: named(getattr(settings.api, name)) for name in callers.NAMED}
    others = {"segments": segments(settings), "actions": actions(settings)}
    return {**told, **who, **others, "revision": digest(told)}


def segments(settings: Settings) -> list[str]:
    """Solutions that make segments of users."""
    return [one.name for one in settings.solutions if one.publishes == "segments"]


def actions(settings: Settings) -> str | None:
    """The first solution that proposes actions; it has a campaign, else it could tell nobody."""
    return next((one.name for one in settings.solutions if one.recipe == ACTIONS), None)


def _rule(rule: Section) -> dict[str, Any]:
    given = rule.model_dump()
    return {name: moment(value) if isinstance(value, datetime) else value for name, value in given.items()}


def text(settings: Settings) -> str:
    return json.dumps(content(settings), ensure_ascii=False)
