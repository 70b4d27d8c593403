"""What the workflows do of the configurations in docs/examples, run by the interpreter against scripted services."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import yaml

from config import avro
from config.recipes import RECIPES
from config.settings import Settings
from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.results import Result
from osusume_endpoint.stepfunctions.scope import Identity
from osusume_endpoint.testing.scripted import Cloud, ServiceError
from stacks.workflows import filters, recommend, solutions, train
from tests import example
from tests.changes import change_solution, changed
from tests.stacks.test_workflows import RUN, becoming, output, recommendation, sent, training

FOLDER = example.CONFIG.parent / "docs" / "examples"
NOT_FOUND, EXISTS = "ResourceNotFoundException", "ResourceAlreadyExistsException"


@cache
def configured(name: str) -> Settings:
    return Settings.model_validate(example.content(**yaml.safe_load((FOLDER / f"{name}.yaml").read_text())))


def versions(settings: Settings) -> dict[str, str]:
    return {one.name: solutions.arn(settings, one) + "/v1" for one in settings.solutions}


def run(
    settings: Settings, make: Callable[[Settings], dict[str, Any]], value: Any, answers: Any
) -> tuple[Result, Cloud]:
    cloud = Cloud(answers)
    names = settings.names
    identity = Identity(
        execution_arn=f"{names.execution_arn('recommend')}:run-1",
        execution_name="run-1",
        state_machine_arn=names.workflow_arn("recommend"),
        state_machine_name=names.workflow("recommend"),
        role_arn="arn:aws:iam::111111111111:role/workflow",
    )
    execution = Execution(
        definition=make(settings), value=value, identity=identity, clients=cloud, wait_scale=0.0001
    )
    execution.run()
    return execution.result, cloud


def training_of(settings: Settings) -> dict[tuple[str, str], Any]:
    """`training`, with datasets that have the fields of these settings."""
    names, made = settings.names, avro.schemas(settings.datasets)
    by_arn = {names.dataset_arn(name): names.personalize_arn(f"schema/{name}") for name in made}
    texts = {names.personalize_arn(f"schema/{name}"): schema.avro for name, schema in made.items()}
    return training() | {
        ("personalize", "DescribeDataset"): lambda given: {
            "dataset": {"status": "ACTIVE", "schemaArn": by_arn[given["datasetArn"]]}
        },
        ("personalize", "DescribeSchema"): lambda given: {"schema": {"schema": texts[given["schemaArn"]]}},
    }


def recommending(settings: Settings, **answers: Any) -> tuple[Result, Cloud]:
    """`answers` by operation of Personalize, over those of a first run without campaigns."""
    made = {
        "CreateBatchSegmentJob": {"batchSegmentJobArn": "ignored"},
        "DescribeBatchSegmentJob": becoming("batchSegmentJob", "CREATE PENDING", "ACTIVE"),
        "CreateFilter": {"filterArn": "ignored"},
        "DescribeFilter": becoming("filter", "ACTIVE"),
        "DescribeCampaign": campaign_of(settings),
        "DescribeSolutionVersion": version_of(settings),
        **answers,
    }
    scripted = {("personalize", name): answer for name, answer in made.items()}
    scripted |= {("dynamodb", "PutItem"): {}, ("events", "PutEvents"): {"FailedEntryCount": 0, "Entries": []}}
    scripted["personalize-runtime", "GetRecommendations"] = {"itemList": [{"itemId": "i1", "score": 0.5}]}
    value = {"run_id": RUN, "versions": versions(settings)}
    return run(settings, recommend.definition, value, recommendation() | scripted)


def version_of(settings: Settings) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Answers as versions that are trained, each of its solution's recipe."""
    recipes = {versions(settings)[one.name]: RECIPES[one.recipe].arn for one in settings.solutions}
    return lambda given: {
        "solutionVersion": {"status": "ACTIVE", "recipeArn": recipes[given["solutionVersionArn"]]}
    }


