"""Trending-Now as a published list: the run asks its campaign, and readers move to it with the other lists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from config import serving
from config.settings import Settings
from lambdas.get_recommendations.ranking import decode
from stacks.workflows import recommend
from tests import example
from tests.stacks.test_workflows import NAMES, RUN, VERSIONS, output, recommendation, run, sent

RISING = {"name": "rising", "recipe": "aws-trending-now", "for_each": "everyone", "results": 3}
CONTENT = example.content()
CONTENT["solutions"].append(RISING | {"campaign": {"min_tps": 1}})
SETTINGS = Settings.model_validate(CONTENT)
ARN = NAMES.personalize_arn("solution/osusume-dev-rising-0123abcd/v1")
CAMPAIGN = NAMES.personalize_arn("campaign/osusume-dev-rising-0123abcd")
GIVEN = {"run_id": RUN, "versions": VERSIONS | {"rising": ARN}}


def answers(*items: dict[str, Any]) -> Any:
    def described(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["solutionVersionArn"] == ARN:
            recipe = "arn:aws:personalize:::recipe/aws-trending-now"
            return {"solutionVersion": {"status": "ACTIVE", "recipeArn": recipe}}
        known = recommendation()[("personalize", "DescribeSolutionVersion")]
        found: dict[str, Any] = known(parameters)  # type: ignore[operator]
        return found

    config = {"enableMetadataWithRecommendations": False}
    campaign = {
        "status": "ACTIVE",
        "solutionVersionArn": ARN,
        "minProvisionedTPS": 1,
        "campaignConfig": config,
    }
    return recommendation() | {
        ("personalize", "DescribeSolutionVersion"): described,
        ("personalize", "DescribeCampaign"): {"campaign": campaign},
        ("personalize-runtime", "GetRecommendations"): {"itemList": list(items), "recommendationId": "RID-1"},
        ("dynamodb", "PutItem"): {},
    }


def written(cloud: Any) -> dict[str, Any]:
    [found] = [
        call["Item"] for call in sent(cloud, "PutItem") if call["Item"]["pk"]["S"] == "rising#everyone"
    ]
    return found


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ([{"itemId": "a", "score": 0.5}, {"itemId": "b"}], (("a", 0.5), ("b", None))),
        ([{"itemId": "only"}], (("only", None),)),
        ([{"itemId": 'of "quotes"\\'}, {"itemId": "雪|,]"}], (('of "quotes"\\', None), ("雪|,]", None))),
    ],
)
def test_the_list_is_written_as_readers_read_lists(given: Any, kept: Any) -> None:
    result, cloud = run("recommend", GIVEN, answers(*given), given=SETTINGS)
    output(result)
    item = written(cloud)
    assert decode(item["items"]["S"]) == kept
    assert (item["sk"]["S"], int(item["expires_at"]["N"]) > 0) == (RUN, True)
    assert sent(cloud, "GetRecommendations") == [{"campaignArn": CAMPAIGN, "numResults": 3}]


def test_readers_move_to_it_after_it_is_written_and_with_the_other_lists() -> None:
    result, cloud = run("recommend", GIVEN, answers({"itemId": "a"}), given=SETTINGS)
    output(result)
    calls = [(name, json.dumps(parameters, default=str)) for _, name, parameters in cloud.calls]
    wrote = next(place for place, (_, text) in enumerate(calls) if "rising#everyone" in text)
    swapped = [
        place for place, (name, text) in enumerate(calls) if name == "UpdateItem" and '"pointer#' in text
    ]
    assert len(swapped) == len(SETTINGS.solutions) and wrote < min(swapped)
    assert any("pointer#rising" in calls[place][1] for place in swapped)
    noted = [text for name, text in calls if name == "UpdateItem" and "versions#rising" in text]
    assert noted == [], "it has no files of which a later run would write its expiry"


def test_a_campaign_that_answers_nothing_stops_the_run_and_what_served_serves_on() -> None:
    result, cloud = run("recommend", GIVEN, answers(), given=SETTINGS)
    assert result.error == "NothingPublished"
    assert "campaign of rising answered no item" in json.loads(result.cause or "")["cause"]
    assert not [call for call in sent(cloud, "UpdateItem") if call["Key"]["pk"]["S"].startswith("pointer#")]


def test_the_reader_is_told_of_it_and_placements_may_show_it() -> None:
    told = serving.content(SETTINGS)["lists"]
    assert {"name": "rising", "for_each": "everyone", "trending": True} in told
    content = example.content(placements={"home": {"lists": ["rising"], "length": 3, "rules": []}})
    content["solutions"].append(RISING | {"campaign": {"min_tps": 1}})
    assert Settings.model_validate(content).placements["home"].lists == ("rising",)


def test_trends_alone_are_published_too() -> None:
    """Nothing in batch: pointers are swapped, and there is nothing to retire."""
    content = example.content(placements=dict.fromkeys(example.content()["placements"]), rules={})
    content["publishing"]["min_never_bought"] = 0
    content["solutions"] = [RISING | {"campaign": {"min_tps": 1}}]
    states = recommend.definition(Settings.model_validate(content))["States"]
    assert states["SwapPointers"]["Items"] == [{"list": "rising"}]
    assert states["SwapPointers"]["Next"] == "ListCampaigns" and "RetireVersions" not in states


def test_where_no_solution_trends_there_is_no_state_of_it() -> None:
    text = json.dumps(recommend.definition(example.settings()))
    assert "Trends" not in text and "getRecommendations" not in text
