"""The definitions, run by the interpreter against scripted services; no template is needed."""

from __future__ import annotations

import copy
import itertools
import json
import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import avro, layout
from config.recipes import RECIPES
from config.rules import SECOND_ATTEMPT
from config.settings import Settings
from osusume_endpoint.stepfunctions.definition import validate
from osusume_endpoint.stepfunctions.execution import Execution
from osusume_endpoint.stepfunctions.results import Result
from osusume_endpoint.stepfunctions.scope import Identity
from osusume_endpoint.testing.scripted import Cloud, ServiceError
from stacks.workflows import clean_up, forget, load, lock, pipeline, prepare, recommend, solutions, train
from tests import example


def json_texts() -> st.SearchStrategy[str]:
    """JSON, whole or cut off."""
    leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
    keys = st.sampled_from(
        ["Cause", "Error", "Status", "StateMachineArn", "workflow", "state", "error", "cause"]
    )
    values = st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(keys, inner | inner.map(json.dumps), max_size=4)
        ),
        max_leaves=8,
    )
    texts = st.dictionaries(keys, values | values.map(json.dumps), max_size=5).map(json.dumps)
    return st.tuples(texts, st.integers(min_value=0, max_value=400)).map(
        lambda cut: cut[0][: -cut[1] or None]
    )


SETTINGS = example.settings()
NAMES = SETTINGS.names
RUN = "20261124T030000Z"
DEFINITIONS = {
    "pipeline": pipeline.definition,
    "prepare": prepare.definition,
    "train": train.definition,
    "recommend": recommend.definition,
    "load": load.definition,
    "clean-up": clean_up.definition,
    "forget": forget.definition,
}
PLAN: dict[str, Any] = {
    "run_id": RUN,
    "mode": "full",
    "export": {
        "type": "FULL_EXPORT",
        "windows": [],
        "to": "2026-11-24T03:00:00Z",
        "prefix": f"application_log/run={RUN}",
    },
    "previous_run_id": "none",
}
VERSIONS = {one.name: solutions.arn(SETTINGS, one) + "/v1" for one in SETTINGS.solutions}
VERSION = VERSIONS["personal"]
UNUSED = ["osusume-dev-personal-of-yesterday"]


def run(
    workflow: str, value: Any, answers: dict[tuple[str, str], Any], *, given: Settings = SETTINGS
) -> tuple[Result, Cloud]:
    cloud = Cloud(answers)
    identity = Identity(
        execution_arn=f"{NAMES.execution_arn(workflow)}:run-1",
        execution_name="run-1",
        state_machine_arn=NAMES.workflow_arn(workflow),
        state_machine_name=NAMES.workflow(workflow),
        role_arn="arn:aws:iam::111111111111:role/workflow",
    )
    definition = DEFINITIONS[workflow](given)
    execution = Execution(
        definition=definition, value=value, identity=identity, clients=cloud, wait_scale=0.0001
    )
    execution.run()
    return execution.result, cloud


def output(result: Result) -> Any:
    assert result.status == "SUCCEEDED", (result.error, result.cause)
    return json.loads(result.output or "null")


def sent(cloud: Cloud, operation: str) -> list[dict[str, Any]]:
    return [parameters for _, name, parameters in cloud.calls if name == operation]


def functions(**answers: Any) -> Any:
    """Answers lambda:Invoke by the function's folder name."""

    def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["FunctionName"].split(":")[-1].removeprefix(f"{NAMES.prefix}-").replace("-", "_")
        payload = json.loads(parameters["Payload"])
        answer = answers[name]
        body = answer(payload) if callable(answer) else answer
        return {"StatusCode": 200, "Payload": Body(json.dumps(body))}

    return invoke


class Body:
    def __init__(self, text: str) -> None:
        self._text = text.encode()

    def read(self) -> bytes:
        return self._text


def becoming(key: str, *statuses: str, **more: Any) -> Any:
    """Answers a Describe with one status after another, the last one for ever."""
    remaining = list(statuses)

    def describe(_: dict[str, Any]) -> dict[str, Any]:
        status = remaining.pop(0) if len(remaining) > 1 else remaining[0]
        return {key: {"status": status, **more}}

    return describe


def glue_job(state: str = "SUCCEEDED", **more: Any) -> dict[tuple[str, str], Any]:
    return {
        ("glue", "StartJobRun"): {"JobRunId": "jr_1"},
        ("glue", "GetJobRun"): {"JobRun": {"Id": "jr_1", "JobRunState": state, **more}},
    }


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_a_definition_is_valid(workflow: str) -> None:
    assert validate(DEFINITIONS[workflow](SETTINGS)) == []


