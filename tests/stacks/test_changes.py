"""Each documented change of a deployed environment, at the next run, against the endpoint's Personalize."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import avro
from config.settings import Settings, load
from osusume_endpoint.testing.scripted import ServiceError
from stacks.workflows import solutions
from tests import example
from tests.changes import (
    Change,
    add_field,
    add_solution,
    change_field,
    change_solution,
    changed,
    new_dataset_group,
    remove_field,
    remove_solution,
    set_context,
    set_weight,
    write,
)
from tests.stacks.personalize_plugin import Region, output, sent, without_roles

FIRST = "20261123T030000Z"
BEFORE = example.settings()
NAMES = BEFORE.names
FIELDS = {"users": "SEGMENT", "items": "SEASON"}


@pytest.fixture
def region(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Region]:
    """Deployed, as the test's parameter has it or the example, and one run later."""
    without_roles(monkeypatch)
    before = getattr(request, "param", BEFORE)
    made = Region(tmp_path, before)
    output(made.run(before, run_id=FIRST)[0])
    made.trained.clear()
    yield made
    made.close()


def after(*changes: Change) -> Settings:
    return changed(example.content(), *changes)


def named(settings: Settings, solution: str) -> str:
    [one] = [one for one in settings.solutions if one.name == solution]
    return solutions.name(settings, one)


def behind(version_arn: str) -> str:
    return version_arn.split("/")[1]


def weights(version: dict[str, Any]) -> dict[str, float]:
    rows = version["solutionConfig"]["eventsConfig"]["eventParametersList"]
    return {row["eventType"]: row["weight"] for row in rows}


def of(region: Region, solution: str) -> dict[str, Any]:
    """The version that the last run trained of a solution."""
    [version] = [one for one in region.trained if behind(one["solutionArn"]) == solution]
    return version


def test_a_run_without_a_change_updates_and_creates_nothing(region: Region) -> None:
    result, cloud = region.run(BEFORE)
    assert output(result)["unused_solutions"] == []
    changing = {"CreateSchema", "UpdateDataset", "CreateSolution", "UpdateSolution"}
    assert changing & set(cloud.operations()) == set()
    assert {behind(arn) for arn in output(result)["versions"].values()} == {
        solutions.name(BEFORE, one) for one in BEFORE.solutions
    }


def test_a_change_that_is_written_to_a_file_is_read_as_it_was_meant(tmp_path: Path) -> None:
    """For whoever deploys it: the rehearsal."""
    shutil.copytree(example.folder(), tmp_path / "config")
    write(tmp_path / "config" / "dev.yaml", add_field("users"), set_weight("click", 0.7))
    assert load("dev", tmp_path / "config") == after(add_field("users"), set_weight("click", 0.7))


@pytest.mark.parametrize("dataset", FIELDS)
def test_a_field_is_added_before_the_import_and_a_solution_beside_the_old_one_learns_it(
    region: Region, dataset: str
) -> None:
    settings = after(add_field(dataset, FIELDS[dataset]))
    result, cloud = region.run(settings)
    versions, operations = output(result)["versions"], cloud.operations()
    assert FIELDS[dataset] in region.fields(settings, dataset)
    assert operations.count("UpdateDataset") == 1
    assert operations.index("UpdateDataset") < operations.index("CreateDatasetImportJob")
    assert behind(versions["personal"]) == named(settings, "personal") != named(BEFORE, "personal")
    assert of(region, named(settings, "personal"))["excluded"] == {}
    assert named(BEFORE, "personal") in output(result)["unused_solutions"]
    assert region.solution(solutions.arn(BEFORE, BEFORE.solutions[0]))["status"] == "ACTIVE"


def test_the_old_solution_leaves_the_new_column_out_for_ever(region: Region) -> None:
    output(region.run(after(add_field("users")))[0])
    region.trained.clear()
    region.call("CreateSolutionVersion", solutionArn=solutions.arn(BEFORE, BEFORE.solutions[0]))
    region.settle()
    assert region.trained[0]["excluded"] == {"USERS": ["SEGMENT"]}


