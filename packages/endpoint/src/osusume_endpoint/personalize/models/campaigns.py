"""Campaigns: a solution version that answers requests in real time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.errors import invalid
from osusume_endpoint.personalize.jobs import Runner
from osusume_endpoint.personalize.models import datasets
from osusume_endpoint.personalize.models.common import (
    Operation,
    Parameters,
    describing,
    listing,
    picked,
    tags_of,
)
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.recipes import RecipeSpec

MAX_CAMPAIGNS = 5
LATEST = "/$LATEST"


def create(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    arn = service.named("Campaign", parameters["name"])
    tags = tags_of(parameters)
    config = parameters.get("campaignConfig", {})
    with service.store.lock:
        version = resolve(service, parameters["solutionVersionArn"], config)
        service.check_absent(arn)
        _check_config(service, version, config)
        group = version.fields["datasetGroupArn"]
        campaigns = [c for c in service.store.of_kind("Campaign") if c.private["group"] == group]
        service.check_quota(
            len(campaigns),
            MAX_CAMPAIGNS,
            f"Cannot create a campaign. More than {MAX_CAMPAIGNS} resources in ACTIVE state. Please delete "
            "some and try again.",
        )
        fields = picked(parameters, "name", "campaignConfig") | {
            "solutionVersionArn": version.arn,
            "solutionArn": version.fields["solutionArn"],
            "minProvisionedTPS": parameters.get("minProvisionedTPS", 1),
        }
        service.create("Campaign", arn, fields, private={"group": group}, tags=tags)
    return {"campaignArn": arn}


def update(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    with service.store.lock:
        campaign = service.store.get(parameters["campaignArn"], "Campaign")
        service.check_settled(campaign)
        config = parameters.get("campaignConfig", campaign.fields.get("campaignConfig", {}))
        version = resolve(
            service, parameters.get("solutionVersionArn", campaign.fields["solutionVersionArn"]), config
        )
        if version.fields["solutionArn"] != campaign.fields["solutionArn"]:
            raise invalid(f"{version.arn} is a version of another solution than the campaign's.")
        _check_config(service, version, config)
        _start_update(service, campaign, version, picked(parameters, "minProvisionedTPS", "campaignConfig"))
    return {"campaignArn": campaign.arn}


def delete(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    service.delete(service.store.get(parameters["campaignArn"], "Campaign"))
    return {}


def resolve(service: Personalize, arn: str, config: Mapping[str, Any]) -> Record:
    """The ACTIVE solution version that the ARN, or <solution ARN>/$LATEST, means."""
    if not arn.endswith(LATEST):
        return service.active(arn, "SolutionVersion")
    if not config.get("syncWithLatestSolutionVersion"):
        raise invalid("$LATEST needs campaignConfig.syncWithLatestSolutionVersion to be true.")
    solution = service.active(arn.removesuffix(LATEST), "Solution")
    versions = service.store.where("SolutionVersion", solutionArn=solution.arn, status=states.ACTIVE)
    if not versions:
        raise invalid(f"Solution {solution.arn} has no ACTIVE solution version.")
    return versions[-1]


def check_exploration(recipe: RecipeSpec, given: Mapping[str, str]) -> None:
    for name, text in given.items():
        spec = recipe.campaign_hyperparameters.get(name)
        if spec is None:
            known = ", ".join(recipe.campaign_hyperparameters) or "none"
            raise invalid(f"Recipe {recipe.name} has no itemExplorationConfig {name!r}: it has {known}.")
        try:
            spec.parse(name, text)
        except ValueError as error:
            raise invalid(str(error)) from None


def exploration_of(recipe: RecipeSpec, config: Mapping[str, Any]) -> dict[str, float]:
    """The given values over the recipe's defaults; nothing where the recipe does not explore."""
    if recipe.automatic_exploration:
        return {"explorationWeight": recipe.automatic_exploration}
    given = config.get("itemExplorationConfig", {})
    defaults = {name: spec.default for name, spec in recipe.campaign_hyperparameters.items()}
    return {name: float(value) for name, value in {**defaults, **given}.items()}


def _check_config(service: Personalize, version: Record, config: Mapping[str, Any]) -> None:
    recipe = recipe_of(version.fields["recipeArn"])
    if not recipe.campaign:
        raise invalid(f"Recipe {recipe.name} does not support campaigns.")
    check_exploration(recipe, config.get("itemExplorationConfig", {}))
    if config.get("enableMetadataWithRecommendations"):
        present = datasets.datasets_of(service, version.fields["datasetGroupArn"])
        if "ITEMS" not in present:
            raise invalid("enableMetadataWithRecommendations needs an Items dataset with records.")


def _start_update(
    service: Personalize, campaign: Record, version: Record, changed: Mapping[str, Any]
) -> None:
    now = time.time()
    latest = picked(campaign.fields, "minProvisionedTPS", "campaignConfig") | dict(changed)
    latest |= {
        "solutionVersionArn": version.arn,
        "status": states.PENDING,
        "creationDateTime": now,
        "lastUpdatedDateTime": now,
    }
    service.store.update(campaign.arn, latestCampaignUpdate=latest)
    service.jobs.submit("update", campaign)


def follow(service: Personalize, version: Record) -> None:
    """Campaigns that sync with the latest version move to it."""
    for campaign in service.store.where("Campaign", solutionArn=version.fields["solutionArn"]):
        config = campaign.fields.get("campaignConfig", {})
        if config.get("syncWithLatestSolutionVersion") and not campaign.private.get("job"):
            _start_update(service, campaign, version, {})


def _apply_update(service: Personalize, record: Record) -> dict[str, Any]:
    latest = record.fields["latestCampaignUpdate"]
    version = service.active(latest["solutionVersionArn"], "SolutionVersion")
    return picked(latest, "minProvisionedTPS", "campaignConfig") | {"solutionVersionArn": version.arn}


def register(service: Personalize) -> None:
    jobs = service.jobs
    jobs.register("create", "Campaign", Runner(lambda record: {}))
    jobs.register("update", "Campaign", Runner(lambda record: _apply_update(service, record)))
    jobs.register("delete", "Campaign", Runner(lambda record: {}, running=states.DELETE_IN_PROGRESS))


OPERATIONS: dict[str, Operation] = {
    "CreateCampaign": create,
    "DescribeCampaign": describing("Campaign"),
    "ListCampaigns": listing("Campaign"),
    "UpdateCampaign": update,
    "DeleteCampaign": delete,
}
