"""What is watched, as one table: name, metric, limit, and what to do when it is crossed.

One failed run sends one mail. A run that fails sends its own, with state, error and cause, so what failed inside of it
is an alarm without a mail; a run that timed out or was aborted can't send one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import get_args

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from config import layout
from config.experiments import Experiment
from config.names import without_dashes
from config.settings import Settings
from lambdas.get_recommendations.ranking import Source
from stacks.parts.api import STAGE
from stacks.workflows import definitions
from stacks.workflows.load import DBT

AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD
QUIET = cloudwatch.TreatMissingData.NOT_BREACHING
ENDINGS = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")
SILENT_ENDINGS = ("ExecutionsTimedOut", "ExecutionsAborted")  # of a run: nothing of it can tell any more
# The share that a short trouble of DynamoDB reaches in five minutes, and the patience of a page that waits.
DEGRADED_PERCENT = 5
SLOW_MS = 1000
ENOUGH_ANSWERS = 50  # of either side in five minutes: fewer say nothing
LATE_MS = 15 * 60 * 1000  # of a record of the stream; "at once" is long gone by then
QUARANTINED = 10  # records in five minutes: an application that writes something else than before
DROPPED = 10  # impressions in five minutes: a reader's network hiccup drops single ones
OUTSIDE_OF_RUNS = (
    "authorize_reader",
    "get_recommendations",
    "record_events",
    "request_forgetting",
    "stop_variant",
    "stream_events",
)
TELLING = ("pipeline", "forget")  # workflows that send a mail themselves when they fail


@dataclass(frozen=True, kw_only=True)
class Watched:
    name: str
    slug: str
    cure: str
    metric: cloudwatch.IMetric
    threshold: float = 1
    comparison: cloudwatch.ComparisonOperator = AT_LEAST
    periods: int = 1
    missing: cloudwatch.TreatMissingData = QUIET
    mails: bool = True
    from_first_run: bool = False  # its mails are turned on by the first run that succeeds


def watched(settings: Settings, *, functions: Iterable[str]) -> list[Watched]:
    return [
        *(_unfinished(settings, workflow) for workflow in definitions(settings)),
        *_late(settings),
        *(_function_errors(settings, function) for function in in_order_of_use(settings, functions)),
        *(_of_builds(settings) if settings.analytics.builds_on_codebuild else ()),
        _undelivered(settings),
        *(_of_impressions(settings) if settings.logs_impressions else ()),
        *(_of_stream(settings) if settings.datasets.streams else ()),
        _api_errors(settings),
        _degraded(settings),
        _slow(settings),
        _throttled(settings),
    ]


def in_order_of_use(settings: Settings, functions: Iterable[str]) -> list[str]:
    """Functions as the workflows of a run call them; functions that none calls come last."""
    text = json.dumps(list(definitions(settings).values()))
    places = {name: text.find(f'"{settings.names.function_arn(name)}"') for name in functions}
    return sorted(places, key=lambda name: (places[name] < 0, places[name]))


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], *, hours: int = 0, statistic: str = "Sum"
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=Duration.hours(hours) if hours else Duration.minutes(5),
    )


def _executions(settings: Settings, workflow: str, ending: str, *, hours: int = 0) -> cloudwatch.Metric:
    dimensions = {"StateMachineArn": settings.names.workflow_arn(workflow)}
    return _metric("AWS/States", ending, dimensions, hours=hours)


def _unfinished(settings: Settings, workflow: str) -> Watched:
    tells = workflow in TELLING
    names = SILENT_ENDINGS if tells else ENDINGS
    endings = {f"m{number}": _executions(settings, workflow, name) for number, name in enumerate(names)}
    ended = "timed out or was aborted" if tells else "failed, timed out or was aborted"
    total = cloudwatch.MathExpression(
        expression=" + ".join(f"FILL({name}, 0)" for name in endings),
        using_metrics=endings,
        label=ended,
        period=Duration.minutes(5),
    )
    return Watched(
        name=f"{without_dashes(workflow)}Unfinished",
        slug=f"{workflow}-unfinished",
        cure=f"An execution of {settings.names.workflow(workflow)} {ended}: "
        f"its history names the state; {_meanwhile(settings, workflow)}.",
        metric=total,
        mails=tells or workflow == "clean-up",  # whose failure no run tells
    )


def _meanwhile(settings: Settings, workflow: str) -> str:
    if workflow == "clean-up":
        return "what serves is untouched, and what is left over is found the next time"
    if workflow == "forget":
        return "ask for the deletion again, which goes on"
    if workflow != "load":
        return "what served before the lists were swapped serves on"
    return (
        "the lists serve, and the next run loads what was missed; a run that can never be loaded leaves the set "
        f"run_ids of item {layout.WAREHOUSE_PENDING} in table {settings.names.control_table}"
    )


def _late(settings: Settings) -> list[Watched]:
    """No success in the last hours, where CloudWatch can look back so far (`Schedule.late_after`).

    Where data points are missing CloudWatch looks further back than the periods (its evaluation range), and an old
    success would keep the alarm quiet: FILL gives each hour its point.
    """
    hours = settings.schedule.late_after
    if hours is None:
        return []
    succeeded = cloudwatch.MathExpression(
        expression="FILL(succeeded, 0)",
        using_metrics={"succeeded": _executions(settings, "pipeline", "ExecutionsSucceeded", hours=1)},
        label="succeeded",
        period=Duration.hours(1),
    )
    late = Watched(
        name="PipelineLate",
        slug="pipeline-late",
        cure=f"No run succeeded for {hours} hours: the lists of the last one serve on and grow old. "
        "Look at the schedule, its dead letters and the last execution.",
        metric=succeeded,
        comparison=BELOW,
        periods=hours,
        missing=cloudwatch.TreatMissingData.BREACHING,
        # An environment without data has no run that could be late.
        from_first_run=True,
    )
    return [late]


def _function_errors(settings: Settings, function: str) -> Watched:
    words = "".join(word.capitalize() for word in function.split("_"))
    return Watched(
        name=f"{words}Errors",
        slug=f"{function.replace('_', '-')}-errors",
        cure=f"{settings.names.function(function)} raised: its log group has the error.",
        metric=_failures(settings, function),
        mails=function in OUTSIDE_OF_RUNS,
    )


def _failures(settings: Settings, function: str) -> cloudwatch.Metric:
    """An authorizer says 401 by raising, to whoever comes with an old token: it counts its own failures."""
    if function == "authorize_reader":
        return _metric(settings.names.metric_namespace, "Failed", {"Service": function})
    return _metric("AWS/Lambda", "Errors", {"FunctionName": settings.names.function(function)})


def _of_builds(settings: Settings) -> list[Watched]:
    """Alarms in place of the function's errors. A build that timed out or was stopped counts as failed, too."""
    project = settings.names.project(DBT)
    return [
        Watched(
            name="BuildsFailed",
            slug="builds-failed",
            cure=f"A build of {project} failed: its log group has the error.",
            metric=_metric("AWS/CodeBuild", "FailedBuilds", {"ProjectName": project}),
            mails=False,
        )
    ]


