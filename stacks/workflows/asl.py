"""Pieces of Amazon States Language (JSONata) that the workflows share."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from config.layout import Form

State = dict[str, Any]
States = dict[str, State]

SUBJECT_CHARACTERS = 99  # of SNS: fewer than 100, all of them printable ASCII
GLUE_JOB = "arn:aws:states:::glue:startJobRun.sync"
BUILD = "arn:aws:states:::codebuild:startBuild.sync"
LAMBDA = "arn:aws:states:::lambda:invoke"
PUT_ITEM = "arn:aws:states:::dynamodb:putItem"
GET_ITEM = "arn:aws:states:::dynamodb:getItem"
UPDATE_ITEM = "arn:aws:states:::dynamodb:updateItem"
DELETE_ITEM = "arn:aws:states:::dynamodb:deleteItem"
WORKFLOW = "arn:aws:states:::states:startExecution.sync:2"
NOTIFY = "arn:aws:states:::sns:publish"
PUT_EVENTS = "arn:aws:states:::events:putEvents"

CONDITION_FAILED = ["DynamoDB.ConditionalCheckFailedException", "DynamoDb.ConditionalCheckFailedException"]

ATTEMPTS = 2
# A run that is started again finds what it made before.
EXISTS = ["Personalize.ResourceAlreadyExistsException"]
NOT_FOUND = ["Personalize.ResourceNotFoundException"]
LIMIT_EXCEEDED = ["Personalize.LimitExceededException"]
NO_EXECUTION = ["Sfn.ExecutionDoesNotExistException", "Sfn.InvalidArnException"]
CREATE_FAILED = ["CREATE FAILED", "DELETE PENDING", "DELETE IN_PROGRESS"]

# Errors that pass by themselves. `<Service>.<Service>Exception` is Step Functions' name for an error that the
# SDK does not model, throttling among them.
TRANSIENT: Mapping[str, Sequence[str]] = {
    "personalize": ["Personalize.PersonalizeException", "Personalize.SdkClientException"],
    "personalizeruntime": [
        "PersonalizeRuntime.PersonalizeRuntimeException",
        "PersonalizeRuntime.SdkClientException",
    ],
    "redshiftdata": [
        "RedshiftData.RedshiftDataException",
        "RedshiftData.InternalServerException",
        "RedshiftData.SdkClientException",
    ],
    "dynamodb": [
        "DynamoDb.ThrottlingException",
        "DynamoDb.InternalServerErrorException",
        "DynamoDb.DynamoDbException",
        "DynamoDb.SdkClientException",
        "DynamoDB.ThrottlingException",
        "DynamoDB.ProvisionedThroughputExceededException",
        "DynamoDB.RequestLimitExceededException",
        "DynamoDB.InternalServerErrorException",
        "DynamoDB.AmazonDynamoDBException",
        "DynamoDB.SdkClientException",
    ],
    "lambda": [
        "Lambda.ServiceException",
        "Lambda.AWSLambdaException",
        "Lambda.SdkClientException",
        "Lambda.TooManyRequestsException",
    ],
    "glue": [
        "Glue.ThrottlingException",
        "Glue.InternalServiceException",
        "Glue.OperationTimeoutException",
        "Glue.ResourceNumberLimitExceededException",
        "Glue.AWSGlueException",
        "Glue.SdkClientException",
    ],
    "codebuild": ["CodeBuild.AWSCodeBuildException", "CodeBuild.SdkClientException"],
    "s3": ["S3.S3Exception", "S3.SdkClientException"],
    "sfn": ["Sfn.SfnException", "Sfn.SdkClientException"],
    "states": ["StepFunctions.AWSStepFunctionsException", "StepFunctions.SdkClientException"],
    "cloudwatch": ["CloudWatch.CloudWatchException", "CloudWatch.SdkClientException"],
    "events": [
        "EventBridge.FailedEntry",
        "EventBridge.InternalException",
        "EventBridge.EventBridgeException",
        "EventBridge.SdkClientException",
    ],
    "sns": ["SNS.InternalErrorException", "SNS.AmazonSNSException", "SNS.SdkClientException"],
}
# Personalize runs few jobs at once and refuses what touches a resource in use: both are worth a wait.
BUSY = ["Personalize.LimitExceededException", "Personalize.ResourceInUseException"]
# A function that was killed, or that ran out of memory or time. Every function of ours may run again.
DIED = ["Lambda.Unknown", "Runtime.ExitError", "Sandbox.Timedout"]


# Step Functions cuts causes at 32,768 characters, and one inside another's JSON grows: a control character by
# six for one, and by one more for each level.
CAUSE_CHARACTERS = 3000
LONGEST_WAIT_SECONDS = 900
WAITED_TO_WAIT = 12  # a wait is one part in so many of what was waited


def jsonata(expression: str) -> str:
    return f"{{% {' '.join(expression.split())} %}}"


def literal(text: str) -> str:
    """`text` as a string inside a JSONata expression."""
    return json.dumps(text)


def data(value: object) -> str:
    """JSON, which is JSONata too."""
    return json.dumps(value)


def expression_of(value: object) -> str:
    """JSON whose texts may be expressions, as one expression."""
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{literal(name)}: {expression_of(part)}" for name, part in value.items()) + "}"
        )
    if isinstance(value, str) and value.startswith("{%"):
        return value.removeprefix("{%").removesuffix("%}").strip()
    return data(value)


def bounded(expression: str) -> str:
    """An expression of the beginning of a text, as much as a cause may have."""
    return f"$substring({expression}, 0, {CAUSE_CHARACTERS})"


def joined(form: Form, *, bucket: str | None = None, **places: str) -> str:
    """A JSONata expression of `form` whose places are the expressions given; `bucket` makes it an s3:// path.

    Layout's own text holds nothing to escape; a bucket's name is the configuration's.
    """
    pieces = [f"'{text}'" for text, _ in form.pieces()]
    if bucket is not None:
        pieces[0] = literal(f"s3://{bucket}/{next(form.pieces())[0]}")
    named = [places[place] if place else None for _, place in form.pieces()]
    parts = [part for pair in zip(pieces, named, strict=True) for part in pair]
    return " & ".join(part for part in parts if part and part != "''")


def sdk(service: str, action: str) -> str:
    return f"arn:aws:states:::aws-sdk:{service}:{action}"


def task(resource: str, arguments: object, **fields: Any) -> State:
    """A Task that retries what is transient for its service, and more by `Retry`."""
    service = resource.removeprefix("arn:aws:states:::").removeprefix("aws-sdk:").split(":")[0]
    more = fields.pop("Retry", [])
    retry = [*more, retrying(TRANSIENT[service])]
    return {"Type": "Task", "Resource": resource, "Arguments": arguments, "Retry": retry, **fields}


def retrying(
    errors: Sequence[str], *, interval: int = 2, attempts: int = 6, longest: int = 60
) -> dict[str, Any]:
    """Backs off with full jitter, so that branches that failed together do not come back together."""
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": interval,
        "BackoffRate": 2,
        "MaxAttempts": attempts,
        "MaxDelaySeconds": longest,
        "JitterStrategy": "FULL",
    }


RETRY_BUSY = retrying(BUSY, interval=60, attempts=20, longest=900)
RETRY_DIED = retrying(DIED, interval=5, attempts=2)
# When the answer to a start is lost, the job that it started has to end first.
RETRY_RUNNING = retrying(["Glue.ConcurrentRunsExceededException"], interval=60, attempts=20, longest=900)
# CodeBuild says it of a project that builds already, too.
RETRY_BUILDING = retrying(["CodeBuild.AccountLimitExceededException"], interval=60, attempts=20, longest=900)


def invoke(
    function_arn: str, payload: object, *, Retry: Sequence[dict[str, Any]] = (), **fields: Any
) -> State:
    retry = [*Retry, RETRY_DIED]
    return task(LAMBDA, {"FunctionName": function_arn, "Payload": payload}, Retry=retry, **fields)


def run_job(job: str, arguments: Mapping[str, str], **fields: Any) -> State:
    return task(GLUE_JOB, {"JobName": job, "Arguments": dict(arguments)}, Retry=[RETRY_RUNNING], **fields)


def dpu_hours(of: str = "$states.result") -> str:
    """The DPU-hours of a job run that ended, as an array of one: null where Glue doesn't say them.

    Glue API reference, JobRun: DPUSeconds is of jobs that scale, others hold MaxCapacity for all of ExecutionTime.
    """
    capacity = f"$exists({of}.ExecutionTime) and $exists({of}.MaxCapacity)"
    held = f"{capacity} ? {of}.ExecutionTime * {of}.MaxCapacity / 3600 : null"
    return f"[$exists({of}.DPUSeconds) ? {of}.DPUSeconds / 3600 : {held}]"


def describe(resource: str, arn: str) -> State:
    """Describes a resource of Personalize, such as `SolutionVersion`, for `polling`; `arn` is an expression."""
    result = f"$states.result.{resource}"
    return task(
        sdk("personalize", f"describe{resource}"),
        {f"{resource}Arn": jsonata(arn)},
        Output=jsonata(f"{{'status': {result}.Status, 'reason': {result}.FailureReason}}"),
    )


def inline_map(items: object, states: States, *, start: str, **fields: Any) -> State:
    processor = {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": start, "States": states}
    return {"Type": "Map", "Items": items, "ItemProcessor": processor, **fields}


def deadline(name: str, *, hours: float) -> dict[str, str]:
    """Assigns the variables that `polling` of the same name looks at (maps may not reuse an outer name)."""
    return {
        _variable(name, "Since"): jsonata("$millis()"),
        _variable(name, "Deadline"): jsonata(f"$millis() + {int(hours * 3_600_000)}"),
    }


def _variable(name: str, what: str) -> str:
    return f"{name[0].lower()}{name[1:]}{what}"


def _wait(name: str, *, seconds: int) -> str:
    """Polls come less often the longer they go on: each writes nine of an execution's 25,000 events."""
    waited = f"$floor(($millis() - ${_variable(name, 'Since')}) / 1000 / {WAITED_TO_WAIT})"
    return jsonata(f"$max([{seconds}, $min([{LONGEST_WAIT_SECONDS}, {waited}])])")


