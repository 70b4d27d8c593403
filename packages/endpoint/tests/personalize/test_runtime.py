"""Campaigns, filters, promotions, metadata and events in real time."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.personalize.conftest import (
    BUCKET,
    Shop,
    World,
    failure,
    interactions_csv,
    make_group,
    schema,
    trained,
)

RECIPE = "arn:aws:personalize:::recipe/"


def campaign(world: World, name: str, version: str, **more: Any) -> str:
    arn = world.personalize.create_campaign(name=name, solutionVersionArn=version, **more)["campaignArn"]
    world.active("campaign", arn)
    return str(arn)


def new_filter(world: World, shop: Shop, name: str, expression: str) -> str:
    arn = world.personalize.create_filter(name=name, datasetGroupArn=shop.group, filterExpression=expression)[
        "filterArn"
    ]
    world.active("filter", arn)
    return str(arn)


@pytest.fixture(scope="module")
def for_you(world: World, personalization: str) -> str:
    config = {"enableMetadataWithRecommendations": True}
    return campaign(world, "for-you", personalization, campaignConfig=config)


@pytest.fixture(scope="module")
def related(world: World, shop: Shop) -> str:
    return campaign(world, "related", trained(world, shop, "related", "aws-similar-items"))


@pytest.fixture(scope="module")
def segmenting(world: World, shop: Shop) -> str:
    return trained(world, shop, "no-campaign", "aws-item-affinity")


@pytest.fixture(scope="module")
def ranking(world: World, shop: Shop) -> str:
    return campaign(world, "ranking", trained(world, shop, "ranking", "aws-personalized-ranking-v2"))


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["itemId"] for item in answer["itemList"]]


def test_a_user_gets_the_items_of_their_taste(world: World, for_you: str) -> None:
    answer = world.runtime.get_recommendations(campaignArn=for_you, userId="u4", numResults=8)
    items = ids(answer)
    assert len(set(items)) == 8
    assert sum(int(item[1:]) % 2 == 0 for item in items) >= 6
    scores = [item["score"] for item in answer["itemList"]]
    assert scores == sorted(scores, reverse=True)
    assert answer["recommendationId"].startswith("RID-")
    assert len(ids(world.runtime.get_recommendations(campaignArn=for_you, userId="u4"))) == 25


def test_a_stranger_gets_recommendations_too(world: World, for_you: str) -> None:
    assert len(ids(world.runtime.get_recommendations(campaignArn=for_you, userId="x", numResults=5))) == 5


def test_related_items_leave_out_the_item_itself(world: World, related: str) -> None:
    items = ids(world.runtime.get_recommendations(campaignArn=related, itemId="i0", numResults=5))
    assert "i0" not in items
    assert len(items) == 5
    assert (
        "itemId is required" in failure(world.runtime.get_recommendations, campaignArn=related, userId="u")[1]
    )


def test_a_list_is_ranked_for_a_user(world: World, ranking: str, for_you: str) -> None:
    given = {"campaignArn": ranking, "inputList": ["i1", "i2", "unknown"]}
    even = world.runtime.get_personalized_ranking(**given, userId="u4")["personalizedRanking"]
    odd = world.runtime.get_personalized_ranking(**given, userId="u5")["personalizedRanking"]
    assert [item["itemId"] for item in even] == ["i2", "i1", "unknown"]
    assert [item["itemId"] for item in odd] == ["i1", "i2", "unknown"]
    refused = failure(world.runtime.get_personalized_ranking, **{**given, "campaignArn": for_you}, userId="u")
    assert refused[0] == "InvalidInputException"
    assert failure(world.runtime.get_recommendations, campaignArn=ranking, userId="u")[0] == (
        "InvalidInputException"
    )


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({}, "userId is required"),
        ({"userId": "u4", "numResults": 501}, "numResults"),
        ({"userId": "u4", "recommenderArn": "arn:aws:personalize:r:a:recommender/x"}, "either"),
        ({"userId": "u4", "filterValues": {"A": "1"}}, "filterArn"),
        ({"userId": "u4", "metadataColumns": {"ITEMS": ["WEIGHT"]}}, "WEIGHT"),
        ({"userId": "u4", "metadataColumns": {"USERS": ["AGE"]}}, "ITEMS"),
        ({"userId": "u4", "numResults": 51, "metadataColumns": {"ITEMS": ["GENRE"]}}, "1 to 50"),
    ],
)
def test_a_request_that_breaks_a_rule_is_invalid(
    world: World, for_you: str, more: dict[str, Any], reason: str
) -> None:
    code, message = failure(world.runtime.get_recommendations, campaignArn=for_you, **more)
    assert code == "InvalidInputException"
    assert reason in message


def test_an_unknown_campaign_is_not_found(world: World) -> None:
    arn = "arn:aws:personalize:ap-northeast-1:111111111111:campaign/nowhere"
    code, _ = failure(world.runtime.get_recommendations, campaignArn=arn, userId="u")
    assert code == "ResourceNotFoundException"


def test_metadata_comes_with_the_items(world: World, for_you: str, related: str) -> None:
    answer = world.runtime.get_recommendations(
        campaignArn=for_you, userId="u4", numResults=2, metadataColumns={"ITEMS": ["GENRE", "PRICE"]}
    )
    first = answer["itemList"][0]
    number = int(first["itemId"][1:])
    kind = "even" if number % 2 == 0 else "odd"
    assert first["metadata"] == {"GENRE": f"{kind}|all", "PRICE": f"{number}.5"}
    code, message = failure(
        world.runtime.get_recommendations,
        campaignArn=related,
        itemId="i0",
        metadataColumns={"ITEMS": ["GENRE"]},
    )
    assert (code, "enableMetadata" in message) == ("InvalidInputException", True)


def test_filters_include_exclude_and_take_values(world: World, shop: Shop, for_you: str) -> None:
    odd = new_filter(world, shop, "by-genre", "INCLUDE ItemID WHERE Items.GENRE IN ($G)")
    answer = world.runtime.get_recommendations(
        campaignArn=for_you, userId="u4", numResults=6, filterArn=odd, filterValues={"G": '"odd"'}
    )
    assert len(ids(answer)) == 6
    assert all(int(item[1:]) % 2 for item in ids(answer))
    bought = new_filter(
        world, shop, "not-bought", 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase", "click")'
    )
    everything = ids(world.runtime.get_recommendations(campaignArn=for_you, userId="u4", numResults=40))
    fresh = ids(
        world.runtime.get_recommendations(campaignArn=for_you, userId="u4", numResults=40, filterArn=bought)
    )
    assert 0 < len(fresh) < len(everything)
    code, message = failure(
        world.runtime.get_recommendations, campaignArn=for_you, userId="u4", filterArn=odd
    )
    assert (code, "$G has no value" in message) == ("InvalidInputException", True)
    shown = world.personalize.describe_filter(filterArn=odd)["filter"]
    assert shown["filterExpression"] == "INCLUDE ItemID WHERE Items.GENRE IN ($G)"
    listed = world.personalize.list_filters(datasetGroupArn=shop.group)["Filters"]
    assert {odd, bought} <= {one["filterArn"] for one in listed}


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("EXCLUDE ItemID WHERE", "Could not create filter. Invalid Expression"),
        (
            "EXCLUDE ItemID WHERE Items.PRICE % 3",
            "Invalid input symbol at position 34",
        ),
        ("EXCLUDE ItemID WHERE Items.TITLE IN ($T)", "textual"),
        ("EXCLUDE ItemID WHERE Items.COLOUR IN ($T)", "no field COLOUR"),
        ("EXCLUDE ActionID WHERE Actions.X IN ($T)", "no ACTIONS dataset"),
        # Developer guide, "Common error messages", word for word.
        (
            "INCLUDE ItemID WHERE Items.GENRE NOT IN ($GENRE)",
            "Could not create filter. Invalid input symbol: $GENRE. Placeholders are not allowed with NOT_IN operator.",
        ),
    ],
)
def test_a_filter_that_breaks_a_rule_is_invalid(
    world: World, shop: Shop, expression: str, reason: str
) -> None:
    given = {"name": "bad", "datasetGroupArn": shop.group, "filterExpression": expression}
    code, message = failure(world.personalize.create_filter, **given)
    assert code == "InvalidInputException"
    assert reason in message


def test_a_filter_of_users_does_not_fit_item_recommendations(world: World, shop: Shop, for_you: str) -> None:
    users = new_filter(world, shop, "users", "INCLUDE UserID WHERE Users.AGE > 3")
    code, message = failure(
        world.runtime.get_recommendations, campaignArn=for_you, userId="u4", filterArn=users
    )
    assert (code, "USERID" in message) == ("InvalidInputException", True)
    world.personalize.delete_filter(filterArn=users)
    world.gone("filter", users)


def test_a_promotion_fills_its_share_with_what_it_promotes(world: World, shop: Shop, for_you: str) -> None:
    odd = new_filter(world, shop, "promoted", 'INCLUDE ItemID WHERE Items.GENRE IN ("odd")')
    promotion = {"name": "odd-week", "percentPromotedItems": 40, "filterArn": odd}
    answer = world.runtime.get_recommendations(
        campaignArn=for_you, userId="u4", numResults=10, promotions=[promotion]
    )
    promoted = [item for item in answer["itemList"] if item.get("promotionName") == "odd-week"]
    assert len(answer["itemList"]) == 10 == len(set(ids(answer)))
    assert len(promoted) == 4
    assert all(int(item["itemId"][1:]) % 2 for item in promoted)
    assert [item["score"] for item in promoted] == sorted((i["score"] for i in promoted), reverse=True)


def test_recommendations_react_to_streamed_events(world: World, shop: Shop, for_you: str) -> None:
    tracker = world.personalize.create_event_tracker(name="clicks", datasetGroupArn=shop.group)
    arn, tracking = tracker["eventTrackerArn"], tracker["trackingId"]
    assert world.active("event_tracker", arn)["accountId"] == "111111111111"
    code, _ = failure(world.personalize.create_event_tracker, name="more", datasetGroupArn=shop.group)
    assert code == "ResourceAlreadyExistsException"
    ask = {"campaignArn": for_you, "userId": "newcomer", "numResults": 10}
    before = ids(world.runtime.get_recommendations(**ask))
    events = [
        {"eventType": "click", "itemId": f"i{item}", "sentAt": datetime.now(UTC)}
        for item in (1, 3, 5, 7, 9, 11, 13)
    ]
    world.events.put_events(trackingId=tracking, userId="newcomer", sessionId="s", eventList=events)
    after = ids(world.runtime.get_recommendations(**ask))
    assert after != before
    assert sum(int(item[1:]) % 2 for item in after) > sum(int(item[1:]) % 2 for item in before)
    clicked = new_filter(
        world, shop, "not-clicked", 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("CLICK")'
    )
    fresh = ids(world.runtime.get_recommendations(**ask, filterArn=clicked))
    assert not set(fresh) & {"i1", "i3", "i5", "i7", "i9", "i11", "i13"}
    world.events.put_events(
        trackingId=tracking,
        userId="newcomer",
        sessionId="s",
        eventList=[{"eventType": "click", "itemId": fresh[0], "sentAt": datetime.now(UTC)}],
    )
    assert fresh[0] not in ids(world.runtime.get_recommendations(**ask, filterArn=clicked))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"itemId": "i1", "properties": "{"}, "not valid JSON"),
        ({"itemId": "i1", "properties": '{"colour": "red"}'}, "colour"),
        ({"itemId": "i1", "properties": '{"eventValue": "much"}'}, "eventValue"),
        ({"itemId": "i1", "properties": '{"eventValue": 1e999}'}, "eventValue has the value inf"),
        ({"itemId": "i1", "properties": '{"eventValue": NaN}'}, "eventValue has the value nan"),
        ({"itemId": "i1", "properties": '{"eventValue": "-Infinity"}'}, "'-Infinity', which is not of type"),
        ({}, "itemId is required"),
        ({"itemId": "i1", "properties": '{"eventValue": true}'}, "eventValue has the value True"),
        ({"itemId": "i1", "properties": '{"eventValue": 1e39}'}, "eventValue has the value 1e+39"),
        ({"itemId": "i1", "properties": '{"eventValue": "1_0"}'}, "eventValue has the value '1_0'"),
        ({"itemId": "i1", "properties": '{"eventValue": "\\uff15"}'}, "eventValue has the value"),
        ({"itemId": "i1", "properties": '{"eventValue": 1, "EVENT_VALUE": 2}'}, "EVENT_VALUE twice"),
        ({"itemId": "i1", "eventValue": 1e39}, "eventValue has the value 1e+39"),
        ({"itemId": "half \ud83d"}, "ITEM_ID has the value 'half \\ud83d'"),
        ({"itemId": "i1", "impression": ["i2", "\ud83d"]}, "half a character"),
        ({"itemId": "i1", "sentAt": datetime(1960, 1, 1, tzinfo=UTC)}, "sentAt has the value 1960-01-01"),
        ({"itemId": "i1", "sentAt": datetime(9999, 1, 1, tzinfo=UTC)}, "Unix epoch time in seconds"),
    ],
)
def test_an_event_that_breaks_a_rule_is_invalid(
    world: World, shop: Shop, event: dict[str, Any], reason: str
) -> None:
    trackers = world.personalize.list_event_trackers(datasetGroupArn=shop.group)["eventTrackers"]
    arn = (
        trackers[0]["eventTrackerArn"]
        if trackers
        else world.personalize.create_event_tracker(name="t", datasetGroupArn=shop.group)["eventTrackerArn"]
    )
    tracking = world.active("event_tracker", arn)["trackingId"]
    given = {"eventType": "click", "sentAt": 1_700_000_000, **event}
    code, message = failure(
        world.events.put_events, trackingId=tracking, userId="u", sessionId="s", eventList=[given]
    )
    assert code == "InvalidInputException"
    assert reason in message


@pytest.mark.parametrize(
    ("kind", "properties", "reason"),
    [
        ("users", {"age": 5.5}, "properties.age has the value 5.5, which is not of type int"),
        ("users", {"age": True}, "not of type int"),
        ("users", {"age": 2**31}, "properties.age has the value 2147483648"),
        ("users", {"age": "1_0"}, "'1_0'"),
        ("items", {"price": 1, "genre": {"a": "b"}}, "properties.genre"),
        ("items", {"price": 1, "genre": ["a", None]}, "properties.genre"),
        ("items", {"price": 1, "genre": "g" * 1001}, "longer than 1000 characters"),
        ("items", {"price": 1, "title": "half \ud83d"}, "TITLE has the value 'half \\ud83d'"),
    ],
)
def test_put_values_are_those_that_an_import_takes(
    world: World, shop: Shop, kind: str, properties: dict[str, Any], reason: str
) -> None:
    entry = {f"{kind[:-1]}Id": "odd", "properties": json.dumps(properties)}
    code, message = failure(
        getattr(world.events, f"put_{kind}"), datasetArn=shop.datasets[kind.upper()], **{kind: [entry]}
    )
    assert code == "InvalidInputException"
    assert reason in message


def test_an_explicit_impression_is_the_value_of_the_schema_s_own_field(world: World, role: str) -> None:
    """The field may be one that can't be null (developer guide, "Impressions data")."""
    text = schema(
        "Interactions",
        *({"name": name, "type": "string"} for name in ("USER_ID", "ITEM_ID", "IMPRESSION")),
        {"name": "TIMESTAMP", "type": "long"},
    )
    rows = "".join(f"u{n % 50},i{n % 20},i1|i2,{1_700_000_000 + n}\n" for n in range(1000))
    sources = {"INTERACTIONS": (text, f"USER_ID,ITEM_ID,IMPRESSION,TIMESTAMP\n{rows}")}
    group = make_group(world, role, "impressed", sources).group
    tracker = world.personalize.create_event_tracker(name="t", datasetGroupArn=group)
    world.active("event_tracker", tracker["eventTrackerArn"])
    event = {"eventType": "click", "itemId": "i1", "sentAt": 1_700_000_000}
    ask = {"trackingId": tracker["trackingId"], "userId": "u", "sessionId": "s"}
    world.events.put_events(**ask, eventList=[event | {"impression": ["i1", "i9"]}])
    code, message = failure(world.events.put_events, **ask, eventList=[event])
    assert (code, "IMPRESSION is missing" in message) == ("InvalidInputException", True)


