"""The log's stream to Personalize's event tracker, where event types are streamed: one function, nothing else."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config import layout
from config.settings import Settings
from stacks.parts.access import allow, encrypt_and_decrypt
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
        return bool(settings.datasets.interactions.streamed)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The log's stream to Personalize")
        given = settings.log.stream_arn
        self._stream = given or self.read(LOG_STREAM_ARN)
        self._take(self._stream_events(), self._dead_letters())

    def _stream_events(self) -> PythonFunction:
        names, log = self.names, self.settings.log
        streaming = self.settings.datasets.interactions
        sent = streaming.model_dump(
            include={"impressions", "recommendation_ids", "fields"}, exclude_none=True
        )
        reading = ["dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream"]
        quarantine = f"arn:aws:s3:::{names.raw_bucket}/{layout.STREAM_QUARANTINE.anything}"
        return PythonFunction(
            self,
            "StreamEvents",
            name="stream_events",
            layers=[RuntimeLayer(self)],
            environment={
                "CONTROL_TABLE": names.control_table,
                "RAW_BUCKET": names.raw_bucket,
                "DATASET_GROUP": names.dataset_group,
                "TRACKING_ID": self.read(TRACKING_ID),
                "STREAMED": json.dumps(streaming.streamed),
                "LOG_ATTRIBUTES": json.dumps(log.attributes.model_dump()),
                "TIMESTAMP_FORMAT": log.timestamp_format,
                "INTERACTIONS": json.dumps(sent),
            },
            memory_size=512,
            timeout=Duration.seconds(60),
            statements=[
                allow(reading, self._stream),
                allow("dynamodb:GetItem", names.table_arn(names.control_table)),
                # IAM knows no resource of either action.
                allow(["dynamodb:ListStreams", "personalize:PutEvents"], "*"),
                allow("s3:PutObject", quarantine),
                encrypt_and_decrypt(self.key_arn),
                allow("sqs:SendMessage", names.queue_arn(names.stream_dead_letters)),
            ],
        )

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
