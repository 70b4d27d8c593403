"""Stores: what the templates create to keep something has somebody who writes it, and somebody who reads it."""

from __future__ import annotations

import fnmatch
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from checks import parts
from checks.assembly import Assembly, once
from checks.finding import Finding
from checks.needs import needs
from checks.personalize_calls import batch_inputs
from checks.rule import Rule
from config import layout

RULES = (
    Rule(
        "store-writer",
        "Nothing fails: what reads the store finds nothing in it, every time.",
        "Let something write it, take it away, or name who does in checks/rules/stores.py.",
        "the workflows, the recorded calls and the roles' statements",
    ),
    Rule(
        "store-reader",
        "Nothing fails: the store costs, and nobody looks at what is in it.",
        "Let something read it, take it away, or name who does in checks/rules/stores.py.",
        "the workflows, the recorded calls and the roles' statements",
    ),
)


@dataclass(frozen=True)
class Store:
    """`name` is the same in every environment: <kind>:<name without the environment's prefix>."""

    stack: str
    logical_id: str
    name: str
    written: bool
    read: bool


@dataclass(frozen=True)
class Outside:
    """A side of a store that nothing in the templates has. `store` is a pattern of names."""

    store: str
    side: str  # writer or reader
    reason: str


_QUARANTINE = f"prefix:datasets/{layout.QUARANTINE.objects()}"
_BATCH_PARTS = f"prefix:datasets/{layout.BATCH_PART.objects()}"
_EXPOSURES = f"prefix:raw/{layout.EXPOSURES.anything}"
_SEGMENTS = f"prefix:results/{layout.SEGMENTS.objects()}"
_FORGET_REPORTS = f"prefix:results/{layout.FORGET_REPORT.objects()}*"
OUTSIDE: tuple[Outside, ...] = (
    Outside(_QUARANTINE, "writer", "a run writes it only if rows are refused"),
    Outside(_QUARANTINE, "reader", "people read there why a row was refused"),
    Outside(_BATCH_PARTS, "writer", "a run writes it only where a job takes no more"),
    Outside(_BATCH_PARTS, "reader", "batch jobs read it then, in place of batch_input"),
    Outside(_EXPOSURES, "writer", "whoever shows variants writes there what was shown"),
    Outside(_EXPOSURES, "reader", "a run reads it only where an experiment ran"),
    Outside(_SEGMENTS, "writer", "a solution of segments is the configuration's choice"),
    Outside(_SEGMENTS, "reader", "a campaign tool reads there what an event names"),
    Outside(_FORGET_REPORTS, "reader", "people read what was removed; `make forget` prints it"),
    Outside("log:*", "reader", "people read logs when something failed"),
    Outside("queue:schedule-dead-letters", "reader", "people read why a run did not start; an alarm calls them"),
    Outside("queue:impressions-dead-letters", "reader", "people read and redrive what could not be written"),
    Outside("queue:stream-dead-letters", "reader", "people read what was given up; an alarm calls them"),
    Outside("parameter:serving/experiments", "reader", "`make experiments` finds AppConfig's things by it"),
    Outside("topic:alerts", "reader", "alerts.email is optional: who is told is subscribed by hand otherwise"),
    Outside("parameter:serving/api-url", "reader", "the application finds the API by it"),
    Outside("parameter:analytics/*", "reader", "the dashboards' stack, which is made if they are switched on"),
    Outside("parameter:network/security-group/database-clients", "reader", "the application's own stacks"),
    Outside("parameter:network/security-group/dashboards", "reader", "the same stack"),
)  # fmt: skip

_WRITES = "PutItem UpdateItem BatchWriteItem TransactWriteItems".split()
_READS = "GetItem BatchGetItem Query Scan ExportTableToPointInTime GetRecords".split()
# What is kept in each bucket, by the end of the bucket's name.
_FOLDERS: Mapping[str, tuple[layout.Form, ...]] = {
    "raw": (layout.RAW_TABLE, layout.LOG_EXPORT, layout.RAW_EVENTS, layout.EXPOSURES),
    "datasets": (
        layout.DATASET,
        layout.BATCH_INPUT,
        layout.BATCH_PART,
        layout.QUARANTINE,
        layout.REPORT,
        layout.FORGET_LIST,
    ),
    "results": (
        layout.BATCH_OUTPUT,
        layout.PUBLISH,
        layout.SEGMENTS,
        layout.UNPUBLISHED,
        layout.WAREHOUSE,
        layout.FORGET_REPORT,
    ),
}
# Values of the places that are the same in every environment; runs and solutions are any.
_PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "raw": {"table": ("users", "items", "orders")},
    "datasets": {"dataset": layout.DATASETS},
    "results": {"table": layout.WAREHOUSE_TABLES},
}


