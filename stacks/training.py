"""Datasets to solution versions: Personalize's dataset group, the judge and the workflow `train`."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_personalize as personalize
from constructs import Construct

from config import layout
from config.settings import Settings
from stacks.parts import access
from stacks.parts.access import allow
from stacks.parts.avro import schemas
from stacks.parts.function import PythonFunction
from stacks.parts.layer import RuntimeLayer
from stacks.parts.stack import EnvironmentStack
from stacks.parts.workflow import Workflow
from stacks.workflows import train


class TrainingStack(EnvironmentStack):
    part = "training"
    needs = ("storage",)

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Datasets to solution versions")
        group = self._dataset_group(self._personalize_role())
        for dataset, schema in schemas(settings.datasets).items():
            self._dataset(group, dataset, schema)
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
                access.read_objects(names.datasets_bucket, layout.DATASET.anything),
                access.read_objects(names.results_bucket, layout.BATCH_OUTPUT.objects()),
                access.write_objects(names.results_bucket, layout.BATCH_OUTPUT.objects()),
                # Developer guide, "Giving Amazon Personalize permission to use your AWS KMS key".
                allow(key, self.key_arn),
            ],
        )

    def _dataset_group(self, role: iam.Role) -> personalize.CfnDatasetGroup:
        group = personalize.CfnDatasetGroup(
            self,
            "DatasetGroup",
            name=self.names.dataset_group,
            kms_key_arn=self.key_arn,
            role_arn=role.role_arn,
        )
        group.apply_removal_policy(self.removal_policy)
        return group

    def _dataset(self, group: personalize.CfnDatasetGroup, dataset: str, avro: str) -> None:
        part = dataset.capitalize()
        version = self.settings.datasets.schema_version
        # A schema can't be changed: another version is another resource, made before the old one goes.
        schema = personalize.CfnSchema(
            self, f"{part}SchemaV{version}", name=self.names.schema(dataset, version), schema=avro
        )
        schema.apply_removal_policy(self.removal_policy)  # datasets that stay need theirs
        resource = personalize.CfnDataset(
            self,
            f"{part}Dataset",
            name=self.names.dataset(dataset),
            dataset_group_arn=group.attr_dataset_group_arn,
            dataset_type=part,
            schema_arn=schema.attr_schema_arn,
        )
        resource.apply_removal_policy(self.removal_policy)

    def _judge_solution_version(self) -> None:
        names, settings = self.names, self.settings
        solutions = [names.solution_arn(solution.name) for solution in settings.solutions]
        PythonFunction(
            self,
            "JudgeSolutionVersion",
            name="judge_solution_version",
            layers=[RuntimeLayer(self)],
            environment={
                "CONTROL_TABLE": names.control_table,
                "RESULTS_BUCKET": names.results_bucket,
                "RECIPES": json.dumps({solution.name: solution.recipe for solution in settings.solutions}),
                "METRIC": settings.quality_gate.metric,
                "MIN_AGAINST_SERVING": str(settings.quality_gate.min_against_serving),
            },
            statements=[
                allow("personalize:GetSolutionMetrics", *solutions, *(f"{arn}/*" for arn in solutions)),
                allow("dynamodb:GetItem", names.table_arn(names.control_table)),
                access.write_objects(
                    names.results_bucket, layout.WAREHOUSE.objects(table=layout.SOLUTION_VERSION_METRICS)
                ),
                access.encrypt_and_decrypt(self.key_arn),
            ],
        )