def campaign_of(settings: Settings, **changes: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Answers as campaigns that are as configured, but for the changes."""
    by_solution = {solutions.name(settings, one): one for one in settings.solutions if one.campaign}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["campaignArn"].rpartition("/")[2]
        one = by_solution[name]
        config: dict[str, Any] = {
            "enableMetadataWithRecommendations": bool(one.campaign and one.campaign.metadata)
        }
        config |= {"itemExplorationConfig": one.exploration} if one.exploration else {}
        config |= {"rankingInfluence": one.ranking_influence} if one.ranking_influence else {}
        found = {
            "status": "ACTIVE",
            "solutionVersionArn": versions(settings)[one.name],
            "minProvisionedTPS": 1,
            "campaignConfig": config,
        }
        return {"campaign": found | changes}

    return describe


def moves(given: dict[str, Any]) -> bool:
    return bool(given["Key"]["pk"]["S"].startswith("pointer#"))


def test_segments_are_made_published_and_announced_after_they_serve() -> None:
    settings = configured("items-and-segments")
    result, cloud = recommending(settings)
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    jobs = {call["jobName"]: call for call in sent(cloud, "CreateBatchSegmentJob")}
    assert set(jobs) == {f"osusume-dev-{name}-{RUN}" for name in ("fans", "tastes")}
    fans = jobs[f"osusume-dev-fans-{RUN}"]
    assert fans["numResults"] == 300
    assert fans["jobInput"]["s3DataSource"]["path"].endswith(f"runs/{RUN}/batch_input/for-fans/")
    [event] = sent(cloud, "PutEvents")
    details = [json.loads(entry["Detail"]) for entry in event["Entries"]]
    assert [one["prefix"] for one in details] == [
        f"runs/{RUN}/segments/{name}/" for name in ("fans", "tastes")
    ]
    swaps = [
        number for number, (_, name, given) in enumerate(cloud.calls) if name == "UpdateItem" and moves(given)
    ]
    announced = [number for number, (_, name, _) in enumerate(cloud.calls) if name == "PutEvents"]
    assert (
        len(swaps) == len([one for one in settings.solutions if one.publishes]) and max(swaps) < announced[0]
    )


def test_what_only_some_solutions_have_is_sent_for_them_alone() -> None:
    settings = configured("people")
    result, cloud = recommending(settings)
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    jobs = {call["jobName"].split("-")[2]: call for call in sent(cloud, "CreateBatchInferenceJob")}
    assert jobs["steady"]["filterArn"] == filters.arn(settings, "not-bought")
    explored = {"explorationWeight": "0.2", "explorationItemAgeCutOff": "14"}
    assert jobs["explorer"]["batchInferenceJobConfig"] == {"itemExplorationConfig": explored}
    assert not {"filterArn", "batchInferenceJobConfig"} & set(jobs["personal"])
    assert "trending" not in jobs


def test_a_campaign_that_is_not_there_is_made_with_its_configuration() -> None:
    settings = configured("people")
    made: set[str] = set()
    found = campaign_of(settings)

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["campaignArn"].rpartition("/")[2] not in made:
            raise ServiceError(NOT_FOUND)
        return found(parameters)

    def create(parameters: dict[str, Any]) -> dict[str, Any]:
        made.add(parameters["name"])
        return {"campaignArn": "ignored"}

    result, cloud = recommending(settings, DescribeCampaign=describe, CreateCampaign=create)
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    created = {call["name"]: call for call in sent(cloud, "CreateCampaign")}
    explorer = next(one for one in settings.solutions if one.name == "explorer")
    given = created[solutions.name(settings, explorer)]
    assert given["solutionVersionArn"] == versions(settings)["explorer"]
    assert given["campaignConfig"] == {
        "enableMetadataWithRecommendations": True,
        "itemExplorationConfig": {"explorationWeight": "0.2", "explorationItemAgeCutOff": "14"},
    }
    assert len(created) == 2 and not sent(cloud, "UpdateCampaign")
    named = {
        call["Item"]["pk"]["S"] for call in sent(cloud, "PutItem") if call["Item"]["sk"]["S"] == "campaign"
    }
    assert named == {"pointer#explorer", "pointer#trending"}


def test_a_campaign_moves_once_and_the_run_waits_for_the_latest_update() -> None:
    """Its own status stays ACTIVE all the while, with the version of before."""
    settings = configured("people")
    asked: dict[str, list[str]] = {}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        seen = asked.setdefault(parameters["campaignArn"], [])
        seen.append("")
        old = {"solutionVersionArn": "arn:old"}
        if len(seen) == 1:
            return campaign_of(settings, **old)(parameters)
        if len(seen) == 2:
            return campaign_of(settings, **old, latestCampaignUpdate={"status": "CREATE IN_PROGRESS"})(
                parameters
            )
        return campaign_of(settings, latestCampaignUpdate={"status": "ACTIVE"})(parameters)

    result, cloud = recommending(settings, DescribeCampaign=describe, UpdateCampaign={"campaignArn": "x"})
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    assert {call["solutionVersionArn"] for call in sent(cloud, "UpdateCampaign")} == {
        versions(settings)["explorer"],
        versions(settings)["trending"],
    }
    assert [len(seen) for seen in asked.values()] == [3, 3]


def influencing(**influence: float) -> Settings:
    """A campaign for what is alike, beside its lists."""
    content = yaml.safe_load((FOLDER / "items-and-segments.yaml").read_text())
    for one in content["solutions"]:
        if one["name"] == "alike":
            one |= {"campaign": {}, "ranking_influence": influence}
    return Settings.model_validate(example.content(**content))


def test_what_ranks_beside_likeness_is_sent_to_jobs_and_campaigns() -> None:
    settings = influencing(POPULARITY=0.2, FRESHNESS=0.0)
    stale = {"campaignConfig": {"enableMetadataWithRecommendations": False}}
    described: list[Any] = [campaign_of(settings, **stale)]

    def update(given: dict[str, Any]) -> dict[str, Any]:
        described[0] = campaign_of(settings)
        return {"campaignArn": "x"}

    result, cloud = recommending(
        settings, DescribeCampaign=lambda given: described[0](given), UpdateCampaign=update
    )
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    job = next(one for one in sent(cloud, "CreateBatchInferenceJob") if "-alike-" in one["jobName"])
    assert job["batchInferenceJobConfig"] == {"rankingInfluence": {"POPULARITY": 0.2, "FRESHNESS": 0.0}}
    configs = [one["campaignConfig"]["rankingInfluence"] for one in sent(cloud, "UpdateCampaign")]
    assert configs == [{"POPULARITY": 0.2}]


def test_a_campaign_without_influence_is_left_as_it_is_where_the_service_says_zero() -> None:
    settings = influencing()
    zero = {
        "rankingInfluence": {"POPULARITY": 0.0, "FRESHNESS": 0.0},
        "enableMetadataWithRecommendations": False,
    }
    result, cloud = recommending(settings, DescribeCampaign=campaign_of(settings, campaignConfig=zero))
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    assert not sent(cloud, "UpdateCampaign")


def test_an_update_that_failed_ends_the_run_before_readers_move() -> None:
    settings = configured("people")
    failed = {"status": "CREATE FAILED", "failureReason": "no capacity"}
    described = campaign_of(settings, solutionVersionArn="arn:old", latestCampaignUpdate=failed)
    result, cloud = recommending(settings, DescribeCampaign=described, UpdateCampaign={"campaignArn": "x"})
    assert result.error == "CampaignFailed" and "no capacity" in str(result.cause)
    assert not [call for call in sent(cloud, "UpdateItem") if moves(call)]


def test_campaigns_and_filters_that_nothing_configures_go_and_others_stay() -> None:
    settings = configured("people")
    kept = [solutions.name(settings, one) for one in settings.solutions if one.campaign]
    names = [*kept, "osusume-dev-old-0123abcd", "osusume-dev-by-hand", "another-old-0123abcd"]
    listed = {"campaigns": [{"name": name, "campaignArn": "x", "status": "ACTIVE"} for name in names]}
    wanted = [filters.name(settings, name) for name in settings.filters]
    found = {"Filters": [{"name": name} for name in [*wanted, "osusume-dev-gone-0123abcd", "mine"]]}
    result, cloud = recommending(
        settings, ListCampaigns=listed, ListFilters=found, DeleteCampaign={}, DeleteFilter={}
    )
    assert output(result) == {"run_id": RUN, "dpu_hours": [None]}
    assert [call["campaignArn"].rpartition("/")[2] for call in sent(cloud, "DeleteCampaign")] == [
        "osusume-dev-old-0123abcd"
    ]
    assert [call["filterArn"].rpartition("/")[2] for call in sent(cloud, "DeleteFilter")] == [
        "osusume-dev-gone-0123abcd"
    ]


def test_a_filter_of_another_expression_is_another_filter() -> None:
    settings = configured("people")
    other = settings.model_copy(
        update={"filters": {**settings.filters, "not-bought": "EXCLUDE ItemID WHERE x"}}
    )
    assert filters.name(settings, "not-bought") != filters.name(other, "not-bought")
    assert filters.name(settings, "of-a-department") == filters.name(other, "of-a-department")


PIN = "arn:aws:personalize:ap-northeast-1:111111111111:solution/osusume-dev-personal-0123abcd/0123abcd"


def pinned(**described: str) -> tuple[Settings, Result, Cloud]:
    settings = changed(example.content(), change_solution("personal", version=PIN))
    answer = training()["personalize", "DescribeSolutionVersion"]
    version = {"status": "ACTIVE", "recipeArn": "arn:aws:personalize:::recipe/aws-user-personalization-v2"}

    def describe(parameters: dict[str, Any]) -> Any:
        if parameters["solutionVersionArn"] == PIN:
            return {"solutionVersion": version | described}
        return answer(parameters) if callable(answer) else answer

    answers = training() | {("personalize", "DescribeSolutionVersion"): describe}
    return settings, *run(settings, train.definition, {"run_id": RUN}, answers)


def test_a_pinned_version_recommends_and_its_solution_is_not_trained() -> None:
    settings, result, cloud = pinned()
    assert output(result)["versions"]["personal"] == PIN
    assert set(output(result)["versions"]) == {one.name for one in settings.solutions}
    trained = {call["solutionArn"].rpartition("/")[2] for call in sent(cloud, "CreateSolutionVersion")}
    others = [one for one in settings.solutions if one.version is None]
    assert trained == {solutions.name(settings, one) for one in others}


def test_a_pinned_version_of_another_recipe_or_state_ends_the_run_before_anything_is_trained() -> None:
    for described in ({"status": "CREATE FAILED"}, {"recipeArn": "arn:aws:personalize:::recipe/aws-sims"}):
        _, result, cloud = pinned(**described)
        assert result.error == "PinUnusable" and PIN in str(result.cause)
        assert not sent(cloud, "CreateSolutionVersion")


def test_updates_begin_once_a_full_training_has_ended() -> None:
    settings = configured("people")
    explorer = next(one for one in settings.solutions if one.name == "explorer")
    for status, modes in (("CREATE FAILED", {"FULL"}), ("ACTIVE", {"FULL", "UPDATE"})):
        latest = {"latestSolutionVersion": {"status": status}}
        item = [solutions.item(settings, one) for one in settings.solutions]
        events = {one["arn"]: one["create"]["SolutionConfig"].get("EventsConfig") for one in item}

        def describe(parameters: dict[str, Any], latest: Any = latest, events: Any = events) -> Any:
            given = events[parameters["solutionArn"]]
            listed = [
                {name[0].lower() + name[1:]: value for name, value in row.items()}
                for row in (given or {"EventParametersList": []})["EventParametersList"]
            ]
            config = {"eventsConfig": {"eventParametersList": listed}} if given else {}
            return {"solution": {"status": "ACTIVE", "solutionConfig": config, **latest}}

        answers = training_of(settings) | {("personalize", "DescribeSolution"): describe}
        result, cloud = run(settings, train.definition, {"run_id": RUN}, answers)
        assert result.status == "SUCCEEDED", result.cause
        asked = {call["solutionArn"]: call["trainingMode"] for call in sent(cloud, "CreateSolutionVersion")}
        assert set(asked.values()) == modes
        assert asked[solutions.arn(settings, explorer)] == ("UPDATE" if status == "ACTIVE" else "FULL")
        assert not sent(cloud, "UpdateSolution"), "thresholds that are in force are not sent again"


def test_datasets_of_actions_are_made_before_they_are_imported() -> None:
    settings = configured("items-and-segments")
    made: set[str] = set()
    others = training_of(settings)["personalize", "DescribeDataset"]
    schemas: dict[str, str] = {}

    def describe(parameters: dict[str, Any]) -> Any:
        kind = parameters["datasetArn"].rpartition("/")[2]
        if not kind.startswith("ACTION"):
            return others(parameters) if callable(others) else others
        if kind not in made:
            raise ServiceError(NOT_FOUND)
        return {"dataset": {"status": "ACTIVE", "schemaArn": schemas[kind]}}

    def create(parameters: dict[str, Any]) -> Any:
        made.add(parameters["datasetType"].upper())
        schemas[parameters["datasetType"].upper()] = parameters["schemaArn"]
        return {"datasetArn": "ignored"}

    answers = training_of(settings) | {
        ("personalize", "DescribeDataset"): describe,
        ("personalize", "CreateDataset"): create,
        ("personalize", "CreateSchema"): {"schemaArn": "ignored"},
    }
    result, cloud = run(settings, train.definition, {"run_id": RUN}, answers)
    assert made == {"ACTIONS", "ACTION_INTERACTIONS"}, result.cause
    imported = {call["datasetArn"].rpartition("/")[2] for call in sent(cloud, "CreateDatasetImportJob")}
    assert imported == {"INTERACTIONS", "USERS", "ITEMS", "ACTIONS", "ACTION_INTERACTIONS"}
