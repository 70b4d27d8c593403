"""Solution versions to published lists: the post-processing job, the publisher, the workflow `recommend`."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Duration
from constructs import Construct

from config import gate, layout, profiles
from config.business import Bought, Repurchase
from config.rules import FUNCTION_MINUTES
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts import access
from stacks.parts.access import allow
from stacks.parts.function import PythonFunction
from stacks.parts.glue_job import PySparkJob
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import recommend

PUBLISH_TIMEOUT = Duration.minutes(10)
ONE_PROCESSOR_MB = 1769  # Lambda developer guide, "Configure Lambda function memory"


class PublishingStack(EnvironmentStack):
    part = "publishing"
    needs = ("storage", "preparation")  # its job uses the security configuration

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Solution versions to lists")
        self._post_process()
        runtime = RuntimeLayer(self)
        self._judge_lists(runtime)
        self._publish_recommendations(runtime)
        Workflow(
            self,
            "Recommend",
            name="recommend",
            definition=recommend.definition(settings),
            statements=recommend.statements(settings, key_arn=self.key_arn),
        )

    def _post_process(self) -> None:
        names = self.names
        PySparkJob(
            self,
            "PostprocessRecommendations",
            name="postprocess-recommendations",
            arguments={
                "--datasets_bucket": names.datasets_bucket,
                "--results_bucket": names.results_bucket,
                "--solutions": json.dumps(self._published),
                "--publishing": self._publishing(),
            },
            statements=[
                access.list_objects(names.results_bucket),
                access.read_objects(names.results_bucket, layout.BATCH_OUTPUT.anything),
                *access.spark_write_objects(
                    self.settings.etl.glue_version, names.results_bucket, layout.PUBLISH.top
                ),
                *access.spark_write_objects(
                    self.settings.etl.glue_version, names.results_bucket, layout.WAREHOUSE.top
                ),
                access.encrypt_and_decrypt(self.key_arn),
            ],
        )

    def _publishing(self) -> str:
        """The section, and what rules and experiments ask of users where their lists are read."""
        settings = self.settings
        asks = any(isinstance(rule, Bought | Repurchase) for rule in settings.rules.values())
        asked = {
            "with_bought": asks,
            "with_profile": profiles.published(settings),
            "bought_in": profiles.bought_in(settings),
        }
        return json.dumps({**settings.publishing.model_dump(mode="json"), **asked})

    def _judge_lists(self, runtime: RuntimeLayer) -> None:
        names, settings = self.names, self.settings
        PythonFunction(
            self,
            "JudgeLists",
            name="judge_lists",
            layers=[runtime],
            environment={
                "DATASETS_BUCKET": names.datasets_bucket,
                "RESULTS_BUCKET": names.results_bucket,
                "RULES": packed(gate.lists_judged_by(settings.quality_gate, settings.solutions)),
            },
            # It reads every list that a run made: a whole processor, and as long as a function may take.
            memory_size=ONE_PROCESSOR_MB,
            timeout=Duration.minutes(FUNCTION_MINUTES),
            statements=[
                access.list_objects(names.datasets_bucket),
                access.list_objects(names.results_bucket),
                access.read_objects(names.datasets_bucket, layout.BATCH_INPUT.objects()),
                access.read_objects(names.results_bucket, layout.PUBLISH.objects()),
                access.decrypt(self.key_arn),
            ],
        )

    @property
    def _published(self) -> list[dict[str, Any]]:
        """What the job is told of the solutions that have batch output."""
        keys = ("name", "for_each", "results", "publishes", "queries")
        return [
            {key: getattr(solution, key) for key in keys}
            for solution in self.settings.solutions
            if solution.publishes
        ]

    def _publish_recommendations(self, runtime: RuntimeLayer) -> None:
        names = self.names
        PythonFunction(
            self,
            "PublishRecommendations",
            name="publish_recommendations",
            layers=[runtime],
            environment={"RECOMMENDATIONS_TABLE": names.recommendations_table},
            memory_size=1024,
            timeout=PUBLISH_TIMEOUT,
            statements=[
                access.read_objects(names.results_bucket, layout.PUBLISH.objects()),
                access.decrypt(self.key_arn),
                allow("dynamodb:BatchWriteItem", names.table_arn(names.recommendations_table)),
            ],
        )
