"""Streams of tables to functions, with what ministack passes over: partial batches, bisection, retries, rights.

Lambda developer guide, "Using Lambda with Amazon DynamoDB" ("Reporting batch item failures", "Configuring
destinations for DynamoDB event sources"); API reference, CreateEventSourceMapping. A stream has one shard here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint import permissions, replacements
from osusume_endpoint.errors import AccessDenied
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.lambda")

Record = dict[str, Any]
READING = ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream")
BACKOFF_SECONDS = 1.0


@dataclass
class Attempts:
    """How the records at the head of a mapping's stream fared. `size` is None for the mapping's own batch size."""

    count: int = 0
    size: int | None = None
    not_before: float = 0.0


@dataclass
class Mappings:
    attempts: dict[str, Attempts] = field(default_factory=dict)

    def poll(self) -> bool:
        """Whether any mapping got further."""
        from ministack.core import responses
        from ministack.services import lambda_svc

        further = False
        for account, region, mapping in lambda_svc._iter_all_esms():
            if ":dynamodb:" in mapping.get("EventSourceArn", "") and mapping.get("Enabled", True):
                with responses.request_scope(account, region):
                    further |= self._poll_one(mapping)
        return further

    def _poll_one(self, mapping: Record) -> bool:
        from ministack.services import lambda_svc

        function, _ = lambda_svc._get_func_record_for_qualifier(
            mapping["FunctionName"], mapping.get("Qualifier")
        )
        head = self.attempts.setdefault(mapping["UUID"], Attempts())
        if function is None or time.time() < head.not_before:
            return False
        records = _records(mapping, head)
        if not records:
            return False
        return self._deliver(mapping, function, records, head)

    def _deliver(self, mapping: Record, function: Record, records: list[Record], head: Attempts) -> bool:
        from ministack.services import lambda_svc

        wanted = lambda_svc._apply_filter_criteria(records, mapping)
        try:
            _check_reading(mapping, function)
        except AccessDenied as denied:
            return self._later(mapping, head, f"PROBLEM: {denied.message}")
        result = lambda_svc._execute_function(function, {"Records": wanted}) if wanted else {}
        taken = _taken(mapping, records, result)
        _advance(mapping, taken)
        if taken:
            self.attempts.pop(mapping["UUID"], None)
        if taken == len(records):
            mapping["LastProcessingResult"] = f"OK - {taken} records"
            return True
        if taken:
            return self._later(
                mapping, self.attempts.setdefault(mapping["UUID"], Attempts(count=1)), "PARTIAL"
            )
        return self._failed(mapping, function, records, result, head)

    def _failed(
        self, mapping: Record, function: Record, records: list[Record], result: Record, head: Attempts
    ) -> bool:
        """Halves the batch, tries again, or gives it up. Splitting costs no attempt."""
        log.warning("%s failed on %d records of a stream", mapping["FunctionName"], len(records))
        if mapping.get("BisectBatchOnFunctionError") and len(records) > 1:
            head.size = (len(records) + 1) // 2
            return self._later(mapping, head, "FAILED")
        head.count += 1
        condition = _exhausted(mapping, records, head)
        if condition is None:
            return self._later(mapping, head, "FAILED")
        _tell(mapping, function, records, result, condition)
        _advance(mapping, len(records))
        self.attempts.pop(mapping["UUID"], None)
        return True

    def _later(self, mapping: Record, head: Attempts, outcome: str) -> bool:
        if mapping.get("LastProcessingResult") != outcome:
            log.warning("stream to %s: %s", mapping["FunctionName"], outcome)
        mapping["LastProcessingResult"] = outcome
        head.not_before = time.time() + BACKOFF_SECONDS
        return False


def install() -> None:
    replacements.apply(__name__, mappings=Mappings())


@replaces("ministack.services.lambda_svc:_poll_dynamodb_streams", takes="")
def _polling(inner: Callable[[], bool], mappings: Mappings) -> Callable[[], bool]:
    def poll_dynamodb_streams() -> bool:
        return mappings.poll()

    return poll_dynamodb_streams


def _records(mapping: Record, head: Attempts) -> list[Record]:
    """The next batch of the table's present stream."""
    from ministack.services import dynamodb

    name = _table_name(mapping)
    if (dynamodb._tables.get(name) or {}).get("LatestStreamArn") != mapping["EventSourceArn"]:
        return []
    size = min(head.size or mapping["BatchSize"], mapping["BatchSize"])
    found: list[Record] = dynamodb.stream_records_since(name, _position(mapping), size)
    return found


