"""Trending-Now as a published list: it has no batch recommendations, so its campaign is asked once a run.

Developer guide, "Trending-Now recipe": GetRecommendations without a user. The list expires by itself: what rose a
fortnight ago rises no more, and the popular list stands in.
"""

from __future__ import annotations

from config import layout
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

EVERYONE = "everyone"  # key of a list that is the same for all; the reader knows it so
_ITEMS = (
    """'[' & $join($states.result.ItemList.$string([ItemId, $exists(Score) ? Score : null]), ',') & ']'"""
)


def of(settings: Settings) -> list[Solution]:
    return [solution for solution in settings.solutions if solution.trending]


def states(settings: Settings, *, name: str, next_state: str) -> States:
    """States from `name` on, a Choice; it needs `campaign` with `listed`, its length (0: no list), `campaign_arn`."""
    if not of(settings):
        return {}
    return {
        name: {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$campaign.listed > 0"), "Next": "AskTrends"}],
            "Default": next_state,
        },
        "AskTrends": asl.task(
            sdk("personalizeruntime", "getRecommendations"),
            {"CampaignArn": jsonata("$campaign_arn"), "NumResults": jsonata("$campaign.listed")},
            Output=jsonata(f"{{'items': {_ITEMS}}}"),
            Next="TrendsFound",
        ),
        "TrendsFound": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$states.input.items != '[]'"), "Next": "WriteTrends"}],
            "Default": "NoTrends",
        },
        "NoTrends": {
            "Type": "Fail",
            "Error": "NothingPublished",
            "Cause": jsonata(
                "'The campaign of ' & $campaign.name & ' answered no item; the previous version serves on'"
            ),
        },
        "WriteTrends": _write(settings, Next=next_state),
    }


def _write(settings: Settings, *, Next: str) -> State:
    seconds = settings.publishing.expire_after_days * 86_400
    key = asl.joined(layout.LIST, list="$campaign.name", key=f"'{EVERYONE}'")
    item = {
        layout.PK: {"S": jsonata(key)},
        layout.SK: {"S": jsonata("$run_id")},
        "items": {"S": jsonata("$states.input.items")},
        layout.EXPIRES: {"N": jsonata(f"$string($floor($millis() / 1000) + {seconds})")},
    }
    table = settings.names.recommendations_table
    return asl.task(asl.PUT_ITEM, {"TableName": table, "Item": item}, Next=Next)


def statements(settings: Settings) -> list[Statement]:
    if not of(settings):
        return []
    campaigns = settings.names.personalize_arn(f"campaign/{settings.names.prefix}-*")
    return [
        allow("personalize:GetRecommendations", campaigns),
        allow("dynamodb:UpdateItem", settings.names.table_arn(settings.names.recommendations_table)),
    ]
