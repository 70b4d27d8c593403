"""Published lists to the application: the API and the function that reads."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from config import layout, serving
from config.experiments import delivered
from config.settings import Settings
from config.tokens import Jwt
from lambdas.get_recommendations.routes import ROUTES, Route
from lambdas.shared.environment import packed
from stacks.parts.access import Statement, allow, encrypt_and_decrypt, receive
from stacks.parts.api import READER, RecommendationsApi
from stacks.parts.experiments import DeliveredExperiments
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer, TokensLayer
from stacks.parts.stack import FORGETTING_SECRET_ARN, EnvironmentStack

RECORDING_SECONDS, BATCHING_SECONDS = 10, 5
# Short, so that what a forgotten user was shown is soon nowhere (docs/forget.md).
KEPT_IN_QUEUE = Duration.hours(4)
KEPT_AS_DEAD_LETTERS = Duration.days(4)


class ServingStack(EnvironmentStack):
    part = "serving"
    needs = ("storage", "sources")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The API")
        self._layer = RuntimeLayer(self)
        shown = self._impressions() if settings.logs_impressions else None
        self._experiments = self._delivered_experiments() if settings.experiments.live else None
        handlers = {READER: self._get_recommendations(shown).function}
        # A log of another application has keys of its own: that one writes its events itself.
        if settings.creates_log:
            handlers["record_events"] = self._record_events(shown).function
        forgetting = self._request_forgetting()
        readers = self._authorize_reader(settings.api.jwt, handlers).function if settings.api.jwt else None
        api = RecommendationsApi(
            self, "Api", handlers=handlers, forgetting=forgetting.function, authorizer=readers
        )
        self.publish("serving/api-url", api.url)
        CfnOutput(self, "ApiUrl", value=api.url, description="Where the API answers; requests are signed")
        self._callers(api)

    def _callers(self, api: RecommendationsApi) -> None:
        """What the application's role is given: reading, and sending events. Who may forget is for another policy.

        Route by route, since segments of users are for services alone, unless the configuration names everybody.
        """
        everybody = "*" in self.settings.api.service_callers
        self._caller(
            "Caller",
            self.names.caller_policy,
            [api.route_arn(route) for route in self._signed() if everybody or not route.services],
            who="application that calls the API",
        )
        self._caller(
            "ServiceCaller",
            self.names.service_caller_policy,
            [api.route_arn(route) for route in ROUTES if route.services],
            who="service that reads segments of users",
        )

    def _signed(self) -> list[Route]:
        """Routes whose requests are signed: with tokens a policy of IAM's opens no route of readers."""
        return [route for route in ROUTES if not (self.settings.api.jwt and route.readers)]

    def _authorize_reader(self, jwt: Jwt, handlers: Collection[str]) -> PythonFunction:
        opened = [route for route in ROUTES if route.readers and route.function in handlers]
        return PythonFunction(
            self,
            "AuthorizeReader",
            name="authorize_reader",
            layers=[self._layer, TokensLayer(self)],
            environment={
                "ISSUER": jwt.issuer,
                "AUDIENCE": jwt.audience,
                "USER_CLAIM": jwt.user_claim,
                "LEEWAY_SECONDS": str(jwt.leeway_seconds),
                "ROUTES": packed([f"{route.method} {route.path}" for route in opened]),
                "JWKS_URI": jwt.jwks_uri or "",
            },
            memory_size=1024,
            timeout=Duration.seconds(10),
            statements=[],
        )

    def _caller(self, construct_id: str, name: str, routes: Sequence[str], *, who: str) -> None:
        policy = iam.ManagedPolicy(
            self,
            construct_id,
            managed_policy_name=name,
            description=f"Calls the API of {self.names.prefix}",  # another one would replace it, under the same name
            statements=[allow("execute-api:Invoke", *routes)],
        )
        CfnOutput(
            self,
            f"{construct_id}PolicyArn",
            value=policy.managed_policy_arn,
            description=f"Attach it to the role of the {who}",
        )

    def _delivered_experiments(self) -> DeliveredExperiments:
        delivered = DeliveredExperiments(self, "Experiments", layers=[self._layer])
        self.publish("serving/experiments", "/".join(delivered.ids))
        return delivered

    def _impressions(self) -> sqs.Queue:
        """What the API showed. Dead letters are what could not be understood or written five times."""
        return sqs.Queue(
            self,
            "Impressions",
            queue_name=self.names.impressions,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=KEPT_IN_QUEUE,
            # AWS's advice: six times the function's time-out, and its batching window.
            visibility_timeout=Duration.seconds(6 * RECORDING_SECONDS + BATCHING_SECONDS),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=5, queue=self._dead_letters()),
        )

    def _dead_letters(self) -> sqs.Queue:
        return sqs.Queue(
            self,
            "ImpressionsDeadLetters",
            queue_name=self.names.impressions_dead_letters,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=KEPT_AS_DEAD_LETTERS,
        )

    def _record_events(self, shown: sqs.Queue | None) -> PythonFunction:
        names, log = self.names, self.settings.log
        recorder = PythonFunction(
            self,
            "RecordEvents",
            name="record_events",
            layers=[self._layer],
            environment={
                "APPLICATION_LOG_TABLE": self.settings.application_log_table,
                "USER_STATE_TABLE": names.user_state_table,
                "RAW_BUCKET": names.raw_bucket,
                "LOG_ATTRIBUTES": packed(log.attributes.model_dump()),
                "TIMESTAMP_FORMAT": log.timestamp_format,
                "CORS_ORIGINS": " ".join(self.settings.api.page_origins),
                **(self._experiments.variables if self._experiments else {}),
            },
            more={"lambdas/record_events/experiments.json": json.dumps(delivered(self.settings.experiments))},
            memory_size=1024,
            timeout=Duration.seconds(RECORDING_SECONDS),
            statements=[
                allow("dynamodb:PutItem", names.table_arn(self.settings.application_log_table)),
                allow("dynamodb:UpdateItem", names.table_arn(names.user_state_table)),
                allow("s3:PutObject", f"arn:aws:s3:::{names.raw_bucket}/{layout.EXPOSURES.anything}"),
                encrypt_and_decrypt(self.key_arn),
                *([receive(names.queue_arn(names.impressions))] if shown else []),
                *([self._experiments.may_read()] if self._experiments else []),
            ],
        )
        if shown:
            self._take_from(shown, recorder)
        return recorder

    def _take_from(self, queue: sqs.Queue, recorder: PythonFunction) -> None:
        """Takes batches, as a user's state is written once a batch; two at a time, so that events keep their share."""
        lambda_.CfnEventSourceMapping(
            self,
            "TakeImpressions",
            function_name=recorder.function.function_name,
            event_source_arn=queue.queue_arn,
            batch_size=100,
            maximum_batching_window_in_seconds=BATCHING_SECONDS,
            function_response_types=["ReportBatchItemFailures"],
            scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(maximum_concurrency=2),
        )

    def _request_forgetting(self) -> PythonFunction:
        names = self.names
        return PythonFunction(
            self,
            "RequestForgetting",
            name="request_forgetting",
            layers=[self._layer],
            environment={
                "CONTROL_TABLE": names.control_table,
                "KEY_ARN": self.key_arn,
                "FORGETTING_SECRET": names.forgetting_secret,
                "WORKFLOW_ARN": names.workflow_arn("forget"),
            },
            memory_size=512,
            timeout=Duration.seconds(20),
            statements=[
                allow(
                    ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"],
                    names.table_arn(names.control_table),
                ),
                allow("states:StartExecution", names.workflow_arn("forget")),
                allow("secretsmanager:GetSecretValue", self.read(FORGETTING_SECRET_ARN)),
                allow(["kms:Encrypt", "kms:Decrypt"], self.key_arn),
            ],
        )

    def _get_recommendations(self, shown: sqs.Queue | None) -> PythonFunction:
        names = self.names
        return PythonFunction(
            self,
            "GetRecommendations",
            name="get_recommendations",
            layers=[self._layer],
            environment={
                "RECOMMENDATIONS_TABLE": names.recommendations_table,
                "USER_STATE_TABLE": names.user_state_table,
                "CORS_ORIGINS": " ".join(self.settings.api.page_origins),
                **({"IMPRESSIONS_QUEUE_URL": shown.queue_url} if shown else {}),
                **(self._experiments.variables if self._experiments else {}),
            },
            more={
                "lambdas/get_recommendations/default_items.json": self._default_items(),
                "lambdas/get_recommendations/serving.json": serving.text(self.settings),
            },
            # CPU comes with memory: below this, start-up and not the table decides the latency.
            memory_size=1024,
            timeout=Duration.seconds(10),
            statements=[
                allow(
                    "dynamodb:BatchGetItem",
                    names.table_arn(names.recommendations_table),
                    names.table_arn(names.user_state_table),
                ),
                *([allow("sqs:SendMessage", names.queue_arn(names.impressions))] if shown else []),
                *([self._experiments.may_read()] if self._experiments else []),
                *self._proposing(),
            ],
        )

    def _proposing(self) -> list[Statement]:
        if serving.actions(self.settings) is None:
            return []
        campaigns = self.names.personalize_arn(f"campaign/{self.names.prefix}-*")
        return [allow("personalize:GetActionRecommendations", campaigns)]

    def _default_items(self) -> str:
        """A file and no variable: all variables of a function together may have 4 KB."""
        return json.dumps(self.settings.api.default_items, ensure_ascii=False)