def polling(
    name: str,
    *,
    describe: State,
    done: str,
    next_state: str,
    failed: Sequence[str],
    succeeded: str = "ACTIVE",
    rules: Sequence[Mapping[str, Any]] = (),
    of: str = "''",
    seconds: int = 60,
    again: str | None = None,
) -> States:
    """Describe until finished: `Describe<name>` is the entry, `next_state` the exit; failing has its own.

    `describe` outputs {status, reason?}; an earlier state assigned `deadline(name)`. Polls are `seconds` apart
    at first, later a twelfth of what was waited, fifteen minutes at most.
    `done` says in words what is waited for, for the message; `of` is an expression of which.
    `again` names the state of `second_attempt`, which what failed once goes to.
    """
    status = "$states.input.status"
    ended = {
        f"{status} = {literal(succeeded)}": next_state,
        f"{status} in {json.dumps(list(failed))}": f"{name}Failed",
        f"$millis() > ${_variable(name, 'Deadline')}": f"{name}TimedOut",
    }
    ends = [{"Condition": jsonata(when), "Next": then} for when, then in ended.items()]
    choices = [*rules, *_once_more(again), *ends]
    return {
        f"Describe{name}": {**describe, "Next": f"{name}Status"},
        f"{name}Status": {"Type": "Choice", "Choices": choices, "Default": f"Wait{name}"},
        f"Wait{name}": {
            "Type": "Wait",
            "Seconds": _wait(name, seconds=seconds),
            "Next": f"Describe{name}",
        },
        **_unfinished(name, what=f"{literal(done)} & {of}", status=status),
    }