def check(assembly: Assembly) -> list[Finding]:
    outside = [*OUTSIDE, *_of_absent_parts(assembly)]
    return [finding for store in stores(assembly) for finding in _lacking(store, outside)]


def _of_absent_parts(assembly: Assembly) -> Iterator[Outside]:
    """Stores that stay empty or unread; a run's rows for a warehouse expire with the run."""
    for store in parts.stores(assembly):
        yield from (
            Outside(store, side, "the environment does without the part") for side in ("writer", "reader")
        )


def _lacking(store: Store, outside: Sequence[Outside]) -> Iterator[Finding]:
    sides = {"writer": (store.written, "writes"), "reader": (store.read, "reads")}
    for side, (there, does) in sides.items():
        if not there and not any(
            o.side == side and fnmatch.fnmatchcase(store.name, o.store) for o in outside
        ):
            why = f"nothing in the templates {does} {store.name}."
            cure = f"let something that {does} it be allowed to, take it away, or name who does in OUTSIDE."
            yield Finding(store.stack, store.logical_id, f"store-{side}", why, cure)


@once
def stores(assembly: Assembly) -> list[Store]:
    found: list[Store] = []
    for kind, sides in _KINDS.items():
        for stack, logical_id, properties in assembly.each(kind):
            arn = stack.resolver.arn(logical_id)
            for name, written, read in sides(assembly, arn, properties, logical_id):
                found.append(Store(stack.name, logical_id, name, written, read))
    return found


Sides = Iterator[tuple[str, bool, bool]]


def _short(assembly: Assembly, name: str) -> str:
    """`osusume-dev-control` and `/osusume/dev/control` as `control`."""
    head = re.escape(assembly.prefix).replace(r"\-", "[-/]")
    return re.sub(rf"^.*?{head}[-/]", "", name)


def _called(assembly: Assembly, service: str, names: Any, fits: Callable[[str], bool]) -> bool:
    wanted = {f"{service}:{name}" for name in names}
    return any(need.action in wanted and fits(need.resource) for need in needs(assembly))


def _table(assembly: Assembly, arn: str, properties: Mapping[str, Any], _: str) -> Sides:
    def own(resource: str) -> bool:
        return resource == arn or resource.startswith(f"{arn}/")

    name = f"table:{_short(assembly, arn.rpartition('/')[2])}"
    yield name, _called(assembly, "dynamodb", _WRITES, own), _called(assembly, "dynamodb", _READS, own)


def _bucket(assembly: Assembly, arn: str, properties: Mapping[str, Any], _: str) -> Sides:
    bucket = _short(assembly, arn.rpartition(":")[2]).partition("-")[0]
    for folder in _folders(assembly, bucket):
        below = _below(f"{arn}/{folder}")

        def inside(resource: str, pattern: re.Pattern[str] = below) -> bool:
            return _specific(resource) and pattern.fullmatch(resource) is not None

        written = _called(assembly, "s3", ["PutObject"], inside)
        yield f"prefix:{bucket}/{folder}", written, _called(assembly, "s3", ["GetObject"], inside)


def _below(folder: str) -> re.Pattern[str]:
    """`*` is one name, and the last any rest: runs/*/segments/* is not runs/*/warehouse/segments/*."""
    return re.compile("[^/]*".join(map(re.escape, folder.rstrip("*").split("*"))) + ".*")


def _folders(assembly: Assembly, bucket: str) -> Iterator[str]:
    """What is kept in the bucket; of batch input, what is the same in every environment."""
    audiences = tuple(name for name in batch_inputs(assembly) if name in layout.AUDIENCES.values())
    places = {**_PLACES[bucket], "audience": audiences}
    for form in _FOLDERS.get(bucket, ()):
        names = [name for _, name in form.pieces() if name]
        for values in product(*(places.get(name, ("*",)) for name in names)):
            yield form.of(**dict(zip(names, values, strict=True))).rstrip("/") + "*"


