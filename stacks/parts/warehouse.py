"""Redshift Serverless: a namespace (what is kept) and its workgroup (what computes)."""

from __future__ import annotations

import json

from aws_cdk import aws_iam as iam
from aws_cdk import aws_redshiftserverless as redshift
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.parts.stack import EnvironmentStack, security_group_id
from warehouse.load.tables import READER_USER

ADMINISTRATOR = "administrator"


class Warehouse(Construct):
    def __init__(self, scope: EnvironmentStack, construct_id: str, *, copy_role: iam.IRole) -> None:
        super().__init__(scope, construct_id)
        self._key = scope.key()
        self.administrator = self._secret(
            scope,
            "Administrator",
            name=scope.names.warehouse_secret,
            description="Owner of the warehouse's tables",
            user=ADMINISTRATOR,
        )
        self.reader = self._secret(
            scope,
            "Reader",
            name=scope.names.warehouse_reader_secret,
            description="Reads the marts; the load makes the user",
            user=READER_USER,
        )
        namespace = self._namespace(scope, copy_role)
        self.workgroup = self._workgroup(scope)
        self.workgroup.add_resource_dependency(namespace)

    def _namespace(self, scope: EnvironmentStack, copy_role: iam.IRole) -> redshift.CfnNamespace:
        namespace = redshift.CfnNamespace(
            self,
            "Namespace",
            namespace_name=scope.names.warehouse,
            db_name=scope.settings.analytics.database,
            admin_username=ADMINISTRATOR,
            # Resolved by CloudFormation at deployment: the template holds a reference, not the password.
            admin_user_password=self.administrator.secret_value_from_json("password").unsafe_unwrap(),
            kms_key_id=scope.key_arn,
            iam_roles=[copy_role.role_arn],
            log_exports=["userlog", "connectionlog", "useractivitylog"],
        )
        namespace.apply_removal_policy(scope.removal_policy)
        return namespace

    def _workgroup(self, scope: EnvironmentStack) -> redshift.CfnWorkgroup:
        analytics = scope.settings.analytics
        parameters = {
            "require_ssl": "true",
            "max_query_execution_time": str(analytics.max_query_seconds),
        }
        return redshift.CfnWorkgroup(
            self,
            "Workgroup",
            workgroup_name=scope.names.warehouse,
            namespace_name=scope.names.warehouse,
            base_capacity=analytics.base_capacity_rpu,
            max_capacity=analytics.max_capacity_rpu,
            enhanced_vpc_routing=True,
            publicly_accessible=False,
            subnet_ids=scope.private_subnet_ids(),
            security_group_ids=[scope.read(security_group_id("warehouse"))],
            config_parameters=[
                redshift.CfnWorkgroup.ConfigParameterProperty(parameter_key=key, parameter_value=value)
                for key, value in parameters.items()
            ],
        )

    def _secret(
        self, scope: EnvironmentStack, construct_id: str, *, name: str, description: str, user: str
    ) -> secretsmanager.Secret:
        """{username, password}. Our own: CloudFormation does not give the ARN of one that Redshift manages."""
        return secretsmanager.Secret(
            self,
            construct_id,
            secret_name=name,
            description=description,
            encryption_key=self._key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": user}),
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,  # Redshift refuses some of it
            ),
            removal_policy=scope.removal_policy,
        )
