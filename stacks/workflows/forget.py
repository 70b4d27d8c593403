"""`forget`: users out of everything that is kept, under the environment's lock. Input {request: <deletion id>}.

No state has an id of a user: requests are named, and the function reads whose they are. An execution takes on all
requests that wait; one whose request another has done ends at once. Each step is done again without harm, so what a
failure left is gone on with by the next execution.
"""

from __future__ import annotations

from typing import Any

from config import layout
from config.settings import Settings
from stacks.parts.access import Statement, allow, pass_role
from stacks.workflows import asl, lock
from stacks.workflows.asl import State, States, jsonata, sdk

# A run holds the lock for 20 hours at most.
QUEUE_HOURS = 22
# Personalize developer guide, "Deleting users": up to a day.
DELETION_HOURS = 26
HOURS = 60
LOCK_HOURS = HOURS + 1
QUEUE_SECONDS = 300
# The time that can be restored trails by about five minutes: what the next run exports lies after this.
SETTLE_SECONDS = 900
# A deletion's id and the number of its execution; of one that was started by hand, as much of its random name.
NAME_CHARACTERS = 20
FIRST_PLACE = "application log"  # where there is one


def definition(settings: Settings) -> dict[str, Any]:
    states: States = {
        "Start": {
            "Type": "Pass",
            "Assign": {
                "me": jsonata("$states.context.Execution.Id"),
                "requests": [jsonata("$states.input.request")],
                "queueDeadline": jsonata(f"$millis() + {QUEUE_HOURS * 3_600_000}"),
            },
            "Next": "AcquireLock",
        },
        **lock.states(settings, hours=LOCK_HOURS, acquired="Begin", refused="Queued"),
        **_queue_states(),
        **_begin_states(settings),
        **_remove_states(settings),
        **_deletion_states(settings),
        "Settle": {"Type": "Wait", "Seconds": SETTLE_SECONDS, "Next": "End"},
        "End": _step(
            settings,
            "end",
            {"requests": jsonata("$requests")},
            Assign={"report": jsonata("$states.result.Payload.report")},
            Next="ReleaseLock",
        ),
        "ReleaseLock": lock.release(settings, Next="Done", caught="Done"),
        "Done": {
            "Type": "Succeed",
            "Output": jsonata("{'requests': $requests, 'report': $report}"),
        },
    }
    return asl.workflow(
        "forget",
        comment="Users out of everything that is kept",
        start="Start",
        states=states,
        hours=HOURS,
        unwatched=("ReleaseLock",),
        failing=_failure_path(settings),
    )


def _queue_states() -> States:
    """A run goes on to its end; no other one starts before this had its turn, unless it comes first."""
    return {
        "Queued": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$millis() > $queueDeadline"), "Next": "LockNotFree"}],
            "Default": "WaitForLock",
        },
        "WaitForLock": {"Type": "Wait", "Seconds": QUEUE_SECONDS, "Next": "AcquireLock"},
        "LockNotFree": {
            "Type": "Fail",
            "Error": "LockNotFree",
            "Cause": f"Runs held the lock for {QUEUE_HOURS} hours, and nothing was removed: ask again when none runs",
        },
    }


def _begin_states(settings: Settings) -> States:
    return {
        "Begin": _step(
            settings,
            "begin",
            {"requests": jsonata("$requests")},
            Assign={"requests": jsonata("[$states.result.Payload.requests]"), "report": "none"},
            Next="AnythingToDo",
        ),
        "AnythingToDo": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$count($requests) = 0"), "Next": "ReleaseLock"}],
            "Default": "StartRemoving",
        },
        "StartRemoving": {
            "Type": "Pass",
            "Assign": {"position": {"place": _first_place(settings)}},
            "Next": "Remove",
        },
    }


def _remove_states(settings: Settings) -> States:
    """The function stops before its time is up, and says where it goes on."""
    return {
        "Remove": _step(
            settings,
            "remove",
            {"requests": jsonata("$requests"), "position": jsonata("$position")},
            Output=jsonata("$states.result.Payload"),
            Next="Removed",
        ),
        "Removed": {
            "Type": "Choice",
            "Choices": [{"Condition": jsonata("$states.input.done"), "Next": "WriteList"}],
            "Default": "GoOn",
        },
        "GoOn": {
            "Type": "Pass",
            "Assign": {"position": jsonata("$states.input.position")},
            "Next": "Remove",
        },
    }


def _first_place(settings: Settings) -> str:
    return FIRST_PLACE if settings.sources.application_log is not None else "lists"