def test_an_unknown_tracking_id_is_invalid(world: World) -> None:
    event = {"eventType": "click", "itemId": "i1", "sentAt": 1_700_000_000}
    code, _ = failure(world.events.put_events, trackingId="nowhere", sessionId="s", eventList=[event])
    assert code == "InvalidInputException"
    action = {"actionId": "a", "sessionId": "s", "timestamp": 1_700_000_000, "eventType": "TAKEN"}
    code, _ = failure(world.events.put_action_interactions, trackingId="nowhere", actionInteractions=[action])
    assert code == "ResourceNotFoundException"


def test_a_campaign_moves_to_another_version_and_follows_the_latest(
    world: World, shop: Shop, popularity: str
) -> None:
    api = world.personalize
    arn = campaign(world, "popular", popularity, minProvisionedTPS=2)
    solution = popularity.rpartition("/")[0]
    code, _ = failure(api.delete_solution, solutionArn=solution)
    assert code == "ResourceInUseException"
    code, message = failure(api.update_campaign, campaignArn=arn, solutionVersionArn=f"{solution}/$LATEST")
    assert (code, "syncWithLatestSolutionVersion" in message) == ("InvalidInputException", True)
    api.update_campaign(
        campaignArn=arn,
        solutionVersionArn=f"{solution}/$LATEST",
        campaignConfig={"syncWithLatestSolutionVersion": True},
    )
    wait_on_version(world, arn, popularity)
    newer = api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    shown = wait_on_version(world, arn, newer)
    assert shown["minProvisionedTPS"] == 2
    assert shown["latestCampaignUpdate"]["solutionVersionArn"] == newer
    api.delete_campaign(campaignArn=arn)
    world.gone("campaign", arn)


