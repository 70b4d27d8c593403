"""What a solution's, campaign's and request's configuration does to what is recommended."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from tests.personalize.conftest import (
    Shop,
    World,
    batch_output,
    failure,
    import_records,
    make_group,
    schema,
    trained,
    untrained,
)

RECIPE = "arn:aws:personalize:::recipe/"
START, HOUR, DAY = 1_700_000_000, 3600, 86_400
STEPS = 30
NEWEST = START + STEPS * HOUR
USER = {"name": "USER_ID", "type": "string"}
ITEM = {"name": "ITEM_ID", "type": "string"}
INTERACTIONS = schema(
    "Interactions",
    USER,
    ITEM,
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "DEVICE", "type": ["null", "string"], "categorical": True},
)
ITEMS = schema(
    "Items",
    ITEM,
    {"name": "GENRE", "type": ["null", "string"], "categorical": True},
    {"name": "PRICE", "type": "float"},
    {"name": "RATING", "type": ["null", "float"]},
    {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]},
)

TOWN = {"name": "TOWN", "type": ["null", "string"], "categorical": True}
USERS = schema("Users", USER, TOWN)


def device(item: int) -> str:
    return "phone" if item // 2 % 2 == 0 else "tv"


def price(item: int) -> float:
    return float(item * 37 % 41)


def interactions_csv() -> str:
    """Even users like even items, odd users odd ones; every second pair of items is met on a phone."""
    chance, lines = random.Random(1), ["USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP,DEVICE"]
    for user in range(60):
        for step in range(STEPS):
            taste = user % 2 if chance.random() < 0.9 else 1 - user % 2
            item = 2 * int(chance.triangular(0, 19, 0)) + taste
            lines.append(f"u{user},i{item},click,{START + step * HOUR + user},{device(item)}")
    return "\n".join(lines) + "\n"


def items_csv() -> str:
    """Items i0 to i39 are old; young0 to young9 are new and old0 to old9 a week old, both without events."""
    rows = [f"i{n},{('even', 'odd')[n % 2]},{price(n)},,{START - 90 * DAY}" for n in range(40)]
    rows += [f"young{n},{('even', 'odd')[n % 2]},1.0,,{NEWEST}" for n in range(10)]
    rows += [f"old{n},{('even', 'odd')[n % 2]},1.0,,{NEWEST - 7 * DAY}" for n in range(10)]
    return "ITEM_ID,GENRE,PRICE,RATING,CREATION_TIMESTAMP\n" + "\n".join(rows) + "\n"


def users_csv() -> str:
    """Even users live in Kyoto, odd ones in Nara, and so do two who never came; nobody knows about a third."""
    rows = [f"u{n},{('Kyoto', 'Nara')[n % 2]}" for n in range(60)]
    return "USER_ID,TOWN\n" + "\n".join([*rows, "new-even,Kyoto", "new-odd,Nara", "new-unknown,"]) + "\n"


@pytest.fixture(scope="module")
def studio(world: World, role: str) -> Shop:
    sources = {
        "INTERACTIONS": (INTERACTIONS, interactions_csv()),
        "ITEMS": (ITEMS, items_csv()),
        "USERS": (USERS, users_csv()),
    }
    return make_group(world, role, "studio", sources)


@pytest.fixture(scope="module")
def tracking(world: World, studio: Shop) -> str:
    made = world.personalize.create_event_tracker(name="studio", datasetGroupArn=studio.group)
    world.active("event_tracker", made["eventTrackerArn"])
    return str(made["trackingId"])


HPO = {
    "algorithmHyperParameterRanges": {
        "integerHyperParameterRanges": [
            {"name": "bptt", "minValue": 3, "maxValue": 6},
            {"name": "hidden_dimension", "minValue": 32, "maxValue": 64},
        ],
    },
    "hpoResourceConfig": {"maxNumberOfTrainingJobs": "2", "maxParallelTrainingJobs": "1"},
}


@pytest.fixture(scope="module")
def full(world: World, studio: Shop) -> str:
    """A version of User-Personalization whose hyperparameters were searched."""
    return trained(
        world,
        studio,
        "studio",
        "aws-user-personalization",
        performHPO=True,
        solutionConfig={"hpoConfig": HPO, "algorithmHyperParameters": {"hidden_dimension": "50"}},
    )


def campaign(world: World, name: str, version: str, **config: Any) -> str:
    arn = world.personalize.create_campaign(name=name, solutionVersionArn=version, campaignConfig=config)[
        "campaignArn"
    ]
    world.active("campaign", arn)
    return str(arn)


def exploration(weight: float, days: int = 30) -> dict[str, Any]:
    given = {"explorationWeight": str(weight), "explorationItemAgeCutOff": str(days)}
    return {"itemExplorationConfig": given}


@pytest.fixture(scope="module")
def exploring(world: World, full: str) -> str:
    return campaign(world, "exploring", full, **exploration(1.0, days=3))


@pytest.fixture(scope="module")
def settled(world: World, full: str) -> str:
    return campaign(world, "settled", full, **exploration(0.0))


def ids(world: World, arn: str, user: str, **more: Any) -> list[str]:
    answer = world.runtime.get_recommendations(campaignArn=arn, userId=user, **more)
    return [item["itemId"] for item in answer["itemList"]]


def cold(items: list[str]) -> set[str]:
    return {item for item in items if not item.startswith("i")}


def test_tuned_hyperparameters_are_inside_their_ranges_and_shown(world: World, full: str) -> None:
    shown = world.personalize.describe_solution_version(solutionVersionArn=full)["solutionVersion"]
    assert shown["performHPO"] is True
    tuned = shown["tunedHPOParams"]["algorithmHyperParameters"]
    assert set(tuned) == {"bptt", "hidden_dimension"}
    assert 3 <= int(tuned["bptt"]) <= 6
    assert tuned["hidden_dimension"] == "50"  # nothing of ours depends on it


def with_ranges(kind: str, *ranges: dict[str, Any]) -> dict[str, Any]:
    return {"algorithmHyperParameterRanges": {f"{kind}HyperParameterRanges": list(ranges)}}


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (with_ranges("integer", {"name": "depth", "minValue": 1, "maxValue": 2}), "can't tune 'depth'"),
        (with_ranges("integer", {"name": "bptt", "minValue": 3}), "bptt has no maxValue"),
        (with_ranges("integer", {"name": "bptt", "minValue": 9, "maxValue": 4}), "range 9 to 4 of bptt"),
        (with_ranges("continuous", {"name": "bptt", "minValue": 3, "maxValue": 4}), "bptt is integer"),
        (
            with_ranges("continuous", {"name": "min_user_history_length_percentile"}),
            "min_user_history_length_percentile has no minValue",
        ),
        (with_ranges("categorical", {"name": "recency_mask", "values": ["perhaps"]}), "'perhaps'"),
        ({"hpoResourceConfig": {"maxNumberOfTrainingJobs": "41"}}, "maxNumberOfTrainingJobs must be 1 to 40"),
        (
            {"hpoResourceConfig": {"maxParallelTrainingJobs": "many"}},
            "maxParallelTrainingJobs must be 1 to 10",
        ),
        ({"hpoObjective": {"metricName": "coverage"}}, "hpoObjective"),
    ],
)
def test_a_search_that_breaks_a_rule_is_invalid(
    world: World, studio: Shop, config: dict[str, Any], reason: str
) -> None:
    code, message = failure(
        world.personalize.create_solution,
        name="refused",
        datasetGroupArn=studio.group,
        recipeArn=RECIPE + "aws-user-personalization",
        performHPO=True,
        solutionConfig={"hpoConfig": config},
    )
    assert code == "InvalidInputException"
    assert reason in message


def test_items_without_events_are_explored_by_weight_and_age(
    world: World, exploring: str, settled: str
) -> None:
    found = cold(ids(world, exploring, "u4", numResults=20))
    assert len(found) >= 5
    assert all(item.startswith("young") for item in found)  # the others are older than three days
    assert cold(ids(world, settled, "u4", numResults=20)) == set()
    assert ids(world, exploring, "u4") == ids(world, exploring, "u4")
    assert ids(world, exploring, "u4") != ids(world, exploring, "u6")
    answer = world.runtime.get_recommendations(campaignArn=exploring, userId="u4")
    scores = [item["score"] for item in answer["itemList"]]
    assert scores == sorted(scores, reverse=True)
    assert not any("reason" in item for item in answer["itemList"])


@pytest.mark.parametrize("implicit", [False, True])
def test_what_was_shown_and_left_is_explored_less(
    world: World, exploring: str, tracking: str, implicit: bool
) -> None:
    user = f"shown-{implicit}"
    answer = world.runtime.get_recommendations(campaignArn=exploring, userId=user, numResults=10)
    listed = [item["itemId"] for item in answer["itemList"]]
    before = cold(listed)
    assert before
    seen = {"recommendationId": answer["recommendationId"]} if implicit else {"impression": listed}
    for number in range(8):
        event = {"eventType": "click", "itemId": "i0", "sentAt": NEWEST + number, **seen}
        world.events.put_events(trackingId=tracking, userId=user, sessionId="s", eventList=[event])
    assert not cold(ids(world, exploring, user, numResults=10)) & before


def test_an_item_put_after_training_is_explored(world: World, studio: Shop, exploring: str) -> None:
    properties = {"genre": "even", "price": 1.0, "creationTimestamp": NEWEST}
    late = [{"itemId": f"late{n}", "properties": json.dumps(properties)} for n in range(10)]
    world.events.put_items(datasetArn=studio.datasets["ITEMS"], items=late)
    found = {item for n in range(10) for item in cold(ids(world, exploring, f"u{2 * n}"))}
    assert {item for item in found if item.startswith("late")}


def test_a_batch_job_explores_as_it_is_told(world: World, studio: Shop, full: str) -> None:
    text = "".join(json.dumps({"userId": f"u{n}"}) + "\n" for n in range(6))

    def lists(name: str, config: dict[str, Any]) -> list[list[str]]:
        lines = batch_output(world, studio, full, f"explore-{name}", text, batchInferenceJobConfig=config)
        return [line["output"]["recommendedItems"] for line in lines]

    assert all(cold(items) for items in lists("most", exploration(1.0)))
    assert not any(cold(items) for items in lists("none", exploration(0.0)))


def test_the_context_of_a_request_changes_its_list(world: World, settled: str) -> None:
    def share(name: str) -> float:
        lists = [ids(world, settled, f"u{n}", numResults=6, context={"DEVICE": name}) for n in range(20)]
        return sum(device(int(item[1:])) == name for items in lists for item in items) / 120

    assert share("phone") > 0.75
    assert share("tv") > 0.75
    unknown = ids(world, settled, "u4", context={"DEVICE": "fridge"})
    assert unknown == ids(world, settled, "u4")


def test_a_user_without_events_gets_what_his_neighbours_have(
    world: World, studio: Shop, full: str, settled: str
) -> None:
    def share_of_even(items: list[str]) -> float:
        return sum(int(item[1:]) % 2 == 0 for item in items) / len(items)

    found = {user: ids(world, settled, f"new-{user}", numResults=8) for user in ("even", "odd", "unknown")}
    assert share_of_even(found["even"]) > 0.8
    assert share_of_even(found["odd"]) < 0.2
    assert found["unknown"] == ids(world, settled, "whoever", numResults=8)
    config = {"numResults": 8, "batchInferenceJobConfig": exploration(0.0)}
    [line] = batch_output(world, studio, full, "new-users", '{"userId": "new-odd"}\n', **config)
    assert line["output"]["recommendedItems"] == found["odd"]


def test_an_update_brings_new_items_in(world: World, studio: Shop, tracking: str, full: str) -> None:
    api, solution = world.personalize, full.rpartition("/")[0]
    for number in range(0, 60, 2):
        event = {"eventType": "click", "itemId": "i99", "sentAt": NEWEST + HOUR + number}
        world.events.put_events(
            trackingId=tracking, userId=f"u{number}", sessionId=f"s{number}", eventList=[event] * 2
        )
    version = api.create_solution_version(solutionArn=solution, trainingMode="UPDATE")["solutionVersionArn"]
    shown = world.active("solution_version", version)
    assert shown["trainingMode"] == "UPDATE"
    assert "tunedHPOParams" not in shown
    keys = set(api.get_solution_metrics(solutionVersionArn=version)["metrics"])
    assert keys == set(api.get_solution_metrics(solutionVersionArn=full)["metrics"])
    arn = campaign(world, "updated", version, **exploration(0.0))
    assert "i99" in ids(world, arn, "u4", numResults=10)


def test_an_update_needs_a_full_version_first(world: World, studio: Shop) -> None:
    api = world.personalize
    solution = untrained(world, studio, "never-trained", "aws-user-personalization")
    code, message = failure(api.create_solution_version, solutionArn=solution, trainingMode="UPDATE")
    assert (code, "trained with FULL" in message) == ("InvalidInputException", True)


def test_an_objective_moves_dear_items_up_and_is_measured(
    world: World, studio: Shop, full: str, settled: str
) -> None:
    config = {"optimizationObjective": {"itemAttribute": "PRICE", "objectiveSensitivity": "HIGH"}}
    version = trained(world, studio, "dear", "aws-user-personalization", solutionConfig=config)
    arn = campaign(world, "dear", version, **exploration(0.0))

    def mean_price(campaign_arn: str) -> float:
        lists = [ids(world, campaign_arn, f"u{n}", numResults=5) for n in range(10)]
        return sum(price(int(item[1:])) for items in lists for item in items if item.startswith("i")) / 50

    assert mean_price(arn) > mean_price(settled) + 3
    api = world.personalize
    assert 0 < api.get_solution_metrics(solutionVersionArn=version)["metrics"]["average_rewards_at_k"] <= 1
    assert "average_rewards_at_k" not in api.get_solution_metrics(solutionVersionArn=full)["metrics"]


def test_an_objective_s_attribute_may_not_be_null(world: World, studio: Shop) -> None:
    code, message = failure(
        world.personalize.create_solution,
        name="nullable",
        datasetGroupArn=studio.group,
        recipeArn=RECIPE + "aws-user-personalization",
        solutionConfig={"optimizationObjective": {"itemAttribute": "RATING", "objectiveSensitivity": "LOW"}},
    )
    assert (code, "does not allow null" in message) == ("InvalidInputException", True)


def test_the_second_generation_explores_by_itself_and_says_why(world: World, studio: Shop) -> None:
    version = trained(world, studio, "v2", "aws-user-personalization-v2")
    arn = campaign(world, "v2", version)
    answers = [world.runtime.get_recommendations(campaignArn=arn, userId=f"u{n}") for n in range(20)]
    items = [item for answer in answers for item in answer["itemList"]]
    assert {item["itemId"] for item in items if item.get("reason") == ["Exploration"]} == cold(
        [item["itemId"] for item in items]
    )
    assert 10 <= len([item for item in items if "reason" in item]) <= 30  # of 500


def test_a_solution_from_before_a_new_column_leaves_it_out_and_a_later_one_learns_it(
    world: World, role: str
) -> None:
    """Developer guide, "Replacing a dataset's schema to add new columns"."""
    plain = {"name": "AGE", "type": ["null", "int"]}
    sources = {
        "INTERACTIONS": (INTERACTIONS, interactions_csv()),
        "USERS": (schema("Users", USER, plain), "USER_ID,AGE\nu0,30\nu1,30\n"),
    }
    shop = make_group(world, role, "gaining", sources)
    before = untrained(world, shop, "from-before", "aws-user-personalization")
    gain(world, shop, schema("Users", USER, plain, TOWN))
    old = world.personalize.create_solution_version(solutionArn=before)["solutionVersionArn"]
    world.active("solution_version", old)
    new = trained(world, shop, "from-after", "aws-user-personalization")
    assert of_town(world, old, "even") == of_town(world, old, "odd")
    assert of_town(world, new, "even") != of_town(world, new, "odd")


def gain(world: World, shop: Shop, text: str) -> None:
    """The users' schema, and records that have its new column."""
    api, dataset = world.personalize, shop.datasets["USERS"]
    wider = api.create_schema(name="gaining-wide", schema=text)["schemaArn"]
    api.update_dataset(datasetArn=dataset, schemaArn=wider)
    while api.describe_dataset(datasetArn=dataset)["dataset"]["schemaArn"] != wider:
        continue
    head, *rows = users_csv().splitlines()
    records = "\n".join([f"{head},AGE", *(f"{row}," for row in rows)]) + "\n"
    job = import_records(world, "gaining-wide", dataset, world.put("gaining/wide.csv", records), shop.role)
    world.active("dataset_import_job", job)


def of_town(world: World, version: str, kind: str) -> list[str]:
    arn = campaign(world, f"gaining-{version.rpartition('/')[2]}-{kind}", version, **exploration(0.0))
    return ids(world, arn, f"new-{kind}", numResults=8)
