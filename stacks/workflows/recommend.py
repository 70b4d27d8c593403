"""`recommend`: solution versions -> lists -> readers.

Input {run_id, versions, parts?}; `parts` are those of batch input, by folder.
"""

from __future__ import annotations

from typing import Any

from config import gate, layout
from config.settings import Settings
from config.solution import Solution
from stacks.parts.access import (
    Statement,
    allow,
    encrypt_and_decrypt,
    list_objects,
    pass_role,
    read_objects,
    write_objects,
)
from stacks.workflows import asl, batches, campaigns, filters, jobs, named, segment_events, trends
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 18
FILES_A_BATCH = 5
FAILED_BATCH = -1  # what stands for the lists written of a batch that failed
MOST_RETIRED = 5  # versions of a list in one run, each of an execution's history; one a night is the rule
# A table that throttles doubles what it takes within half an hour; what is written twice is the same.
RETRY_UNPROCESSED = asl.retrying(["WritesUnprocessed"], interval=60, attempts=8, longest=600)


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {
                "run_id": jsonata("$states.input.run_id"),
                "versions": jsonata("$states.input.versions"),
                **batches.variables(settings),
            },
            "Next": "CheckVersions",
        },
        "CheckVersions": named.check(
            settings, Next=filters.start(settings, otherwise=_after_filters(settings))
        ),
        **filters.states(settings, next_state=_after_filters(settings)),
        **batches.states(settings, next_state="PostProcess"),
        **_list_states(settings),
        **campaigns.states(settings, next_state=_after_campaigns(settings)),
        **_swap_states(settings),
        **campaigns.removal(settings, next_state="ListFilters"),
        **filters.removal(settings, next_state="Serving"),
        "Serving": {"Type": "Succeed", "Output": jsonata("{'run_id': $run_id, 'dpu_hours': [$dpu_hours]}")},
    }
    return asl.workflow(
        "recommend",
        comment="Solution versions to published lists, segments and campaigns",
        start="Start",
        states=states,
        hours=HOURS,
        unwatched=UNWATCHED,
    )


# Readers have what they need by then: the next run tries again.
UNWATCHED = ("RetireVersions", "ListCampaigns", "RemoveCampaigns", "ListFilters", "RemoveFilters")


def _published(settings: Settings) -> list[Solution]:
    return [solution for solution in settings.solutions if solution.publishes]


def _after_filters(settings: Settings) -> str:
    return batches.start(settings, otherwise="PostProcess")


def _after_lists(settings: Settings) -> str:
    return campaigns.start(settings, otherwise=_after_campaigns(settings))


def _after_campaigns(settings: Settings) -> str:
    return "SwapPointers" if _swapped(settings) else "ListCampaigns"


def _swapped(settings: Settings) -> list[Solution]:
    """Solutions whose lists readers find by a pointer."""
    return [*_published(settings), *trends.of(settings)]


def _list_states(settings: Settings) -> States:
    """The job runs where campaigns alone answer, too: the warehouse takes its files, empty ones as well."""
    published = [{"list": solution.name} for solution in _published(settings)]
    post_process = jobs.states(
        "PostProcess",
        settings.names.job("postprocess-recommendations"),
        {"--run_id": jsonata("$run_id"), "--versions": jsonata("$string($versions)")},
        Assign={"dpu_hours": jsonata(asl.dpu_hours())},
        Next=_after_post_process(settings),
    )
    if not published:
        return post_process
    publish = asl.inline_map(
        published, _publishing_states(settings), start="List", Next=_after_lists(settings)
    )
    return {**post_process, **_judge_states(settings), "PublishLists": publish}


def _after_post_process(settings: Settings) -> str:
    if not _published(settings):
        return _after_lists(settings)
    return next(iter(_judge_states(settings)), "PublishLists")