def all_states(states: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = list(states.items())
    for _, state in states.items():
        for nested in [
            *state.get("Branches", []),
            *([state["ItemProcessor"]] if "ItemProcessor" in state else []),
        ]:
            found += all_states(nested["States"])
    return found


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_every_task_retries_with_full_jitter(workflow: str) -> None:
    tasks = [
        item for item in all_states(DEFINITIONS[workflow](SETTINGS)["States"]) if item[1]["Type"] == "Task"
    ]
    assert tasks
    for name, state in tasks:
        assert state["Retry"], name
        assert {retry["JitterStrategy"] for retry in state["Retry"]} == {"FULL"}, name


def fails(state: dict[str, Any]) -> bool:
    """Fail, or the failure that the workflow reports at its end."""
    return state["Type"] == "Fail" or (state["Next"] == "Failed" and "failure" in state["Assign"])


@pytest.mark.parametrize("workflow", ["prepare", "train", "recommend", "load"])
def test_every_wait_loop_ends_by_success_failure_or_time(workflow: str) -> None:
    states = dict(all_states(DEFINITIONS[workflow](SETTINGS)["States"]))
    waits = [name for name, state in states.items() if state["Type"] == "Wait"]
    assert waits
    for wait in waits:
        choice = states[states[states[wait]["Next"]]["Next"]]
        ends = [rule["Next"] for rule in choice["Choices"]]
        failing = [end for end in ends if end.endswith(("Failed", "TimedOut"))]
        assert [end.removeprefix(wait.removeprefix("Wait")) for end in failing] == ["Failed", "TimedOut"]
        assert all(fails(states[end]) for end in failing), wait
        assert set(ends) > set(failing), wait


@pytest.mark.parametrize("workflow", DEFINITIONS)
def test_a_whole_execution_has_a_time_limit(workflow: str) -> None:
    most = 60 if workflow == "forget" else 20
    assert 0 < DEFINITIONS[workflow](SETTINGS)["TimeoutSeconds"] <= most * 3600


def test_the_lock_outlives_the_run_and_expires_before_the_next_days_run() -> None:
    assert pipeline.HOURS < pipeline.LOCK_HOURS < 24


def test_a_forgetting_waits_longer_than_a_run_may_take_and_its_lock_outlives_it() -> None:
    assert pipeline.LOCK_HOURS < forget.QUEUE_HOURS
    assert forget.QUEUE_HOURS + forget.DELETION_HOURS < forget.HOURS < forget.LOCK_HOURS


def forgetting(**steps: Any) -> dict[tuple[str, str], Any]:
    """Answers of a forgetting of one request, which takes two calls; `steps` change the function's."""
    calls: list[dict[str, Any]] = []

    def remove(payload: dict[str, Any]) -> dict[str, Any]:
        calls.append(payload["position"])
        done = payload["position"]["place"] == "raw"
        return {"done": True} if done else {"done": False, "position": {"place": "raw", "after": "k"}}

    answers = {
        "begin": lambda _: {"requests": ["r1"]},
        "remove": remove,
        "list": lambda _: {},
        "end": lambda _: {"report": "s3://b/forget/r1.json"},
        "fail": lambda _: {},
    } | steps
    return {
        ("dynamodb", "PutItem"): {},
        ("dynamodb", "DeleteItem"): {},
        ("sns", "Publish"): {"MessageId": "m"},
        ("lambda", "Invoke"): functions(forget_users=lambda payload: answers[payload["step"]](payload)),
        ("personalize", "CreateDataDeletionJob"): {"dataDeletionJobArn": "arn"},
        ("personalize", "DescribeDataDeletionJob"): becoming(
            "dataDeletionJob", "PENDING", "IN_PROGRESS", "COMPLETED"
        ),
    }


def steps_of(cloud: Cloud) -> list[str]:
    return [json.loads(call["Payload"])["step"] for call in sent(cloud, "Invoke")]


def test_forget_removes_deletes_and_ends_under_the_lock() -> None:
    result, cloud = run("forget", {"request": "r1"}, forgetting())
    assert output(result) == {"requests": ["r1"], "report": "s3://b/forget/r1.json"}
    assert steps_of(cloud) == ["begin", "remove", "remove", "list", "end"]
    positions = [json.loads(call["Payload"]).get("position") for call in sent(cloud, "Invoke")]
    assert positions[1:3] == [{"place": forget.FIRST_PLACE}, {"place": "raw", "after": "k"}]
    [job] = sent(cloud, "CreateDataDeletionJob")
    assert job["jobName"] == "osusume-dev-forget-1-run-1"
    assert job["dataSource"] == {"dataLocation": f"s3://{NAMES.datasets_bucket}/forget/r1/"}
    operations = cloud.operations()
    assert operations[0] == "PutItem" and operations[-1] == "DeleteItem"


def test_where_another_execution_did_the_request_nothing_is_done_twice() -> None:
    result, cloud = run("forget", {"request": "r1"}, forgetting(begin=lambda _: {"requests": []}))
    assert output(result) == {"requests": [], "report": "none"}
    assert steps_of(cloud) == ["begin"] and cloud.operations()[-1] == "DeleteItem"


def test_forget_waits_for_a_run_that_holds_the_lock() -> None:
    """The owner runs at the first look and has ended at the second."""
    tries: list[dict[str, Any]] = []

    def put(parameters: dict[str, Any]) -> dict[str, Any]:
        tries.append(parameters)
        if ":dead" not in parameters["ExpressionAttributeValues"]:
            raise ServiceError("ConditionalCheckFailedException")
        return {}

    owner = f"{NAMES.execution_arn('pipeline')}:run-0"
    statuses = iter(["RUNNING", "RUNNING", "FAILED"])
    answers = forgetting() | {
        ("dynamodb", "PutItem"): put,
        ("dynamodb", "GetItem"): {"Item": {"pk": {"S": "lock"}, "owner": {"S": owner}}},
        ("stepfunctions", "DescribeExecution"): lambda _: {"status": next(statuses), "name": "run-0"},
    }
    result, cloud = run("forget", {"request": "r1"}, answers)
    assert output(result)["requests"] == ["r1"]
    assert [call["executionArn"] for call in sent(cloud, "DescribeExecution")] == [owner] * 3


def failing(step: str) -> Any:
    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ResourceNotFoundException", "nothing that is tried again")

    return {step: fail}


@pytest.mark.parametrize("step", ["begin", "remove", "list", "end"])
def test_a_step_that_fails_is_noted_told_and_lets_the_lock_go(step: str) -> None:
    result, cloud = run("forget", {"request": "r1"}, forgetting(**failing(step)))
    assert result.status == "FAILED"
    assert steps_of(cloud)[-1] == "fail"
    assert json.loads(sent(cloud, "Invoke")[-1]["Payload"])["requests"] == ["r1"]
    assert "ask for the deletion again" in sent(cloud, "Publish")[0]["Message"]
    assert cloud.operations()[-1] == "DeleteItem"
    again, _ = run("forget", {"request": "r1"}, forgetting())
    assert output(again)["requests"] == ["r1"]


def test_a_deletion_job_that_fails_is_told_with_its_reason() -> None:
    failed = {"dataDeletionJob": {"status": "FAILED", "failureReason": "no USER_ID"}}
    result, cloud = run(
        "forget",
        {"request": "r1"},
        forgetting() | {("personalize", "DescribeDataDeletionJob"): failed},
    )
    assert json.loads(result.cause or "")["cause"] == "Data deletion job failed: no USER_ID"
    assert steps_of(cloud)[-1] == "fail"


def test_a_dataset_group_that_is_gone_has_nobody_to_delete() -> None:
    def create(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ResourceNotFoundException")

    result, _ = run(
        "forget", {"request": "r1"}, forgetting() | {("personalize", "CreateDataDeletionJob"): create}
    )
    assert output(result)["requests"] == ["r1"]


def test_each_owner_of_the_lock_may_look_at_the_others() -> None:
    for statements in (
        pipeline.statements(SETTINGS, key_arn="arn:aws:kms:r:1:key/k"),
        forget.statements(SETTINGS, key_arn="arn:aws:kms:r:1:key/k"),
    ):
        looked = [one for one in statements if "states:DescribeExecution" in one.actions]
        resources = {resource for one in looked for resource in one.resources}
        assert resources >= {f"{NAMES.execution_arn(owner)}:*" for owner in lock.OWNERS}


PARTS = {"users": ["a", "b"]}


def preparation() -> dict[tuple[str, str], Any]:
    export = {"ExportArn": "arn:aws:dynamodb:x:1:table/t/export/1", "ExportStatus": "IN_PROGRESS"}
    return {
        **glue_job(),
        ("dynamodb", "ExportTableToPointInTime"): {"ExportDescription": export},
        ("dynamodb", "DescribeExport"): {"ExportDescription": {"ExportStatus": "COMPLETED"}},
        ("lambda", "Invoke"): functions(
            validate_datasets={"passed": True, "rows": {"users": 3}, "parts": PARTS},
            grant_reader={"user": "extraction", "tables": []},
        ),
    }


def test_prepare_extracts_builds_and_validates() -> None:
    measured = glue_job(ExecutionTime=360, MaxCapacity=2.0)
    result, cloud = run("prepare", PLAN, preparation() | measured)
    assert output(result) == {"run_id": RUN, "rows": {"users": 3}, "parts": PARTS, "dpu_hours": [0.2, 0.2]}
    jobs = {call["JobName"]: call["Arguments"] for call in sent(cloud, "StartJobRun")}
    assert jobs[NAMES.job("extract-aurora")] == {"--run_id": RUN}
    assert jobs[NAMES.job("build-datasets")]["--previous_run_id"] == "none"
    assert jobs[NAMES.job("build-datasets")]["--accept"] == "[]"
    assert jobs[NAMES.job("build-datasets")]["--export_prefix"] == f"application_log/run={RUN}"
    export = sent(cloud, "ExportTableToPointInTime")[0]
    assert export["ExportType"] == "FULL_EXPORT"
    assert export["S3Prefix"] == f"application_log/run={RUN}"


def on(engine: str) -> Settings:
    return example.settings(etl={"engine": engine})


def prepared(engine: str, answer: Any) -> tuple[Result, list[str]]:
    """`build_datasets` answers so; which jobs ran."""
    answers = preparation() | glue_job(ExecutionTime=360, MaxCapacity=2.0)
    known = {"validate_datasets": {"passed": True, "rows": {}}, "grant_reader": {"user": "e", "tables": []}}
    answers["lambda", "Invoke"] = functions(**known, build_datasets=answer)
    result, cloud = run("prepare", PLAN, answers, given=on(engine))
    return result, [call["JobName"] for call in sent(cloud, "StartJobRun")]


@pytest.mark.parametrize("engine", ["auto", "lambda"])
def test_small_data_are_built_in_a_function_with_the_jobs_arguments_and_spark_is_not_asked(
    engine: str,
) -> None:
    asked: list[Any] = []

    def build(payload: Any) -> Any:
        asked.append(payload)
        return {"built": True, "megabytes": 3.5}

    result, jobs = prepared(engine, build)
    assert output(result) == {"run_id": RUN, "rows": {}, "dpu_hours": [0.2]}
    assert jobs == [NAMES.job("extract-aurora")]
    assert asked == [
        {
            "run_id": RUN,
            "run_mode": "full",
            "export_prefix": f"application_log/run={RUN}",
            "previous_run_id": "none",
            "accept": "[]",
            "streamed": "{}",
        }
    ]


def test_what_is_too_large_for_the_function_is_built_on_spark() -> None:
    result, jobs = prepared("auto", {"built": False, "megabytes": 999.0})
    assert output(result) == {"run_id": RUN, "rows": {}, "dpu_hours": [0.2, 0.2]}
    assert jobs == [NAMES.job("extract-aurora"), NAMES.job("build-datasets")]


@pytest.mark.parametrize(
    ("error", "on_spark"),
    [("Sandbox.Timedout", True), ("Runtime.ExitError", True), ("NothingToBuild", False)],
)
def test_a_function_that_was_killed_leaves_the_build_to_spark_and_one_that_refuses_does_not(
    error: str, on_spark: bool
) -> None:
    answers = preparation()
    others = answers["lambda", "Invoke"]

    def invoke(parameters: dict[str, Any]) -> Any:
        if parameters["FunctionName"] != NAMES.function_arn("build_datasets"):
            return others(parameters)
        said = {"errorType": error, "errorMessage": "why"}
        return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body(json.dumps(said))}

    answers["lambda", "Invoke"] = invoke
    result, cloud = run("prepare", PLAN, answers, given=on("auto"))
    jobs = [call["JobName"] for call in sent(cloud, "StartJobRun")]
    assert (NAMES.job("build-datasets") in jobs) is on_spark
    assert (result.error is None) is on_spark
    if not on_spark:
        assert result.error == error


@pytest.mark.parametrize("engine", ["auto", "lambda"])
def test_a_preparation_with_a_function_is_a_valid_definition(engine: str) -> None:
    assert validate(prepare.definition(on(engine))) == []


def test_only_the_engine_that_is_configured_may_be_started() -> None:
    def allowed(engine: str) -> set[str]:
        found = prepare.statements(on(engine), key_arn="arn:aws:kms:r:1:key/k")
        return {resource for one in found for resource in one.resources}

    function, job = NAMES.function_arn("build_datasets"), NAMES.job_arn("build-datasets")
    assert {engine: {function, job} & allowed(engine) for engine in ("glue", "lambda", "auto")} == {
        "glue": {job},
        "lambda": {function},
        "auto": {function, job},
    }


def test_hours_that_glue_does_not_say_are_null_and_no_zero() -> None:
    result, _ = run("prepare", PLAN, preparation() | glue_job(ExecutionTime=360))
    assert set(output(result)["dpu_hours"]) == {None}


def incremental(*windows: tuple[str, str]) -> dict[str, Any]:
    export = {
        "type": "INCREMENTAL_EXPORT",
        "windows": [{"from": start, "to": end} for start, end in windows],
        "to": windows[-1][1],
        "prefix": "p",
    }
    return {**PLAN, "mode": "incremental", "export": export}


def test_an_incremental_run_exports_only_the_window_since_the_watermark() -> None:
    plan = incremental(("2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"))
    _, cloud = run("prepare", plan, preparation())
    export = sent(cloud, "ExportTableToPointInTime")[0]
    assert export["ExportType"] == "INCREMENTAL_EXPORT"
    specification = export["IncrementalExportSpecification"]
    assert specification["ExportFromTime"] == "2026-11-23T03:00:00Z"
    assert specification["ExportToTime"] == "2026-11-24T03:00:00Z"
    assert specification["ExportViewType"] == "NEW_AND_OLD_IMAGES"


def test_a_gap_of_more_than_a_day_is_exported_in_windows_with_tokens_of_their_own() -> None:
    days = [f"2026-11-{day}T03:00:00Z" for day in (21, 22, 23, 24)]
    plan = incremental(*itertools.pairwise(days))
    _, cloud = run("prepare", plan, preparation())
    exports = sent(cloud, "ExportTableToPointInTime")
    starts = [export["IncrementalExportSpecification"]["ExportFromTime"] for export in exports]
    assert sorted(starts) == days[:-1]
    assert len({export["ClientToken"] for export in exports}) == 3
    assert {export["S3Prefix"] for export in exports} == {"p"}


def test_a_failed_window_stops_the_preparation_and_says_why() -> None:
    failed = {"ExportDescription": {"ExportStatus": "FAILED", "FailureMessage": "bucket is gone"}}
    plan = incremental(("2026-11-23T03:00:00Z", "2026-11-24T03:00:00Z"))
    result, _ = run("prepare", plan, preparation() | {("dynamodb", "DescribeExport"): failed})
    assert json.loads(result.cause or "")["cause"] == "Export of the application log failed: bucket is gone"


def test_a_failed_export_stops_the_preparation_and_says_why() -> None:
    failed = {"ExportDescription": {"ExportStatus": "FAILED", "FailureMessage": "bucket is gone"}}
    result, cloud = run("prepare", PLAN, preparation() | {("dynamodb", "DescribeExport"): failed})
    assert (result.status, result.error) == ("FAILED", "ExportFailed")
    cause = json.loads(result.cause or "")
    assert (cause["workflow"], cause["state"]) == ("prepare", "Extract")
    assert cause["cause"] == "Export of the application log failed: bucket is gone"
    assert NAMES.job("build-datasets") not in [call["JobName"] for call in sent(cloud, "StartJobRun")]


def described_datasets() -> dict[tuple[str, str], Any]:
    """Each dataset has the schema that the template gives it."""
    made = {NAMES.dataset_arn(name): schema for name, schema in avro.schemas(SETTINGS.datasets).items()}

    def schema_arn(schema: avro.DatasetSchema) -> str:
        return NAMES.personalize_arn(f"schema/{schema.name(NAMES)}")

    texts = {schema_arn(schema): schema.avro for schema in made.values()}
    return {
        ("personalize", "DescribeDataset"): lambda given: {
            "dataset": {"status": "ACTIVE", "schemaArn": schema_arn(made[given["datasetArn"]])}
        },
        ("personalize", "DescribeSchema"): lambda given: {"schema": {"schema": texts[given["schemaArn"]]}},
    }


def training() -> dict[tuple[str, str], Any]:
    known: set[str] = set()
    trained = becoming("solutionVersion", "CREATE IN_PROGRESS", "ACTIVE")

    def create(parameters: dict[str, Any]) -> dict[str, Any]:
        known.add(parameters["name"])
        return {"solutionArn": NAMES.personalize_arn(f"solution/{parameters['name']}")}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["solutionArn"].split("/")[-1]
        if name not in known:
            raise ServiceError("ResourceNotFoundException")
        weights = [e.model_dump() for e in SETTINGS.datasets.interactions.events if "personal" in name]
        events = [{"eventType": event["type"], "weight": event["weight"]} for event in weights]
        config = {"eventsConfig": {"eventParametersList": events}} if events else {}
        return {"solution": {"status": "ACTIVE", "performAutoTraining": False, "solutionConfig": config}}

    def new_version(parameters: dict[str, Any]) -> dict[str, Any]:
        return {"solutionVersionArn": parameters["solutionArn"] + "/v1"}

    accept = {"promote": True, "reason": "first", "metrics": {"coverage": 0.5}, "previous": "arn:before"}
    return {
        **described_datasets(),
        ("personalize", "ListSolutions"): lambda _: {"solutions": [{"name": name} for name in sorted(known)]},
        ("personalize", "CreateDatasetImportJob"): {"datasetImportJobArn": "ignored"},
        ("personalize", "DescribeDatasetImportJob"): becoming(
            "datasetImportJob", "CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"
        ),
        ("personalize", "DescribeSolution"): describe,
        ("personalize", "CreateSolution"): create,
        ("personalize", "CreateSolutionVersion"): new_version,
        ("personalize", "DescribeSolutionVersion"): trained,
        ("lambda", "Invoke"): functions(judge_solution_version=accept),
        ("dynamodb", "PutItem"): {},
    }


def test_train_imports_three_datasets_and_trains_every_solution() -> None:
    result, cloud = run("train", {"run_id": RUN}, training())
    assert output(result) == {"run_id": RUN, "versions": VERSIONS, "unused_solutions": []}
    imports = {call["jobName"]: call for call in sent(cloud, "CreateDatasetImportJob")}
    assert set(imports) == {f"osusume-dev-{name}-{RUN}" for name in ("interactions", "users", "items")}
    users = imports[f"osusume-dev-users-{RUN}"]
    assert users["dataSource"]["dataLocation"] == f"s3://{NAMES.datasets_bucket}/runs/{RUN}/users/"
    assert users["roleArn"] == NAMES.personalize_role_arn
    served = {call["Item"]["pk"]["S"] for call in sent(cloud, "PutItem")}
    assert served == {"serving#personal", "serving#related", "serving#popular"}
    before = {call["Item"]["previous_solution_version_arn"]["S"] for call in sent(cloud, "PutItem")}
    assert before == {"arn:before"}


def test_event_weights_go_only_to_recipes_that_take_them() -> None:
    _, cloud = run("train", {"run_id": RUN}, training())
    configs = {call["name"]: call["solutionConfig"] for call in sent(cloud, "CreateSolution")}
    named = {one.name: solutions.name(SETTINGS, one) for one in SETTINGS.solutions}
    weights = configs[named["personal"]]["eventsConfig"]["eventParametersList"]
    assert {"eventType": "purchase", "weight": 1.0} in weights
    factor = {"popularity_discount_factor": "0.8"}  # tests/example.yaml: no events, and nothing else
    assert configs[named["related"]] == {"algorithmHyperParameters": factor}
    assert all(call["performAutoTraining"] is False for call in sent(cloud, "CreateSolution"))


def test_a_run_started_again_goes_on_with_its_own_import_jobs() -> None:
    def exists(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ResourceAlreadyExistsException")

    answers = training() | {("personalize", "CreateDatasetImportJob"): exists}
    result, cloud = run("train", {"run_id": RUN}, answers)
    assert output(result)["versions"] == VERSIONS
    described = {call["datasetImportJobArn"] for call in sent(cloud, "DescribeDatasetImportJob")}
    assert NAMES.personalize_arn(f"dataset-import-job/osusume-dev-users-{RUN}") in described


def test_a_failed_import_stops_training_and_gives_personalizes_reason() -> None:
    failed = becoming("datasetImportJob", "CREATE FAILED", failureReason="TIMESTAMP is missing")
    answers = training() | {("personalize", "DescribeDatasetImportJob"): failed}
    result, cloud = run("train", {"run_id": RUN}, answers)
    assert (result.status, result.error) == ("FAILED", "ImportFailed")
    cause = json.loads(result.cause or "")
    assert cause["state"] == "ImportDatasets"
    assert cause["cause"] == "Dataset import failed: TIMESTAMP is missing"
    assert sent(cloud, "CreateSolutionVersion") == []


def test_a_rejected_version_leaves_the_serving_one_in_place() -> None:
    reject = {"promote": False, "reason": "worse", "metrics": {}}
    serving = {"Item": {"pk": {"S": "x"}, "solution_version_arn": {"S": "arn:old"}}}
    answers = training() | {
        ("lambda", "Invoke"): functions(judge_solution_version=reject),
        ("dynamodb", "GetItem"): serving,
    }
    result, cloud = run("train", {"run_id": RUN}, answers)
    assert set(output(result)["versions"].values()) == {"arn:old"}
    assert sent(cloud, "PutItem") == []


def test_a_rejected_first_version_fails_by_name() -> None:
    reject = {"promote": False, "reason": "worse", "metrics": {}}
    answers = training() | {
        ("lambda", "Invoke"): functions(judge_solution_version=reject),
        ("dynamodb", "GetItem"): {},
    }
    result, _ = run("train", {"run_id": RUN}, answers)
    assert result.error == "NothingServes"
    assert "none serves before it: worse" in (result.cause or "")


def described(parameters: dict[str, Any]) -> dict[str, Any]:
    """A version of VERSIONS, as it should be."""
    [name] = [name for name, arn in VERSIONS.items() if arn == parameters["solutionVersionArn"]]
    recipe = next(one.recipe for one in SETTINGS.solutions if one.name == name)
    return {"solutionVersion": {"status": "ACTIVE", "recipeArn": RECIPES[recipe].arn}}


def recommendation() -> dict[tuple[str, str], Any]:
    def objects(parameters: dict[str, Any]) -> dict[str, Any]:
        keys = [f"{parameters['Prefix']}{number:05}.json.gz" for number in range(7)]
        found = {"Size": 1, "ETag": "e", "LastModified": datetime(2026, 11, 24), "StorageClass": "STANDARD"}
        return {"Contents": [{"Key": key, **found} for key in keys], "IsTruncated": False}

    def publish(payload: dict[str, Any]) -> dict[str, Any]:
        return {"written": len(payload["keys"])}

    inferred = becoming("batchInferenceJob", "CREATE PENDING", "ACTIVE")
    return {
        **glue_job(),
        ("personalize", "DescribeSolutionVersion"): described,
        ("personalize", "CreateBatchInferenceJob"): {"batchInferenceJobArn": "ignored"},
        ("personalize", "DescribeBatchInferenceJob"): inferred,
        ("s3", "ListObjectsV2"): objects,
        ("lambda", "Invoke"): functions(judge_lists={}, publish_recommendations=publish),
        ("dynamodb", "UpdateItem"): {},
        ("dynamodb", "GetItem"): {},
        ("personalize", "ListCampaigns"): {"campaigns": []},
        ("personalize", "ListFilters"): {"Filters": []},
    }


def swaps(cloud: Cloud) -> list[dict[str, Any]]:
    return [call for call in sent(cloud, "UpdateItem") if call["Key"]["pk"]["S"].startswith("pointer#")]


def analytics(**answers: Any) -> dict[tuple[str, str], Any]:
    loaded = loading("SUBMITTED", "STARTED", "FINISHED")
    built = {"models": 1, "tests": 2, "failed": []}
    answering = {"load_warehouse": loaded, "run_dbt": built} | answers
    return {("lambda", "Invoke"): functions(**answering), ("dynamodb", "UpdateItem"): {}}


def loading(*statuses: str, **more: str) -> Any:
    """What the function answers, call by call; each names the statement that comes next."""
    calls: list[dict[str, Any]] = []

    def answer(payload: dict[str, Any]) -> dict[str, Any]:
        expected = {"id": f"s-{len(calls)}", "step": "load"} if calls else None
        assert payload.get("statement") == expected
        calls.append(payload)
        assert len({call["entered"] for call in calls}) == len(calls)
        time.sleep(0.001)  # EnteredTime has milliseconds: nothing that is called answers in less
        assert ("deadline" in payload) == (len(calls) > 1)
        statement = {"id": f"s-{len(calls)}", "step": "load"}
        return {"statement": statement, "status": statuses[min(len(calls), len(statuses)) - 1], **more}

    return answer


def test_recommend_infers_publishes_and_swaps() -> None:
    scaled = glue_job(DPUSeconds=1800.0, ExecutionTime=1, MaxCapacity=100.0)
    result, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, recommendation() | scaled)
    assert output(result) == {"run_id": RUN, "dpu_hours": [0.5]}
    inference = {call["jobName"]: call for call in sent(cloud, "CreateBatchInferenceJob")}
    personal = inference[f"osusume-dev-personal-{RUN}"]
    assert personal["solutionVersionArn"] == VERSION
    assert personal["numResults"] == 100  # its candidates, of which the rules leave 25
    assert inference[f"osusume-dev-related-{RUN}"]["numResults"] == 25
    source = personal["jobInput"]["s3DataSource"]["path"]
    assert source == f"s3://{NAMES.datasets_bucket}/runs/{RUN}/batch_input/users/"
    target = personal["jobOutput"]["s3DataDestination"]["path"]
    assert target == f"s3://{NAMES.results_bucket}/runs/{RUN}/batch/personal/"
    job = sent(cloud, "StartJobRun")[0]
    assert json.loads(job["Arguments"]["--versions"]) == VERSIONS


def test_what_one_batch_job_does_not_take_is_a_job_for_each_part() -> None:
    given = {"run_id": RUN, "versions": VERSIONS, "parts": {"users": ["a", "b", "c"]}}
    result, cloud = run("recommend", given, recommendation())
    assert result.status == "SUCCEEDED", result.cause
    jobs = {
        call["jobName"]: (
            call["jobInput"]["s3DataSource"]["path"].removeprefix(
                f"s3://{NAMES.datasets_bucket}/runs/{RUN}/"
            ),
            call["jobOutput"]["s3DataDestination"]["path"].removeprefix(
                f"s3://{NAMES.results_bucket}/runs/{RUN}/"
            ),
        )
        for call in sent(cloud, "CreateBatchInferenceJob")
    }
    assert jobs == {
        **{
            f"osusume-dev-personal-{RUN[:-1]}{part}": (
                f"batch_parts/users/{part}/",
                f"batch/personal/{part}/",
            )
            for part in "abc"
        },
        f"osusume-dev-related-{RUN}": ("batch_input/items/", "batch/related/"),
        f"osusume-dev-popular-{RUN}": ("batch_input/everyone/", "batch/popular/"),
    }
    described = [call["batchInferenceJobArn"] for call in sent(cloud, "DescribeBatchInferenceJob")]
    assert {arn.rpartition("/")[2] for arn in described} == set(jobs)


def test_a_part_whose_job_is_there_or_failed_goes_on_under_names_of_its_own() -> None:
    made: list[str] = []

    def create(parameters: dict[str, Any]) -> dict[str, Any]:
        made.append(parameters["jobName"])
        if parameters["jobName"].endswith("a"):
            raise ServiceError("ResourceAlreadyExistsException", "there")
        return {"batchInferenceJobArn": "ignored"}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        failed = parameters["batchInferenceJobArn"].endswith("b")
        return {
            "batchInferenceJob": {"status": "CREATE FAILED" if failed else "ACTIVE", "failureReason": "x"}
        }

    answers = recommendation() | {
        ("personalize", "CreateBatchInferenceJob"): create,
        ("personalize", "DescribeBatchInferenceJob"): describe,
    }
    given = {"run_id": RUN, "versions": VERSIONS, "parts": {"users": ["a", "b"]}}
    assert run("recommend", given, answers)[0].status == "SUCCEEDED"
    assert len(made) == len(set(made)) and f"osusume-dev-personal-{RUN[:-1]}b{SECOND_ATTEMPT}" in made


def test_a_run_that_goes_on_after_two_failed_jobs_has_two_attempts_of_its_own() -> None:
    """What an earlier execution made and saw fail keeps its names, under which nothing can be made any more."""
    prefix = f"osusume-dev-popular-{RUN}"
    status = {prefix: "CREATE FAILED", f"{prefix}-2": "CREATE FAILED"}
    fails = {f"{prefix}-3"}

    def create(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["jobName"]
        if name in status:
            raise ServiceError("ResourceAlreadyExistsException", "there")
        status[name] = "CREATE FAILED" if name in fails else "ACTIVE"
        return {"batchInferenceJobArn": "ignored"}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["batchInferenceJobArn"].rpartition("/")[2]
        return {"batchInferenceJob": {"status": status[name], "failureReason": "x"}}

    answers = recommendation() | {
        ("personalize", "CreateBatchInferenceJob"): create,
        ("personalize", "DescribeBatchInferenceJob"): describe,
    }
    given = {"run_id": RUN, "versions": VERSIONS}
    assert run("recommend", given, answers)[0].status == "SUCCEEDED"
    assert status[f"{prefix}-4"] == "ACTIVE"
    fails |= {f"{prefix}-{number}" for number in range(5, 12)}
    status[f"{prefix}-4"] = "CREATE FAILED"
    assert run("recommend", given, answers)[0].status == "FAILED"
    assert f"{prefix}-6" in status and f"{prefix}-7" not in status


def test_more_jobs_than_a_run_may_have_fail_by_name_before_any_is_made() -> None:
    given = {"run_id": RUN, "versions": VERSIONS, "parts": {"users": list("abcdefghijk")}}
    result, cloud = run("recommend", given, recommendation())
    failed = json.loads(result.cause or "")
    assert (result.error, failed["state"]) == ("TooManyBatchJobs", "TooManyBatchJobs")
    assert failed["cause"].startswith("Batch inference takes 13 jobs, a run may have 12: ")
    assert not sent(cloud, "CreateBatchInferenceJob")
    given["parts"] = {"users": list("abcdefghij")}
    result, cloud = run("recommend", given, recommendation())
    assert result.status == "SUCCEEDED" and len(sent(cloud, "CreateBatchInferenceJob")) == 12


def test_publishing_hands_over_every_file_once_and_moves_each_pointer_after_its_files() -> None:
    _, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, recommendation())
    payloads = [json.loads(call["Payload"]) for call in sent(cloud, "Invoke")]
    batches = [payload for payload in payloads if "keys" in payload]
    personal = [key for batch in batches if batch["list"] == "personal" for key in batch["keys"]]
    assert sorted(personal) == [f"publish/{RUN}/personal/part-{n:05}.json.gz" for n in range(7)]
    assert {batch["version"] for batch in batches} == {RUN}
    assert {batch["bucket"] for batch in batches} == {NAMES.results_bucket}
    pointers = {call["Key"]["pk"]["S"] for call in swaps(cloud)}
    assert pointers == {"pointer#personal", "pointer#related", "pointer#popular"}
    order = [
        "swap" if name == "UpdateItem" else "publish"
        for _, name, parameters in cloud.calls
        if (name == "UpdateItem" and parameters["Key"]["pk"]["S"] == "pointer#personal")
        or (name == "Invoke" and json.loads(parameters["Payload"]).get("list") == "personal")
    ]
    assert order == ["publish"] * (len(order) - 1) + ["swap"]


class Failures:
    """What the bucket of results holds of batches that failed."""

    def __init__(self) -> None:
        self.objects: dict[str, str] = {}

    def answers(self) -> dict[tuple[str, str], Any]:
        files = recommendation()["s3", "ListObjectsV2"]

        def listed(parameters: dict[str, Any]) -> dict[str, Any]:
            if parameters.get("MaxKeys") != 1:
                return dict(files(parameters))
            keys = sorted(key for key in self.objects if key.startswith(parameters["Prefix"]))
            return {"Contents": [{"Key": key, "Size": 1} for key in keys[:1]], "IsTruncated": len(keys) > 1}

        return {("s3", "PutObject"): self.put, ("s3", "ListObjectsV2"): listed, ("s3", "GetObject"): self.get}

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert (parameters["Bucket"], parameters["ContentType"]) == (NAMES.results_bucket, "application/json")
        self.objects[parameters["Key"]] = parameters["Body"].read().decode()
        return {}

    def get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"Body": Body(self.objects[parameters["Key"]])}


