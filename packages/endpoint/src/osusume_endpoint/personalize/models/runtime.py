"""personalize-runtime: recommendations, rankings and actions in real time."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from osusume_endpoint.personalize.errors import invalid
from osusume_endpoint.personalize.models import campaigns, datasets, filters
from osusume_endpoint.personalize.models.common import Operation, Parameters
from osusume_endpoint.personalize.models.recipes import recipe_of
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.personalize.store import Record
from osusume_endpoint.service import RequestContext
from osusume_engine.recipes import RecipeSpec

if TYPE_CHECKING:
    from osusume_engine.reordering import Reordering
    from osusume_engine.training import Scored

DEFAULT_RESULTS = 25
MAX_RESULTS = 500
MAX_RESULTS_WITH_METADATA = 50
MAX_RANKED = 500
MAX_METADATA_COLUMNS = 10
DEFAULT_ACTIONS = 5
MAX_ACTIONS = 100
PROMOTED = "Promoted item"


@dataclass(frozen=True)
class Source:
    """What answers: a campaign's solution version, or a recommender."""

    record: Record
    trained: Record
    recipe: RecipeSpec
    group_arn: str
    config: Mapping[str, Any]

    @property
    def model_arn(self) -> str:
        return self.trained.arn

    @property
    def explains(self) -> bool:
        """Recipes that configure exploration themselves say why an item is listed."""
        return bool(self.recipe.automatic_exploration)

    @property
    def positions(self) -> Mapping[str, int]:
        return self.trained.private.get("positions", {})


