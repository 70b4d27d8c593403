"""`load`: runs whose lists serve -> warehouse -> marts. Input {runs}: ids, oldest first."""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.workflows import asl, builds, decisions
from stacks.workflows.asl import State, States, jsonata

DBT = "run_dbt"  # the function, or the project of the same name
HOURS = 6  # besides what dbt may take on CodeBuild
LOAD_HOURS = 2


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {"runs": jsonata("$states.input.runs")},
            "Next": "LoadRuns",
        },
        # One after another, and none after one that failed: a snapshot never gives way to an older one.
        "LoadRuns": asl.inline_map(
            jsonata("$runs"),
            _load_states(settings),
            start="NameRun",
            MaxConcurrency=1,
            Next="RunDbt",
        ),
        **_marts_states(settings),
    }
    return asl.workflow(
        "load",
        comment="Published runs to the warehouse and its marts",
        start="Start",
        states=states,
        hours=_hours(settings),
    )


def _hours(settings: Settings) -> float:
    dbt = settings.analytics.dbt
    waits = builds.QUEUED_MINUTES + dbt.timeout_minutes if settings.analytics.builds_on_codebuild else 0
    return HOURS + waits / 60


def _marts_states(settings: Settings) -> States:
    """The marts, and the analysis of what they say of experiments, where one is configured."""
    if not decisions.is_analysed(settings):
        ended = jsonata(f"{{'runs': $runs, 'dbt': {_built(settings)}}}")
        return _run_dbt(settings, Output=ended, End=True)
    built = {"dbt": jsonata(_built(settings))}
    output = "{'runs': $runs, 'dbt': $dbt, 'decisions': $decisions}"
    return {
        **_run_dbt(settings, Assign=built, Next="AnalyseExperiments"),
        **decisions.states(settings, output=output),
    }


def _run_dbt(settings: Settings, **fields: Any) -> States:
    run = jsonata("$runs[-1]")
    if settings.analytics.builds_on_codebuild:
        return builds.states(settings, "RunDbt", DBT, {"RUN_ID": run}, error="DbtBuildFailed", **fields)
    return {"RunDbt": asl.invoke(settings.names.function_arn(DBT), {"run_id": run}, **fields)}


def _built(settings: Settings) -> str:
    """What the execution answers of dbt, as an expression: a function's counts, or the build's id."""
    on_codebuild = settings.analytics.builds_on_codebuild
    return "{'build': $states.result.Build.Id}" if on_codebuild else "$states.result.Payload"


def _load_states(settings: Settings) -> States:
    return {
        "NameRun": {
            "Type": "Pass",
            "Assign": {"run_id": jsonata("$states.input"), **asl.deadline("Load", hours=LOAD_HOURS)},
            "Next": "LoadWarehouse",
        },
        "LoadWarehouse": _load_warehouse(settings, {}, Next="DescribeLoad"),
        **asl.polling(
            "Load",
            describe=_load_warehouse(
                settings,
                {"statement": jsonata("$statement"), "deadline": jsonata("$loadDeadline")},
                Output=jsonata(
                    "{'status': $states.result.Payload.status, 'reason': $states.result.Payload.reason}"
                ),
            ),
            done="Load into the warehouse of run ",
            of="$run_id",
            succeeded="FINISHED",
            failed=["FAILED", "ABORTED"],
            next_state="RemovePending",
            seconds=30,
        ),
        "RemovePending": asl.task(
            asl.UPDATE_ITEM,
            {
                "TableName": settings.names.control_table,
                "Key": {layout.PK: {"S": layout.WAREHOUSE_PENDING}},
                "UpdateExpression": "DELETE run_ids :run",
                "ExpressionAttributeValues": {":run": {"SS": [jsonata("$run_id")]}},
            },
            Next="Loaded",
        ),
        "Loaded": {"Type": "Succeed"},
    }


def _load_warehouse(settings: Settings, more: dict[str, str], **fields: Any) -> State:
    """One step of the load. The function starts statements and describes them: no other role may."""
    return asl.invoke(
        settings.names.function_arn("load_warehouse"),
        {
            "run_id": jsonata("$run_id"),
            # A retry comes within one entry, so it starts nothing twice.
            "entered": jsonata("$states.context.State.EnteredTime"),
            **more,
        },
        Assign={"statement": jsonata("$states.result.Payload.statement")},
        **fields,
    )


def statements(settings: Settings) -> list[Statement]:
    names = settings.names
    on_codebuild = settings.analytics.builds_on_codebuild
    functions = ("load_warehouse", *(() if on_codebuild else (DBT,)))
    return [
        allow("lambda:InvokeFunction", *(names.function_arn(name) for name in functions)),
        allow("dynamodb:UpdateItem", names.table_arn(names.control_table)),
        *(builds.statements(settings, DBT) if on_codebuild else ()),
    ]