def test_a_recipe_that_does_not_learn_from_users_keeps_its_solution_when_users_gain_a_field(
    region: Region,
) -> None:
    settings = after(add_field("users"))
    result, _ = region.run(settings)
    kept = {"related", "popular"}
    assert {named(settings, name) for name in kept} == {named(BEFORE, name) for name in kept}
    assert output(result)["unused_solutions"] == [named(BEFORE, "personal")]


def test_the_template_keeps_the_schema_that_it_created() -> None:
    before = avro.schemas(BEFORE.datasets)
    later = avro.schemas(after(add_field("users"), add_field("items", "SEASON")).datasets)
    assert {name: one.created_avro for name, one in later.items()} == {
        name: one.created_avro for name, one in before.items()
    }
    assert later["users"].name(NAMES) not in {before["users"].name(NAMES), NAMES.schema("users")}


def test_fields_are_added_one_after_another(region: Region) -> None:
    output(region.run(after(add_field("users")), run_id="20261124T030000Z")[0])
    settings = after(add_field("users"), add_field("users", "PLAN"))
    _, cloud = region.run(settings, run_id="20261125T030000Z")
    assert region.fields(settings, "users")[-2:] == ["SEGMENT", "PLAN"]
    assert len(sent(cloud, "CreateSchema")) == 1


def test_an_import_waits_until_the_update_is_in_force(region: Region) -> None:
    output(region.run(after(add_field("users")), run_id="20261124T030000Z")[0])
    region.polls_of_an_update = 3
    settings = after(add_field("users"), add_field("users", "PLAN"))
    output(region.run(settings, run_id="20261125T030000Z")[0])
    assert region.imported["users"][-2:] == ["SEGMENT", "PLAN"]


def behind_the_times(region: Region) -> dict[tuple[str, str], Any]:
    """The description that follows an update still shows the one of before."""
    stale = list[dict[str, Any]]()

    def update(parameters: dict[str, Any]) -> dict[str, Any]:
        stale.append(region.serve("DescribeDataset", {"datasetArn": parameters["datasetArn"]}))
        return region.serve("UpdateDataset", parameters)

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        return stale.pop() if stale else region.serve("DescribeDataset", parameters)

    return {("personalize", "UpdateDataset"): update, ("personalize", "DescribeDataset"): describe}


def test_an_update_of_before_is_not_taken_for_the_one_that_was_asked_for(region: Region) -> None:
    output(region.run(after(add_field("users")), run_id="20261124T030000Z")[0])
    region.polls_of_an_update = 1
    settings = after(add_field("users"), add_field("users", "PLAN"))
    output(region.run(settings, run_id="20261125T030000Z", answers=behind_the_times(region))[0])
    assert region.imported["users"][-2:] == ["SEGMENT", "PLAN"]


def test_an_update_of_a_dataset_that_fails_stops_the_run_with_personalizes_reason(region: Region) -> None:
    region.failing_updates.append("Dataset")
    result, cloud = region.run(after(add_field("users")))
    assert result.error == "UpdateFailed"
    assert "Update of dataset users failed: an internal error" in (result.cause or "")
    assert sent(cloud, "CreateDatasetImportJob") == []
    assert region.run(after(add_field("users")), run_id="20261125T030000Z")[0].status == "SUCCEEDED"


def test_a_field_that_is_there_already_is_not_added_again(region: Region) -> None:
    settings = after(add_field("items"))
    output(region.run(settings, run_id="20261124T030000Z")[0])
    _, cloud = region.run(settings, run_id="20261125T030000Z")
    assert {"CreateSchema", "UpdateDataset", "CreateSolution"} & set(cloud.operations()) == set()