def _judge_states(settings: Settings) -> States:
    """States before any list is written. Only lists of many can be alike, or be missing."""
    if not gate.lists_judged_by(settings.quality_gate, settings.solutions):
        return {}
    function = settings.names.function_arn("judge_lists")
    return {"JudgeLists": asl.invoke(function, {"run_id": jsonata("$run_id")}, Next="PublishLists")}


def _swap_states(settings: Settings) -> States:
    swapped = [{"list": solution.name} for solution in _swapped(settings)]
    if not swapped:
        return {}
    retiring = _retire_states(settings)
    after = next(iter(retiring), "ListCampaigns")
    segments = segment_events.states(settings, next_state=after)
    return {
        # Not before every list is written: readers see all of a run, or nothing of it.
        "SwapPointers": asl.inline_map(
            swapped, _swapping_states(settings), start="NameList", Next=next(iter(segments), after)
        ),
        **segments,
        **retiring,
    }


def _retire_states(settings: Settings) -> States:
    """Lists of a campaign have their expiry from the start, and no files."""
    published = [{"list": solution.name} for solution in _published(settings)]
    if not published:
        return {}
    return {
        # What could not be retired is still noted, so the next run tries again: readers miss nothing.
        "RetireVersions": asl.inline_map(
            published,
            _retiring_states(settings),
            start="RetiredList",
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "ListCampaigns"}],
            Next="ListCampaigns",
        ),
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
                {
                    "Condition": jsonata("$states.input.failed > 0"),
                    "Assign": {
                        "failed_batches": jsonata("$states.input.failed"),
                        "all_batches": jsonata("$states.input.batches"),
                    },
                    "Next": "ListFailures",
                },
                {"Condition": jsonata("$states.input.written > 0"), "Next": "Published"},
            ],
            "Default": "NothingPublished",
        },
        **_failure_states(settings),
        "NothingPublished": {
            "Type": "Fail",
            "Error": "NothingPublished",
            "Cause": jsonata(
                "'Run ' & $run_id & ' made no list of ' & $list & '; the previous version serves on'"
            ),
        },
        "Published": {"Type": "Succeed"},
    }


def _failure_states(settings: Settings) -> States:
    """One of the causes, and where all of them lie."""
    bucket = settings.names.results_bucket
    folder = f"{asl.literal(f's3://{bucket}/')} & {_failures('$run_id')}"
    unread = [
        {"ErrorEquals": ["States.ALL"], "Output": {"why": "no cause could be read"}, "Next": "PublishFailed"}
    ]
    return {
        "ListFailures": asl.task(
            sdk("s3", "listObjectsV2"),
            {"Bucket": bucket, "Prefix": jsonata(_failures("$run_id")), "MaxKeys": 1},
            Output=jsonata("$states.result.Contents[0].Key"),
            Catch=unread,
            Next="ReadFailure",
        ),
        "ReadFailure": asl.task(
            sdk("s3", "getObject"),
            {"Bucket": bucket, "Key": jsonata("$states.input")},
            Output=jsonata(
                "( $read := $parse($states.result.Body); {'why': $read.error & ': ' & $read.cause} )"
            ),
            Catch=unread,
            Next="PublishFailed",
        ),
        "PublishFailed": {
            "Type": "Fail",
            "Error": "PublishFailed",
            "Cause": jsonata(
                "'Publishing the lists of ' & $list & ' failed, the previous version serves on. '"
                " & $failed_batches & ' of ' & $all_batches & ' batches failed, their causes lie in '"
                f" & {folder} & '. One of them: ' & $states.input.why"
            ),
        },
    }