def _deletion_states(settings: Settings) -> States:
    names = settings.names
    groups = [
        {"name": f"{names.prefix}-forget-{number}", "arn": arn}
        for number, arn in enumerate(names.dataset_group_arns, start=1)
    ]
    return {
        "WriteList": _step(
            settings, "list", {"requests": jsonata("$requests")}, Next="DeleteFromPersonalize"
        ),
        "DeleteFromPersonalize": asl.inline_map(
            groups, _group_states(settings), start="NameDeletion", MaxConcurrency=1, Next="Settle"
        ),
    }


def _group_states(settings: Settings) -> States:
    job_arn = f"{asl.literal(settings.names.personalize_arn('data-deletion-job/'))} & $job_name"
    return {
        "NameDeletion": {
            "Type": "Pass",
            "Assign": {
                "group": jsonata("$states.input.arn"),
                # Of this execution: what failed keeps its name.
                "job_name": jsonata(
                    "$states.input.name & '-'"
                    f" & $substring($states.context.Execution.Name, 0, {NAME_CHARACTERS})"
                ),
                **asl.deadline("Deletion", hours=DELETION_HOURS),
            },
            "Next": "CreateDeletion",
        },
        "CreateDeletion": _create_deletion(settings),
        **asl.polling(
            "Deletion",
            describe=asl.describe("DataDeletionJob", job_arn),
            done="Data deletion job",
            succeeded="COMPLETED",
            failed=["FAILED"],
            next_state="Deleted",
        ),
        "Deleted": {"Type": "Succeed"},
    }


def _create_deletion(settings: Settings) -> State:
    location = asl.joined(
        layout.FORGET_LIST, bucket=settings.names.datasets_bucket, request_id="$requests[0]"
    )
    return asl.task(
        sdk("personalize", "createDataDeletionJob"),
        {
            "JobName": jsonata("$job_name"),
            "DatasetGroupArn": jsonata("$group"),
            "DataSource": {"DataLocation": jsonata(location)},
            "RoleArn": settings.names.personalize_role_arn,
        },
        Retry=[asl.RETRY_BUSY],
        Catch=[
            {"ErrorEquals": asl.EXISTS, "Next": "DescribeDeletion"},
            # A generation that was removed has no data of anybody.
            {"ErrorEquals": asl.NOT_FOUND, "Next": "Deleted"},
        ],
        Next="DescribeDeletion",
    )


def _step(settings: Settings, step: str, more: dict[str, Any], **fields: Any) -> State:
    return asl.invoke(
        settings.names.function_arn("forget_users"),
        {"step": step, **more},
        Retry=[
            asl.retrying(["DeletesUnprocessed", "WarehouseRefused"], interval=30, attempts=3, longest=300)
        ],
        **fields,
    )


def _failure_path(settings: Settings) -> asl.FailurePath:
    """Whoever asks for the deletion again lets it go on; a later one takes it along."""
    ignored = [{"ErrorEquals": ["States.ALL"], "Next": "NotifyFailure"}]
    states: States = {
        "NoteFailure": _step(
            settings, "fail", {"requests": jsonata("$requests")}, Catch=ignored, Next="NotifyFailure"
        ),
        "NotifyFailure": asl.task(
            asl.NOTIFY,
            {
                "TopicArn": settings.names.topic_arn,
                "Subject": f"{settings.names.prefix}: forgetting failed",
                "Message": jsonata(_message(settings)),
            },
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "ReleaseLockAfterFailure"}],
            Next="ReleaseLockAfterFailure",
        ),
        "ReleaseLockAfterFailure": lock.release(settings, Next="Failed", caught="Failed"),
        **asl.reported_by("forget").states,
    }
    return asl.FailurePath("NoteFailure", states)


def _message(settings: Settings) -> str:
    return (
        "$join(["
        f"{asl.literal(f'Environment {settings.names.prefix}: users were not forgotten to the end.')},"
        "'State: ' & $failure.state,"
        "'Error: ' & $failure.error,"
        "'Cause: ' & $substring($failure.cause, 0, 2000),"
        "'Deletions: ' & $join($requests, ', '),"
        "'Execution: ' & $me,"
        "'Once this is fixed, ask for the deletion again: it goes on where it was.'"
        "], '\\n')"
    )


def statements(settings: Settings, *, key_arn: str) -> list[Statement]:
    names = settings.names
    jobs = names.personalize_arn(f"data-deletion-job/{names.prefix}-forget-*")
    return [
        allow("lambda:InvokeFunction", names.function_arn("forget_users")),
        *lock.statements(settings),
        allow("personalize:CreateDataDeletionJob", jobs, *names.dataset_group_arns),
        allow("personalize:DescribeDataDeletionJob", jobs),
        pass_role(names.personalize_role_arn, to="personalize.amazonaws.com"),
        allow("sns:Publish", names.topic_arn),
        allow(["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
    ]
