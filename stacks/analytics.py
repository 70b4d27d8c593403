"""The warehouse: Redshift Serverless, what loads it, dbt and (by configuration) QuickSight."""

from __future__ import annotations

import json

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_redshiftserverless as redshift
from constructs import Construct

from config import layout
from config.settings import Settings
from stacks.parts import access
from stacks.parts.access import allow
from stacks.parts.assets import ROOT
from stacks.parts.function import PythonFunction
from stacks.parts.layer import DbtLayer, RuntimeLayer
from stacks.parts.quicksight import Dashboards
from stacks.parts.stack import EnvironmentStack
from stacks.parts.warehouse import Warehouse
from warehouse.load.columns import warehouse_columns

WAREHOUSE_FOLDER = ROOT / "warehouse"


class AnalyticsStack(EnvironmentStack):
    part = "analytics"
    needs = ("network", "storage")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Warehouse and dashboards")
        copy_role = self._copy_role()
        warehouse = Warehouse(self, "Warehouse", copy_role=copy_role)
        runtime = RuntimeLayer(self)
        self._load_warehouse(warehouse, copy_role, runtime)
        self._run_dbt(warehouse.workgroup, runtime)
        if settings.analytics.quicksight.enabled:
            Dashboards(self, "Dashboards", workgroup=warehouse.workgroup)

    def _copy_role(self) -> iam.Role:
        return access.service_role(
            self,
            "CopyRole",
            service="redshift.amazonaws.com",
            description="Redshift's COPY reads the rows of a run",
            conditions=access.own_account(self.settings.account),
            statements=[
                access.list_objects(self.names.results_bucket),
                access.read_objects(self.names.results_bucket, layout.WAREHOUSE.objects()),
                access.decrypt(self.key_arn),
            ],
        )

    def _load_warehouse(self, warehouse: Warehouse, copy_role: iam.Role, runtime: RuntimeLayer) -> None:
        PythonFunction(
            self,
            "LoadWarehouse",
            name="load_warehouse",
            more={"warehouse/load": WAREHOUSE_FOLDER / "load"},
            layers=[runtime],
            environment={
                "RESULTS_BUCKET": self.names.results_bucket,
                "WAREHOUSE_WORKGROUP": self.names.warehouse,
                "WAREHOUSE_DATABASE": self.settings.analytics.database,
                "COPY_ROLE_ARN": copy_role.role_arn,
                "WAREHOUSE_COLUMNS": json.dumps(warehouse_columns(self.settings.datasets)),
                # The administrator owns what is loaded; a user made of an IAM role may not create schemas.
                "WAREHOUSE_SECRET_ARN": warehouse.administrator.secret_arn,
            },
            statements=[
                allow(
                    "redshift-data:BatchExecuteStatement", warehouse.workgroup.attr_workgroup_workgroup_arn
                ),
                allow("secretsmanager:GetSecretValue", warehouse.administrator.secret_arn),
                access.decrypt(self.key_arn),
            ],
        )

    def _run_dbt(self, workgroup: redshift.CfnWorkgroup, runtime: RuntimeLayer) -> None:
        PythonFunction(
            self,
            "RunDbt",
            name="run_dbt",
            more={"warehouse": WAREHOUSE_FOLDER},
            layers=[runtime, DbtLayer(self)],
            # Redshift names the database user after the role, and that user owns the marts: no construct's name in it.
            role_name=self.names.transformation_role,
            environment={
                "WAREHOUSE_WORKGROUP": self.names.warehouse,
                "WAREHOUSE_DATABASE": self.settings.analytics.database,
                "WAREHOUSE_COLUMNS": json.dumps(warehouse_columns(self.settings.datasets)),
            },
            memory_size=1769,  # one whole processor; dbt's parsing does not use more
            timeout=Duration.minutes(15),
            vpc=self.vpc(),
            security_group=self.security_group("transformation"),
            statements=[
                allow(
                    ["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"],
                    workgroup.attr_workgroup_workgroup_arn,
                )
            ],
        )
