"""Solutions and their versions: every documented refusal, states, metrics, stopping and deletion."""

from __future__ import annotations

from typing import Any

import pytest

from tests.personalize.conftest import BUCKET, Shop, World, failure, make_shop, trained, untrained

RECIPE = "arn:aws:personalize:::recipe/"
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown hyperparameter": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"algorithmHyperParameters": {"depth": "3"}}},
        "'depth'",
    ),
    "hyperparameter out of range": (
        "aws-user-personalization",
        {"solutionConfig": {"algorithmHyperParameters": {"hidden_dimension": "1000"}}},
        "hidden_dimension='1000' is out of range",
    ),
    "HPO of a recipe without": ("aws-user-personalization-v2", {"performHPO": True}, "performHPO"),
    "threshold without event type": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"eventValueThreshold": "3"}},
        "eventType",
    ),
    "threshold that is no number": (
        "aws-user-personalization-v2",
        {"eventType": "click", "solutionConfig": {"eventValueThreshold": "high"}},
        "'high' is not a number",
    ),
    "two ways to choose events": (
        "aws-user-personalization-v2",
        {
            "eventType": "click",
            "solutionConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "click"}]}},
        },
        "not both",
    ),
    "an event type twice": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"eventsConfig": {"eventParametersList": [{"eventType": "a"}] * 2}}},
        "once",
    ),
    "unknown column": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["WEIGHT"]}}}},
        "WEIGHT",
    ),
    "key column excluded": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["ITEM_ID"]}}}},
        "Required columns",
    ),
    "objective on text": (
        "aws-user-personalization",
        {
            "solutionConfig": {
                "optimizationObjective": {"itemAttribute": "GENRE", "objectiveSensitivity": "LOW"}
            }
        },
        "numeric column",
    ),
    "schedule out of range": (
        "aws-user-personalization-v2",
        {
            "performAutoTraining": True,
            "solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(31 days)"}},
        },
        "rate(31 days)",
    ),
    "schedule without auto-training": (
        "aws-user-personalization-v2",
        {"solutionConfig": {"autoTrainingConfig": {"schedulingExpression": "rate(3 days)"}}},
        "performAutoTraining",
    ),
    "incremental update": (
        "aws-user-personalization-v2",
        {"performIncrementalUpdate": True},
        "performIncrementalUpdate",
    ),
    "a threshold that is no number": (
        "aws-user-personalization-v2",
        {"eventType": "click", "solutionConfig": {"eventValueThreshold": "nan"}},
        "eventValueThreshold 'nan' is not a number",
    ),
    "a threshold without end": (
        "aws-user-personalization-v2",
        {"eventType": "click", "solutionConfig": {"eventValueThreshold": "1e400"}},
        "eventValueThreshold '1e400'",
    ),
    "a number of jobs in other digits": (
        "aws-user-personalization",
        {
            "performHPO": True,
            "solutionConfig": {"hpoConfig": {"hpoResourceConfig": {"maxNumberOfTrainingJobs": "\u00b2"}}},
        },
        "maxNumberOfTrainingJobs must be 1 to 40",
    ),
    "two ranges of a hyperparameter": (
        "aws-user-personalization",
        {
            "performHPO": True,
            "solutionConfig": {
                "hpoConfig": {
                    "algorithmHyperParameterRanges": {
                        "integerHyperParameterRanges": [
                            {"name": "bptt", "minValue": 2, "maxValue": 9},
                            {"name": "bptt", "minValue": 3, "maxValue": 5},
                        ]
                    }
                }
            },
        },
        "two ranges of bptt",
    ),
    "one key in both maps": (
        "aws-user-personalization",
        {
            "solutionConfig": {
                "algorithmHyperParameters": {"bptt": "3"},
                "featureTransformationParameters": {"bptt": "5"},
            }
        },
        "bptt is '3' in algorithmHyperParameters and '5' in featureTransformationParameters",
    ),
    "a dataset type in two spellings": (
        "aws-user-personalization-v2",
        {
            "solutionConfig": {
                "trainingDataConfig": {"excludedDatasetColumns": {"ITEMS": ["GENRE"], "items": ["PRICE"]}}
            }
        },
        "names a dataset type twice",
    ),
    "AutoML": ("aws-user-personalization-v2", {"performAutoML": True}, "recipeArn"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_configuration_that_breaks_a_rule_is_invalid(world: World, shop: Shop, case: str) -> None:
    recipe, more, reason = REFUSED[case]
    given = {"name": "refused", "datasetGroupArn": shop.group, "recipeArn": RECIPE + recipe}
    code, message = failure(
        world.personalize.create_solution, **given, **{"performAutoTraining": False, **more}
    )
    assert code == "InvalidInputException"
    assert reason in message
    solutions = world.personalize.list_solutions(datasetGroupArn=shop.group)["solutions"]
    assert "refused" not in [one["name"] for one in solutions]


def test_an_unknown_recipe_is_not_found(world: World, shop: Shop) -> None:
    code, _ = failure(
        world.personalize.create_solution,
        name="refused",
        datasetGroupArn=shop.group,
        recipeArn=RECIPE + "aws-magic",
    )
    assert code == "ResourceNotFoundException"


def test_every_recipe_is_listed_and_described_with_its_algorithm(world: World) -> None:
    api = world.personalize
    custom = [one for one in api.list_recipes()["recipes"] if "domain" not in one]
    assert len(custom) == 12
    for summary in custom:
        recipe = api.describe_recipe(recipeArn=summary["recipeArn"])["recipe"]
        algorithm = api.describe_algorithm(algorithmArn=recipe["algorithmArn"])["algorithm"]
        assert algorithm["name"] == recipe["name"] == summary["name"]
        transformation = api.describe_feature_transformation(
            featureTransformationArn=recipe["featureTransformationArn"]
        )["featureTransformation"]
        assert transformation["status"] == "ACTIVE"
    shops = api.list_recipes(domain="ECOMMERCE")["recipes"]
    assert {one["domain"] for one in shops} == {"ECOMMERCE"}
    assert failure(api.describe_recipe, recipeArn=RECIPE + "aws-magic")[0] == "ResourceNotFoundException"
    ranges = api.describe_algorithm(algorithmArn="arn:aws:personalize:::algorithm/aws-sims")["algorithm"]
    integers = ranges["defaultHyperParameterRanges"]["integerHyperParameterRanges"]
    assert integers[0]["name"] == "min_cointeraction_count"
    assert (integers[0]["minValue"], integers[0]["maxValue"]) == (0, 10)


def test_events_below_a_threshold_may_leave_too_few_to_train(world: World, shop: Shop) -> None:
    api = world.personalize
    solution = untrained(
        world,
        shop,
        "few-events",
        "aws-popularity-count",
        eventType="purchase",
        solutionConfig={"eventValueThreshold": "0.99"},
    )
    version = api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    shown = world.settled("solution_version", version)
    assert shown["status"] == "CREATE FAILED"
    assert "at least 1000 are required" in shown["failureReason"]
    assert shown["eventType"] == "purchase"
    code, _ = failure(api.get_solution_metrics, solutionVersionArn=version)
    assert code == "InvalidInputException"
    latest = api.describe_solution(solutionArn=solution)["solution"]["latestSolutionVersion"]
    assert latest["failureReason"] == shown["failureReason"]


def test_a_group_without_records_fails_its_training(world: World) -> None:
    api = world.personalize
    group = api.create_dataset_group(name="empty")["datasetGroupArn"]
    world.active("dataset_group", group)
    solution = api.create_solution(
        name="empty", datasetGroupArn=group, recipeArn=RECIPE + "aws-popularity-count"
    )["solutionArn"]
    assert world.active("solution", solution)["performAutoTraining"] is True
    version = api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    assert "missing or empty" in world.settled("solution_version", version)["failureReason"]


def test_an_update_needs_a_recipe_and_a_version_that_allow_it(
    world: World, shop: Shop, personalization: str
) -> None:
    api = world.personalize
    solution = personalization.rpartition("/")[0]
    code, message = failure(api.create_solution_version, solutionArn=solution, trainingMode="UPDATE")
    assert (code, "aws-user-personalization" in message) == ("InvalidInputException", True)


def test_a_solution_is_updated_and_says_so(world: World, shop: Shop) -> None:
    api = world.personalize
    solution = api.create_solution(
        name="updated-solution", datasetGroupArn=shop.group, recipeArn=RECIPE + "aws-popularity-count"
    )["solutionArn"]
    world.active("solution", solution)
    api.update_solution(solutionArn=solution, performAutoTraining=False)
    shown = wait_updated(world, solution)
    assert shown["performAutoTraining"] is False
    schedule = {"autoTrainingConfig": {"schedulingExpression": "rate(2 days)"}}
    code, _ = failure(api.update_solution, solutionArn=solution, solutionUpdateConfig=schedule)
    assert code == "InvalidInputException"
    api.update_solution(solutionArn=solution, performAutoTraining=True, solutionUpdateConfig=schedule)
    assert wait_updated(world, solution)["solutionConfig"] == schedule
    api.delete_solution(solutionArn=solution)
    world.gone("solution", solution)


def test_new_events_replace_those_of_a_solution_for_the_versions_that_follow(
    world: World, shop: Shop
) -> None:
    """Developer guide, "Updating a solution": "the new events config will replace the original one"."""
    api, rows = world.personalize, [{"eventType": "click", "weight": 0.4}]
    before = {"eventParametersList": [{"eventType": "click"}, {"eventType": "purchase"}]}
    solution = untrained(
        world, shop, "reweighed", "aws-user-personalization-v2", solutionConfig={"eventsConfig": before}
    )
    events = {"eventsConfig": {"eventParametersList": rows}}
    api.update_solution(solutionArn=solution, solutionUpdateConfig=events)
    assert wait_updated(world, solution)["solutionConfig"] == events
    assert wait_updated(world, solution)["latestSolutionUpdate"]["solutionUpdateConfig"] == events
    version = api.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    shown = api.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert shown["solutionConfig"] == events
    api.stop_solution_version_creation(solutionVersionArn=version)
    world.settled("solution_version", version)


def test_an_update_is_checked_as_a_creation_is(world: World, shop: Shop) -> None:
    api = world.personalize
    solution = untrained(world, shop, "of-one-type", "aws-user-personalization-v2", eventType="click")
    twice = {"eventsConfig": {"eventParametersList": [{"eventType": "click"}] * 2}}
    code, message = failure(api.update_solution, solutionArn=solution, solutionUpdateConfig=twice)
    assert (code, "not both" in message) == ("InvalidInputException", True)
    plain = untrained(world, shop, "of-no-type", "aws-user-personalization-v2")
    code, message = failure(api.update_solution, solutionArn=plain, solutionUpdateConfig=twice)
    assert (code, "once" in message) == ("InvalidInputException", True)


def wait_updated(world: World, solution: str) -> dict[str, Any]:
    while True:
        shown = world.personalize.describe_solution(solutionArn=solution)["solution"]
        if shown["latestSolutionUpdate"]["status"] == "ACTIVE":
            return dict(shown)


def test_trainings_wait_for_each_other_and_can_be_stopped(world: World, shop: Shop) -> None:
    api = world.personalize
    solution = untrained(world, shop, "stopped", "aws-user-personalization-v2")
    first, second = (
        api.create_solution_version(solutionArn=solution)["solutionVersionArn"] for _ in range(2)
    )
    states = [
        api.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]["status"]
        for arn in (first, second)
    ]
    assert states[1] == "CREATE PENDING"
    assert failure(api.delete_solution, solutionArn=solution)[0] == "ResourceInUseException"
    assert failure(api.get_solution_metrics, solutionVersionArn=second)[0] == "ResourceInUseException"
    api.stop_solution_version_creation(solutionVersionArn=second)
    api.stop_solution_version_creation(solutionVersionArn=first)
    for arn in (first, second):
        assert world.settled("solution_version", arn)["status"] == "CREATE STOPPED"
    code, _ = failure(api.stop_solution_version_creation, solutionVersionArn=first)
    assert code == "ResourceInUseException"
    third = api.create_solution_version(solutionArn=solution, name="third")["solutionVersionArn"]
    assert failure(api.create_solution_version, solutionArn=solution, name="third")[0] == (
        "ResourceAlreadyExistsException"
    )
    world.active("solution_version", third)
    listed = api.list_solution_versions(solutionArn=solution)["solutionVersions"]
    assert [one["solutionVersionArn"] for one in listed] == [first, second, third]
    api.delete_solution(solutionArn=solution)
    world.gone("solution", solution)
    assert failure(api.describe_solution_version, solutionVersionArn=third)[0] == "ResourceNotFoundException"