def wait_on_version(world: World, campaign_arn: str, version: str) -> dict[str, Any]:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        shown = world.personalize.describe_campaign(campaignArn=campaign_arn)["campaign"]
        latest = shown.get("latestCampaignUpdate", {})
        if shown["solutionVersionArn"] == version and latest.get("status") == "ACTIVE":
            return dict(shown)
        time.sleep(0.05)
    raise AssertionError(shown)


def test_a_campaign_needs_a_recipe_and_a_configuration_that_fit(
    world: World, personalization: str, segmenting: str
) -> None:
    create = world.personalize.create_campaign
    config = {"itemExplorationConfig": {"explorationWeight": "0.3"}}
    code, message = failure(create, name="c", solutionVersionArn=personalization, campaignConfig=config)
    assert (code, "explorationWeight" in message) == ("InvalidInputException", True)
    assert "does not support campaigns" in failure(create, name="c", solutionVersionArn=segmenting)[1]
    missing = personalization.rpartition("/")[0] + "/00000000"
    assert failure(create, name="c", solutionVersionArn=missing)[0] == "ResourceNotFoundException"


def test_segments_list_the_users_of_an_item(world: World, shop: Shop, segmenting: str) -> None:
    world.put("segments/in.json", '{"itemId": "i0"}\n')
    users = segments_of(world, shop, segmenting, "all")
    assert users
    left_out = next(user for user in users if int(user[1:]) % 5)  # the others have no age
    expression = f"EXCLUDE UserID WHERE Users.AGE = {left_out[1:]}"
    without = new_filter(world, shop, "without-one", expression)
    filtered = segments_of(world, shop, segmenting, "filtered", filterArn=without)
    assert left_out not in filtered and len(filtered) == len(users)  # the next one moves up
    assert filtered[:-1] == [user for user in users if user != left_out]
    listed = world.personalize.list_batch_segment_jobs(solutionVersionArn=segmenting)["batchSegmentJobs"]
    assert len(listed) == 2