def _unfinished(name: str, *, what: str, status: str) -> States:
    """How a poll ends that doesn't succeed. `what` and `status` are expressions."""
    return {
        f"{name}Failed": {
            "Type": "Fail",
            "Error": f"{name}Failed",
            "Cause": jsonata(
                f"{what} & ' failed: '"
                f" & ($exists($states.input.reason) ? {bounded('$states.input.reason')} : {status})"
            ),
        },
        f"{name}TimedOut": {
            "Type": "Fail",
            "Error": f"{name}TimedOut",
            "Cause": jsonata(f"{what} & ' took too long; last status: ' & {status}"),
        },
    }


def _once_more(again: str | None) -> list[dict[str, Any]]:
    if again is None:
        return []
    failed = jsonata(f"$states.input.status = {literal(CREATE_FAILED[0])} and $attempt < {ATTEMPTS}")
    return [{"Condition": failed, "Next": again}]


def first_attempt(name: str) -> dict[str, Any]:
    """Assigns the attempts of this execution and the number of the job, whose name is an expression, among all."""
    return {"attempt": 1, "job_number": 1, "job": jsonata(name), "job_name": jsonata(name)}


def second_attempt(**fields: Any) -> State:
    """What failed keeps its name, so another takes its place; both have one deadline."""
    assigned = {
        "attempt": jsonata("$attempt + 1"),
        "job_number": jsonata("$job_number + 1"),
        "job_name": jsonata("$job & '-' & $string($job_number + 1)"),
    }
    return {"Type": "Pass", "Assign": assigned, **fields}


