"""Published lists to the application: the API and the function that reads."""

from __future__ import annotations

import json

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from config.settings import Settings
from stacks.parts.access import allow
from stacks.parts.api import RecommendationsApi
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import FORGETTING_SECRET_ARN, EnvironmentStack


class ServingStack(EnvironmentStack):
    part = "serving"
    needs = ("storage",)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The API")
        self._layer = RuntimeLayer(self)
        reader = self._get_recommendations()
        forgetting = self._request_forgetting()
        api = RecommendationsApi(self, "Api", handler=reader.function, forgetting=forgetting.function)
        self.publish("serving/api-url", api.url)
        CfnOutput(self, "ApiUrl", value=api.url, description="Where the API answers; requests are signed")

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
                "PERSONAL_LIST": self._list_for("user"),
                "RELATED_LIST": self._list_for("item"),
                "POPULAR_LIST": self._list_for("everyone"),
            },
            more={"lambdas/get_recommendations/default_items.json": self._default_items()},
            # CPU comes with memory: below this, start-up and not the table decides the latency.
            memory_size=1024,
            timeout=Duration.seconds(10),
            statements=[allow("dynamodb:GetItem", names.table_arn(names.recommendations_table))],
        )

    def _default_items(self) -> str:
        """A file and no variable: all variables of a function together may have 4 KB."""
        return json.dumps(self.settings.api.default_items, ensure_ascii=False)

    def _list_for(self, audience: str) -> str:
        """The first solution that publishes lists for each user, item or everyone; none is an empty name."""
        published = [solution for solution in self.settings.solutions if solution.publishes == "lists"]
        lists = [solution.name for solution in published if solution.for_each == audience]
        return lists[0] if lists else ""
