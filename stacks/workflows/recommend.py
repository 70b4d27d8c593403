"""`recommend`: solution versions -> lists -> readers. Input {run_id, versions}."""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings, Solution
from stacks.parts.access import Statement, allow, list_objects, pass_role
from stacks.workflows import asl
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 18
INFERENCE_HOURS = 12
FILES_A_BATCH = 5
MOST_RETIRED = 20  # versions of a list in one run; one a night is the rule
# A table that throttles doubles what it takes within half an hour; what is written twice is the same.
RETRY_UNPROCESSED = asl.retrying(["WritesUnprocessed"], interval=60, attempts=8, longest=600)


def definition(settings: Settings) -> dict[str, Any]:
    names = settings.names
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {
                "run_id": jsonata("$states.input.run_id"),
                "versions": jsonata("$states.input.versions"),
            },
            "Next": "InferLists",
        },
        "InferLists": asl.inline_map(
            [_item(solution) for solution in settings.solutions],
            _inference_states(settings),
            start="NameInference",
            Next="PostProcess",
        ),
        "PostProcess": asl.run_job(
            names.job("postprocess-recommendations"),
            {"--run_id": jsonata("$run_id"), "--versions": jsonata("$string($versions)")},
            Next="JudgeLists",
        ),
        "JudgeLists": asl.invoke(
            names.function_arn("judge_lists"), {"run_id": jsonata("$run_id")}, Next="PublishLists"
        ),
        "PublishLists": asl.inline_map(
            [{"list": solution.name} for solution in settings.solutions],
            _publishing_states(settings),
            start="List",
            Next="SwapPointers",
        ),
        # Not before every list is written: readers see all of a run, or nothing of it.
        "SwapPointers": asl.inline_map(
            [{"list": solution.name} for solution in settings.solutions],
            _swapping_states(settings),
            start="NameList",
            Next="RetireVersions",
        ),
        # What could not be retired is still noted, so the next run tries again: readers miss nothing.
        "RetireVersions": asl.inline_map(
            [{"list": solution.name} for solution in settings.solutions],
            _retiring_states(settings),
            start="RetiredList",
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Serving"}],
            Next="Serving",
        ),
        "Serving": {"Type": "Succeed", "Output": jsonata("{'run_id': $run_id}")},
    }
    return asl.workflow(
        "recommend",
        comment="Solution versions to published lists",
        start="Start",
        states=states,
        hours=HOURS,
        unwatched=("RetireVersions",),
    )


def _item(solution: Solution) -> dict[str, Any]:
    folder = layout.AUDIENCES[solution.for_each]
    return {"name": solution.name, "folder": folder, "results": solution.ranked}


def _inference_states(settings: Settings) -> States:
    names = settings.names
    job_name = f"{asl.literal(names.prefix + '-')} & $states.input.name & '-' & $run_id"
    job_arn = f"{asl.literal(names.personalize_arn('batch-inference-job/'))} & $job_name"
    inputs = asl.joined(
        layout.BATCH_INPUT, bucket=names.datasets_bucket, run_id="$run_id", audience="$list.folder"
    )
    outputs = asl.joined(
        layout.BATCH_OUTPUT, bucket=names.results_bucket, run_id="$run_id", solution="$list.name"
    )
    return {
        "NameInference": {
            "Type": "Pass",
            "Assign": {
                "list": jsonata("$states.input"),
                **asl.first_attempt(job_name),
                **asl.deadline("Inference", hours=INFERENCE_HOURS),
            },
            "Next": "CreateInference",
        },
        "CreateInference": asl.task(
            sdk("personalize", "createBatchInferenceJob"),
            {
                "JobName": jsonata("$job_name"),
                "SolutionVersionArn": jsonata("$lookup($versions, $list.name)"),
                "NumResults": jsonata("$list.results"),
                "JobInput": {"S3DataSource": {"Path": jsonata(inputs)}},
                "JobOutput": {"S3DataDestination": {"Path": jsonata(outputs)}},
                "RoleArn": names.personalize_role_arn,
            },
            Retry=[asl.RETRY_BUSY],
            Catch=[{"ErrorEquals": asl.EXISTS, "Next": "DescribeInference"}],
            Next="DescribeInference",
        ),
        **asl.polling(
            "Inference",
            describe=asl.describe("BatchInferenceJob", job_arn),
            done="Batch inference",
            failed=asl.CREATE_FAILED,
            next_state="Inferred",
            again="InferAgain",
        ),
        "InferAgain": asl.second_attempt(Next="CreateInference"),
        "Inferred": {"Type": "Succeed"},
    }


