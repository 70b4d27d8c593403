"""The log's stream to Personalize, where events, users or items are streamed: one function, nothing else."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config import layout, streaming
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts.access import Statement, allow, encrypt_and_decrypt
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import LOG_STREAM_ARN, TRACKING_ID, EnvironmentStack

BATCHING_SECONDS = 1
# A stream keeps a record for a day: what is older than this is told as lost, and not lost without a word.
GIVEN_UP_AFTER = 23 * 3600


class StreamingStack(EnvironmentStack):
    part = "streaming"
    needs = ("storage", "sources", "training")

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        return settings.datasets.streams

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The log's stream to Personalize")
        given = settings.log.stream_arn
        self._stream = given or self.read(LOG_STREAM_ARN)
        self._take(self._stream_events(), self._dead_letters())

    def _stream_events(self) -> PythonFunction:
        names, log = self.names, self.settings.log
        interactions = self.settings.datasets.interactions
        sent = interactions.model_dump(
            include={"impressions", "recommendation_ids", "fields"}, exclude_none=True
        )
        datasets = streaming.datasets(self.settings)
        return PythonFunction(
            self,
            "StreamEvents",
            name="stream_events",
            layers=[RuntimeLayer(self)],
            # A file and no variable: all variables of a function together may have 4 KB, and fields may be many.
            more={"lambdas/stream_events/datasets.json": json.dumps(datasets, ensure_ascii=False)},
            environment={
                "CONTROL_TABLE": names.control_table,
                "RAW_BUCKET": names.raw_bucket,
                "DATASET_GROUP": names.dataset_group,
                "TRACKING_ID": self.read(TRACKING_ID) if interactions.streamed else "",
                "STREAMED": packed(self.settings.datasets.streamed_events),
                "LOG_ATTRIBUTES": packed(log.attributes.model_dump()),
                "TIMESTAMP_FORMAT": log.timestamp_format,
                "INTERACTIONS": packed(sent),
            },
            memory_size=512,
            timeout=Duration.seconds(60),
            statements=[
                *self._read_stream(),
                *self._put(datasets),
                encrypt_and_decrypt(self.key_arn),
                allow("sqs:SendMessage", names.queue_arn(names.stream_dead_letters)),
            ],
        )

    def _read_stream(self) -> list[Statement]:
        names = self.names
        reading = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
        return [
            allow(reading, self._stream),
            allow("dynamodb:ListStreams", "*"),  # IAM knows no resource of it
            allow("dynamodb:GetItem", names.table_arn(names.control_table)),
            allow("s3:PutObject", f"arn:aws:s3:::{names.raw_bucket}/{layout.STREAM_QUARANTINE.anything}"),
        ]

    def _put(self, datasets: dict[str, dict[str, Any]]) -> list[Statement]:
        """Service authorization reference of Personalize: events have no resource, users and items their dataset."""
        arns = {name: one["arn"] for name, one in datasets.items()}
        entities = {"put_items": "personalize:PutItems", "put_users": "personalize:PutUsers"}
        found = [allow(action, arns[name]) for name, action in entities.items() if name in arns]
        if self.settings.datasets.interactions.streamed:
            found.append(allow("personalize:PutEvents", "*"))
        if "put_action_interactions" in arns:
            found.append(allow("personalize:PutActionInteractions", "*"))
            found.append(allow("personalize:DescribeDataset", arns["put_action_interactions"]))
        return found

    def _dead_letters(self) -> sqs.Queue:
        """Which records of the stream were given up: shard and sequence numbers, never the records."""
        return sqs.Queue(
            self,
            "DeadLetters",
            queue_name=self.names.stream_dead_letters,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=Duration.days(14),
        )

    def _take(self, function: PythonFunction, dead_letters: sqs.Queue) -> None:
        """Tries until a record is nearly a day old: an outage of Personalize shall lose nothing."""
        lambda_.CfnEventSourceMapping(
            self,
            "TakeEvents",
            function_name=function.function.function_name,
            event_source_arn=self._stream,
            starting_position="TRIM_HORIZON",
            batch_size=100,
            maximum_batching_window_in_seconds=BATCHING_SECONDS,
            bisect_batch_on_function_error=True,
            maximum_record_age_in_seconds=GIVEN_UP_AFTER,
            function_response_types=["ReportBatchItemFailures"],
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=dead_letters.queue_arn)
            ),
        ).node.add_dependency(function.role)
