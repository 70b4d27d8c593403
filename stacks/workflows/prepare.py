"""`prepare`: sources -> raw zone -> datasets, checked.

Input {run_id, mode, export, previous_run_id, accept, streamed}.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, jobs
from stacks.workflows.asl import State, States, jsonata, sdk

HOURS = 8
EXPORT_HOURS = 4
EXPORTS_AT_ONCE = 10
# The restorable time trails by minutes and is not the same for every reader.
RETRY_NOT_YET_RESTORABLE = asl.retrying(
    ["DynamoDb.InvalidExportTimeException"], interval=60, attempts=6, longest=300
)


def definition(settings: Settings) -> dict[str, Any]:
    names = settings.names
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {
                "run_id": jsonata("$states.input.run_id"),
                "mode": jsonata("$states.input.mode"),
                "export": jsonata("$states.input.export"),
                "previous_run_id": jsonata("$states.input.previous_run_id"),
                # Figures whose bounds don't count this time.
                "accept": jsonata("[$states.input.accept]"),
                # From which second on a type of events is left to the stream; a plan of an earlier version has none.
                "streamed": jsonata("$exists($states.input.streamed) ? $states.input.streamed : {}"),
            },
            "Next": "Extract",
        },
        "Extract": {
            "Type": "Parallel",
            "Branches": _sources(settings),
            "Assign": {"dpu_hours": jsonata("[$states.result.dpu_hours]")},
            "Next": "BuildSmallDatasets" if settings.etl.engine == "auto" else "BuildDatasets",
        },
        **_build(settings),
        "ValidateDatasets": asl.invoke(
            names.function_arn("validate_datasets"),
            {"run_id": jsonata("$run_id")},
            Output=jsonata(
                "{'run_id': $run_id, 'rows': $states.result.Payload.rows,"
                " 'parts': $states.result.Payload.parts, 'dpu_hours': [$dpu_hours]}"
            ),
            End=True,
        ),
    }
    return asl.workflow(
        "prepare", comment="Sources to checked datasets", start="Start", states=states, hours=HOURS
    )


def _build(settings: Settings) -> States:
    """The build on Spark, in a function, or in a function that leaves to Spark what is too much for it."""
    etl = settings.etl
    arguments = {
        "run_id": jsonata("$run_id"),
        # Not mode: Glue keeps that name for itself.
        "run_mode": jsonata("$mode"),
        "export_prefix": jsonata("$export.prefix"),
        "previous_run_id": jsonata("$previous_run_id"),
        "accept": jsonata("$string($accept)"),
        "streamed": jsonata("$string($streamed)"),
    }
    on_spark = jobs.states(
        "BuildDatasets",
        settings.names.job("build-datasets"),
        {f"--{name}": value for name, value in arguments.items()},
        Assign={"dpu_hours": jsonata(f"$append($dpu_hours, {asl.dpu_hours()})")},
        Next="ValidateDatasets",
    )
    if not etl.in_function:
        return on_spark
    function = settings.names.function_arn("build_datasets")
    if not etl.on_glue:
        return {"BuildDatasets": asl.invoke(function, arguments, Next="ValidateDatasets")}
    return {
        "BuildSmallDatasets": asl.task(
            asl.LAMBDA,
            {"FunctionName": function, "Payload": arguments},
            Output=jsonata("$states.result.Payload"),
            # More than its memory or its time holds: Spark builds it, and what is half written is written anew.
            Catch=[{"ErrorEquals": asl.DIED, "Output": {"built": False}, "Next": "Built"}],
            Next="Built",
        ),
        "Built": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$states.input.built"), "Next": "ValidateDatasets"}],
            "Default": "BuildDatasets",
        },
        **on_spark,
    }


def _sources(settings: Settings) -> list[dict[str, Any]]:
    """A branch each of what the environment has; the configuration has one at least."""
    given = settings.sources
    return [
        *([_extract_aurora(settings)] if given.aurora is not None else []),
        *([_export_log(settings)] if given.application_log is not None else []),
    ]


def _extract_aurora(settings: Settings) -> dict[str, Any]:
    extract = jobs.states(
        "ExtractAurora",
        settings.names.job("extract-aurora"),
        {"--run_id": jsonata("$run_id")},
        Output=jsonata(f"{{'dpu_hours': {asl.dpu_hours()}}}"),
        End=True,
    )
    if not settings.creates_aurora:
        return {"StartAt": "ExtractAurora", "States": extract}
    grant = asl.invoke(
        settings.names.function_arn("grant_reader"),
        {"run_id": jsonata("$run_id")},
        # A cluster that may sleep takes up to half a minute to wake up.
        Retry=[asl.retrying(["DatabaseResuming"], interval=15, attempts=6)],
        Next="ExtractAurora",
    )
    return {"StartAt": "GrantReader", "States": {"GrantReader": grant, **extract}}


def _export_log(settings: Settings) -> dict[str, Any]:
    states: States = {
        "ExportKind": {
            "Type": "Choice",
            "Assign": asl.deadline("Export", hours=EXPORT_HOURS),
            "Choices": [
                {"Condition": jsonata("$export.type = 'INCREMENTAL_EXPORT'"), "Next": "ExportWindows"},
            ],
            "Default": "ExportTable",
        },
        "ExportTable": _start_export(
            settings,
            name="Export",
            # Asking again within eight hours gives the same export, so a retry starts no second one.
            token="$run_id",
            kind={"ExportType": "FULL_EXPORT", "ExportTime": jsonata("$export.to")},
        ),
        **_until_exported("Export", next_state="Exported"),
        "ExportWindows": asl.inline_map(
            jsonata("$export.windows"),
            _window_states(settings),
            start="Window",
            MaxConcurrency=EXPORTS_AT_ONCE,
            Next="Exported",
        ),
        "Exported": {"Type": "Succeed", "Output": {"dpu_hours": []}},
    }
    return {"StartAt": "ExportKind", "States": states}


def _window_states(settings: Settings) -> States:
    window = {
        "ExportFromTime": jsonata("$states.input.from"),
        "ExportToTime": jsonata("$states.input.to"),
        # The old image tells what expired from what was deleted.
        "ExportViewType": "NEW_AND_OLD_IMAGES",
    }
    return {
        "Window": {
            "Type": "Pass",
            "Assign": asl.deadline("Window", hours=EXPORT_HOURS),
            "Next": "ExportChanges",
        },
        "ExportChanges": _start_export(
            settings,
            name="Window",
            token="$run_id & '-' & $states.input.from",
            kind={"ExportType": "INCREMENTAL_EXPORT", "IncrementalExportSpecification": window},
        ),
        **_until_exported("Window", next_state="WindowExported"),
        "WindowExported": {"Type": "Succeed"},
    }


def _start_export(settings: Settings, *, name: str, token: str, kind: dict[str, Any]) -> State:
    """`name` is that of the polling which follows; maps may not reuse a variable of the states outside."""
    variable = _arn_variable(name)
    return asl.task(
        sdk("dynamodb", "exportTableToPointInTime"),
        {
            "TableArn": table_arn(settings),
            "S3Bucket": settings.names.raw_bucket,
            "S3Prefix": jsonata("$export.prefix"),
            "ExportFormat": "DYNAMODB_JSON",
            "ClientToken": jsonata(token),
            **kind,
        },
        Retry=[RETRY_NOT_YET_RESTORABLE],
        Assign={variable: jsonata("$states.result.ExportDescription.ExportArn")},
        Next=f"Describe{name}",
    )


def _until_exported(name: str, *, next_state: str) -> States:
    return asl.polling(
        name,
        describe=asl.task(
            sdk("dynamodb", "describeExport"),
            {"ExportArn": jsonata(f"${_arn_variable(name)}")},
            Output=jsonata(
                "{'status': $states.result.ExportDescription.ExportStatus,"
                " 'reason': $states.result.ExportDescription.FailureMessage}"
            ),
        ),
        done="Export of the application log",
        succeeded="COMPLETED",
        failed=["FAILED"],
        next_state=next_state,
    )


def _arn_variable(name: str) -> str:
    return f"{name.lower()}_arn"


def table_arn(settings: Settings) -> str:
    table = settings.application_log_table
    return f"arn:aws:dynamodb:{settings.region}:{settings.account}:table/{table}"


def _functions(settings: Settings) -> list[str]:
    return [
        "validate_datasets",
        *(["grant_reader"] if settings.creates_aurora else []),
        *(["build_datasets"] if settings.etl.in_function else []),
    ]


def statements(settings: Settings, *, key_arn: str) -> list[Statement]:
    names = settings.names
    jobs = [
        *(["extract-aurora"] if settings.sources.aurora is not None else []),
        *(["build-datasets"] if settings.etl.on_glue else []),
    ]
    runs = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
    return [
        *([allow(runs, *map(names.job_arn, jobs))] if jobs else []),
        *(_export_statements(settings, key_arn) if settings.sources.application_log is not None else []),
        allow("lambda:InvokeFunction", *map(names.function_arn, _functions(settings))),
    ]


def _export_statements(settings: Settings, key_arn: str) -> list[Statement]:
    exports = f"arn:aws:s3:::{settings.names.raw_bucket}/{layout.LOG_EXPORT.anything}"
    return [
        allow("dynamodb:ExportTableToPointInTime", table_arn(settings)),
        allow("dynamodb:DescribeExport", f"{table_arn(settings)}/export/*"),
        # DynamoDB writes the export with the caller's permissions.
        allow(["s3:PutObject", "s3:PutObjectAcl", "s3:AbortMultipartUpload"], exports),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
    ]
