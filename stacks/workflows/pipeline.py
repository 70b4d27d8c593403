"""`pipeline`: one run under the environment's lock.

Input {mode: auto|full|incremental, scheduled_time?, accept?: [figure], versions?: {solution: version's ARN}}, or
{resume: <run id>, accept?}: that run goes on after the phase that it finished last. With versions nothing is trained:
lists are made with those, and for other solutions with what serves.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow
from stacks.parts.buckets import KEEP_DAYS
from stacks.workflows import asl, lock, named, schemas
from stacks.workflows.asl import State, States, jsonata

# Shorter than a day with the lock's margin: a run that was killed must not block the next day's.
HOURS = 20
LOCK_HOURS = 21
PARTS = ("prepare", "train", "recommend", "load")  # the last where there is a warehouse
# Of a run that fell behind: each load is one more round, and an execution's history has an end.
LOADS = 30
# The phase that follows the one that was finished last.
_AFTER = {"serving": "Served", "trained": "RunRecommend", "prepared": "Versions"}
ANEW = '{"mode": "auto"}'
# How to start a run again that was not even planned.
_AGAIN = f"""$exists($states.input.versions)
  ? $string({{'mode': 'auto', 'versions': $states.input.versions}}) : '{ANEW}'"""
# What a failure from here on means, for the notification.
UNSERVED = {
    "subject": "run failed in",
    "opening": "the run did not finish; what served before serves on.",
}
UNRECORDED = {
    "subject": "run not recorded, failed in",
    "opening": "the lists of this run serve, but the run could not be recorded: "
    "the next one exports the same time again.",
}
UNLOADED = {
    "subject": "warehouse failed in",
    "opening": "the lists of this run serve; the warehouse has not taken the run; "
    "it catches up with the next one.",
}


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": _start(),
        **lock.states(settings, hours=LOCK_HOURS, acquired="Resuming", refused="AlreadyRunning"),
        "AlreadyRunning": lock.already_running(settings),
        "Resuming": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$resume != ''"),
                    "Assign": {"run_id": jsonata("$resume")},
                    "Next": "ReadProgress",
                }
            ],
            "Default": "Named",
        },
        **named.states(settings, next_state="PlanRun"),
        **_resume_states(settings),
        **_plan_states(settings),
        **_model_states(settings),
        **_record_states(settings),
        **_load_states(settings),
        **_end_states(settings),
    }
    return asl.workflow(
        "pipeline",
        comment="One run: prepare, train, recommend, load",
        start="Start",
        states=states,
        hours=HOURS,
        unwatched=(
            "AlreadyRunning",
            "WatchLateness",
            "RunLoad",
            "ExplainUnloaded",
            "NotifyUnloaded",
            "ReleaseLock",
        ),
        failing=_failure_path(settings),
    )


def _plan_states(settings: Settings) -> States:
    return {
        "PlanRun": _plan_run(settings),
        # What no dataset can take stops a run before its hours of work, not after.
        "CheckFields": schemas.check(settings, Next="NotePlan"),
        "NotePlan": _note_progress(
            settings, "plan", "$merge([$plan, {'versions': $versions}])", Next="RunPrepare"
        ),
        "RunPrepare": _run(
            settings,
            "prepare",
            {
                "run_id": jsonata("$plan.run_id"),
                "mode": jsonata("$plan.mode"),
                "export": jsonata("$plan.export"),
                "previous_run_id": jsonata("$plan.previous_run_id"),
                "streamed": jsonata("$exists($plan.streamed) ? $plan.streamed : {}"),
                "accept": jsonata("$accept"),
            },
            Assign={"prepared": jsonata("$states.result.Output")},
            Next="NotePrepared",
        ),
    }


def _start() -> State:
    assigned = {
        "me": jsonata("$states.context.Execution.Id"),
        "request": jsonata("$states.input"),
        "standing": UNSERVED,
        "accept": jsonata("$exists($states.input.accept) ? [$states.input.accept] : []"),
        "resume": jsonata("$exists($states.input.resume) ? $string($states.input.resume) : ''"),
        "named": jsonata("$exists($states.input.versions) ? $states.input.versions : {}"),
        "versions": {},
        "again": jsonata(_AGAIN),
    }
    return {"Type": "Pass", "Assign": assigned, "Next": "AcquireLock"}


def _model_states(settings: Settings) -> States:
    return {
        "NotePrepared": _note_progress(settings, "prepared", "$prepared", Next="Versions"),
        "Versions": {
            "Type": "Choice",
            "Choices": [
                {
                    "Condition": jsonata("$count($keys($versions)) > 0"),
                    "Assign": {"trained": {"versions": jsonata("$versions"), "unused_solutions": []}},
                    "Next": "NoteTrained",
                }
            ],
            "Default": "RunTrain",
        },
        "RunTrain": _run(
            settings,
            "train",
            {"run_id": jsonata("$plan.run_id")},
            Assign={"trained": jsonata("$states.result.Output")},
            Next="NoteTrained",
        ),
        "NoteTrained": _note_progress(settings, "trained", "$trained", Next="RunRecommend"),
        "RunRecommend": _run(
            settings,
            "recommend",
            {
                "run_id": jsonata("$plan.run_id"),
                "versions": jsonata("$trained.versions"),
                # Of batch input. A run that an earlier version prepared knows of none.
                "parts": jsonata("$exists($prepared.parts) ? $prepared.parts : {}"),
            },
            Assign={"standing": UNRECORDED, "recommended": jsonata("$states.result.Output")},
            Next="NoteServing",
        ),
        "NoteServing": _note_progress(settings, "serving", "$recommended", Next=_after_serving(settings)),
    }


def _note_progress(settings: Settings, phase: str, value: str, *, Next: str) -> State:
    """`value` is an expression of what the phase gave, for a run that resumes this one.

    When it ended is kept beside it: the warehouse tells how long each phase took.
    """
    resume = "'{\"resume\": \"' & $run_id & '\"}'"
    return asl.task(
        asl.UPDATE_ITEM,
        {
            "TableName": settings.names.control_table,
            "Key": _progress_key(),
            "UpdateExpression": f"SET #phase = :value, #ended = :now, {layout.EXPIRES} = :expiry",
            "ExpressionAttributeNames": {"#phase": phase, "#ended": layout.ENDED.of(phase=phase)},
            "ExpressionAttributeValues": {
                ":value": {"S": jsonata(f"$string({value})")},
                ":now": {"S": jsonata("$now()")},
                ":expiry": _record_expiry(settings),
            },
        },
        Assign={"again": jsonata(resume)},
        Next=Next,
    )


def _record_expiry(settings: Settings) -> dict[str, str]:
    """When the control table forgets what it knows of a run."""
    seconds = settings.clean_up.records_days * 86_400
    return {"N": jsonata(f"$string($floor($millis() / 1000) + {seconds})")}


def _progress_key() -> dict[str, Any]:
    return {layout.PK: {"S": jsonata(asl.joined(layout.PROGRESS, run_id="$run_id"))}}


def _resume_states(settings: Settings) -> States:
    """Whatever run succeeded since: an older one that goes on would put its lists in place of newer ones."""
    table, item = settings.names.control_table, "$states.result.Item"
    return {
        "ReadProgress": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": _progress_key(), "ConsistentRead": True},
            Assign={"progress": jsonata(f"$exists({item}) ? {item} : {{}}")},
            Next="ReadNewest",
        ),
        "ReadNewest": asl.task(
            asl.GET_ITEM,
            {"TableName": table, "Key": {layout.PK: {"S": layout.WATERMARK}}, "ConsistentRead": True},
            Assign={"newest": jsonata(f"$exists({item}.run_id.S) ? {item}.run_id.S : 'none'")},
            Next="Resumable",
        ),
        "Resumable": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata("$not($exists($progress.plan.S))"), "Next": "NothingToResume"},
                {
                    "Condition": jsonata("$parse($progress.plan.S).previous_run_id != $newest"),
                    "Next": "ResumedTooLate",
                },
            ],
            "Default": "Resume",
        },
        **_refused_resumes(),
        **_resumed_states(settings),
    }


def _refused_resumes() -> States:
    return {
        "NothingToResume": {
            "Type": "Fail",
            "Error": "NothingToResume",
            "Cause": jsonata(
                "'Run ' & $run_id & ' was never planned here: pass the run id that its"
                " notification names, or start with mode auto'"
            ),
        },
        "ResumedTooLate": {
            "Type": "Fail",
            "Error": "ResumedTooLate",
            "Cause": jsonata(
                "'Run ' & $run_id & ' can not go on, since run ' & $newest"
                " & ' succeeded meanwhile or it did itself: start with mode auto'"
            ),
        },
    }


def _resumed_states(settings: Settings) -> States:
    return {
        "Resume": {
            "Type": "Pass",
            "Assign": {
                "plan": jsonata("$parse($progress.plan.S)"),
                "versions": jsonata(
                    "( $found := $parse($progress.plan.S).versions; $exists($found) ? $found : {} )"
                ),
                "prepared": jsonata("$exists($progress.prepared.S) ? $parse($progress.prepared.S) : {}"),
                "trained": jsonata("$exists($progress.trained.S) ? $parse($progress.trained.S) : {}"),
            },
            "Next": "FinishedPhase",
        },
        "FinishedPhase": {
            "Type": "Choice",
            "Choices": [
                {"Condition": jsonata(f"$exists($progress.{phase}.S)"), "Next": after}
                for phase, after in _AFTER.items()
            ],
            "Default": "RunPrepare",
        },
        "Served": {"Type": "Pass", "Assign": {"standing": UNRECORDED}, "Next": _after_serving(settings)},
    }


def _plan_run(settings: Settings) -> State:
    return asl.invoke(
        settings.names.function_arn("plan_run"),
        # One expression, because an absent scheduled_time must stay absent.
        jsonata(
            """{
              'mode': $exists($request.mode) ? $request.mode : 'auto',
              'scheduled_time': $request.scheduled_time,
              'execution_name': $states.context.Execution.Name,
              'started_at': $states.context.Execution.StartTime
            }"""
        ),
        Assign={
            "plan": jsonata("$states.result.Payload"),
            "run_id": jsonata("$states.result.Payload.run_id"),
        },
        Next="CheckFields",
    )


def _run(settings: Settings, workflow: str, payload: dict[str, str], **fields: Any) -> State:
    started_by = {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID": jsonata("$me")}
    arguments = {
        "StateMachineArn": settings.names.workflow_arn(workflow),
        # The same name and input give the same execution, so a retried start starts nothing twice.
        "Name": jsonata("$plan.run_id & '-' & $substring($states.context.Execution.Name, 0, 40)"),
        "Input": {**payload, **started_by},
    }
    return asl.task(asl.WORKFLOW, arguments, **fields)


def _after_serving(settings: Settings) -> str:
    return "AddPending" if settings.analytics.enabled else "RecordRun"


def _parts(settings: Settings) -> tuple[str, ...]:
    return PARTS if settings.analytics.enabled else PARTS[:-1]


def _log_table(settings: Settings) -> str:
    """`none`, which no table is called, where nothing is exported."""
    return settings.application_log_table if settings.sources.application_log is not None else "none"


def _record_states(settings: Settings) -> States:
    table = settings.names.control_table
    run = {
        layout.PK: {"S": jsonata(asl.joined(layout.RUN, run_id="$plan.run_id"))},
        "mode": {"S": jsonata("$plan.mode")},
        "execution": {"S": jsonata("$me")},
        "rows": {"S": jsonata("$string($prepared.rows)")},
        "versions": {"S": jsonata("$string($trained.versions)")},
        "unused_solutions": {"S": jsonata("$string($trained.unused_solutions)")},
        "finished_at": {"S": jsonata("$now()")},
        layout.EXPIRES: _record_expiry(settings),
    }
    watermark = {
        layout.PK: {"S": layout.WATERMARK},
        "log_exported_until": {"S": jsonata("$plan.export.to")},
        "run_id": {"S": jsonata("$plan.run_id")},
        # Another table's changes since then are not all that it holds.
        "log_table": {"S": _log_table(settings)},
    }
    after = "RunLoad" if settings.analytics.enabled else "ReleaseLock"
    watched = settings.schedule.late_after is not None
    return {
        # Before anything is loaded: what the warehouse misses, however it is missed, is known.
        **({"AddPending": _add_pending(table)} if settings.analytics.enabled else {}),
        "RecordRun": asl.task(asl.PUT_ITEM, {"TableName": table, "Item": run}, Next="RecordWatermark"),
        "RecordWatermark": asl.task(
            asl.PUT_ITEM,
            {"TableName": table, "Item": watermark},
            # A run that is recorded can't be resumed: the next one loads what the warehouse misses.
            Assign={"standing": UNLOADED, "again": ANEW},
            Next="WatchLateness" if watched else after,
        ),
        **({"WatchLateness": _watch_lateness(settings, after)} if watched else {}),
    }


def _watch_lateness(settings: Settings, after: str) -> State:
    """Makes the next run one that may be late, from the first success on. Turned on again is the same as once."""
    return asl.task(
        asl.sdk("cloudwatch", "enableAlarmActions"),
        {"AlarmNames": [settings.names.late_alarm]},
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": after}],
        Next=after,
    )


def _add_pending(table: str) -> State:
    """Adding to a set twice is the same as once. Assigns `due`: what to load, oldest first.

    The files of older runs have expired, so nothing could be loaded of them.
    """
    picture = "'[Y0001][M01][D01]T[H01][m01][s01]Z'"
    oldest = f"$fromMillis($toMillis($plan.export.to) - {KEEP_DAYS * 86_400_000}, {picture})"
    return asl.task(
        asl.UPDATE_ITEM,
        {
            "TableName": table,
            "Key": {layout.PK: {"S": layout.WAREHOUSE_PENDING}},
            "UpdateExpression": "ADD run_ids :run",
            "ExpressionAttributeValues": {":run": {"SS": [jsonata("$plan.run_id")]}},
            "ReturnValues": "ALL_NEW",
        },
        Assign={
            "due": jsonata(
                f"( $oldest := {oldest}; $pending := $states.result.Attributes.run_ids.SS;"
                f" [$sort($pending)[$ >= $oldest][[0..{LOADS - 1}]]] )"
            )
        },
        Next="RecordRun",
    )


def _load_states(settings: Settings) -> States:
    """The warehouse may be behind without the run failing: its lists serve."""
    if not settings.analytics.enabled:
        return {}
    caught = {
        "ErrorEquals": ["States.ALL"],
        "Assign": {"failure": asl.failure("RunLoad", whole=True)},
        "Next": "ExplainUnloaded",
    }
    return {
        "RunLoad": _run(settings, "load", {"runs": jsonata("$due")}, Catch=[caught], Next="ReleaseLock"),
        "ExplainUnloaded": _explain("ReadUnloaded", Next="NotifyUnloaded"),
        "NotifyUnloaded": _notify(settings, Next="ReleaseLock"),
    }


def _end_states(settings: Settings) -> States:
    return {
        "ReleaseLock": lock.release(settings, Next="Done", caught="Done"),
        "Done": {
            "Type": "Succeed",
            "Output": jsonata(
                "{'run_id': $plan.run_id, 'mode': $plan.mode, 'versions': $trained.versions,"
                " 'unused_solutions': $trained.unused_solutions}"
            ),
        },
    }


def _failure_path(settings: Settings) -> asl.FailurePath:
    """Failures go by way of the notification and the lock's release to `Failed`.

    A child's failure arrives as the JSON of its DescribeExecution; its Cause is what its `Failed` wrote.
    """
    states: States = {
        "NotifyFailure": _notify(settings, Next="ReleaseLockAfterFailure"),
        "ReleaseLockAfterFailure": lock.release(settings, Next="Failed", caught="Failed"),
        "Failed": {
            "Type": "Fail",
            "Error": jsonata("$failed.error"),
            "Cause": jsonata("$string($failed)"),
        },
        "ExplainFailure": _explain("ReadFailure", Next="NotifyFailure"),
    }
    return asl.FailurePath("ExplainFailure", states, whole_causes=True)


def _explain(reads: str, *, Next: str) -> State:
    """Assigns `failed`: texts that no cause makes too long. Only a Parallel catches what an expression raises."""
    explained = {"Type": "Pass", "Output": jsonata(_EXPLAINED), "End": True}
    return {
        "Type": "Parallel",
        "Branches": [{"StartAt": reads, "States": {reads: explained}}],
        "Assign": {"failed": jsonata("$states.result[0]")},
        "Catch": [{"ErrorEquals": ["States.ALL"], "Assign": {"failed": jsonata(_PLAIN)}, "Next": Next}],
        "Next": Next,
    }


def _notify(settings: Settings, *, Next: str) -> State:
    subject = (
        f"$substring({asl.literal(settings.names.prefix + ': ')} & $standing.subject & ' '"
        f" & $replace($failed.workflow & ' / ' & $failed.state, /[^ -~]/, '?'), 0, {asl.SUBJECT_CHARACTERS})"
    )
    return asl.task(
        asl.NOTIFY,
        {
            "TopicArn": settings.names.topic_arn,
            "Subject": jsonata(subject),
            "Message": jsonata(_message(settings)),
        },
        # Whoever can't be told, the lock is released.
        Catch=[{"ErrorEquals": ["States.ALL"], "Next": Next}],
        Next=Next,
    )


def _message(settings: Settings) -> str:
    again = f"aws stepfunctions start-execution --state-machine-arn {settings.names.workflow_arn('pipeline')} --input "
    return (
        "$join(["
        f"{asl.literal(f'Environment {settings.names.prefix}: ')} & $standing.opening,"
        "'Workflow: ' & $failed.workflow,"
        "'State: ' & $failed.state,"
        "'Error: ' & $failed.error,"
        "'Cause: ' & $substring($failed.cause, 0, 2000),"
        "'Execution: ' & $me,"
        f'{asl.literal("Start again once this is fixed: " + again)} & "\'" & $again & "\'"'
        "], '\\n')"
    )


_EXPLAINED = f"""
(
  $json := function($text) {{ $exists($text) and $substring($text, 0, 1) = '{{' ? $parse($text) : {{}} }};
  $text := function($value, $length) {{ $exists($value) ? $substring($string($value), 0, $length) : 'unknown' }};
  $child := $json($failure.cause);
  $inner := $json($child.Cause);
  $said := $exists($inner.workflow) ? $inner : {{
    'workflow': $exists($child.StateMachineArn) ? $child.StateMachineArn : 'pipeline',
    'state': $failure.state,
    'error': $exists($child.Error) ? $child.Error : $exists($child.Status) ? $child.Status : $failure.error,
    'cause': $exists($child.Cause) ? $child.Cause : $exists($failure.cause) ? $failure.cause : 'none given'
  }};
  {{
    'workflow': $text($said.workflow, 200),
    'state': $text($said.state, 100),
    'error': $text($said.error, 200),
    'cause': $text($said.cause, {asl.CAUSE_CHARACTERS})
  }}
)
"""
# What is known where the cause can't be read.
_PLAIN = f"""
{{
  'workflow': 'pipeline',
  'state': $failure.state,
  'error': $failure.error,
  'cause': $exists($failure.cause) ? {asl.bounded("$failure.cause")} : 'none given'
}}
"""


def statements(settings: Settings, *, key_arn: str) -> list[Statement]:
    names = settings.names
    parts = _parts(settings)
    executions = [f"{names.execution_arn(part)}:*" for part in parts]
    rule = (
        f"arn:aws:events:{settings.region}:{settings.account}"
        ":rule/StepFunctionsGetEventsForStepFunctionsExecutionRule"
    )
    late = f"arn:aws:cloudwatch:{settings.region}:{settings.account}:alarm:{names.late_alarm}"
    watched = settings.schedule.late_after is not None
    return [
        allow("lambda:InvokeFunction", names.function_arn("plan_run")),
        *named.statements(settings),
        *schemas.reading(settings),
        allow("states:StartExecution", *map(names.workflow_arn, parts)),
        allow(["states:DescribeExecution", "states:StopExecution"], *executions),
        *lock.statements(settings, "dynamodb:UpdateItem"),
        # `.sync` learns of the end through a rule that Step Functions manages.
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], rule),
        *([allow("cloudwatch:EnableAlarmActions", late)] if watched else []),
        allow("sns:Publish", names.topic_arn),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
    ]
