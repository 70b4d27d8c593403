"""Published lists to the application: the API and the function that reads."""

from __future__ import annotations

import json

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_iam as iam
from constructs import Construct

from config import layout, serving
from config.experiments import delivered
from config.settings import Settings
from stacks.parts.access import allow, encrypt_and_decrypt
from stacks.parts.api import READER, RecommendationsApi
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import FORGETTING_SECRET_ARN, EnvironmentStack


class ServingStack(EnvironmentStack):
    part = "serving"
    needs = ("storage", "sources")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The API")
        self._layer = RuntimeLayer(self)
        handlers = {READER: self._get_recommendations().function}
        # A log of another application has keys of its own: that one writes its events itself.
        if settings.creates_log:
            handlers["record_events"] = self._record_events().function
        forgetting = self._request_forgetting()
        api = RecommendationsApi(self, "Api", handlers=handlers, forgetting=forgetting.function)
        self.publish("serving/api-url", api.url)
        CfnOutput(self, "ApiUrl", value=api.url, description="Where the API answers; requests are signed")
        self._caller(api)

    def _caller(self, api: RecommendationsApi) -> None:
        """What the application's role is given: reading, and sending events. Who may forget is for another policy."""
        policy = iam.ManagedPolicy(
            self,
            "Caller",
            managed_policy_name=self.names.caller_policy,
            description=f"Calls the API of {self.names.prefix}",
            statements=[allow("execute-api:Invoke", api.methods_arn("GET"), api.methods_arn("POST"))],
        )
        CfnOutput(
            self,
            "CallerPolicyArn",
            value=policy.managed_policy_arn,
            description="Attach it to the role of the application that calls the API",
        )

    def _record_events(self) -> PythonFunction:
        names, log = self.names, self.settings.log
        return PythonFunction(
            self,
            "RecordEvents",
            name="record_events",
            layers=[self._layer],
            environment={
                "APPLICATION_LOG_TABLE": self.settings.application_log_table,
                "USER_STATE_TABLE": names.user_state_table,
                "RAW_BUCKET": names.raw_bucket,
                "LOG_ATTRIBUTES": json.dumps(log.attributes.model_dump()),
                "TIMESTAMP_FORMAT": log.timestamp_format,
            },
            more={"lambdas/record_events/experiments.json": json.dumps(delivered(self.settings.experiments))},
            memory_size=1024,
            timeout=Duration.seconds(10),
            statements=[
                allow("dynamodb:PutItem", names.table_arn(self.settings.application_log_table)),
                allow("dynamodb:UpdateItem", names.table_arn(names.user_state_table)),
                allow("s3:PutObject", f"arn:aws:s3:::{names.raw_bucket}/{layout.EXPOSURES.anything}"),
                encrypt_and_decrypt(self.key_arn),
            ],
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

    def _get_recommendations(self) -> PythonFunction:
        names = self.names
        return PythonFunction(
            self,
            "GetRecommendations",
            name="get_recommendations",
            layers=[self._layer],
            environment={
                "RECOMMENDATIONS_TABLE": names.recommendations_table,
                "USER_STATE_TABLE": names.user_state_table,
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
                )
            ],
        )

    def _default_items(self) -> str:
        """A file and no variable: all variables of a function together may have 4 KB."""
        return json.dumps(self.settings.api.default_items, ensure_ascii=False)