def _undelivered(settings: Settings) -> Watched:
    queue = settings.names.schedule_dead_letters
    return Watched(
        name="ScheduleUndelivered",
        slug="schedule-undelivered",
        cure="The scheduler could not start a run or the clean-up, or note that training is due: the messages in "
        f"{queue} say which, and why.",
        metric=_metric(
            "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": queue}, statistic="Maximum"
        ),
    )


def _of_impressions(settings: Settings) -> list[Watched]:
    """Readers get their answers all the while: what is lost is what rules and the warehouse would know."""
    dead = settings.names.impressions_dead_letters
    dimensions = {"Service": "get_recommendations"}
    return [
        Watched(
            name="ImpressionsDropped",
            slug="impressions-dropped",
            cure="The queue of what the API shows did not take it in time: rules and the warehouse lack it. "
            "The read function's log says why, under the message fallback, source impressions.",
            metric=_metric(settings.names.metric_namespace, "ImpressionsDropped", dimensions),
            threshold=DROPPED,
            periods=3,
        ),
        Watched(
            name="ImpressionsUnrecorded",
            slug="impressions-unrecorded",
            cure=f"What the API showed could not be written five times: messages in {dead}. "
            "The log of record-events says why; afterwards start the queue's redrive.",
            metric=_metric(
                "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": dead}, statistic="Maximum"
            ),
        ),
    ]


def _of_stream(settings: Settings) -> list[Watched]:
    """Runs import none of it, so what the stream loses Personalize lacks."""
    function, dead = settings.names.function("stream_events"), settings.names.stream_dead_letters
    return [
        Watched(
            name="StreamLate",
            slug="stream-late",
            cure="Events of the log reach Personalize a quarter of an hour late or more, after 23 hours not at all. "
            "The log of stream-events says why, under the message not sent.",
            metric=_metric("AWS/Lambda", "IteratorAge", {"FunctionName": function}, statistic="Maximum"),
            threshold=LATE_MS,
            periods=3,
        ),
        Watched(
            name="StreamQuarantined",
            slug="stream-quarantined",
            cure="Events of the log could not be sent to Personalize: the raw bucket's folder "
            f"{layout.STREAM_QUARANTINE.top}/ says why, event by event.",
            metric=_metric(settings.names.metric_namespace, "Quarantined", {"Service": "stream_events"}),
            threshold=QUARANTINED,
            periods=3,
        ),
        Watched(
            name="StreamGivenUp",
            slug="stream-given-up",
            cure=f"Events of the log could not be sent for 23 hours: messages in {dead} say which. Personalize lacks "
            "them until datasets.schema_version is raised, whose dataset group gets all by import.",
            metric=_metric(
                "AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": dead}, statistic="Maximum"
            ),
        ),
    ]


