"""The warehouse: Redshift Serverless, what loads it, and dbt."""

from __future__ import annotations

import json
from pathlib import Path

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_redshiftserverless as redshift
from constructs import Construct

from config import layout, prices
from config.experiments import designs
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts import access
from stacks.parts.access import allow
from stacks.parts.assets import ROOT
from stacks.parts.build_project import BuildProject
from stacks.parts.function import PythonFunction
from stacks.parts.layer import DBT, RUNTIME, DbtLayer, RuntimeLayer, StatisticsLayer
from stacks.parts.stack import (
    READER_SECRET_ARN,
    WAREHOUSE_HOST,
    WAREHOUSE_SECRET_ARN,
    WORKGROUP_ARN,
    EnvironmentStack,
)
from stacks.parts.warehouse import Warehouse
from stacks.parts.workflow import Workflow
from stacks.workflows import decisions, load
from warehouse.load.columns import warehouse_columns
from warehouse.load.variables import marts_variables

WAREHOUSE_FOLDER = ROOT / "warehouse"
OF_STATEMENTS = ("DescribeStatement", "GetStatementResult", "CancelStatement")


# Redshift Serverless wants both (management guide, "Granting permissions to Amazon Redshift Serverless"). No page of
# AWS says that either sends aws:SourceAccount, so nothing is asked of it: the role serves the namespaces that it is
# attached to, which takes iam:PassRole in this account. See docs/assumptions.md.
COPY_SERVICES = ("redshift.amazonaws.com", "redshift-serverless.amazonaws.com")