def _failures(run_id: str) -> str:
    """An expression of this attempt's folder: an earlier one of the same run may have failed for another reason."""
    return asl.joined(
        layout.UNPUBLISHED, run_id=run_id, solution="$list", execution="$states.context.Execution.Name"
    )


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
                "failures": jsonata(_failures("$run_id")),
            },
        },
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": f"{label}Batch",
            "States": {
                f"{label}Batch": _publish_batch(settings, failed=f"{label}BatchFailed"),
                f"{label}BatchFailed": _note_failure(settings, unnoted=f"{label}BatchUnnoted"),
                f"{label}BatchUnnoted": {"Type": "Succeed", "Output": FAILED_BATCH},
            },
        },
        # A state's result has 256 KB: of thousands of batches there is room for a number each.
        "Output": jsonata(
            f"( $failed := $count($states.result[$ = {FAILED_BATCH}]); {{'failed': $failed,"
            " 'batches': $count($states.result), 'written': $sum([0, $states.result[$ > 0]])} )"
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
        Output=jsonata("$states.result.Payload.written"),
        Retry=[RETRY_UNPROCESSED],
        # A failed child would fail the map, whose error does not say why.
        Catch=[
            {
                "ErrorEquals": ["States.ALL"],
                "Output": jsonata(
                    f"{{'failures': {batch}.failures, 'files': [$states.input.Items.Key],"
                    " 'error': $states.errorOutput.Error,"
                    f" 'cause': {asl.bounded('$states.errorOutput.Cause')}}}"
                ),
                "Next": failed,
            }
        ],
        End=True,
    )


def _note_failure(settings: Settings, *, unnoted: str) -> State:
    """A file of the batch's own. That it failed counts, noted or not."""
    noted = ("error", "cause", "files")
    return asl.task(
        sdk("s3", "putObject"),
        {
            "Bucket": settings.names.results_bucket,
            "Key": jsonata("$states.input.failures & $states.context.Execution.Name & '.json'"),
            # An object becomes JSON; a string would become a string of JSON.
            "Body": {name: jsonata(f"$states.input.{name}") for name in noted},
            "ContentType": "application/json",
        },
        Output=FAILED_BATCH,
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": unnoted}],
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
                {"Condition": jsonata("$states.input.failed > 0"), "Next": "StillNoted"},
            ],
            "Default": "ForgetVersion",
        },
        "ForgetVersion": _change_versions(settings, "DELETE", version="$version", Next="StillNoted"),
        "StillNoted": {"Type": "Succeed"},
    }


def _read(settings: Settings, key: dict[str, Any], **fields: Any) -> State:
    table = settings.names.recommendations_table
    return asl.task(asl.GET_ITEM, {"TableName": table, "Key": key, "ConsistentRead": True}, **fields)


def statements(settings: Settings, *, key_arn: str) -> list[Statement]:
    names = settings.names
    runs = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    return [
        *named.statements(settings),
        *batches.statements(settings),
        *campaigns.statements(settings),
        *filters.statements(settings),
        *segment_events.statements(settings),
        pass_role(names.personalize_role_arn, to="personalize.amazonaws.com"),
        allow(runs, names.job_arn("postprocess-recommendations")),
        *(_publishing_statements(settings, key_arn) if _published(settings) else []),
    ]


def _functions(settings: Settings) -> list[str]:
    return [*(["judge_lists"] if _judge_states(settings) else []), "publish_recommendations"]


def _publishing_statements(settings: Settings, key_arn: str) -> list[Statement]:
    names = settings.names
    failures = layout.UNPUBLISHED.objects()
    execution = names.execution_arn("recommend")
    return [
        list_objects(names.results_bucket),
        write_objects(names.results_bucket, failures),
        read_objects(names.results_bucket, failures),
        encrypt_and_decrypt(key_arn),
        # A Distributed Map starts child executions of its own state machine.
        allow("states:StartExecution", names.workflow_arn("recommend")),
        allow(["states:DescribeExecution", "states:StopExecution"], f"{execution}:*", f"{execution}/*"),
        allow("lambda:InvokeFunction", *map(names.function_arn, _functions(settings))),
        allow(["dynamodb:GetItem", "dynamodb:UpdateItem"], names.table_arn(names.recommendations_table)),
    ]