def segments_of(world: World, shop: Shop, version: str, name: str, **more: str) -> list[str]:
    arn = world.personalize.create_batch_segment_job(
        jobName=f"segments-{name}",
        solutionVersionArn=version,
        numResults=40,  # of 60 users
        jobInput={"s3DataSource": {"path": f"s3://{BUCKET}/segments/in.json"}},
        jobOutput={"s3DataDestination": {"path": f"s3://{BUCKET}/segments/{name}/"}},
        roleArn=shop.role,
        **more,
    )["batchSegmentJobArn"]
    world.active("batch_segment_job", arn)
    users: list[str] = json.loads(world.get(f"segments/{name}/in.json.out"))["output"]["recommendedUsers"]
    return users


def test_ranking_influence_moves_popular_items_up(world: World, personalization: str) -> None:
    config = {"rankingInfluence": {"POPULARITY": 1.0}}
    arn = campaign(world, "influenced", personalization, campaignConfig=config)
    items = ids(world.runtime.get_recommendations(campaignArn=arn, userId="u4", numResults=4))
    events = Counter(row.split(",")[1] for row in interactions_csv().splitlines()[1:])
    assert [events[item] for item in items] == sorted((events[item] for item in items), reverse=True)
    assert items[0] == events.most_common(1)[0][0]
    world.personalize.delete_campaign(campaignArn=arn)
    world.gone("campaign", arn)


def test_campaigns_are_listed_by_solution_and_a_group_has_five(
    world: World, personalization: str, for_you: str
) -> None:
    api = world.personalize
    solution = personalization.rpartition("/")[0]
    listed = api.list_campaigns(solutionArn=solution)["campaigns"]
    assert for_you in [one["campaignArn"] for one in listed]
    made = []
    code, message = "", ""
    for number in range(6):
        try:
            made.append(campaign(world, f"many-{number}", personalization))
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            break
    assert code == "LimitExceededException"
    assert message.startswith("Cannot create a campaign. More than 5 resources in ACTIVE state.")
    for arn in made:
        api.delete_campaign(campaignArn=arn)
        world.gone("campaign", arn)