def test_versions_of_an_unknown_solution_are_not_found(world: World) -> None:
    arn = "arn:aws:personalize:ap-northeast-1:111111111111:solution/nowhere"
    assert (
        failure(world.personalize.list_solution_versions, solutionArn=arn)[0] == "ResourceNotFoundException"
    )
    assert (
        failure(world.personalize.create_solution_version, solutionArn=arn)[0] == "ResourceNotFoundException"
    )


def test_weighted_events_are_kept_with_the_version(world: World, shop: Shop) -> None:
    config = {
        "eventsConfig": {
            "eventParametersList": [
                {"eventType": "click", "weight": 0.1},
                {"eventType": "purchase", "weight": 1.0, "eventValueThreshold": 0.01},
            ]
        }
    }
    version = trained(world, shop, "weighted", "aws-user-personalization-v2", solutionConfig=config)
    shown = world.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
    assert shown["solutionConfig"] == config


def test_a_dataset_group_has_at_most_ten_solutions(world: World) -> None:
    api = world.personalize
    group = api.create_dataset_group(name="ten")["datasetGroupArn"]
    world.active("dataset_group", group)
    given = {"datasetGroupArn": group, "recipeArn": RECIPE + "aws-popularity-count"}
    for number in range(10):
        api.create_solution(name=f"ten-{number}", **given)
    assert failure(api.create_solution, name="ten-10", **given)[0] == "LimitExceededException"
    page = api.list_solutions(datasetGroupArn=group, maxResults=4)
    rest = api.list_solutions(datasetGroupArn=group, maxResults=100, nextToken=page["nextToken"])
    assert len(page["solutions"]) + len(rest["solutions"]) == 10