def test_a_run_that_is_started_again_finds_the_schema_that_it_made(region: Region) -> None:
    settings = after(add_field("users"))
    schema = avro.schemas(settings.datasets)["users"]
    region.call("CreateSchema", name=schema.name(settings.names), schema=schema.avro)
    result, _ = region.run(settings)
    assert result.status == "SUCCEEDED" and "SEGMENT" in region.fields(settings, "users")


REFUSED: dict[str, tuple[tuple[Change, ...], str]] = {
    "removed": ((remove_field("users", "AGE"),), "field AGE is gone"),
    "renamed": ((change_field("users", "AGE", name="YEARS"),), "field AGE is gone"),
    "another type": (
        (change_field("items", "BRAND", type="float", categorical=False),),
        "field BRAND differs",
    ),
    "another attribute": (
        (change_field("items", "BRAND", categorical=False, textual=True),),
        "field BRAND differs",
    ),
    "no longer nullable": ((change_field("users", "INCOME", nullable=False),), "field INCOME differs"),
    "a time of creation no longer nullable": (
        (change_field("items", "CREATION_TIMESTAMP", nullable=False),),
        "field CREATION_TIMESTAMP differs",
    ),
    "not nullable": (
        (add_field("users", "PLAN", nullable=False, added=False),),
        "field PLAN is new and not nullable",
    ),
}


@pytest.mark.parametrize("workflow", ["train", "pipeline"])
@pytest.mark.parametrize("case", REFUSED)
def test_a_change_that_no_dataset_takes_is_refused_before_anything_is_changed(
    region: Region, case: str, workflow: str
) -> None:
    changes, reason = REFUSED[case]
    settings = after(add_field("items", "SEASON"), *changes)
    refused_at_once(region, settings, workflow, reason)
    assert "SEASON" not in region.fields(settings, "items")


STRICT = after(change_field("items", "CREATION_TIMESTAMP", nullable=False))


@pytest.mark.parametrize("workflow", ["train", "pipeline"])
@pytest.mark.parametrize("region", [STRICT], indirect=True, ids=["now nullable"])
def test_a_field_that_becomes_nullable_is_refused_before_anything_is_changed(
    region: Region, workflow: str
) -> None:
    """The time of creation is nullable unless the configuration says otherwise."""
    refused_at_once(region, after(add_field("items", "SEASON")), workflow, "field CREATION_TIMESTAMP differs")
    assert "SEASON" not in region.fields(STRICT, "items")


DEVICE = {"name": "DEVICE", "attribute": "device", "categorical": True, "nullable": True}


def refused_at_once(region: Region, settings: Settings, workflow: str, reason: str) -> None:
    answers = pipeline_answers() if workflow == "pipeline" else {}
    result, cloud = region.run(settings, workflow, answers=answers)
    assert (result.status, result.error) == ("FAILED", "FieldsRefused")
    assert reason in (result.cause or "")
    assert "raise datasets.schema_version" in (result.cause or "")
    reading = {"DescribeDataset", "DescribeSchema"}
    # Lock, plan and progress of the run, in the control table, and the mail.
    controlling = {"PutItem", "UpdateItem", "Invoke", "Publish", "DeleteItem"}
    assert set(cloud.operations()) <= reading | (controlling if workflow == "pipeline" else set())


def pipeline_answers() -> dict[tuple[str, str], Any]:
    class Plan:
        def read(self) -> bytes:
            return json.dumps({"run_id": FIRST, "mode": "full"}).encode()

    return {
        ("lambda", "Invoke"): lambda _: {"StatusCode": 200, "Payload": Plan()},
        ("dynamodb", "PutItem"): {},
        ("dynamodb", "UpdateItem"): {},
        ("dynamodb", "DeleteItem"): {},
        ("sns", "Publish"): {"MessageId": "m"},
    }


@pytest.mark.parametrize("workflow", ["train", "pipeline"])
def test_a_field_of_interactions_is_refused(region: Region, workflow: str) -> None:
    """Nullable or not: the guide lets datasets of users and items alone gain fields."""
    wider = after(set_context(DEVICE))
    refused_at_once(region, wider, workflow, "field DEVICE is new, and only users and items gain fields")