def refusing(breaks: Callable[[dict[str, Any]], bool], *, message: str) -> Any:
    """The publishing function, which raises for payloads that `breaks` says."""
    well = recommendation()["lambda", "Invoke"]

    def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
        payload = json.loads(parameters["Payload"])
        if "keys" in payload and breaks(payload):
            error = {"errorType": "ListTooLong", "errorMessage": message}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body(json.dumps(error))}
        return dict(well(parameters))

    return {("lambda", "Invoke"): invoke}


def test_causes_of_batches_that_failed_lie_in_a_file_each_and_the_failure_says_where() -> None:
    failures = Failures()
    # What an earlier attempt of the run left is none of this one's.
    failures.objects[f"runs/{RUN}/unpublished/popular/another/a.json"] = '{"error": "Old", "cause": "before"}'
    answers = refusing(lambda payload: payload["list"] == "popular", message="a list does not fit")
    given = {"run_id": RUN, "versions": VERSIONS}
    result, _ = run("recommend", given, recommendation() | failures.answers() | answers)
    cause = json.loads(result.cause or "")["cause"]
    folder = f"runs/{RUN}/unpublished/popular/run-1/"
    assert f"2 of 2 batches failed, their causes lie in s3://{NAMES.results_bucket}/{folder}. " in cause
    assert "One of them: ListTooLong: " in cause and "a list does not fit" in cause and "before" not in cause
    written = [json.loads(body) for key, body in failures.objects.items() if key.startswith(folder)]
    assert all("a list does not fit" in one["cause"] and one["error"] == "ListTooLong" for one in written)
    files = sorted(file for one in written for file in one["files"])
    assert files == [f"publish/{RUN}/popular/part-{n:05}.json.gz" for n in range(7)]