BATCH_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "output is the input": (
        {"jobOutput": {"s3DataDestination": {"path": f"s3://{BUCKET}/in/"}}},
        "Invalid S3 output path",
    ),
    "output without a slash": (
        {"jobOutput": {"s3DataDestination": {"path": f"s3://{BUCKET}/out"}}},
        "Invalid S3 output path",
    ),
    "input not in S3": (
        {"jobInput": {"s3DataSource": {"path": "https://example.com/x"}}},
        "Invalid S3 input path",
    ),
    "too many results": ({"numResults": 501}, "numResults must be 1 to 500"),
    "themes": ({"batchInferenceJobMode": "THEME_GENERATION"}, "THEME_GENERATION is not supported"),
    "exploration": (
        {"batchInferenceJobConfig": {"itemExplorationConfig": {"explorationWeight": "0.2"}}},
        "itemExplorationConfig",
    ),
}


@pytest.mark.parametrize("case", BATCH_REFUSED)
def test_a_batch_job_that_breaks_a_rule_is_invalid(
    world: World, shop: Shop, personalization: str, case: str
) -> None:
    more, reason = BATCH_REFUSED[case]
    given = {**batch(shop, personalization), **more}
    code, message = failure(world.personalize.create_batch_inference_job, **given)
    assert code == "InvalidInputException"
    assert reason in message