def _specific(resource: str) -> bool:
    """Not a permission for everything below the first folder, which no call of a certain folder shows."""
    return not resource.endswith(("/x", "_$folder$")) or resource.endswith("/AWSDynamoDB/x")


def _secret(assembly: Assembly, arn: str, properties: Mapping[str, Any], logical_id: str) -> Sides:
    name = str(properties.get("Name"))
    made = any(key in properties for key in ("GenerateSecretString", "SecretString"))
    read = _called(assembly, "secretsmanager", ["GetSecretValue"], lambda resource: resource == arn)
    yield f"secret:{_short(assembly, name)}", made, read or _named(assembly, name, logical_id)


def _named(assembly: Assembly, name: str, logical_id: str) -> bool:
    """Whether a resource uses it: a database its password, a connection its secret."""
    passive = ("AWS::IAM::Policy", "AWS::SSM::Parameter", "AWS::SecretsManager::SecretTargetAttachment")
    return any(
        f"{name}-000000" in json.dumps(properties) or f'"{name}"' in json.dumps(properties)
        for stack in assembly.stacks
        for other, properties in stack.resolved.items()
        if other != logical_id and stack.resources[other]["Type"] not in passive
    )


def _parameter(assembly: Assembly, arn: str, properties: Mapping[str, Any], _: str) -> Sides:
    name = str(properties.get("Name"))
    taken = any(
        parameter.get("Default") == name
        for template in assembly.templates.values()
        for parameter in template.get("Parameters", {}).values()
    )
    asked = _called(
        assembly, "ssm", ["GetParameter", "GetParameters"], lambda r: r.endswith(f"parameter{name}")
    )
    yield f"parameter:{_short(assembly, name)}", "Value" in properties, taken or asked


def _topic(assembly: Assembly, arn: str, properties: Mapping[str, Any], _: str) -> Sides:
    alarms = [a for _, _, a in assembly.each("AWS::CloudWatch::Alarm")]
    rings = any(arn in alarm.get("AlarmActions", []) for alarm in alarms)
    subscribed = any(s.get("TopicArn") == arn for _, _, s in assembly.each("AWS::SNS::Subscription"))
    written = rings or _called(assembly, "sns", ["Publish"], lambda resource: resource == arn)
    yield f"topic:{_short(assembly, arn.rpartition(':')[2])}", written, subscribed


def _queue(assembly: Assembly, arn: str, properties: Mapping[str, Any], _: str) -> Sides:
    def own(resource: str) -> bool:
        return resource == arn

    written, read = (_called(assembly, "sqs", [name], own) for name in ("SendMessage", "ReceiveMessage"))
    mappings = [p.get("EventSourceArn") for _, _, p in assembly.each("AWS::Lambda::EventSourceMapping")]
    policies = [p.get("RedrivePolicy") or {} for _, _, p in assembly.each("AWS::SQS::Queue")]
    written = written or arn in [policy.get("deadLetterTargetArn") for policy in policies]
    read = read or arn in mappings
    yield f"queue:{_short(assembly, arn.rpartition(':')[2])}", written, read


def _group(assembly: Assembly, arn: str, properties: Mapping[str, Any], logical_id: str) -> Sides:
    """Services that deliver logs themselves name the group in a property of their own."""
    name = str(properties.get("LogGroupName"))
    written = _called(assembly, "logs", ["PutLogEvents"], lambda resource: f":log-group:{name}:" in resource)
    holders = ("AWS::StepFunctions::StateMachine", "AWS::ApiGateway::Stage")
    delivered = any(f":log-group:{name}" in json.dumps(p) for _, _, p in assembly.each(*holders))
    filters = [f for _, _, f in assembly.each("AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter")]
    read = any(str(f.get("LogGroupName")) in (name, f"<{logical_id}>") for f in filters)
    yield f"log:{_short(assembly, name)}", written or delivered, read


_KINDS: Mapping[str, Callable[[Assembly, str, Mapping[str, Any], str], Sides]] = {
    "AWS::DynamoDB::Table": _table,
    "AWS::DynamoDB::GlobalTable": _table,
    "AWS::S3::Bucket": _bucket,
    "AWS::SecretsManager::Secret": _secret,
    "AWS::SSM::Parameter": _parameter,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::Logs::LogGroup": _group,
}