class AnalyticsStack(EnvironmentStack):
    part = "analytics"
    needs = ("network", "storage")

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        return settings.analytics.enabled

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Warehouse")
        copy_role = self._copy_role()
        warehouse = Warehouse(self, "Warehouse", copy_role=copy_role)
        runtime = RuntimeLayer(self)
        if settings.analytics.builds_on_codebuild:
            self._build_marts(warehouse.workgroup)
        else:
            self._run_dbt(warehouse.workgroup, runtime)
        self._load_warehouse(warehouse, copy_role, runtime)
        if decisions.is_analysed(settings):
            self._analyse_experiments(warehouse, copy_role, runtime)
        Workflow(
            self,
            "Load",
            name="load",
            definition=load.definition(settings),
            statements=[
                *load.statements(settings),
                *decisions.statements(settings, key_arn=self.key_arn),
            ],
        )
        self.publish(WAREHOUSE_HOST, warehouse.workgroup.attr_workgroup_endpoint_address)
        self.publish(READER_SECRET_ARN, warehouse.reader.secret_arn)
        self.publish(WAREHOUSE_SECRET_ARN, warehouse.administrator.secret_arn)
        self.publish(WORKGROUP_ARN, warehouse.workgroup.attr_workgroup_workgroup_arn)

    def _copy_role(self) -> iam.Role:
        return access.service_role(
            self,
            "CopyRole",
            service=COPY_SERVICES,
            description="Redshift's COPY reads the rows of a run",
            statements=[
                access.list_objects(self.names.results_bucket),
                access.read_objects(self.names.results_bucket, layout.WAREHOUSE.objects()),
                access.decrypt(self.key_arn),
            ],
        )

    def _load_warehouse(self, warehouse: Warehouse, copy_role: iam.Role, runtime: RuntimeLayer) -> None:
        workgroup = warehouse.workgroup.attr_workgroup_workgroup_arn
        PythonFunction(
            self,
            "LoadWarehouse",
            name="load_warehouse",
            more={"warehouse/load": WAREHOUSE_FOLDER / "load"},
            layers=[runtime],
            environment={
                "RESULTS_BUCKET": self.names.results_bucket,
                "CONTROL_TABLE": self.names.control_table,
                "WAREHOUSE_WORKGROUP": self.names.warehouse,
                "WAREHOUSE_DATABASE": self.settings.analytics.database,
                "COPY_ROLE_ARN": copy_role.role_arn,
                "HISTORY_DAYS": str(self.settings.clean_up.warehouse_days),
                "WAREHOUSE_COLUMNS": packed(warehouse_columns(self.settings.datasets)),
                # Who log in as an IAM role are users of this name (GetCredentials).
                "DBT_USER": f"IAMR:{self.names.transformation_role}",
                # The administrator owns what is loaded; a user made of an IAM role may not create schemas.
                "WAREHOUSE_SECRET_ARN": warehouse.administrator.secret_arn,
                "READER_SECRET_ARN": warehouse.reader.secret_arn,
            },
            statements=[
                allow(["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"], workgroup),
                # Statements have no ARN; the Data API shows them to the role that started them, and to no other.
                allow([f"redshift-data:{name}" for name in OF_STATEMENTS], "*"),
                allow(
                    "secretsmanager:GetSecretValue",
                    warehouse.administrator.secret_arn,
                    warehouse.reader.secret_arn,
                ),
                # How long the run took, which no file of it says.
                allow("dynamodb:GetItem", self.names.table_arn(self.names.control_table)),
                access.decrypt(self.key_arn),
            ],
        )

    def _analyse_experiments(self, warehouse: Warehouse, copy_role: iam.Role, runtime: RuntimeLayer) -> None:
        secret = warehouse.administrator.secret_arn
        stored = layout.WAREHOUSE.objects(table=layout.EXPERIMENT_RESULTS)
        PythonFunction(
            self,
            "AnalyseExperiments",
            name=decisions.FUNCTION,
            more={
                "analysis": ROOT / "analysis",
                "warehouse/load": WAREHOUSE_FOLDER / "load",
                f"lambdas/{decisions.FUNCTION}/designs.json": json.dumps(designs(self.settings.experiments)),
            },
            layers=[runtime, StatisticsLayer(self)],
            environment={
                "RESULTS_BUCKET": self.names.results_bucket,
                "WAREHOUSE_WORKGROUP": self.names.warehouse,
                "WAREHOUSE_DATABASE": self.settings.analytics.database,
                "COPY_ROLE_ARN": copy_role.role_arn,
                "HISTORY_DAYS": str(self.settings.clean_up.warehouse_days),
                "WAREHOUSE_SECRET_ARN": secret,
            },
            memory_size=1769,  # one whole processor
            timeout=Duration.minutes(15),
            statements=[
                allow(
                    ["redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement"],
                    warehouse.workgroup.attr_workgroup_workgroup_arn,
                ),
                allow(["redshift-data:DescribeStatement", "redshift-data:GetStatementResult"], "*"),
                allow("secretsmanager:GetSecretValue", secret),
                access.write_objects(self.names.results_bucket, stored),
                access.encrypt_and_decrypt(self.key_arn),
            ],
        )

    def _run_dbt(self, workgroup: redshift.CfnWorkgroup, runtime: RuntimeLayer) -> None:
        PythonFunction(
            self,
            "RunDbt",
            name=load.DBT,
            more=self._of_dbt(),
            layers=[runtime, DbtLayer(self)],
            # Redshift names the database user after the role, and that user owns the marts: no construct's name in it.
            role_name=self.names.transformation_role,
            environment=self._dbt_environment(),
            memory_size=1769,  # one whole processor; dbt's parsing does not use more
            timeout=Duration.minutes(self.settings.analytics.dbt.timeout_minutes),
            vpc=self.vpc(),
            security_group=self.security_group("transformation"),
            statements=[_sign_in(workgroup)],
        )

    def _build_marts(self, workgroup: redshift.CfnWorkgroup) -> None:
        """The build in the function's place and under its role's logical id: a change of the one for the other changes
        the role, and the owner of the marts stays."""
        BuildProject(
            self,
            "RunDbt",
            name=load.DBT,
            more=self._of_dbt(),
            packages={"runtime": RUNTIME, "dbt": DBT},
            role_name=self.names.transformation_role,
            environment=self._dbt_environment(),
            timeout_minutes=self.settings.analytics.dbt.timeout_minutes,
            security_group="transformation",
            statements=[_sign_in(workgroup)],
        )

    def _of_dbt(self) -> dict[str, Path | str]:
        return {
            "warehouse": WAREHOUSE_FOLDER,
            # Beside the code: a template is the same in every region, and prices are not.
            "lambdas/run_dbt/prices.json": json.dumps(prices.of_a_run(self.settings.region)),
        }

    def _dbt_environment(self) -> dict[str, str]:
        return {
            "WAREHOUSE_WORKGROUP": self.names.warehouse,
            "WAREHOUSE_DATABASE": self.settings.analytics.database,
            "WAREHOUSE_COLUMNS": packed(warehouse_columns(self.settings.datasets)),
            "WAREHOUSE_VARIABLES": packed(marts_variables(self.settings)),
        }


def _sign_in(workgroup: redshift.CfnWorkgroup) -> access.Statement:
    return allow(
        ["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"],
        workgroup.attr_workgroup_workgroup_arn,
    )
