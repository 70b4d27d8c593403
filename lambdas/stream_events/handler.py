"""The stream of the log's table to Personalize: each event once, each user and item as it is now, or why not."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.streaming import opened
from lambdas.shared.telemetry import count, logger
from lambdas.stream_events import records, sending
from lambdas.stream_events.environment import Environment
from lambdas.stream_events.records import Refused, Rules, Sent
from lambdas.stream_events.sending import Outcome, Targets

KEY = "stream_quarantine/day={day}/{file}"  # a copy of config/layout.py's STREAM_QUARANTINE, which a test compares
# A refusal of all that is sent may be the tracker's fault and not the events': so long it is asked again.
PATIENCE_SECONDS = 20 * 3600
# Users and items come with the next run whatever happens, so that they hold nobody up. Until that run the dataset lacks
# a field that was added, and all of them are refused.
ENTITIES = {"put_items", "put_users"}
FIGURES = ("Streamed", "Imported", "Corrected", "Quarantined", "Failed")
# Of what is streamed beside events about items, by operation; each only where it is configured.
MORE_FIGURES = {
    "put_action_interactions": "ActionsStreamed",
    "put_items": "ItemsPut",
    "put_users": "UsersPut",
}
# By operation: {arn, and of actions: meanings; of users and items: type, key, fields}. The deployment writes it.
DATASETS = Path(__file__).with_name("datasets.json")

Datasets = Mapping[str, Mapping[str, Any]]


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def datasets() -> Datasets:
    return dict(json.loads(DATASETS.read_text(encoding="utf-8")))


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """{batchItemFailures}: Lambda delivers again from the first of them on."""
    return run(
        event["Records"], clients=client, settings=settings(), datasets=datasets(), now=datetime.now(UTC)
    )


def run(
    given: Sequence[dict[str, Any]],
    *,
    clients: Callable[[str], Any],
    settings: Environment,
    datasets: Datasets,
    now: datetime,
) -> dict[str, Any]:
    """Raises what DynamoDB and S3 refuse: then all of it is delivered again, and what was sent is not counted twice."""
    rules = _rules(clients("dynamodb"), settings, datasets, now)
    found = [records.understood(record, rules) for record in given]
    members = [one for one in found if isinstance(one, Sent)]
    outcome = Outcome()
    if members:
        targets = _targets(clients, settings, datasets)
        outcome = sending.send(clients("personalize-events"), targets=targets, members=members)
    refused, failed = _sorted_out(outcome, now=now)
    wrong = [*(one for one in found if isinstance(one, Refused)), *refused]
    if wrong:
        quarantine(clients("s3"), bucket=settings.raw_bucket, wrong=wrong, now=now)
    passed = Counter(one for one in found if isinstance(one, str))
    sent = Counter(one.operation for one in outcome.sent)
    amounts = (sent["put_events"], passed["imported"], passed["corrected"], len(wrong), len(failed))
    count(
        dict(zip(FIGURES, amounts, strict=True)) | {MORE_FIGURES[name]: sent[name] for name in datasets},
        namespace=settings.powertools_metrics_namespace,
        dimensions={"Service": "stream_events"},
    )
    return {"batchItemFailures": [{"itemIdentifier": one.sequence} for one in failed]}


def _rules(dynamodb: Any, settings: Environment, datasets: Datasets, now: datetime) -> Rules:
    return Rules(
        configured=frozenset(settings.streamed),
        opened=opened(dynamodb, table=settings.control_table, dataset_group=settings.dataset_group),
        attributes=settings.log_attributes,
        timestamp_format=settings.timestamp_format,
        interactions=settings.interactions,
        latest=int(now.timestamp()) + records.CLOCK_SKEW,
        meanings=datasets.get("put_action_interactions", {}).get("meanings", {}),
        entities={one["type"]: {"operation": name, **one} for name, one in datasets.items() if "type" in one},
    )


def _targets(clients: Callable[[str], Any], settings: Environment, datasets: Datasets) -> Targets:
    return Targets(
        tracking_id=settings.tracking_id,
        datasets={name: one["arn"] for name, one in datasets.items()},
        describer=lambda: clients("personalize"),
    )


def _sorted_out(outcome: Outcome, *, now: datetime) -> tuple[list[Refused], list[Sent]]:
    """What is quarantined, and what is delivered again."""
    wrong, again = list[Refused](), [one for one, _ in outcome.failed]
    taken = {one.operation for one in outcome.sent}
    for one, why in outcome.refused:
        if one.operation in taken | ENTITIES or now.timestamp() - one.written_at > PATIENCE_SECONDS:
            wrong.append(_refused(one))
        else:
            again.append(one)
        logger().warning("refused", extra={"event_id": one.event_id, "fault": why})
    for why in {why for _, why in outcome.failed}:
        logger().warning("not sent", extra={"fault": why})
    return wrong, again


def _refused(one: Sent) -> Refused:
    return Refused(
        sequence=one.sequence, event_id=one.event_id, event_type=one.kind, reason="refused_by_personalize"
    )


def quarantine(s3: Any, *, bucket: str, wrong: Sequence[Refused], now: datetime) -> None:
    """Writes an object below the day; the same records again write the same one. Nothing in it names a user."""
    rows = [
        {
            "event_key": one.event_id,
            "event_type": one.event_type,
            "reason": one.reason,
            "sequence_number": one.sequence,
        }
        for one in wrong
    ]
    body = "".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows)
    file = f"{hashlib.sha256(body.encode()).hexdigest()[:32]}.json"
    key = KEY.format(day=now.strftime("%Y-%m-%d"), file=file)
    s3.put_object(Bucket=bucket, Key=key, Body=body.encode(), ContentType="application/json")