def _publishing_states(settings: Settings) -> States:
    return {
        "List": {
            "Type": "Pass",
            "Assign": {"list": jsonata("$states.input.list")},
            "Next": "NoteVersion",
        },
        # Before anything is written: whatever becomes of this run, a later one knows what it left.
        "NoteVersion": _change_versions(settings, "ADD", version="$run_id", Next="PublishFiles"),
        "PublishFiles": _publish_files(
            settings, label="PublishFiles", version="$run_id", expiry="null", Next="Written"
        ),
        "Written": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata("$count($states.input.failed) > 0"), "Next": "PublishFailed"},
                {"Condition": jsonata("$states.input.written > 0"), "Next": "Published"},
            ],
            "Default": "NothingPublished",
        },
        "PublishFailed": {
            "Type": "Fail",
            "Error": "PublishFailed",
            "Cause": jsonata(
                "'Publishing the lists of ' & $list & ' failed, the previous version serves on: '"
                " & $states.input.failed[0].error & ': ' & $states.input.failed[0].cause"
            ),
        },
        "NothingPublished": {
            "Type": "Fail",
            "Error": "NothingPublished",
            "Cause": jsonata(
                "'Run ' & $run_id & ' made no list of ' & $list & '; the previous version serves on'"
            ),
        },
        "Published": {"Type": "Succeed"},
    }


def _change_versions(settings: Settings, change: str, *, version: str, **fields: Any) -> State:
    """ADD to the set of versions that the table holds, or DELETE from it; both may be repeated."""
    return asl.task(
        asl.UPDATE_ITEM,
        {
            "TableName": settings.names.recommendations_table,
            "Key": _versions_key(),
            "UpdateExpression": f"{change} versions :version",
            "ExpressionAttributeValues": {":version": {"SS": [jsonata(version)]}},
        },
        **fields,
    )


def _versions_key() -> dict[str, Any]:
    return {
        layout.PK: {"S": jsonata(asl.joined(layout.VERSIONS, list="$list"))},
        layout.SK: {"S": layout.VERSIONS_SK},
    }


def _pointer_key() -> dict[str, Any]:
    return {
        layout.PK: {"S": jsonata(asl.joined(layout.POINTER, list="$list"))},
        layout.SK: {"S": layout.POINTER_SK},
    }


def _publish_files(settings: Settings, *, label: str, version: str, expiry: str, Next: str) -> State:
    """Writes the lists of a version's files. `version` and `expiry` are expressions.

    A Distributed Map: its children see no variables of this execution, so batches carry what they need.
    """
    names = settings.names
    return {
        "Type": "Map",
        "Label": label,
        "MaxConcurrency": 10,
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:listObjectsV2",
            "Arguments": {
                "Bucket": names.results_bucket,
                "Prefix": jsonata(asl.joined(layout.PUBLISH_FILES, run_id=version, solution="$list")),
            },
        },
        "ItemBatcher": {
            "MaxItemsPerBatch": FILES_A_BATCH,
            "BatchInput": {
                "run_id": jsonata("$run_id"),
                "list": jsonata("$list"),
                "version": jsonata(version),
                "expiry": jsonata(expiry),
            },
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": f"{label}Batch",
            "States": {
                f"{label}Batch": _publish_batch(settings, failed=f"{label}BatchFailed"),
                f"{label}BatchFailed": {"Type": "Succeed"},
            },
        },
        "Output": jsonata(
            "{'written': $sum([0, $states.result.written]), 'failed': [$states.result.failed]}"
        ),
        "Next": Next,
    }


def _publish_batch(settings: Settings, *, failed: str) -> State:
    names = settings.names
    batch = "$states.input.BatchInput"
    return asl.invoke(
        names.function_arn("publish_recommendations"),
        {
            "run_id": jsonata(f"{batch}.run_id"),
            "list": jsonata(f"{batch}.list"),
            "version": jsonata(f"{batch}.version"),
            "expiry": jsonata(f"{batch}.expiry"),
            "bucket": names.results_bucket,
            "keys": jsonata("[$states.input.Items.Key]"),
        },
        Output=jsonata("{'written': $states.result.Payload.written, 'failed': []}"),
        Retry=[RETRY_UNPROCESSED],
        # A failed child would fail the map, whose error does not say why.
        Catch=[
            {
                "ErrorEquals": ["States.ALL"],
                "Output": jsonata(
                    "{'failed': {'error': $states.errorOutput.Error,"
                    f" 'cause': {asl.bounded('$states.errorOutput.Cause')}}}}}"
                ),
                "Next": failed,
            }
        ],
        End=True,
    )


