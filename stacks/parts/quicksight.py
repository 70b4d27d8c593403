"""QuickSight over the marts, in CloudFormation's own property names: the L1 classes load ten times slower."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from stacks.parts.access import allow, service_role
from stacks.parts.stack import READER_SECRET_ARN, WAREHOUSE_HOST, EnvironmentStack, security_group_id

# Schema in which dbt builds the marts.
MARTS = "marts"
# Data set -> columns (name, QuickSight type) of the mart that it shows.
DATA_SETS: dict[str, tuple[tuple[str, str], ...]] = {
    "mart_catalogue_coverage": (("run_id", "STRING"), ("solution", "STRING"), ("coverage", "DECIMAL")),
    "fct_solution_version_metrics": (
        ("run_id", "STRING"),
        ("solution", "STRING"),
        ("metric", "STRING"),
        ("metric_value", "DECIMAL"),
        ("is_promoted", "BIT"),
    ),
}
READ_SOURCE = [
    "quicksight:DescribeDataSource",
    "quicksight:DescribeDataSourcePermissions",
    "quicksight:PassDataSource",
]
READ_SET = [
    "quicksight:DescribeDataSet",
    "quicksight:DescribeDataSetPermissions",
    "quicksight:PassDataSet",
    "quicksight:DescribeIngestion",
    "quicksight:ListIngestions",
]
READ_DASHBOARD = [
    "quicksight:DescribeDashboard",
    "quicksight:ListDashboardVersions",
    "quicksight:QueryDashboard",
]

Properties = dict[str, Any]


class Dashboards(Construct):
    def __init__(self, scope: EnvironmentStack, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._stack = scope
        connection = self._connection()
        source = self._source(connection)
        sets = {name: self._data_set(name, source) for name in DATA_SETS}
        self._dashboard(sets)

    def _resource(self, construct_id: str, kind: str, properties: Properties) -> CfnResource:
        return CfnResource(
            self,
            construct_id,
            type=f"AWS::QuickSight::{kind}",
            properties={"AwsAccountId": self._stack.settings.account, **properties},
        )

    def _permissions(self, actions: list[str]) -> list[Properties]:
        principal = self._stack.settings.analytics.quicksight.principal_arn
        return [{"Principal": principal, "Actions": actions}]

    def _connection(self) -> CfnResource:
        """QuickSight's network interfaces in the warehouse's VPC."""
        stack = self._stack
        interfaces = [
            "ec2:CreateNetworkInterface",
            "ec2:ModifyNetworkInterfaceAttribute",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
        ]
        role = service_role(
            self,
            "NetworkRole",
            service="quicksight.amazonaws.com",
            # EC2 offers no resource-level permission for describing.
            statements=[allow(interfaces, "*")],
        )
        properties = {
            "VPCConnectionId": stack.names.warehouse,
            "Name": stack.names.warehouse,
            "RoleArn": role.role_arn,
            "SubnetIds": stack.private_subnet_ids(),
            "SecurityGroupIds": [stack.read(security_group_id("dashboards"))],
        }
        return self._resource("Connection", "VPCConnection", properties)

    def _source(self, connection: CfnResource) -> CfnResource:
        stack = self._stack
        secret = stack.settings.analytics.quicksight.secret_arn or stack.read(READER_SECRET_ARN)
        properties = {
            "DataSourceId": stack.names.warehouse,
            "Name": stack.names.warehouse,
            "Type": "REDSHIFT",
            "Credentials": {"SecretArn": secret},
            "DataSourceParameters": {
                "RedshiftParameters": {
                    "Database": stack.settings.analytics.database,
                    "Host": stack.read(WAREHOUSE_HOST),
                    "Port": 5439,
                }
            },
            "VpcConnectionProperties": {"VpcConnectionArn": connection.get_att("Arn").to_string()},
            "SslProperties": {"DisableSsl": False},
            "Permissions": self._permissions(READ_SOURCE),
        }
        return self._resource("Source", "DataSource", properties)

    def _data_set(self, mart: str, source: CfnResource) -> CfnResource:
        columns = [{"Name": name, "Type": kind} for name, kind in DATA_SETS[mart]]
        table = {
            "DataSourceArn": source.get_att("Arn").to_string(),
            "Schema": MARTS,
            "Name": mart,
            "InputColumns": columns,
        }
        properties = {
            "DataSetId": self._stack.names.of(mart.replace("_", "-")),
            "Name": mart,
            "ImportMode": "DIRECT_QUERY",
            "PhysicalTableMap": {"mart": {"RelationalTable": table}},
            "Permissions": self._permissions(READ_SET),
        }
        return self._resource("".join(map(str.capitalize, mart.split("_"))), "DataSet", properties)

    def _dashboard(self, sets: dict[str, CfnResource]) -> None:
        declarations = [
            {"Identifier": name, "DataSetArn": data_set.get_att("Arn").to_string()}
            for name, data_set in sets.items()
        ]
        visuals = [
            _line("coverage", "Catalogue coverage by run", "mart_catalogue_coverage", "coverage"),
            _line(
                "metrics", "Offline metrics by run", "fct_solution_version_metrics", "metric_value", "metric"
            ),
        ]
        sheet = {"SheetId": "overview", "Name": "Overview", "Visuals": visuals}
        properties = {
            "DashboardId": self._stack.names.prefix,
            "Name": self._stack.names.prefix,
            "Definition": {"DataSetIdentifierDeclarations": declarations, "Sheets": [sheet]},
            "Permissions": self._permissions(READ_DASHBOARD),
        }
        self._resource("Dashboard", "Dashboard", properties)


def _line(visual: str, title: str, data_set: str, value: str, colour: str = "solution") -> Properties:
    def column(name: str) -> Properties:
        return {"DataSetIdentifier": data_set, "ColumnName": name}

    def dimension(name: str) -> Properties:
        return {"CategoricalDimensionField": {"FieldId": f"{visual}-{name}", "Column": column(name)}}

    measure = {
        "NumericalMeasureField": {
            "FieldId": f"{visual}-{value}",
            "Column": column(value),
            "AggregationFunction": {"SimpleNumericalAggregation": "AVERAGE"},
        }
    }
    wells = {"Category": [dimension("run_id")], "Values": [measure], "Colors": [dimension(colour)]}
    return {
        "LineChartVisual": {
            "VisualId": visual,
            "Title": {"Visibility": "VISIBLE", "FormatText": {"PlainText": title}},
            "ChartConfiguration": {"FieldWells": {"LineChartAggregatedFieldWells": wells}},
        }
    }