def _table_name(mapping: Record) -> str:
    return str(mapping["EventSourceArn"].partition(":table/")[2].partition("/")[0])


def _position(mapping: Record) -> int:
    from ministack.services import dynamodb, lambda_svc

    name, positions = _table_name(mapping), lambda_svc._dynamodb_stream_positions
    horizon = dynamodb.stream_start_position(name)
    begins = dynamodb.stream_end_position(name) if mapping.get("StartingPosition") == "LATEST" else horizon
    with lambda_svc._dynamodb_stream_positions_lock:
        positions[mapping["UUID"]] = max(positions.get(mapping["UUID"], begins), horizon)
        return int(positions[mapping["UUID"]])


def _advance(mapping: Record, records: int) -> None:
    from ministack.services import lambda_svc

    position = _position(mapping)
    with lambda_svc._dynamodb_stream_positions_lock:
        lambda_svc._dynamodb_stream_positions[mapping["UUID"]] = position + records


def _check_reading(mapping: Record, function: Record) -> None:
    """Lambda reads the stream as the function's role. Raises AccessDenied."""
    role = (function.get("config") or function)["Role"]
    for action in READING:
        permissions.authorize(role, action=action, resource=mapping["EventSourceArn"])
    permissions.authorize(role, action="dynamodb:ListStreams", resource="*")


def _taken(mapping: Record, records: list[Record], result: Record) -> int:
    """Records from the head on that are done with: those before the first that the function names as failed.

    A name that is none of the batch's fails all of it, as an answer of another form does.
    """
    if result.get("error"):
        return 0
    body = result.get("body")
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", ()) or not isinstance(
        body, dict
    ):
        return len(records)
    failures = body.get("batchItemFailures") or []
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    named = [one.get("itemIdentifier") if isinstance(one, dict) else None for one in failures]
    if any(name not in numbers for name in named):
        return 0
    return min((numbers.index(name) for name in named), default=len(records))


def _exhausted(mapping: Record, records: list[Record], head: Attempts) -> str | None:
    """The condition under which Lambda gives a batch up; None while it goes on."""
    age, attempts = mapping.get("MaximumRecordAgeInSeconds"), mapping.get("MaximumRetryAttempts")
    oldest = min(float(record["dynamodb"]["ApproximateCreationDateTime"]) for record in records)
    if age is not None and 0 < int(age) < time.time() - oldest:
        return "MaxRecordAgeExceeded"
    if attempts is not None and 0 <= int(attempts) < head.count:
        return "RetryAttemptsExhausted"
    return None


def _tell(mapping: Record, function: Record, records: list[Record], result: Record, condition: str) -> None:
    """Sends to the mapping's destination which records were given up, as the function's role."""
    from ministack.services import lambda_svc

    target = ((mapping.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination")
    if not target:
        return
    action = "sns:Publish" if ":sns:" in target else "sqs:SendMessage"
    try:
        permissions.authorize((function.get("config") or function)["Role"], action=action, resource=target)
    except AccessDenied as denied:
        log.error(
            "records of %s were given up and nobody is told: %s", mapping["FunctionName"], denied.message
        )
        return
    lambda_svc._send_ddb_stream_failure_record(
        mapping, function, records, mapping["EventSourceArn"], result, condition
    )