def test_a_field_of_interactions_comes_with_a_new_dataset_group(region: Region) -> None:
    settings = after(set_context(DEVICE), new_dataset_group)
    region.deploy(settings)
    output(region.run(settings)[0])
    assert "DEVICE" in region.fields(settings, "interactions")
    assert "DEVICE" not in region.fields(BEFORE, "interactions")
    gone = after(new_dataset_group)
    refused_at_once(region, gone, "train", "field DEVICE is gone")


def test_an_added_field_that_is_removed_again_is_refused(region: Region) -> None:
    output(region.run(after(add_field("users")), run_id="20261124T030000Z")[0])
    refused_at_once(region, BEFORE, "train", "field SEGMENT is gone")


def test_the_way_out_is_a_dataset_group_beside_the_old_one_whose_solutions_serve(region: Region) -> None:
    settings = after(remove_field("users", "AGE"), new_dataset_group)
    region.deploy(settings)
    result, _ = region.run(settings)
    arns = output(result)["versions"].values()
    groups = {region.solution(arn.rpartition("/")[0])["datasetGroupArn"] for arn in arns}
    assert groups == {settings.names.dataset_group_arn} != {NAMES.dataset_group_arn}
    assert set(output(result)["unused_solutions"]) == {
        solutions.name(BEFORE, one) for one in BEFORE.solutions
    }
    assert "AGE" in region.fields(BEFORE, "users") and "AGE" not in region.fields(settings, "users")


def test_a_changed_weight_is_applied_to_the_solution_before_the_next_training(region: Region) -> None:
    settings = after(set_weight("click", 0.7))
    result, cloud = region.run(settings)
    assert named(settings, "personal") == named(BEFORE, "personal")
    assert weights(of(region, named(settings, "personal"))) == {
        "purchase": 1.0,
        "click": 0.7,
        "favourite": 0.5,
    }
    assert len(sent(cloud, "UpdateSolution")) == 1
    assert output(result)["unused_solutions"] == []


def test_a_training_waits_until_the_update_is_in_force(region: Region) -> None:
    """Developer guide: "Until the update completes, the solution uses the previous configuration"."""
    region.polls_of_an_update = 3
    settings = after(set_weight("click", 0.7))
    output(region.run(settings)[0])
    assert weights(of(region, named(settings, "personal")))["click"] == 0.7


def test_a_new_event_type_and_one_that_is_gone_are_applied_too(region: Region) -> None:
    def events(content: dict[str, Any]) -> None:
        content["datasets"]["interactions"]["events"][2] = {
            "type": "share",
            "source": "application_log",
            "weight": 0.2,
        }

    settings = after(events)
    output(region.run(settings)[0])
    assert weights(of(region, named(settings, "personal"))) == {"purchase": 1.0, "click": 0.3, "share": 0.2}


def test_training_that_somebody_made_automatic_is_switched_off(region: Region) -> None:
    arns = [solutions.arn(BEFORE, one) for one in BEFORE.solutions]
    for arn in arns:
        region.call("UpdateSolution", solutionArn=arn, performAutoTraining=True)
    region.settle()
    output(region.run(BEFORE)[0])
    assert [region.solution(arn)["performAutoTraining"] for arn in arns] == [False] * 3


def test_an_update_that_fails_stops_the_run_with_personalizes_reason(region: Region) -> None:
    region.failing_updates.append("Solution")
    result, cloud = region.run(after(set_weight("click", 0.7)))
    assert result.error == "SolutionFailed"
    assert "an internal error" in (result.cause or "")
    assert named(BEFORE, "personal") not in {
        behind(c["solutionArn"]) for c in sent(cloud, "CreateSolutionVersion")
    }