def batch(shop: Shop, version: str, name: str = "refused-batch") -> dict[str, Any]:
    return {
        "jobName": name,
        "solutionVersionArn": version,
        "jobInput": {"s3DataSource": {"path": f"s3://{BUCKET}/in/"}},
        "jobOutput": {"s3DataDestination": {"path": f"s3://{BUCKET}/out/"}},
        "roleArn": shop.role,
    }


def test_a_batch_job_needs_a_recipe_that_supports_it(world: World, shop: Shop, personalization: str) -> None:
    code, message = failure(world.personalize.create_batch_segment_job, **batch(shop, personalization))
    assert (code, "does not support a BatchSegmentJob" in message) == ("InvalidInputException", True)


def test_an_input_that_is_not_there_fails_the_job(world: World, shop: Shop, personalization: str) -> None:
    given = batch(shop, personalization, "no-input")
    given["jobInput"] = {"s3DataSource": {"path": f"s3://{BUCKET}/not/there.json"}}
    arn = world.personalize.create_batch_inference_job(**given)["batchInferenceJobArn"]
    shown = world.settled("batch_inference_job", arn)
    assert shown["status"] == "CREATE FAILED"
    assert "Invalid Data location" in shown["failureReason"]
    jobs = world.personalize.list_batch_inference_jobs(solutionVersionArn=personalization)
    assert arn in [one["batchInferenceJobArn"] for one in jobs["batchInferenceJobs"]]


def test_a_recipe_s_required_datasets_are_asked_for_at_training(world: World, role: str) -> None:
    small = make_shop(world, role, "small", kinds=("INTERACTIONS",))
    solution = untrained(world, small, "needs-items", "aws-item-attribute-affinity")
    version = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    assert "type Items is missing" in world.settled("solution_version", version)["failureReason"]
