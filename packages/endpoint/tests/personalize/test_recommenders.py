"""Domain dataset groups: recommenders for use cases."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.personalize.conftest import (
    INTERACTIONS,
    World,
    failure,
    import_records,
    interactions_csv,
)

RECIPE = "arn:aws:personalize:::recipe/"


@pytest.fixture(scope="module")
def group(world: World, role: str) -> str:
    api = world.personalize
    arn = api.create_dataset_group(name="domain", domain="ECOMMERCE")["datasetGroupArn"]
    world.active("dataset_group", arn)
    schema = api.create_schema(name="domain", schema=INTERACTIONS, domain="ECOMMERCE")["schemaArn"]
    dataset = api.create_dataset(name="i", schemaArn=schema, datasetGroupArn=arn, datasetType="Interactions")[
        "datasetArn"
    ]
    world.active("dataset", dataset)
    records = interactions_csv().replace("click", "view")
    location = world.put("domain.csv", records)
    world.active("dataset_import_job", import_records(world, "domain", dataset, location, role))
    return str(arn)


@pytest.fixture(scope="module")
def recommender(world: World, group: str) -> str:
    arn = world.personalize.create_recommender(
        name="top", datasetGroupArn=group, recipeArn=RECIPE + "aws-ecomm-popular-items-by-views"
    )["recommenderArn"]
    world.active("recommender", arn)
    return str(arn)


def test_a_recommender_recommends_and_reports_its_metrics(world: World, group: str, recommender: str) -> None:
    answer = world.runtime.get_recommendations(recommenderArn=recommender, userId="u1", numResults=3)
    assert answer["itemList"][0]["itemId"] in ("i0", "i1")
    shown = world.personalize.describe_recommender(recommenderArn=recommender)["recommender"]
    assert shown["recommenderConfig"]["minRecommendationRequestsPerSecond"] == 1
    assert 0 < shown["modelMetrics"]["coverage"] <= 1
    listed = world.personalize.list_recommenders(datasetGroupArn=group)["recommenders"]
    assert recommender in [one["recommenderArn"] for one in listed]


def test_a_stopped_recommender_answers_nothing_until_it_starts(world: World, recommender: str) -> None:
    api = world.personalize
    api.stop_recommender(recommenderArn=recommender)
    assert world.settled("recommender", recommender)["status"] == "INACTIVE"
    ask = {"recommenderArn": recommender, "userId": "u1"}
    assert failure(world.runtime.get_recommendations, **ask)[0] == "InvalidInputException"
    assert failure(api.stop_recommender, recommenderArn=recommender)[0] == "ResourceInUseException"
    api.start_recommender(recommenderArn=recommender)
    world.active("recommender", recommender)
    assert world.runtime.get_recommendations(**ask)["itemList"]


def test_a_recommender_is_updated(world: World, recommender: str) -> None:
    config = {"minRecommendationRequestsPerSecond": 3}
    world.personalize.update_recommender(recommenderArn=recommender, recommenderConfig=config)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        shown = world.personalize.describe_recommender(recommenderArn=recommender)["recommender"]
        if shown["latestRecommenderUpdate"]["status"] == "ACTIVE":
            break
    assert shown["recommenderConfig"] == config


@pytest.mark.parametrize(
    ("recipe", "code"),
    [
        ("aws-vod-top-picks", "InvalidInputException"),
        ("aws-user-personalization-v2", "ResourceNotFoundException"),
    ],
)
def test_a_recommender_needs_a_use_case_of_its_domain(
    world: World, group: str, recipe: str, code: str
) -> None:
    given: dict[str, Any] = {"name": "no", "datasetGroupArn": group, "recipeArn": RECIPE + recipe}
    assert failure(world.personalize.create_recommender, **given)[0] == code


def test_a_group_without_a_domain_has_no_recommenders(world: World) -> None:
    api = world.personalize
    plain = api.create_dataset_group(name="plain")["datasetGroupArn"]
    world.active("dataset_group", plain)
    code, message = failure(
        api.create_recommender,
        name="no",
        datasetGroupArn=plain,
        recipeArn=RECIPE + "aws-ecomm-recommended-for-you",
    )
    assert (code, "domain" in message) == ("InvalidInputException", True)


def test_a_use_case_asks_for_its_event_type(world: World, role: str) -> None:
    api = world.personalize
    group = api.create_dataset_group(name="no-views", domain="ECOMMERCE")["datasetGroupArn"]
    world.active("dataset_group", group)
    schema = api.create_schema(name="no-views", schema=INTERACTIONS, domain="ECOMMERCE")["schemaArn"]
    dataset = api.create_dataset(
        name="i", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
    )["datasetArn"]
    world.active("dataset", dataset)
    location = world.put("no-views.csv", interactions_csv())
    world.active("dataset_import_job", import_records(world, "no-views", dataset, location, role))
    arn = api.create_recommender(
        name="no-views", datasetGroupArn=group, recipeArn=RECIPE + "aws-ecomm-popular-items-by-views"
    )["recommenderArn"]
    shown = world.settled("recommender", arn)
    assert shown["failureReason"] == (
        "Dataset has fewer than 1000 interactions after filtering by event type: View"
    )
    api.delete_recommender(recommenderArn=arn)
    world.gone("recommender", arn)