def test_an_update_that_failed_in_the_run_before_is_made_again(region: Region) -> None:
    region.failing_updates.append("Solution")
    settings = after(set_weight("click", 0.7))
    assert region.run(settings, run_id="20261124T030000Z")[0].status == "FAILED"
    region.settle()
    region.trained.clear()
    output(region.run(settings, run_id="20261125T030000Z")[0])
    assert weights(of(region, named(settings, "personal")))["click"] == 0.7


REPLACING: dict[str, tuple[Change, str]] = {
    "hyperparameter": (
        change_solution("personal", hyperparameters={"apply_recency_bias": "false"}),
        "personal",
    ),
    "another hyperparameter": (
        change_solution("related", hyperparameters={"popularity_discount_factor": "0.4"}),
        "related",
    ),
    "recipe": (change_solution("related", recipe="aws-sims"), "related"),
}


@pytest.mark.parametrize("case", REPLACING)
def test_what_a_solution_can_not_change_makes_another_that_serves_in_its_place(
    region: Region, case: str
) -> None:
    change, name = REPLACING[case]
    settings = after(change)
    result, cloud = region.run(settings)
    [created] = sent(cloud, "CreateSolution")
    assert created["name"] == named(settings, name) != named(BEFORE, name)
    assert behind(output(result)["versions"][name]) == created["name"]
    assert output(result)["unused_solutions"] == [named(BEFORE, name)]
    trained = of(region, created["name"])
    [solution] = [one for one in settings.solutions if one.name == name]
    assert trained["recipeArn"].endswith(solution.recipe)
    given = solutions_given(trained)
    assert given == solution.hyperparameters


def solutions_given(version: dict[str, Any]) -> dict[str, str]:
    config = version["solutionConfig"]
    return {**config.get("algorithmHyperParameters", {}), **config.get("featureTransformationParameters", {})}


def test_the_old_solution_serves_on_where_the_gate_rejects_the_new_one(region: Region) -> None:
    settings = after(change_solution("related", recipe="aws-sims"))
    result, _ = region.run(settings, rejected=["related"])
    assert behind(output(result)["versions"]["related"]) == named(BEFORE, "related")
    assert output(result)["unused_solutions"] == [], "what serves is in use"


def test_a_configuration_that_comes_back_finds_its_solution(region: Region) -> None:
    output(region.run(after(change_solution("related", recipe="aws-sims")), run_id="20261124T030000Z")[0])
    result, cloud = region.run(BEFORE, run_id="20261125T030000Z")
    assert sent(cloud, "CreateSolution") == []
    assert behind(output(result)["versions"]["related"]) == named(BEFORE, "related")


def test_a_new_solution_is_created_and_trained_beside_the_others(region: Region) -> None:
    settings = after(add_solution(name="similar", recipe="aws-sims", for_each="item"))
    result, cloud = region.run(settings)
    assert [call["name"] for call in sent(cloud, "CreateSolution")] == [named(settings, "similar")]
    assert set(output(result)["versions"]) == {"personal", "related", "popular", "similar"}


def test_a_renamed_solution_is_another_and_the_old_one_is_reported(region: Region) -> None:
    settings = after(change_solution("personal", name="for-you"))
    result, _ = region.run(settings)
    assert set(output(result)["versions"]) == {"for-you", "related", "popular"}
    assert output(result)["unused_solutions"] == [named(BEFORE, "personal")]


def test_a_solution_that_is_configured_no_longer_is_reported_and_stays(region: Region) -> None:
    settings = after(remove_solution("popular"))
    result, _ = region.run(settings)
    assert output(result)["unused_solutions"] == [named(BEFORE, "popular")]
    region.call("DescribeSolution", solutionArn=solutions.arn(BEFORE, BEFORE.solutions[2]))


