"""A table's stream to a function: what is delivered again, what is given up, and who is told (Lambda's own words)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, eventually, make_function, make_role, name

CODE = """
import json, os, boto3
SEEN = []
def handler(event, context):
    keys = [record["dynamodb"]["Keys"]["k"]["S"] for record in event["Records"]]
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(keys))
    if "crash" in keys:
        raise RuntimeError("crash")
    late = [r for r in event["Records"] if r["dynamodb"]["Keys"]["k"]["S"] == "late" and "late" not in SEEN]
    SEEN.extend(keys)
    return {"batchItemFailures": [{"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in late]}
"""
READING = allow(
    "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"
)


class Stream:
    """A table with three items that no function has seen, and queues of what the function saw and what was given up."""

    def __init__(self, cloud: Endpoint, *keys: str) -> None:
        self.cloud, table = cloud, name("streamed")
        dynamodb, sqs = cloud.client("dynamodb"), cloud.client("sqs")
        described = dynamodb.create_table(
            TableName=table,
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        self.arn = described["TableDescription"]["LatestStreamArn"]
        for key in keys:
            dynamodb.put_item(TableName=table, Item={"k": {"S": key}})
        self.seen, self.dead = (
            sqs.create_queue(QueueName=name(kind))["QueueUrl"] for kind in ("seen", "dead")
        )

    def arn_of(self, queue: str) -> str:
        attributes = self.cloud.client("sqs").get_queue_attributes(
            QueueUrl=queue, AttributeNames=["QueueArn"]
        )
        return str(attributes["Attributes"]["QueueArn"])

    def take(self, *statements: Any, **options: Any) -> str:
        """Maps the stream to a function; the mapping's id."""
        role = make_role(self.cloud, *statements, service="lambda.amazonaws.com")
        function = make_function(
            self.cloud, CODE, role=role, Timeout=30, Environment={"Variables": {"QUEUE": self.seen}}
        )
        mapping = self.cloud.client("lambda").create_event_source_mapping(
            EventSourceArn=self.arn,
            FunctionName=function,
            StartingPosition="TRIM_HORIZON",
            FunctionResponseTypes=["ReportBatchItemFailures"],
            **options,
        )
        return str(mapping["UUID"])

    def batches(self, count: int) -> list[list[str]]:
        """What the function was called with; waits for so many calls."""
        found: list[list[str]] = []

        def look() -> bool:
            found.extend(json.loads(body) for body in self.bodies(self.seen))
            return len(found) >= count

        eventually(look, seconds=40)
        return found

    def bodies(self, queue: str) -> list[str]:
        sqs = self.cloud.client("sqs")
        messages = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for one in messages:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=one["ReceiptHandle"])
        return [one["Body"] for one in messages]


@pytest.fixture
def told(cloud: Endpoint) -> Iterator[list[str]]:
    """Mappings, which are removed afterwards: they would be polled for ever."""
    mappings: list[str] = []
    yield mappings
    for one in mappings:
        cloud.client("lambda").delete_event_source_mapping(UUID=one)


def test_a_batch_goes_on_from_the_first_record_that_failed(cloud: Endpoint, told: list[str]) -> None:
    stream = Stream(cloud, "a", "late", "b")
    told.append(stream.take(READING, allow("sqs:SendMessage")))
    assert stream.batches(2) == [["a", "late", "b"], ["late", "b"]]
    cloud.client("dynamodb").put_item(TableName=stream.arn.split("/")[1], Item={"k": {"S": "c"}})
    assert stream.batches(1) == [["c"]]


def test_a_batch_that_crashes_is_halved_and_the_record_given_up(cloud: Endpoint, told: list[str]) -> None:
    """Splitting costs no attempt: the record alone is tried again once, as is configured, before it goes."""
    stream = Stream(cloud, "a", "crash", "b")
    dead = {"OnFailure": {"Destination": stream.arn_of(stream.dead)}}
    options = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1, "DestinationConfig": dead}
    told.append(stream.take(READING, allow("sqs:SendMessage"), **options))
    assert stream.batches(7) == [
        ["a", "crash", "b"],
        ["a", "crash"],
        ["a"],
        ["crash", "b"],
        ["crash"],
        ["crash"],
        ["b"],
    ]
    [body] = eventually(lambda: stream.bodies(stream.dead))
    message = json.loads(body)
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert (message["DDBStreamBatchInfo"]["batchSize"], message["DDBStreamBatchInfo"]["streamArn"]) == (
        1,
        stream.arn,
    )


@pytest.mark.parametrize("missing", ["dynamodb:GetRecords", "dynamodb:ListStreams"])
def test_a_role_that_may_not_read_the_stream_gets_nothing(
    cloud: Endpoint, told: list[str], missing: str
) -> None:
    stream = Stream(cloud, "a")
    actions = [action for action in READING["Action"] if action != missing]
    told.append(stream.take(allow(*actions), allow("sqs:SendMessage")))

    def outcome() -> str:
        mapping = cloud.client("lambda").get_event_source_mapping(UUID=told[0])
        result = str(mapping["LastProcessingResult"])
        return result if result.startswith("PROBLEM") else ""

    assert missing in eventually(outcome, seconds=20)
    assert stream.bodies(stream.seen) == []