def _degraded(settings: Settings) -> Watched:
    """The fallback hides every fault of the store from readers; somebody has to see it."""
    sources = get_args(Source)
    sums = {
        f"{letter}{number}": _metric(settings.names.metric_namespace, name, {"Source": source})
        for letter, name in (("d", "Degraded"), ("a", "Answers"))
        for number, source in enumerate(sources)
    }
    total = {letter: " + ".join(f"FILL({key}, 0)" for key in sums if key[0] == letter) for letter in "da"}
    return Watched(
        name="AnswersDegraded",
        slug="answers-degraded",
        cure=f"{DEGRADED_PERCENT}% of the answers or more are stand-ins: readers get the popular or the packaged "
        "list. The function's log says why, under the message fallback.",
        metric=cloudwatch.MathExpression(
            expression=f"100 * ({total['d']}) / ({total['a']})",
            using_metrics=sums,
            label="percent degraded",
            period=Duration.minutes(5),
        ),
        threshold=DEGRADED_PERCENT,
        periods=3,
    )


def _slow(settings: Settings) -> Watched:
    dimensions = {"ApiName": settings.names.api, "Stage": STAGE}
    return Watched(
        name="AnswersSlow",
        slug="answers-slow",
        cure=f"One answer in a hundred takes {SLOW_MS} ms or more: look at the function's duration and its cold "
        "starts, then at DynamoDB's latency.",
        metric=_metric("AWS/ApiGateway", "Latency", dimensions, statistic="p99"),
        threshold=SLOW_MS,
        periods=3,
    )


def of_variant(
    settings: Settings, experiment: Experiment, variant: str, *, failed_points: int, slower_ms: int
) -> list[Watched]:
    """How a variant fares beside the control, which the same store's troubles reach: only the difference is its own."""
    stem, words = f"{experiment.name}-{variant}", without_dashes(f"{experiment.name}-{variant}")
    stops = f"Variant {variant} of {experiment.name} is stopped, and a mail says so"
    sides = {"v": variant, "c": experiment.control}
    failed = {
        f"{side}{letter}": _variants_metric(settings, experiment, one, name)
        for side, one in sides.items()
        for letter, name in (("f", "Failed"), ("a", "Answers"))
    }
    answers = {name: metric for name, metric in failed.items() if name.endswith("a")}
    slow = {
        side: _variants_metric(settings, experiment, one, "ReadMs", statistic="p99")
        for side, one in sides.items()
    }
    enough = f"MIN([va, ca]) >= {ENOUGH_ANSWERS}"
    return [
        Watched(
            name=f"Variant{words}Failing",
            slug=f"variant-{stem}-failing",
            cure=f"{failed_points} points more of its answers than of the control's are empty or stand-ins. {stops}.",
            metric=_difference(
                f"IF({enough}, 100 * vf / va - 100 * cf / ca, 0)", failed, "points above the control"
            ),
            threshold=failed_points,
            periods=3,
        ),
        Watched(
            name=f"Variant{words}Slow",
            slug=f"variant-{stem}-slow",
            cure=f"One of a hundred of its answers takes {slower_ms} ms longer than the control's. {stops}.",
            metric=_difference(f"IF({enough}, v - c, 0)", {**slow, **answers}, "ms above the control"),
            threshold=slower_ms,
            periods=3,
        ),
    ]


def _variants_metric(
    settings: Settings, experiment: Experiment, variant: str, name: str, *, statistic: str = "Sum"
) -> cloudwatch.Metric:
    dimensions = {"Experiment": experiment.name, "Variant": variant}
    return _metric(settings.names.metric_namespace, name, dimensions, statistic=statistic)


def _difference(
    expression: str, metrics: dict[str, cloudwatch.Metric], label: str
) -> cloudwatch.MathExpression:
    return cloudwatch.MathExpression(
        expression=expression, using_metrics=dict(metrics), label=label, period=Duration.minutes(5)
    )


def _throttled(settings: Settings) -> Watched:
    dimensions = {"FunctionName": settings.names.function("get_recommendations")}
    return Watched(
        name="ReadsThrottled",
        slug="reads-throttled",
        cure="Lambda refused reads: the account's or the function's concurrency is used up, so readers get errors. "
        "Raise the quota, or lower api.rate_per_second.",
        metric=_metric("AWS/Lambda", "Throttles", dimensions),
    )


def _api_errors(settings: Settings) -> Watched:
    dimensions = {"ApiName": settings.names.api, "Stage": STAGE}
    return Watched(
        name="ApiErrors",
        slug="api-errors",
        cure="The API answered 5xx: look at the function's log and at DynamoDB's health.",
        metric=_metric("AWS/ApiGateway", "5XXError", dimensions),
    )