def _swapping_states(settings: Settings) -> States:
    return {
        "NameList": {
            "Type": "Pass",
            "Assign": {"list": jsonata("$states.input.list")},
            "Next": "SwapPointer",
        },
        "SwapPointer": _swap_pointer(settings),
        "Swapped": {"Type": "Succeed"},
    }


def _swap_pointer(settings: Settings) -> State:
    """Readers move to the new version in one write; a run that is started again finds it moved."""
    names = settings.names
    return asl.task(
        asl.UPDATE_ITEM,
        {
            "TableName": names.recommendations_table,
            "Key": _pointer_key(),
            "UpdateExpression": (
                "SET #previous = if_not_exists(#current, :version), #current = :version, "
                "previous_solution_version_arn = if_not_exists(solution_version_arn, :arn), "
                "solution_version_arn = :arn, updated_at = :now"
            ),
            "ConditionExpression": "attribute_not_exists(#current) OR #current <> :version",
            "ExpressionAttributeNames": {"#current": "current", "#previous": "previous"},
            "ExpressionAttributeValues": {
                ":version": {"S": jsonata("$run_id")},
                ":arn": {"S": jsonata("$lookup($versions, $list)")},
                ":now": {"S": jsonata("$now()")},
            },
        },
        Catch=[{"ErrorEquals": asl.CONDITION_FAILED, "Next": "Swapped"}],
        Next="Swapped",
    )


def _retiring_states(settings: Settings) -> States:
    """Versions that neither serve nor may be rolled back to get an expiry; they were written without one."""
    return {
        "RetiredList": {
            "Type": "Pass",
            "Assign": {"list": jsonata("$states.input.list")},
            "Next": "ReadPointer",
        },
        "ReadPointer": _read(
            settings,
            _pointer_key(),
            Assign={
                "kept": jsonata("[$states.result.Item.current.S, $states.result.Item.previous.S, $run_id]")
            },
            Next="ReadVersions",
        ),
        "ReadVersions": _read(
            settings,
            _versions_key(),
            Output=jsonata("[$states.result.Item.versions.SS[$not($ in $kept)]]"),
            Next="RetireEach",
        ),
        "RetireEach": asl.inline_map(
            # An execution's history has an end; the next run retires the others.
            jsonata(f"[$states.input[[0..{MOST_RETIRED - 1}]]]"),
            _retired_states(settings),
            start="NameVersion",
            MaxConcurrency=1,
            End=True,
        ),
    }


def _retired_states(settings: Settings) -> States:
    seconds = settings.publishing.expire_after_days * 86_400
    return {
        "NameVersion": {
            "Type": "Pass",
            "Assign": {
                "version": jsonata("$states.input"),
                "expiry": jsonata(f"$floor($millis() / 1000) + {seconds}"),
            },
            "Next": "RetireFiles",
        },
        "RetireFiles": _publish_files(
            settings, label="RetireFiles", version="$version", expiry="$expiry", Next="Retired"
        ),
        "Retired": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata("$count($states.input.failed) > 0"), "Next": "StillNoted"},
            ],
            "Default": "ForgetVersion",
        },
        "ForgetVersion": _change_versions(settings, "DELETE", version="$version", Next="StillNoted"),
        "StillNoted": {"Type": "Succeed"},
    }


def _read(settings: Settings, key: dict[str, Any], **fields: Any) -> State:
    table = settings.names.recommendations_table
    return asl.task(asl.GET_ITEM, {"TableName": table, "Key": key, "ConsistentRead": True}, **fields)


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    jobs = names.personalize_arn(f"batch-inference-job/{names.prefix}-*")
    execution = names.execution_arn("recommend")
    return [
        allow("personalize:CreateBatchInferenceJob", jobs, names.solution_arns),
        allow("personalize:DescribeBatchInferenceJob", jobs),
        pass_role(names.personalize_role_arn, to="personalize.amazonaws.com"),
        allow(
            ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"],
            names.job_arn("postprocess-recommendations"),
        ),
        list_objects(names.results_bucket),
        # A Distributed Map starts child executions of its own state machine.
        allow("states:StartExecution", names.workflow_arn("recommend")),
        allow(["states:DescribeExecution", "states:StopExecution"], f"{execution}:*", f"{execution}/*"),
        allow(
            "lambda:InvokeFunction",
            names.function_arn("judge_lists"),
            names.function_arn("publish_recommendations"),
        ),
        allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], names.table_arn(names.recommendations_table)),
    ]