def test_a_cause_that_can_not_be_written_or_read_leaves_the_failure_a_failure() -> None:
    def refused(_: dict[str, Any]) -> Any:
        raise ServiceError("AccessDenied", "no")

    unwritten = {("s3", "PutObject"): refused}
    answers = refusing(lambda payload: payload["list"] == "popular", message="x") | Failures().answers()
    result, cloud = run(
        "recommend", {"run_id": RUN, "versions": VERSIONS}, recommendation() | answers | unwritten
    )
    assert result.error == "PublishFailed" and not swaps(cloud)
    assert "2 of 2 batches failed" in (result.cause or "") and "no cause could be read" in (
        result.cause or ""
    )


def test_hundreds_of_batches_that_failed_fit_into_what_a_state_may_hold() -> None:
    """Each cause is as long as one may be: all of them are more than the 256 KB of a state's result."""
    failures, batches = Failures(), 120
    answers = recommendation() | failures.answers()
    found = {"Size": 1, "ETag": "e", "LastModified": datetime(2026, 11, 24), "StorageClass": "STANDARD"}
    failing = answers["s3", "ListObjectsV2"]

    def many(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters.get("MaxKeys") == 1 or "/popular/" not in parameters["Prefix"]:
            return dict(failing(parameters))
        keys = [f"{parameters['Prefix']}{n:05}.json.gz" for n in range(batches * recommend.FILES_A_BATCH)]
        return {"Contents": [{"Key": key, **found} for key in keys], "IsTruncated": False}

    refused = refusing(lambda payload: payload["list"] == "popular", message="x" * 5_000)
    listed = {("s3", "ListObjectsV2"): many}
    result, _ = run("recommend", {"run_id": RUN, "versions": VERSIONS}, answers | refused | listed)
    assert result.error == "PublishFailed", result.cause
    assert f"{batches} of {batches} batches failed" in (result.cause or "")
    assert sum(map(len, failures.objects.values())) > 256 * 1024 and len(failures.objects) == batches


@pytest.mark.parametrize("breaks", [{"popular"}, {"personal", "related", "popular"}])
def test_a_batch_that_can_not_be_published_keeps_the_version_and_says_why(breaks: set[str]) -> None:
    well = recommendation()["lambda", "Invoke"]

    def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
        payload = json.loads(parameters["Payload"])
        if payload.get("list") in breaks and payload["keys"][0].endswith("/part-00005.json.gz"):
            error = {"errorType": "ListTooLong", "errorMessage": "user 7 does not fit into an item"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body(json.dumps(error))}
        return dict(well(parameters))

    answers = recommendation() | Failures().answers() | {("lambda", "Invoke"): invoke}
    result, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, answers)
    failed = json.loads(result.cause or "")
    assert (result.error, failed["state"]) == ("PublishFailed", "PublishLists")
    assert "ListTooLong" in failed["cause"] and "user 7 does not fit into an item" in failed["cause"]
    assert swaps(cloud) == []  # no list of a run moves when one can't
    assert not any("load" in call["FunctionName"] for call in sent(cloud, "Invoke"))