def found(describe: str) -> dict[str, Any]:
    """Catches that what an attempt would create exists. Made by an earlier execution, it is no attempt of this one:

    a run that goes on after both of its attempts failed has two more, under the next names.
    """
    return {"ErrorEquals": EXISTS, "Assign": {"attempt": 0}, "Next": describe}


@dataclass(frozen=True)
class FailurePath:
    """Where a caught failure goes: `entry` finds {state, error, cause} in the variable `failure`.

    The cause is `bounded`, unless the path reads it as the JSON that it may be.
    """

    entry: str
    states: States
    whole_causes: bool = False


def reported_by(workflow: str) -> FailurePath:
    """Ends in `Failed`, which says workflow, state, error and cause as JSON."""
    failed: State = {
        "Type": "Fail",
        "Error": jsonata("$failure.error"),
        "Cause": jsonata(f"$string($merge([{{'workflow': {literal(workflow)}}}, $failure]))"),
    }
    return FailurePath("Failed", {"Failed": failed})


def workflow(
    name: str,
    *,
    comment: str,
    start: str,
    states: States,
    hours: float,
    unwatched: Sequence[str] = (),
    failing: FailurePath | None = None,
) -> dict[str, Any]:
    """A definition whose failures, but those of `unwatched`, take the path `failing` (default: `reported_by`)."""
    path = failing or reported_by(name)
    watched = {
        key: state if key in unwatched else _watched(key, state, path) for key, state in states.items()
    }
    return {
        "Comment": comment,
        "QueryLanguage": "JSONata",
        "StartAt": start,
        "TimeoutSeconds": int(hours * 3600),
        "States": {**watched, **path.states},
    }


def _watched(name: str, state: State, path: FailurePath) -> State:
    if state["Type"] == "Fail":  # can't be caught, so it becomes a failure that was
        fields = {"state": name, "error": state["Error"], "cause": state["Cause"]}
        return {"Type": "Pass", "Assign": {"failure": fields}, "Next": path.entry}
    if state["Type"] not in ("Task", "Map", "Parallel"):
        return state
    failed = failure(name, whole=path.whole_causes)
    catch = {"ErrorEquals": ["States.ALL"], "Assign": {"failure": failed}, "Next": path.entry}
    return {**state, "Catch": [*state.get("Catch", []), catch]}


def failure(state: str, *, whole: bool) -> str:
    cause = "$states.errorOutput.Cause"
    return jsonata(
        f"{{'state': {literal(state)}, 'error': $states.errorOutput.Error,"
        f" 'cause': {cause if whole else bounded(cause)}}}"
    )
