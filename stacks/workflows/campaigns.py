"""Campaigns follow the version that recommends, and go when nothing configures them any more.

Developer guide, "Updating a campaign": an update's progress is that of latestCampaignUpdate; the campaign itself stays
ACTIVE meanwhile. A campaign stays with its solution, so one of another configuration is made beside it.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.digests import LENGTH
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import Statement, allow
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 2
_MOST_CAMPAIGNS = 100  # of a page of ListCampaigns; a dataset group has 5


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
    return {"name": solution.name, "tps": campaign.min_tps, "config": config, "exploration": explored}


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
    'exploration': $merge([{}, $found.CampaignConfig.ItemExplorationConfig])
  }
)"""
# Where the configuration explores nothing, what stands there is Personalize's own.
_AS_CONFIGURED = """
  $states.input.version = $version and $states.input.tps = $campaign.tps
  and $states.input.metadata = $campaign.config.EnableMetadataWithRecommendations
  and ($campaign.exploration = {} or $states.input.exploration = $campaign.exploration)
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
        Next="CampaignFollows",
    )


def removal(settings: Settings, *, next_state: str) -> States:
    """From `ListCampaigns` to `next_state`; variables: `versions`. What remains is tried again by the next run.

    After the swap, so that a reader who knows the old one's name has had the new one's.
    """
    caught = [{"ErrorEquals": ["States.ALL"], "Next": next_state}]
    return {
        "ListCampaigns": asl.task(
            sdk("personalize", "listCampaigns"),
            {"MaxResults": _MOST_CAMPAIGNS},
            Output=jsonata("[$states.result.Campaigns.{'name': Name, 'status': Status}]"),
            Catch=caught,
            Next="RemoveCampaigns",
        ),
        "RemoveCampaigns": asl.inline_map(
            jsonata("$states.input"),
            _removal_states(settings),
            start="CampaignListed",
            Catch=caught,
            Next=next_state,
        ),
    }


def _removal_states(settings: Settings) -> States:
    """What is ours has the name of a solution of ours; others' campaigns are none of it."""
    kept = f"{asl.data([solution.name for solution in of(settings)])}.($split($lookup($versions, $), '/')[1])"
    ours = f"/^{settings.names.prefix}-[a-z][a-z0-9-]+-[0-9a-f]{{{LENGTH}}}$/"
    unwanted = (
        f"$match($states.input.name, {ours}) and $not($states.input.name in {kept})"
        " and $states.input.status in ['ACTIVE', 'CREATE FAILED']"
    )
    prefix = f"{settings.names.prefix}-"
    beginning = asl.literal(settings.names.personalize_arn(f"campaign/{prefix}"))
    arn = f"{beginning} & $substringAfter($states.input.name, {asl.literal(prefix)})"
    return {
        "CampaignListed": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata(f"$boolean({unwanted})"), "Next": "RemoveCampaign"}],
            "Default": "CampaignDone",
        },
        "RemoveCampaign": asl.task(
            sdk("personalize", "deleteCampaign"),
            {"CampaignArn": jsonata(arn)},
            Retry=[asl.RETRY_BUSY],
            Catch=[{"ErrorEquals": asl.NOT_FOUND, "Next": "CampaignDone"}],
            Next="CampaignDone",
        ),
        "CampaignDone": {"Type": "Succeed"},
    }


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    campaigns = names.personalize_arn(f"campaign/{names.prefix}-*")
    removing = [
        allow("personalize:DeleteCampaign", campaigns),
        # IAM knows no resource of the action.
        allow("personalize:ListCampaigns", "*"),
    ]
    if not of(settings):
        return removing
    return [
        allow("personalize:CreateCampaign", campaigns, names.solution_arns),
        allow("personalize:UpdateCampaign", campaigns, names.solution_arns),
        allow("personalize:DescribeCampaign", campaigns),
        allow("dynamodb:PutItem", names.table_arn(names.recommendations_table)),
        *removing,
    ]