def test_files_that_the_table_did_not_take_in_time_are_published_again() -> None:
    well, refused = recommendation()["lambda", "Invoke"], list[list[str]]()

    def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
        payload = json.loads(parameters["Payload"])
        if payload.get("list") == "popular" and len(refused) < 6:
            refused.append(payload["keys"])
            error = {"errorType": "WritesUnprocessed", "errorMessage": "the table did not take 9 items"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body(json.dumps(error))}
        return dict(well(parameters))

    answers = recommendation() | {("lambda", "Invoke"): invoke}
    result, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, answers)
    assert result.status == "SUCCEEDED", result.cause
    assert len(refused) == 6 and len(swaps(cloud)) == 3


def test_a_function_that_died_is_called_again() -> None:
    well, died = analytics()["lambda", "Invoke"], list[dict[str, Any]]()

    def invoke(parameters: dict[str, Any]) -> dict[str, Any]:
        if "load" in parameters["FunctionName"] and not died:
            died.append(parameters)
            error = {"errorType": "Runtime.ExitError", "errorMessage": "signal: killed"}
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": Body(json.dumps(error))}
        return dict(well(parameters))

    answers = analytics() | {("lambda", "Invoke"): invoke}
    result, _ = run("load", {"runs": [RUN]}, answers)
    assert result.status == "SUCCEEDED" and died


def test_a_list_with_no_file_never_becomes_the_published_version() -> None:
    empty = {("s3", "ListObjectsV2"): {"IsTruncated": False}}
    result, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, recommendation() | empty)
    assert result.error == "NothingPublished"
    assert swaps(cloud) == []


def test_a_pointer_that_was_moved_already_is_no_failure() -> None:
    def moved(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["Key"]["pk"]["S"].startswith("pointer#"):
            raise ServiceError("ConditionalCheckFailedException")
        return {}

    answers = recommendation() | {("dynamodb", "UpdateItem"): moved}
    result, _ = run("recommend", {"run_id": RUN, "versions": VERSIONS}, answers)
    assert result.status == "SUCCEEDED"


class Table:
    """The table of recommendations: pointers, versions, and what was published, version by version."""

    def __init__(self) -> None:
        self.pointers: dict[str, dict[str, str]] = {}
        self.versions: dict[str, set[str]] = {}
        self.expiring: dict[tuple[str, str], int | None] = {}  # (list, version) -> expires_at

    def answers(self) -> dict[tuple[str, str], Any]:
        return {
            ("dynamodb", "UpdateItem"): self.update,
            ("dynamodb", "GetItem"): self.get,
            ("lambda", "Invoke"): functions(judge_lists={}, publish_recommendations=self.publish),
        }

    def publish(self, payload: dict[str, Any]) -> dict[str, Any]:
        assert all(f"/{payload['version']}/" in f"/{key}" for key in payload["keys"])
        self.expiring[payload["list"], payload["version"]] = payload["expiry"]
        return {"written": len(payload["keys"])}

    def update(self, parameters: dict[str, Any]) -> dict[str, Any]:
        what, _, name = parameters["Key"]["pk"]["S"].partition("#")
        value = parameters["ExpressionAttributeValues"][":version"]
        if what == "pointer":
            pointer = self.pointers.setdefault(name, {})
            pointer.update(previous=pointer.get("current", value["S"]), current=value["S"])
            return {}
        change = set.add if parameters["UpdateExpression"].startswith("ADD") else set.discard
        change(self.versions.setdefault(name, set()), value["SS"][0])
        return {}

    def get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        what, _, name = parameters["Key"]["pk"]["S"].partition("#")
        if what == "pointer":
            return {"Item": {key: {"S": value} for key, value in self.pointers.get(name, {}).items()}}
        versions = self.versions.get(name)
        return {"Item": {"versions": {"SS": sorted(versions)}} if versions else {}}

    def staying(self, name: str) -> list[str]:
        return sorted(v for (n, v), expires in self.expiring.items() if n == name and expires is None)


def recommend_again(table: Table, run_id: str, **more: Any) -> Result:
    answers = recommendation() | table.answers() | more
    return run("recommend", {"run_id": run_id, "versions": VERSIONS}, answers)[0]


def test_what_serves_and_what_it_may_be_rolled_back_to_never_expire_and_the_rest_does() -> None:
    table = Table()
    nights = [f"202611{day:02}T030000Z" for day in range(1, 6)]
    for night in nights:
        before = datetime.now().timestamp()
        assert recommend_again(table, night).status == "SUCCEEDED"
        serving = [table.pointers["personal"]["current"], table.pointers["personal"]["previous"]]
        assert set(serving) <= set(table.staying("personal"))
    for name in ("personal", "related", "popular"):
        assert table.staying(name) == nights[-2:]
        assert table.versions[name] == set(nights[-2:])
    expires = table.expiring["personal", nights[-3]]
    days = SETTINGS.publishing.expire_after_days
    assert expires is not None and before <= expires - days * 86_400 + 1 <= before + 60


def test_what_a_failed_publication_left_expires_with_the_next_one() -> None:
    table, nights = Table(), [f"202611{day:02}T030000Z" for day in range(1, 5)]
    assert recommend_again(table, nights[0]).status == "SUCCEEDED"

    def breaks(payload: dict[str, Any]) -> Any:
        if payload["list"] == "related":
            raise ServiceError("ServiceException")
        return table.publish(payload)

    broken = {("lambda", "Invoke"): functions(judge_lists={}, publish_recommendations=breaks)}
    for night in nights[1:3]:
        result = run(
            "recommend",
            {"run_id": night, "versions": VERSIONS},
            recommendation() | table.answers() | broken,
        )[0]
        assert result.status == "FAILED"
    assert table.staying("personal") == nights[:3]
    assert recommend_again(table, nights[3]).status == "SUCCEEDED"
    assert table.staying("personal") == [nights[0], nights[3]]


def test_a_version_that_can_not_be_retired_now_is_retired_by_the_next_run_and_fails_nothing() -> None:
    table, nights = Table(), [f"202611{day:02}T030000Z" for day in range(1, 5)]
    for night in nights[:2]:
        recommend_again(table, night)

    def refuses(payload: dict[str, Any]) -> Any:
        if payload["expiry"] is not None:
            raise ServiceError("ServiceException")
        return table.publish(payload)

    refused = {("lambda", "Invoke"): functions(judge_lists={}, publish_recommendations=refuses)}
    result = run(
        "recommend", {"run_id": nights[2], "versions": VERSIONS}, recommendation() | table.answers() | refused
    )[0]
    assert result.status == "SUCCEEDED"
    assert nights[0] in table.versions["personal"] and nights[0] in table.staying("personal")
    assert recommend_again(table, nights[3]).status == "SUCCEEDED"
    assert table.staying("personal") == nights[2:] and table.versions["personal"] == set(nights[2:])


RUNS = ["20261122T030000Z", "20261123T030000Z", RUN]


def by_run(answer: Any) -> Any:
    """The load function, told by what each run's calls are answered: `answer(run_id)`."""
    started: dict[str, Any] = {}

    def load_warehouse(payload: dict[str, Any]) -> Any:
        run_id = payload["run_id"]
        if "statement" not in payload:
            started[run_id] = answer(run_id)
        return started[run_id](payload)

    return load_warehouse


def test_load_takes_every_run_before_the_marts_are_built_oldest_first() -> None:
    answers = analytics(load_warehouse=by_run(lambda run_id: loading("SUBMITTED", "STARTED", "FINISHED")))
    result, cloud = run("load", {"runs": RUNS}, answers)
    assert output(result) == {"runs": RUNS, "dbt": {"models": 1, "tests": 2, "failed": []}}
    payloads = [json.loads(call["Payload"]) for call in sent(cloud, "Invoke")]
    assert [call["run_id"] for call in payloads] == [run_id for run_id in RUNS for _ in range(3)] + [RUN]
    removed = sent(cloud, "UpdateItem")
    assert [call["ExpressionAttributeValues"] for call in removed] == [
        {":run": {"SS": [one]}} for one in RUNS
    ]
    assert {call["UpdateExpression"] for call in removed} == {"DELETE run_ids :run"}


DECISION = {
    "experiment": "popular-home",
    "version": "0123abcd",
    "variant": "popular",
    "decision": "stop_guardrail",
    "stops": True,
    "words_en": "Stop it: worse than the margin allows by revenue.",
    "words_ja": "停止してください。",
}


def with_experiment(*decisions: dict[str, Any], known: dict[str, str]) -> tuple[Result, Cloud]:
    """`load` of a configuration with an experiment; `known` is what was told of a key before."""

    def item(parameters: dict[str, Any]) -> dict[str, Any]:
        told = known.get(parameters["Key"]["pk"]["S"])
        return {"Item": {"decision": {"S": told}}} if told else {}

    answers = analytics(analyse_experiments={"experiments": 2, "rows": 9, "decisions": [*decisions]}) | {
        ("dynamodb", "GetItem"): item,
        ("dynamodb", "PutItem"): {},
        ("events", "PutEvents"): {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]},
        ("sns", "Publish"): {"MessageId": "m"},
    }
    given = example.settings(experiments=example.experiments())
    return run("load", {"runs": [RUN]}, answers, given=given)


