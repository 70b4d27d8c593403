"""Datasets to solution versions: Personalize's dataset group, the judge and the workflow `train`."""

from __future__ import annotations

from aws_cdk import RemovalPolicy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_personalize as personalize
from constructs import Construct

from config import gate, layout
from config.avro import DatasetSchema, schemas
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts import access
from stacks.parts.access import allow
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import TRACKING_ID, EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import train


class TrainingStack(EnvironmentStack):
    part = "training"
    needs = ("storage",)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Datasets to solution versions")
        group = self._dataset_group(self._personalize_role())
        for schema in schemas(settings.datasets).values():
            self._dataset(group, schema)
        if settings.datasets.interactions.streamed:
            self._event_tracker(group)
        self._judge_solution_version()
        Workflow(
            self,
            "Train",
            name="train",
            definition=train.definition(settings),
            statements=train.statements(settings),
        )

    def _personalize_role(self) -> iam.Role:
        names = self.names
        key = ["kms:Decrypt", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant", "kms:ListGrants"]
        return access.service_role(
            self,
            "PersonalizeRole",
            role_name=names.personalize_role,
            description="Personalize reads datasets and writes results",
            service="personalize.amazonaws.com",
            conditions=access.own_account(self.settings.account, names.personalize_arn("*")),
            statements=[
                access.list_objects(names.datasets_bucket),
                access.list_objects(names.results_bucket),
                access.read_objects(
                    names.datasets_bucket, layout.DATASET.anything, layout.FORGET_LIST.objects()
                ),
                access.read_objects(names.results_bucket, layout.BATCH_OUTPUT.objects()),
                access.write_objects(names.results_bucket, layout.BATCH_OUTPUT.objects()),
                # Developer guide, "Giving Amazon Personalize permission to use your AWS KMS key".
                allow(key, self.key_arn),
            ],
        )

    def _dataset_group(self, role: iam.Role) -> personalize.CfnDatasetGroup:
        group = personalize.CfnDatasetGroup(
            self,
            self._of_generation("DatasetGroup"),
            name=self.names.dataset_group,
            kms_key_arn=self.key_arn,
            role_arn=role.role_arn,
        )
        group.apply_removal_policy(self.removal_policy)
        return group

    def _of_generation(self, part: str) -> str:
        """A group and its datasets can't be changed: another generation is made before the old one goes."""
        generation = self.names.generation
        return part if generation == 1 else f"{part}V{generation}"

    def _dataset(self, group: personalize.CfnDatasetGroup, schema: DatasetSchema) -> None:
        part, dataset = schema.dataset.capitalize(), schema.dataset
        created = personalize.CfnSchema(
            self,
            f"{part}SchemaV{self.names.generation}",
            name=self.names.schema(dataset),
            schema=schema.created_avro,
        )
        created.apply_removal_policy(self.removal_policy)  # datasets that stay need theirs
        resource = personalize.CfnDataset(
            self,
            self._of_generation(f"{part}Dataset"),
            name=self.names.dataset(dataset),
            dataset_group_arn=group.attr_dataset_group_arn,
            dataset_type=part,
            # As it was created, for ever: `train` replaces it where fields were added.
            schema_arn=created.attr_schema_arn,
        )
        resource.apply_removal_policy(self.removal_policy)

    def _event_tracker(self, group: personalize.CfnDatasetGroup) -> None:
        """It holds no data, and one that stayed could not be adopted: its ARN is Personalize's own."""
        tracker = personalize.CfnEventTracker(
            self,
            self._of_generation("EventTracker"),
            name=self.names.event_tracker,
            dataset_group_arn=group.attr_dataset_group_arn,
        )
        tracker.apply_removal_policy(RemovalPolicy.DESTROY)
        self.publish(TRACKING_ID, tracker.attr_tracking_id)

    def _judge_solution_version(self) -> None:
        names, settings = self.names, self.settings
        PythonFunction(
            self,
            "JudgeSolutionVersion",
            name="judge_solution_version",
            layers=[RuntimeLayer(self)],
            environment={
                "CONTROL_TABLE": names.control_table,
                "RESULTS_BUCKET": names.results_bucket,
                "RECIPES": packed({solution.name: solution.recipe for solution in settings.solutions}),
                "RULES": packed(gate.judged_by(settings.quality_gate, settings.solutions)),
                "POPULARITY_SOLUTION": gate.popularity(settings.solutions),
                "DATASETS_BUCKET": names.datasets_bucket,
                "TOPIC_ARN": names.topic_arn,
                "TRAINING_HOUR_USD": str(settings.analytics.training_hour_usd),
            },
            statements=[
                allow(
                    ["personalize:GetSolutionMetrics", "personalize:DescribeSolutionVersion"],
                    names.solution_arns,
                ),
                allow(["dynamodb:GetItem", "dynamodb:PutItem"], names.table_arn(names.control_table)),
                access.list_objects(names.datasets_bucket),
                access.read_objects(names.datasets_bucket, layout.REPORT.objects()),
                allow("sns:Publish", names.topic_arn),
                access.write_objects(
                    names.results_bucket, layout.WAREHOUSE.objects(table=layout.SOLUTION_VERSION_METRICS)
                ),
                access.encrypt_and_decrypt(self.key_arn),
            ],
        )
