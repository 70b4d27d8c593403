"""Campaigns follow the version that recommends, and go when nothing configures them any more.

Developer guide, "Updating a campaign": an update's progress is that of latestCampaignUpdate; the campaign itself stays
ACTIVE meanwhile. A campaign stays with its solution, so one of another configuration is made beside it.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, leftovers, trends
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 2


def of(settings: Settings) -> list[Solution]:
    return [solution for solution in settings.solutions if solution.campaign]


def states(settings: Settings, *, next_state: str) -> States:
    """`FollowCampaigns`, where campaigns are configured; variables: `versions`."""
    if not of(settings):
        return {}
    followed = asl.inline_map(
        [_item(solution) for solution in of(settings)],
        _campaign_states(settings),
        start="Campaign",
        Next=next_state,
    )
    return {"FollowCampaigns": followed}


def start(settings: Settings, *, otherwise: str) -> str:
    return "FollowCampaigns" if of(settings) else otherwise


def _item(solution: Solution) -> dict[str, Any]:
    """`config` is CampaignConfig; what it leaves out is Personalize's default."""
    campaign = solution.campaign
    assert campaign is not None
    explored = dict(solution.exploration)
    config: dict[str, Any] = {"EnableMetadataWithRecommendations": campaign.metadata}
    config |= {"ItemExplorationConfig": explored} if explored else {}
    influence = {name: value for name, value in solution.ranking_influence.items() if value}
    config |= {"RankingInfluence": influence} if influence else {}
    item = {"name": solution.name, "tps": campaign.min_tps, "config": config, "exploration": explored}
    item["influence"] = influence
    return item | {"listed": solution.results if solution.trending else 0}


def _campaign_states(settings: Settings) -> States:
    version = "$lookup($versions, $states.input.name)"
    prefix = asl.literal(settings.names.personalize_arn("campaign/"))
    return {
        "Campaign": {
            "Type": "Pass",
            "Assign": {
                "campaign": jsonata("$states.input"),
                "version": jsonata(version),
                "campaign_name": jsonata(f"$split({version}, '/')[1]"),
                "campaign_arn": jsonata(f"{prefix} & $split({version}, '/')[1]"),
                "moved": False,
                **asl.deadline("Campaign", hours=HOURS),
            },
            "Next": "DescribeCampaign",
        },
        "CreateCampaign": _create(),
        **asl.polling(
            "Campaign",
            describe=_describe(),
            done="Creation or update of campaign ",
            of="$campaign_name",
            failed=asl.CREATE_FAILED,
            next_state="AsConfigured",
            seconds=30,
        ),
        "AsConfigured": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(_AS_CONFIGURED), "Next": "NameCampaign"}],
            "Default": "UpdateCampaign",
        },
        "UpdateCampaign": _update(),
        "NameCampaign": _name(settings),
        **trends.states(settings, name="Trends", next_state="CampaignFollows"),
        "CampaignFollows": {"Type": "Succeed"},
    }


def _describe() -> State:
    return asl.task(
        sdk("personalize", "describeCampaign"),
        {"CampaignArn": jsonata("$campaign_arn")},
        Output=jsonata(_IN_FORCE),
        Catch=[{"ErrorEquals": asl.NOT_FOUND, "Next": "CreateCampaign"}],
    )


# An update that failed before ours may be asked for again; one of ours that failed ends the run.
_IN_FORCE = """(
  $found := $states.result.Campaign;
  $update := $found.LatestCampaignUpdate;
  $busy := $update.Status in ['CREATE PENDING', 'CREATE IN_PROGRESS'];
  $failed := $moved and $update.Status = 'CREATE FAILED';
  {
    'status': $found.Status = 'ACTIVE' and ($busy or $failed) ? $update.Status : $found.Status,
    'reason': $failed ? $update.FailureReason : $found.FailureReason,
    'version': $found.SolutionVersionArn,
    'tps': $found.MinProvisionedTPS,
    'metadata': $found.CampaignConfig.EnableMetadataWithRecommendations = true,
    'exploration': $merge([{}, $found.CampaignConfig.ItemExplorationConfig]),
    'influence': $merge([{}, $sift($found.CampaignConfig.RankingInfluence, function($value) { $value > 0 })])
  }
)"""
# Where the configuration explores nothing, what stands there is Personalize's own.
_AS_CONFIGURED = """
  $states.input.version = $version and $states.input.tps = $campaign.tps
  and $states.input.metadata = $campaign.config.EnableMetadataWithRecommendations
  and ($campaign.exploration = {} or $states.input.exploration = $campaign.exploration)
  and $states.input.influence = $campaign.influence
"""


def _create() -> State:
    return asl.task(
        sdk("personalize", "createCampaign"),
        {
            "Name": jsonata("$campaign_name"),
            "SolutionVersionArn": jsonata("$version"),
            "MinProvisionedTPS": jsonata("$campaign.tps"),
            "CampaignConfig": jsonata("$campaign.config"),
        },
        Retry=[asl.RETRY_BUSY],
        Catch=[{"ErrorEquals": asl.EXISTS, "Next": "DescribeCampaign"}],
        Next="DescribeCampaign",
    )


def _update() -> State:
    return asl.task(
        sdk("personalize", "updateCampaign"),
        {
            "CampaignArn": jsonata("$campaign_arn"),
            "SolutionVersionArn": jsonata("$version"),
            "MinProvisionedTPS": jsonata("$campaign.tps"),
            "CampaignConfig": jsonata("$campaign.config"),
        },
        Retry=[asl.RETRY_BUSY],
        Assign={"moved": True},
        Next="DescribeCampaign",
    )


def _name(settings: Settings) -> State:
    """Readers find the campaign beside the pointer of the solution's lists."""
    return asl.task(
        asl.PUT_ITEM,
        {
            "TableName": settings.names.recommendations_table,
            "Item": {
                layout.PK: {"S": jsonata(asl.joined(layout.POINTER, list="$campaign.name"))},
                layout.SK: {"S": layout.CAMPAIGN_SK},
                "campaign_arn": {"S": jsonata("$campaign_arn")},
                "solution_version_arn": {"S": jsonata("$version")},
            },
        },
        Next="Trends" if trends.of(settings) else "CampaignFollows",
    )


def removal(settings: Settings, *, next_state: str) -> States:
    """States after the swap, so that who knows the old one's name has had the new one's; variables: `versions`."""
    kept = f"{asl.data([solution.name for solution in of(settings)])}.($split($lookup($versions, $), '/')[1])"
    return leftovers.removal(
        settings,
        kind="Campaign",
        asked={},
        listed="{'name': Name, 'status': Status}",
        kept=kept,
        removable=" and $states.input.status in ['ACTIVE', 'CREATE FAILED']",
        next_state=next_state,
    )


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    campaigns = names.personalize_arn(f"campaign/{names.prefix}-*")
    removing = leftovers.statements(settings, kind="Campaign")
    if not of(settings):
        return removing
    return [
        allow("personalize:CreateCampaign", campaigns, names.solution_arns),
        allow("personalize:UpdateCampaign", campaigns, names.solution_arns),
        allow("personalize:DescribeCampaign", campaigns),
        allow("dynamodb:PutItem", names.table_arn(names.recommendations_table)),
        *trends.statements(settings),
        *removing,
    ]