def test_a_decision_is_told_after_the_marts_are_built_and_noted_after_it_was_told() -> None:
    result, cloud = with_experiment(DECISION, known={})
    assert output(result)["decisions"] == [DECISION] and output(result)["dbt"]["models"] == 1
    names = [name for _, name, _ in cloud.calls]
    assert names[-4:] == ["GetItem", "PutEvents", "Publish", "PutItem"]
    [entry] = sent(cloud, "PutEvents")[0]["Entries"]
    assert (entry["Source"], entry["DetailType"]) == ("osusume-dev", "Experiment decided")
    assert json.loads(entry["Detail"]) == DECISION | {"run_id": RUN}
    [mail] = sent(cloud, "Publish")
    assert mail["TopicArn"] == NAMES.topic_arn
    assert mail["Subject"] == "osusume-dev: popular-home: stop_guardrail"
    assert DECISION["words_en"] in mail["Message"] and DECISION["words_ja"] in mail["Message"]
    assert "make experiment ENV=dev ON=aws NAME=popular-home" in mail["Message"]
    [noted] = sent(cloud, "PutItem")
    key = layout.DECISION.of(experiment="popular-home", version="0123abcd", variant="popular")
    assert noted["Item"] == {"pk": {"S": key}, "decision": {"S": "stop_guardrail"}}


def test_a_decision_is_told_once_and_another_one_of_the_same_variant_again() -> None:
    key = layout.DECISION.of(experiment="popular-home", version="0123abcd", variant="popular")
    _, same = with_experiment(DECISION, known={key: "stop_guardrail"})
    assert not sent(same, "Publish") and not sent(same, "PutEvents") and not sent(same, "PutItem")
    other = DECISION | {"variant": "fresh", "decision": "ship"}
    _, both = with_experiment(DECISION, other, known={key: "ship"})
    assert [one["Subject"].rpartition(" ")[2] for one in sent(both, "Publish")] == ["stop_guardrail", "ship"]


def test_without_a_decision_nobody_is_told_and_without_an_experiment_nothing_is_analysed() -> None:
    result, cloud = with_experiment(known={})
    assert output(result)["decisions"] == [] and not sent(cloud, "Publish")
    _, plain = run("load", {"runs": [RUN]}, analytics())
    assert not [call for call in sent(plain, "Invoke") if "analyse" in call["FunctionName"]]


def test_no_run_is_loaded_after_one_that_failed_and_only_what_was_loaded_is_no_longer_pending() -> None:
    def answer(run_id: str) -> Any:
        return loading("SUBMITTED", "FAILED" if run_id == RUNS[1] else "FINISHED", reason="no table")

    result, cloud = run("load", {"runs": RUNS}, analytics(load_warehouse=by_run(answer)))
    assert result.error == "LoadFailed"
    loaded = [json.loads(call["Payload"])["run_id"] for call in sent(cloud, "Invoke")]
    assert loaded == [RUNS[0]] * 2 + [RUNS[1]] * 2
    assert [call["ExpressionAttributeValues"] for call in sent(cloud, "UpdateItem")] == [
        {":run": {"SS": [RUNS[0]]}}
    ]


def test_a_failed_load_is_named_with_redshifts_message() -> None:
    failed = loading("SUBMITTED", "FAILED", reason="no table")
    result, _ = run("load", {"runs": [RUN]}, analytics(load_warehouse=failed))
    assert result.error == "LoadFailed"
    assert json.loads(result.cause or "") == {
        "workflow": "load",
        "state": "LoadRuns",
        "error": "LoadFailed",
        "cause": f"Load into the warehouse of run {RUN} failed: no table",
    }