def recommend(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    source = _source(service, parameters)
    user, item = parameters.get("userId"), parameters.get("itemId")
    _check_query(source.recipe, user, item)
    columns = _metadata_columns(service, source, parameters)
    count = _num_results(parameters, with_metadata=bool(columns))
    found = _recommended(service, source, parameters, parameters, count)
    listed: list[tuple[Scored, str | None]] = [(one, None) for one in found]
    for promotion in parameters.get("promotions", []):
        listed = _promoted(service, source, parameters, promotion, found, count)
    items = [_item(one, promotion, explained=source.explains) for one, promotion in listed]
    _add_metadata(service, source, items, columns)
    return {"itemList": items, "recommendationId": _remember(service, source, items)}


def rank(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    source = _source(service, parameters)
    if source.recipe.type != "PERSONALIZED_RANKING":
        raise invalid(f"Recipe {source.recipe.name} does not rank: use GetRecommendations.")
    candidates = parameters["inputList"]
    if not 1 <= len(candidates) <= MAX_RANKED:
        raise invalid(f"inputList must have 1 to {MAX_RANKED} items, not {len(candidates)}.")
    columns = _metadata_columns(service, source, parameters)
    user = parameters["userId"]
    scored = service.catalogue.model(source.model_arn).rank(
        user_id=user,
        item_ids=candidates,
        context=parameters.get("context"),
        recent=_recent(service, source, user),
        allowed=_allowed(service, source, parameters, parameters),
    )
    items = [_item(one, None, explained=False) for one in scored]
    _add_metadata(service, source, items, columns)
    return {"personalizedRanking": items, "recommendationId": _remember(service, source, items)}


def actions(service: Personalize, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
    source = _source(service, parameters)
    if source.recipe.type != "PERSONALIZED_ACTIONS":
        raise invalid(f"Recipe {source.recipe.name} does not recommend actions: use GetRecommendations.")
    user = parameters.get("userId")
    if user is None:
        raise invalid("userId is required.")
    count = int(parameters.get("numResults", DEFAULT_ACTIONS))
    if not 1 <= count <= MAX_ACTIONS:
        raise invalid(f"numResults must be 1 to {MAX_ACTIONS}, not {count}.")
    found = service.catalogue.model(source.model_arn).actions(
        user_id=user,
        num_results=count,
        allowed=_allowed(service, source, parameters, parameters),
        recent=_recent(service, source, user, kind="ACTION_INTERACTIONS"),
    )
    listed = [{"actionId": one.id, "score": float(one.score)} for one in found]
    return {"actionList": listed, "recommendationId": _new_id()}


def _source(service: Personalize, parameters: Parameters) -> Source:
    campaign_arn, recommender_arn = parameters.get("campaignArn"), parameters.get("recommenderArn")
    if (campaign_arn is None) == (recommender_arn is None):
        raise invalid("Give either campaignArn or recommenderArn.")
    if recommender_arn is not None:
        return _recommender(service, recommender_arn)
    campaign = service.active(str(campaign_arn), "Campaign")
    version = service.store.get(campaign.fields["solutionVersionArn"], "SolutionVersion")
    return Source(
        record=campaign,
        trained=version,
        recipe=recipe_of(version.fields["recipeArn"]),
        group_arn=version.fields["datasetGroupArn"],
        config=campaign.fields.get("campaignConfig", {}),
    )


def _recommender(service: Personalize, arn: str) -> Source:
    from osusume_endpoint.personalize import usecases

    recommender = service.active(arn, "Recommender")
    case = usecases.find(recommender.fields["recipeArn"])
    assert case is not None  # checked by CreateRecommender
    return Source(
        record=recommender,
        trained=recommender,
        recipe=recipe_of(case.base_arn),
        group_arn=recommender.fields["datasetGroupArn"],
        config=recommender.fields.get("recommenderConfig", {}),
    )


def _check_query(recipe: RecipeSpec, user: str | None, item: str | None) -> None:
    if recipe.type == "RELATED_ITEMS" and item is None:
        raise invalid(f"itemId is required: recipe {recipe.name} recommends related items.")
    if recipe.type == "USER_PERSONALIZATION" and user is None:
        raise invalid(f"userId is required: recipe {recipe.name} recommends for users.")
    if recipe.type == "PERSONALIZED_RANKING":
        raise invalid(f"Recipe {recipe.name} ranks a list: use GetPersonalizedRanking.")
    if recipe.type == "PERSONALIZED_ACTIONS":
        raise invalid(f"Recipe {recipe.name} recommends actions: use GetActionRecommendations.")


def _num_results(parameters: Parameters, *, with_metadata: bool) -> int:
    limit = MAX_RESULTS_WITH_METADATA if with_metadata else MAX_RESULTS
    count = int(parameters.get("numResults", DEFAULT_RESULTS))
    if not 1 <= count <= limit:
        raise invalid(f"numResults must be 1 to {limit}, not {count}.")
    return count


def _recommended(
    service: Personalize, source: Source, parameters: Parameters, filtered: Mapping[str, Any], count: int
) -> list[Scored]:
    """`filtered` names the filter and its values: the request itself, or a promotion."""
    model = service.catalogue.model(source.model_arn)
    allowed = _allowed(service, source, parameters, filtered)
    if source.recipe.type == "RELATED_ITEMS":
        return model.recommend(item_id=parameters["itemId"], num_results=count, allowed=allowed)
    user = parameters.get("userId") or ""
    reordering = _reordering(service, source)
    recent = _recent(service, source, user)
    scored = model.recommend(
        user_id=user,
        num_results=reordering.pool(count) if reordering else count,
        context=parameters.get("context"),
        allowed=allowed,
        recent=recent,
    )
    if reordering is None:
        return scored
    met = [event.item_id for event in recent]
    return reordering.apply(scored, count, query=user, recent=met, allowed=allowed)


def _reordering(service: Personalize, source: Source) -> Reordering | None:
    return service.catalogue.reordering(
        source.model_arn,
        datasets.datasets_of(service, source.group_arn),
        influence=source.config.get("rankingInfluence", {}),
        exploration=campaigns.exploration_of(source.recipe, source.config),
    )


def _allowed(
    service: Personalize, source: Source, parameters: Parameters, filtered: Mapping[str, Any]
) -> Any:
    if "filterArn" not in filtered:
        if filtered.get("filterValues"):
            raise invalid("filterValues needs a filterArn.")
        return None
    record = filters.check_usable(
        service, filtered["filterArn"], group_arn=source.group_arn, recipe=source.recipe
    )
    return filters.mask(
        service,
        record,
        user=parameters.get("userId"),
        item=parameters.get("itemId"),
        values=filtered.get("filterValues", {}),
    )


def _recent(service: Personalize, source: Source, user: str, *, kind: str = "INTERACTIONS") -> list[Any]:
    """What the user did since training, by streamed records of the dataset type."""
    dataset = datasets.datasets_of(service, source.group_arn).get(kind)
    if dataset is None:
        return []
    return service.streams.recent(dataset.arn, user, after=source.positions.get(kind, 0))


def _promoted(
    service: Personalize,
    source: Source,
    parameters: Parameters,
    promotion: Mapping[str, Any],
    found: Sequence[Scored],
    count: int,
) -> list[tuple[Scored, str | None]]:
    """Promoted items keep their own order and stand at random places among the others."""
    wanted = count * int(promotion.get("percentPromotedItems", 0)) // 100
    promoted = _recommended(service, source, parameters, promotion, wanted) if wanted else []
    names = {one.id for one in promoted}
    others = [one for one in found if one.id not in names][: count - len(promoted)]
    chance = random.Random(f"{parameters.get('userId')}|{parameters.get('itemId')}|{promotion.get('name')}")
    places = set(chance.sample(range(len(promoted) + len(others)), len(promoted)))
    first, second = iter(promoted), iter(others)
    name = promotion.get("name", "")
    return [
        (next(first), name) if place in places else (next(second), None)
        for place in range(len(promoted) + len(others))
    ]


def _item(one: Scored, promotion: str | None, *, explained: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"itemId": one.id, "score": float(one.score)}
    reason = PROMOTED if promotion else one.reason
    if explained and reason:
        item["reason"] = [reason]
    return item | ({"promotionName": promotion} if promotion else {})


def _metadata_columns(service: Personalize, source: Source, parameters: Parameters) -> list[str]:
    given = parameters.get("metadataColumns", {})
    if not given:
        return []
    if [name.upper() for name in given] != ["ITEMS"]:
        raise invalid(f"metadataColumns must name ITEMS, not {sorted(given)}.")
    if not source.config.get("enableMetadataWithRecommendations"):
        raise invalid(
            "metadataColumns needs enableMetadataWithRecommendations in the campaign's configuration."
        )
    columns = list(next(iter(given.values())))
    if len(columns) > MAX_METADATA_COLUMNS:
        raise invalid(f"metadataColumns has at most {MAX_METADATA_COLUMNS} columns.")
    table = service.catalogue.table(datasets.datasets_of(service, source.group_arn)["ITEMS"])
    unknown = [name for name in columns if name.upper() not in table.frame.columns]
    if unknown:
        raise invalid(f"The Items dataset has no columns {unknown}.")
    return columns


def _add_metadata(
    service: Personalize, source: Source, items: list[dict[str, Any]], columns: Sequence[str]
) -> None:
    if not columns:
        return
    table = service.catalogue.table(datasets.datasets_of(service, source.group_arn)["ITEMS"])
    for item in items:
        values = {name: table.value(item["itemId"], name.upper()) for name in columns}
        item["metadata"] = {name: str(value) for name, value in values.items() if value is not None}


def _new_id() -> str:
    return f"RID-{uuid.uuid4().hex[:32]}"


def _remember(service: Personalize, source: Source, items: Sequence[Mapping[str, Any]]) -> str:
    """Events may name the recommendation: it tells which campaign showed what."""
    identity = _new_id()
    service.recommendations[identity] = (source.record.arn, tuple(item["itemId"] for item in items))
    while len(service.recommendations) > service.RECOMMENDATIONS_KEPT:
        service.recommendations.popitem(last=False)
    return identity


RUNTIME_OPERATIONS: dict[str, Operation] = {
    "GetRecommendations": recommend,
    "GetPersonalizedRanking": rank,
    "GetActionRecommendations": actions,
}
