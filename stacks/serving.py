"""Published lists to the application: the API and the function that reads."""

from __future__ import annotations

import json

from aws_cdk import CfnOutput, Duration
from constructs import Construct

from config import serving
from config.settings import Settings
from stacks.parts.access import allow
from stacks.parts.api import RecommendationsApi
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import EnvironmentStack


class ServingStack(EnvironmentStack):
    part = "serving"
    needs = ("storage",)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The API")
        reader = self._get_recommendations()
        api = RecommendationsApi(self, "Api", handler=reader.function)
        self.publish("serving/api-url", api.url)
        CfnOutput(self, "ApiUrl", value=api.url, description="Where the API answers; requests are signed")

    def _get_recommendations(self) -> PythonFunction:
        names = self.names
        return PythonFunction(
            self,
            "GetRecommendations",
            name="get_recommendations",
            layers=[RuntimeLayer(self)],
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