def test_more_solutions_than_the_quota_are_refused_with_the_cure(region: Region) -> None:
    for number in range(7):
        region.call(
            "CreateSolution",
            name=f"osusume-dev-old-{number}",
            datasetGroupArn=NAMES.dataset_group_arn,
            recipeArn="arn:aws:personalize:::recipe/aws-sims",
        )
    result, _ = region.run(after(change_solution("related", recipe="aws-sims")))
    assert result.error == "TooManySolutions"
    assert "Delete solutions that are configured no longer" in (result.cause or "")


def lost(region: Region, operation: str) -> Any:
    """The call is carried out, and its answer never comes: the SDK says so, and the state tries again."""
    seen = set[str]()

    def serve(parameters: dict[str, Any]) -> dict[str, Any]:
        answer = region.serve(operation, parameters)
        if str(parameters) not in seen:
            seen.add(str(parameters))
            raise ServiceError("InternalFailure", "the connection was closed", 500)
        return answer

    return {("personalize", operation): serve}


def test_a_version_whose_creation_was_not_answered_is_found_by_its_name(region: Region) -> None:
    result, cloud = region.run(BEFORE, answers=lost(region, "CreateSolutionVersion"))
    versions = output(result)["versions"]
    assert len(sent(cloud, "CreateSolutionVersion")) == 6
    assert {one["solutionVersionArn"] for one in region.trained} == set(versions.values())


def test_it_is_found_among_many(region: Region) -> None:
    for number in range(7):
        arn = solutions.arn(BEFORE, BEFORE.solutions[0])
        region.call("CreateSolutionVersion", solutionArn=arn, name=f"by-hand-{number}")
    region.settle()
    region.trained.clear()
    result, _ = region.run(BEFORE, answers=lost(region, "CreateSolutionVersion"))
    assert {one["solutionVersionArn"] for one in region.trained} == set(output(result)["versions"].values())


def test_a_name_that_no_version_has_fails_and_says_so(region: Region) -> None:
    def exists(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ResourceAlreadyExistsException", "there")

    result, _ = region.run(BEFORE, answers={("personalize", "CreateSolutionVersion"): exists})
    assert result.error == "VersionNotFound"
    assert "start another run" in (result.cause or "")


JOBS = {
    "DatasetImportJob": ("train", "jobName", "ImportFailed"),
    "SolutionVersion": ("train", "name", "SolutionVersionFailed"),
    "BatchInferenceJob": ("recommend", "jobName", "InferenceFailed"),
}


def run_of(region: Region, kind: str) -> Any:
    if JOBS[kind][0] == "train":
        return region.run(BEFORE)
    versions = output(region.run(BEFORE, run_id="20261125T030000Z")[0])["versions"]
    answers = {("glue", "StartJobRun"): _no_job}
    return region.run(BEFORE, "recommend", versions=versions, answers=answers)


def _no_job(_: dict[str, Any]) -> dict[str, Any]:
    raise ServiceError("EntityNotFoundException", "what comes after the inference is tested elsewhere")


@pytest.mark.parametrize("kind", JOBS)
def test_what_failed_once_is_tried_once_more_under_another_name(region: Region, kind: str) -> None:
    if kind == "BatchInferenceJob":
        region.run(BEFORE, run_id="20261125T030000Z")
    region.failing.append(kind)
    result, cloud = run_of(region, kind)
    names = [call[JOBS[kind][1]] for call in sent(cloud, f"Create{kind}")]
    [again] = [name for name in names if name.endswith("-2")]
    assert again.removesuffix("-2") in names and len(names) == 4
    assert result.error != JOBS[kind][2]


@pytest.mark.parametrize("kind", JOBS)
def test_what_failed_twice_fails_the_run_with_personalizes_reason(region: Region, kind: str) -> None:
    if kind == "BatchInferenceJob":
        region.run(BEFORE, run_id="20261125T030000Z")
    region.failing.extend([kind] * 6)
    result, cloud = run_of(region, kind)
    assert result.error == JOBS[kind][2]
    assert "an internal error" in (result.cause or "")
    assert len(sent(cloud, f"Create{kind}")) <= 6