def child(**outcomes: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Child executions by workflow: what DescribeExecution says of each."""
    outputs = {
        "prepare": {"run_id": RUN, "rows": {"users": 3}},
        "train": {"run_id": RUN, "versions": VERSIONS, "unused_solutions": UNUSED},
        "recommend": {"run_id": RUN},
        "load": {"runs": [RUN]},
    }

    def start(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["stateMachineArn"].split("-")[-1]
        return {"executionArn": f"{NAMES.execution_arn(name)}:{parameters['name']}", "startDate": 0}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["executionArn"].split(":")[-2].split("-")[-1]
        succeeded = {"status": "SUCCEEDED", "output": json.dumps(outputs[name])}
        return {
            "executionArn": parameters["executionArn"],
            "stateMachineArn": NAMES.workflow_arn(name),
            "startDate": 0,
            **outcomes.get(name, succeeded),
        }

    return {("stepfunctions", "StartExecution"): start, ("stepfunctions", "DescribeExecution"): describe}


def pending(*run_ids: str) -> dict[str, Any]:
    """What the control table answers when a run was added to those that the warehouse misses."""
    key = {"pk": {"S": "warehouse_pending"}}
    return {"Attributes": {**key, "run_ids": {"SS": list(run_ids)}}}


def whole(**outcomes: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {
        ("dynamodb", "PutItem"): {},
        ("dynamodb", "UpdateItem"): pending(RUN),
        ("dynamodb", "DeleteItem"): {},
        ("lambda", "Invoke"): functions(plan_run=PLAN),
        ("cloudwatch", "EnableAlarmActions"): {},
        ("sns", "Publish"): {"MessageId": "m"},
        **described_datasets(),
        **child(**outcomes),
    }


def test_a_whole_run_records_the_watermark_and_releases_the_lock() -> None:
    result, cloud = run("pipeline", {"mode": "auto"}, whole())
    assert output(result) == {
        "run_id": RUN,
        "mode": "full",
        "versions": VERSIONS,
        "unused_solutions": UNUSED,
    }
    items = {call["Item"]["pk"]["S"]: call["Item"] for call in sent(cloud, "PutItem")}
    assert items["watermark"]["log_exported_until"]["S"] == PLAN["export"]["to"]
    assert items[f"run#{RUN}"]["mode"]["S"] == "full"
    assert json.loads(items[f"run#{RUN}"]["unused_solutions"]["S"]) == UNUSED
    assert items["lock"]["owner"]["S"] == f"{NAMES.execution_arn('pipeline')}:run-1"
    assert sent(cloud, "DeleteItem")[0]["Key"] == {"pk": {"S": "lock"}}
    assert sent(cloud, "Publish") == []
    inputs = [json.loads(call["input"]) for call in sent(cloud, "StartExecution")]
    assert inputs[0]["export"] == PLAN["export"]
    assert inputs[2]["versions"] == VERSIONS
    assert inputs[2]["parts"] == {}
    assert inputs[3]["runs"] == [RUN]


def test_the_parts_of_batch_input_go_from_the_preparation_to_the_lists() -> None:
    prepared = {"run_id": RUN, "rows": {"users": 3}, "parts": PARTS}
    answers = whole(prepare={"status": "SUCCEEDED", "output": json.dumps(prepared)})
    _, cloud = run("pipeline", {"mode": "auto"}, answers)
    assert [json.loads(call["input"]) for call in sent(cloud, "StartExecution")][2]["parts"] == PARTS


def test_the_alarm_on_lateness_begins_with_a_run_that_was_recorded() -> None:
    _, cloud = run("pipeline", {"mode": "auto"}, whole())
    assert sent(cloud, "EnableAlarmActions") == [{"AlarmNames": [NAMES.late_alarm]}]
    failed = {"recommend": {"status": "FAILED", "error": "E", "cause": "why"}}
    _, cloud = run("pipeline", {"mode": "auto"}, whole(**failed))
    assert sent(cloud, "EnableAlarmActions") == []


def test_a_run_whose_alarm_cannot_be_turned_on_goes_on() -> None:
    def refuse(parameters: dict[str, Any]) -> Any:
        raise ServiceError("AccessDeniedException", "not authorized")

    refused = {("cloudwatch", "EnableAlarmActions"): refuse}
    result, cloud = run("pipeline", {"mode": "auto"}, whole() | refused)
    assert output(result)["run_id"] == RUN
    assert [json.loads(call["input"]) for call in sent(cloud, "StartExecution")][3]["runs"] == [RUN]


@pytest.mark.parametrize("accept", [["users.distinct"], ["rows.items", "users.distinct"]])
def test_what_is_accepted_reaches_the_job_that_judges(accept: list[str]) -> None:
    _, cloud = run("pipeline", {"mode": "auto", "accept": accept}, whole())
    prepare_input = json.loads(sent(cloud, "StartExecution")[0]["input"])
    assert prepare_input["accept"] == accept
    _, cloud = run("prepare", prepare_input, preparation())
    jobs = {call["JobName"]: call["Arguments"] for call in sent(cloud, "StartJobRun")}
    assert json.loads(jobs[NAMES.job("build-datasets")]["--accept"]) == accept


class Control:
    """The control table, as far as a run that resumes another needs it."""

    def __init__(self, newest: str | None = None) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        if newest:
            self.items["watermark"] = {"run_id": {"S": newest}}

    def answers(self, **outcomes: Any) -> dict[tuple[str, str], Any]:
        return whole(**outcomes) | {
            ("dynamodb", "UpdateItem"): self.update,
            ("dynamodb", "GetItem"): self.get,
            ("dynamodb", "PutItem"): self.put,
        }

    def put(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self.items[parameters["Item"]["pk"]["S"]] = parameters["Item"]
        return {}

    def update(self, parameters: dict[str, Any]) -> dict[str, Any]:
        key = parameters["Key"]["pk"]["S"]
        if key == "warehouse_pending":
            return pending(RUN)
        phase = parameters["ExpressionAttributeNames"]["#phase"]
        self.items.setdefault(key, {})[phase] = parameters["ExpressionAttributeValues"][":value"]
        return {}

    def get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        item = self.items.get(parameters["Key"]["pk"]["S"])
        return {"Item": item} if item else {}


def parts(cloud: Cloud) -> list[str]:
    return [call["stateMachineArn"].split("-")[-1] for call in sent(cloud, "StartExecution")]


ALL_PARTS = ["prepare", "train", "recommend", "load"]


@pytest.mark.parametrize("part", ALL_PARTS[:3])
def test_a_run_that_failed_is_resumed_after_the_phase_that_it_finished_last(part: str) -> None:
    control = Control()
    inner = json.dumps({"workflow": part, "state": "S", "error": "E", "cause": "c"})
    result, cloud = run("pipeline", {}, control.answers(**{part: failed_child("E", inner)}))
    assert result.status == "FAILED"
    assert sent(cloud, "Publish")[0]["Message"].endswith(f"""--input '{{"resume": "{RUN}"}}'""")
    result, cloud = run("pipeline", {"resume": RUN}, control.answers())
    assert output(result) == {
        "run_id": RUN,
        "mode": "full",
        "versions": VERSIONS,
        "unused_solutions": UNUSED,
    }
    assert parts(cloud) == ALL_PARTS[ALL_PARTS.index(part) :]
    assert not [call for call in sent(cloud, "Invoke") if "plan-run" in call["FunctionName"]]
    assert control.items["watermark"]["run_id"]["S"] == RUN
    assert json.loads(control.items[f"run#{RUN}"]["rows"]["S"]) == {"users": 3}


def test_a_run_whose_lists_serve_is_resumed_by_recording_it() -> None:
    control = Control()
    answers = control.answers()

    def refuses(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["Item"]["pk"]["S"] == "watermark":
            raise ServiceError("ValidationException")
        return control.put(parameters)

    result, _ = run("pipeline", {}, answers | {("dynamodb", "PutItem"): refuses})
    assert result.status == "FAILED"
    result, cloud = run("pipeline", {"resume": RUN}, answers)
    assert result.status == "SUCCEEDED"
    assert parts(cloud) == ["load"]
    assert control.items["watermark"]["run_id"]["S"] == RUN


def test_a_run_that_was_never_planned_is_not_resumed() -> None:
    result, cloud = run("pipeline", {"resume": "20250101T000000Z"}, Control().answers())
    assert (result.error, parts(cloud)) == ("NothingToResume", [])
    assert "Run 20250101T000000Z was never planned here" in (result.cause or "")
    assert len(sent(cloud, "DeleteItem")) == 1, "the lock is released"


@pytest.mark.parametrize("newest", ["20261125T030000Z", RUN])
def test_a_run_is_not_resumed_after_a_newer_one_or_itself_succeeded(newest: str) -> None:
    control = Control(newest)
    control.items[f"progress#{RUN}"] = {"plan": {"S": json.dumps(PLAN)}, "trained": {"S": "{}"}}
    result, cloud = run("pipeline", {"resume": RUN}, control.answers())
    assert (result.error, parts(cloud)) == ("ResumedTooLate", [])
    assert newest in (result.cause or "")


NOW = datetime.fromisoformat(PLAN["export"]["to"])


def days_ago(*days: int) -> list[str]:
    return [f"{NOW - timedelta(days=day):%Y%m%dT%H%M%SZ}" for day in days]


@pytest.mark.parametrize(
    ("missed", "loaded"),
    [
        ([0], [0]),
        ([0, 1], [1, 0]),
        ([1, 3, 0, 2], [3, 2, 1, 0]),
        ([0, 89, 91, 200], [89, 0]),  # the files of a run live for 90 days
        (list(range(40)), list(range(39, 9, -1))),  # the others' turn comes next
    ],
)
def test_the_warehouse_catches_up_the_runs_that_it_missed(missed: list[int], loaded: list[int]) -> None:
    answers = whole() | {("dynamodb", "UpdateItem"): pending(*days_ago(*missed))}
    result, cloud = run("pipeline", {"mode": "auto"}, answers)
    assert result.status == "SUCCEEDED"
    assert json.loads(sent(cloud, "StartExecution")[3]["input"])["runs"] == days_ago(*loaded)
    [added] = [call for call in sent(cloud, "UpdateItem") if call["Key"]["pk"]["S"] == "warehouse_pending"]
    assert added["UpdateExpression"] == "ADD run_ids :run"
    assert added["ExpressionAttributeValues"] == {":run": {"SS": [RUN]}}


@pytest.mark.parametrize("ending", [{"status": "TIMED_OUT"}, {"status": "ABORTED"}, "failed"])
def test_a_run_that_the_warehouse_did_not_take_succeeded_and_the_notification_is_true(ending: Any) -> None:
    inner = {"workflow": "load", "state": "RunDbt", "error": "DbtBuildFailed", "cause": "2 nodes failed"}
    outcome = failed_child("DbtBuildFailed", json.dumps(inner)) if ending == "failed" else ending
    result, cloud = run("pipeline", {"mode": "auto"}, whole(load=outcome))
    assert output(result) == {
        "run_id": RUN,
        "mode": "full",
        "versions": VERSIONS,
        "unused_solutions": UNUSED,
    }
    recorded = [call["Item"]["pk"]["S"] for call in sent(cloud, "PutItem")]
    assert recorded == ["lock", f"run#{RUN}", "watermark"]
    [message] = sent(cloud, "Publish")
    assert message["Subject"].startswith("osusume-dev: warehouse failed in ")
    first = message["Message"].splitlines()[0]
    assert "lists of this run serve; the warehouse has not taken the run" in first
    assert "serves on" not in message["Message"]
    # The run is recorded: resumed, it would end with ResumedTooLate.
    assert message["Message"].endswith("""--input '{"mode": "auto"}'""")
    assert len(sent(cloud, "DeleteItem")) == 1
    calls = [(name, parameters.get("Key")) for _, name, parameters in cloud.calls]
    starts = [place for place, (name, _) in enumerate(calls) if name == "StartExecution"]
    assert calls.index(("UpdateItem", {"pk": {"S": "warehouse_pending"}})) < starts[-1]


@pytest.mark.parametrize(("operation", "part"), [("UpdateItem", "AddPending"), ("PutItem", "RecordRun")])
def test_a_run_that_could_not_be_recorded_says_that_its_lists_serve(operation: str, part: str) -> None:
    def refuse(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters.get("Item", {}).get("pk") == {"S": "lock"} or "#phase" in parameters.get(
            "ExpressionAttributeNames", {}
        ):
            return {}
        raise ServiceError("AccessDeniedException", "not authorized")

    result, cloud = run("pipeline", {}, whole() | {("dynamodb", operation): refuse})
    assert result.status == "FAILED"
    [message] = sent(cloud, "Publish")
    assert message["Subject"] == f"osusume-dev: run not recorded, failed in pipeline / {part}"
    assert "the lists of this run serve, but the run could not be recorded" in message["Message"]
    assert message["Message"].endswith(f"""--input '{{"resume": "{RUN}"}}'""")
    assert "serves on" not in message["Message"]
    assert len(sent(cloud, "DeleteItem")) == 1


def test_the_planner_gets_the_schedules_time_only_when_there_is_one() -> None:
    for value in ({"mode": "full"}, {"mode": "full", "scheduled_time": "2026-11-24T03:00:00Z"}):
        _, cloud = run("pipeline", value, whole())
        payload = json.loads(sent(cloud, "Invoke")[0]["Payload"])
        assert payload["mode"] == "full"
        assert payload.get("scheduled_time") == value.get("scheduled_time")
        assert ("scheduled_time" in payload) == ("scheduled_time" in value)


OWNER = f"{NAMES.execution_arn('pipeline')}:yesterday"


def held(status: str | ServiceError, *, owner: str | None = OWNER, moved: bool = False) -> Any:
    """The lock is `owner`'s, whose execution has this status; `moved`: somebody else takes it over first."""
    children = child()["stepfunctions", "DescribeExecution"]

    def put(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["Item"]["pk"] == {"S": "lock"}:
            values = parameters["ExpressionAttributeValues"]
            dead = values.get(":dead", {}).get("S")
            if moved or (dead is None or (owner is not None and dead != owner)):
                raise ServiceError("ConditionalCheckFailedException")
        return {}

    def describe(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["executionArn"] != (owner or "released"):
            return dict(children(parameters))
        if isinstance(status, ServiceError):
            raise status
        return {**children({"executionArn": f"{NAMES.execution_arn('load')}:x"}), "status": status}

    item = {"Item": {"pk": {"S": "lock"}, "owner": {"S": owner}}} if owner else {}
    return whole() | {
        ("dynamodb", "PutItem"): put,
        ("dynamodb", "GetItem"): item,
        ("stepfunctions", "DescribeExecution"): describe,
    }


@pytest.mark.parametrize("answers", [held("RUNNING"), held("FAILED", moved=True), held("PENDING_REDRIVE")])
def test_a_second_run_is_refused_while_the_first_holds_the_lock(answers: Any) -> None:
    result, cloud = run("pipeline", {"mode": "auto"}, answers)
    assert (result.status, result.error) == ("FAILED", "AlreadyRunning")
    assert sent(cloud, "DeleteItem") == [], "the lock is the other run's"
    assert sent(cloud, "StartExecution") == []


@pytest.mark.parametrize(
    "answers",
    [
        *(held(status) for status in ("FAILED", "TIMED_OUT", "ABORTED", "SUCCEEDED")),
        held(ServiceError("ExecutionDoesNotExist")),
        held(ServiceError("InvalidArn"), owner="somebody"),
        held(ServiceError("InvalidArn"), owner=None),  # it was released meanwhile
    ],
)
def test_a_lock_whose_owner_runs_no_longer_is_taken_over(answers: Any) -> None:
    result, cloud = run("pipeline", {"mode": "auto"}, answers)
    assert output(result)["run_id"] == RUN
    first, second = (call for call in sent(cloud, "PutItem") if call["Item"]["pk"] == {"S": "lock"})
    assert (
        first["Item"]["owner"] == second["Item"]["owner"] == {"S": f"{NAMES.execution_arn('pipeline')}:run-1"}
    )
    assert second["ConditionExpression"] == "attribute_not_exists(pk) OR #owner = :dead OR #owner = :me"
    assert sent(cloud, "GetItem")[0]["ConsistentRead"] is True


def test_a_lock_whose_owner_can_not_be_looked_at_stays_and_somebody_is_told() -> None:
    result, cloud = run("pipeline", {}, held(ServiceError("AccessDeniedException", "not authorized")))
    assert result.status == "FAILED"
    assert sent(cloud, "StartExecution") == []
    [message] = sent(cloud, "Publish")
    assert "State: DescribeOwner" in message["Message"]
    assert sent(cloud, "DeleteItem")[0]["ConditionExpression"] == "#owner = :me"


def failed_child(error: str, cause: str) -> dict[str, Any]:
    return {"status": "FAILED", "error": error, "cause": cause}


def test_the_notification_names_the_failed_workflow_state_error_and_cause() -> None:
    inner = {"workflow": "train", "state": "ImportDatasets", "error": "ImportFailed", "cause": "no TIMESTAMP"}
    result, cloud = run("pipeline", {}, whole(train=failed_child("ImportFailed", json.dumps(inner))))
    message = sent(cloud, "Publish")[0]
    assert message["TopicArn"] == NAMES.topic_arn
    assert message["Subject"] == "osusume-dev: run failed in train / ImportDatasets"
    for part in ("Workflow: train", "State: ImportDatasets", "Error: ImportFailed", "Cause: no TIMESTAMP"):
        assert part in message["Message"].splitlines()
    assert "aws stepfunctions start-execution" in message["Message"]
    assert (result.status, result.error) == ("FAILED", "ImportFailed")
    assert len(sent(cloud, "DeleteItem")) == 1
    assert "watermark" not in [call["Item"]["pk"]["S"] for call in sent(cloud, "PutItem")]


def test_a_child_that_timed_out_is_explained_too() -> None:
    result, cloud = run("pipeline", {}, whole(recommend={"status": "TIMED_OUT"}))
    assert "Error: TIMED_OUT" in sent(cloud, "Publish")[0]["Message"]
    assert "recommend" in sent(cloud, "Publish")[0]["Message"]
    assert result.status == "FAILED"


def test_a_failed_function_of_the_pipeline_itself_is_explained() -> None:
    def broken(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("AccessDeniedException", "not authorized")

    result, cloud = run("pipeline", {}, whole() | {("lambda", "Invoke"): broken})
    assert "State: PlanRun" in sent(cloud, "Publish")[0]["Message"]
    assert result.status == "FAILED"
    assert len(sent(cloud, "DeleteItem")) == 1


def test_the_lock_is_released_even_when_nobody_can_be_told() -> None:
    def down(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("AuthorizationErrorException")

    result, cloud = run("pipeline", {}, whole(train=failed_child("X", "y")) | {("sns", "Publish"): down})
    assert len(sent(cloud, "DeleteItem")) == 1
    assert result.error == "X"


def deep(levels: int) -> str:
    text = "why"
    for _ in range(levels):
        text = json.dumps({"Cause": text, "cause": text, "workflow": {"a": [text]}})
    return text


FAILED_CHILD = json.dumps(
    {
        "Cause": json.dumps({"workflow": "train", "state": "S", "error": "E", "cause": 'a "b" \\ \n' * 5}),
        "Error": "E",
        "StateMachineArn": NAMES.workflow_arn("train"),
    }
)
CAUSES = [
    *(FAILED_CHILD[:end] for end in range(len(FAILED_CHILD) + 1)),
    *(
        f"{{{text}"
        for text in ("", "}", "not JSON", "{" * 500, "\0", "% x %}", '"Cause": 5}', '"Cause": null}')
    ),
    *(deep(levels) for levels in range(5)),
    *(
        text
        for inner in (
            {"workflow": 5},
            {"workflow": None, "state": None},
            {"workflow": ["a"], "state": {"b": 1}, "error": {}, "cause": []},
            {"workflow": "a\nb\0", "state": "é" * 300, "error": "e" * 500, "cause": "c" * 40_000},
        )
        for text in (json.dumps(inner), json.dumps({"Cause": json.dumps(inner)}))
    ),
    json.dumps({"Cause": "x" * 40_000})[:32_768],
    "{" + "x" * 40_000,
    "x" * 40_000,
    "\u0001\x7f\u2028😀" * 1000,
]


def told_and_released(cause: str, *, at: str) -> None:
    """A child that Step Functions reports with this text, or a function that fails with it."""

    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("AccessDeniedException", cause)

    answers = whole()
    if at == "PlanRun":
        answers["lambda", "Invoke"] = fail
    elif at == "StartExecution":
        answers["stepfunctions", "StartExecution"] = fail
    else:
        answers |= child(**{at: failed_child("E", cause)})
    result, cloud = run("pipeline", {}, answers)
    assert result.status == ("SUCCEEDED" if at == "load" else "FAILED"), cause
    assert [call["Key"] for call in sent(cloud, "DeleteItem")] == [{"pk": {"S": "lock"}}], cause
    [message] = sent(cloud, "Publish")
    assert re.fullmatch(r"[ -~]{1,99}", message["Subject"]), message["Subject"]
    assert len(message["Message"]) < 10_000
    assert len(result.error or "") <= 256 and len(result.cause or "") <= 32_768


@pytest.mark.parametrize(
    ("at", "step"),
    [
        *((at, 7) for at in ("PlanRun", "StartExecution", "train", "load")),
        pytest.param("train", 1, marks=pytest.mark.nightly),
    ],
)
def test_whatever_a_cause_is_somebody_is_told_and_the_lock_is_released(at: str, step: int) -> None:
    for cause in CAUSES[::step]:
        told_and_released(cause, at=at)


@settings(max_examples=40)
@given(
    cause=st.one_of(st.text(), st.text().map("{{{}".format), json_texts()),
    at=st.sampled_from(["PlanRun", "train"]),
)
def test_a_generated_cause_releases_the_lock_too(cause: str, at: str) -> None:
    told_and_released(cause, at=at)


@pytest.mark.parametrize("cause", ["x" * 40_000, "\u0001" * 32_768, '\\"' * 16_384])
def test_a_childs_cause_fits_into_the_report_of_its_parent(cause: str) -> None:
    def fail(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("AccessDeniedException", cause)

    result, _ = run("train", {"run_id": RUN}, training() | {("personalize", "CreateDatasetImportJob"): fail})
    said = json.loads(result.cause or "")
    assert said["workflow"] == "train" and 100 < len(said["cause"]) <= 3000
    assert len(json.dumps({"Cause": result.cause})) < 32_768 - 8_000  # its input and names come beside it


def longest_settings() -> Settings:
    """The longest names that the configuration accepts."""
    content = copy.deepcopy(SETTINGS.model_dump())
    content |= {"app": "a" * 15, "environment": "e" * 10, "placements": {}}
    for position, solution in enumerate(content["solutions"]):
        solution["name"] = f"s{position}".ljust(17, "x")
    return Settings.model_validate(content)


def test_names_made_at_run_time_fit_personalizes_63_characters() -> None:
    names = longest_settings().names
    parts = [solution.name for solution in longest_settings().solutions] + list(layout.DATASETS)
    assert max(len(f"{names.prefix}-{part}-{RUN}{SECOND_ATTEMPT}") for part in parts) == 63
    assert all(len(solutions.name(longest_settings(), one)) <= 63 for one in longest_settings().solutions)


CLEANED = {
    "deleted": ["osusume-dev-personal-of-old"],
    "in_use": [],
    "kept": ["osusume-dev-personal-of-today"],
}


def cleaning(**changed: Any) -> dict[tuple[str, str], Any]:
    return {
        ("dynamodb", "PutItem"): {},
        ("dynamodb", "DeleteItem"): {},
        ("lambda", "Invoke"): functions(clean_up=CLEANED),
        **changed,
    }


def test_the_clean_up_works_under_the_lock_that_runs_have_and_lets_it_go() -> None:
    result, cloud = run("clean-up", {}, cleaning())
    assert output(result) == CLEANED
    [taken] = sent(cloud, "PutItem")
    assert taken["Item"]["pk"] == {"S": "lock"}
    assert taken["Item"]["owner"] == {"S": f"{NAMES.execution_arn('clean-up')}:run-1"}
    [released] = sent(cloud, "DeleteItem")
    assert released["Key"] == {"pk": {"S": "lock"}}
    _, running = run("pipeline", {"mode": "auto"}, whole())
    of_a_run = next(call for call in sent(running, "PutItem") if call["Item"]["pk"] == {"S": "lock"})
    assert taken["ConditionExpression"] == of_a_run["ConditionExpression"]


def test_the_clean_up_leaves_the_lock_to_a_run_and_touches_nothing() -> None:
    def held(_: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ConditionalCheckFailedException")

    owner = f"{NAMES.execution_arn('pipeline')}:run-0"
    answers = cleaning() | {
        ("dynamodb", "PutItem"): held,
        ("dynamodb", "GetItem"): {"Item": {"pk": {"S": "lock"}, "owner": {"S": owner}}},
        ("stepfunctions", "DescribeExecution"): lambda _: {"status": "RUNNING", "name": "run-0"},
    }
    result, cloud = run("clean-up", {}, answers)
    assert output(result) == {"skipped": "a run holds the lock"}
    assert sent(cloud, "Invoke") == [] and sent(cloud, "DeleteItem") == []


def test_a_clean_up_that_fails_lets_the_lock_go_and_says_where() -> None:
    def broken(payload: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("AccessDeniedException")

    result, cloud = run("clean-up", {}, cleaning() | {("lambda", "Invoke"): functions(clean_up=broken)})
    assert result.status == "FAILED"
    assert json.loads(result.cause or "")["state"] == "CleanUp"
    assert len(sent(cloud, "DeleteItem")) == 1


def test_what_is_known_of_a_run_expires_by_policy_and_what_runs_need_never() -> None:
    result, cloud = run("pipeline", {"mode": "auto"}, whole())
    output(result)
    items = {call["Item"]["pk"]["S"]: call["Item"] for call in sent(cloud, "PutItem")}
    days = (float(items[f"run#{RUN}"]["expires_at"]["N"]) - time.time()) / 86_400
    assert days == pytest.approx(SETTINGS.clean_up.records_days, abs=0.1)
    assert "expires_at" not in items["watermark"]
    progress = [call for call in sent(cloud, "UpdateItem") if call["Key"]["pk"]["S"].startswith("progress#")]
    assert progress and all("expires_at = :expiry" in call["UpdateExpression"] for call in progress)


def test_lists_that_are_refused_are_not_published_and_the_cause_has_the_figures() -> None:
    def refused(payload: dict[str, Any]) -> dict[str, Any]:
        raise ServiceError("ListsRefused", "two lists of personal have 99.0% of their places in common")

    answers = recommendation() | {("lambda", "Invoke"): functions(judge_lists=refused)}
    result, cloud = run("recommend", {"run_id": RUN, "versions": VERSIONS}, answers)
    assert result.status == "FAILED"
    cause = json.loads(result.cause or "")
    assert cause["state"] == "JudgeLists"
    assert "99.0% of their places" in cause["cause"]
    assert sent(cloud, "UpdateItem") == []
