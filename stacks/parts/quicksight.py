"""QuickSight over the marts, in CloudFormation's own property names: the L1 classes load ten times slower."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnResource
from constructs import Construct

from dashboards import quicksight
from dashboards.pages import PAGES
from dashboards.spec import DataSet, data_sets
from stacks.parts.access import allow, service_role
from stacks.parts.quicksight_permissions import OWNER, VIEWER
from stacks.parts.stack import READER_SECRET_ARN, WAREHOUSE_HOST, EnvironmentStack, security_group_id

# Schema in which dbt builds the marts.
MARTS = "marts"
REDSHIFT_PORT = 5439
LOOKBACK_UNIT = "DAY"

Properties = dict[str, Any]


class Dashboards(Construct):
    """Connection -> source -> data sets, refreshed daily -> analysis (to change) and dashboard (to look at)."""

    def __init__(self, scope: EnvironmentStack, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        self._stack = scope
        self._folder = self._shared_folder()
        source = self._source(self._connection())
        sets = {one.mart: self._data_set(one, source) for one in data_sets(PAGES)}
        arns = {mart: resource.get_att("Arn").to_string() for mart, resource in sets.items()}
        theme = self._theme().get_att("Arn").to_string()
        self._view("Analysis", arns, theme)
        self._view("Dashboard", arns, theme)

    def _resource(self, construct_id: str, kind: str, properties: Properties) -> CfnResource:
        return CfnResource(
            self,
            construct_id,
            type=f"AWS::QuickSight::{kind}",
            properties={"AwsAccountId": self._stack.settings.account, **properties},
        )

    def _permissions(self, kind: str) -> list[Properties]:
        settings = self._stack.settings.analytics.quicksight
        owner = {"Principal": settings.principal_arn, "Actions": list(OWNER[kind])}
        viewers = settings.viewer_arns if kind in VIEWER else ()
        return [owner, *({"Principal": arn, "Actions": list(VIEWER[kind])} for arn in viewers)]

    def _shared_folder(self) -> CfnResource:
        names = self._stack.names
        properties = {"FolderId": names.prefix, "Name": names.prefix, "FolderType": "SHARED"}
        return self._resource("Folder", "Folder", {**properties, "Permissions": self._permissions("Folder")})

    @property
    def _in_folder(self) -> Properties:
        return {"FolderArns": [self._folder.get_att("Arn").to_string()]}

    def _connection(self) -> CfnResource:
        """QuickSight's network interfaces in the warehouse's VPC."""
        stack = self._stack
        interfaces = [
            "ec2:CreateNetworkInterface",
            "ec2:DeleteNetworkInterface",
            "ec2:DescribeSubnets",
            "ec2:DescribeSecurityGroups",
        ]
        where = f"arn:aws:ec2:{stack.settings.region}:{stack.settings.account}"
        # An interface has no id before it is made; of its attributes one is its groups, which are asked for too.
        modified = [f"{where}:network-interface/*", f"{where}:security-group/*"]
        role = service_role(
            self,
            "NetworkRole",
            service="quicksight.amazonaws.com",
            # EC2 offers no resource-level permission for describing.
            statements=[allow(interfaces, "*"), allow("ec2:ModifyNetworkInterfaceAttribute", *modified)],
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
        where = {
            "Database": stack.settings.analytics.database,
            "Host": stack.read(WAREHOUSE_HOST),
            "Port": REDSHIFT_PORT,
        }
        properties = {
            "DataSourceId": stack.names.warehouse,
            "Name": stack.names.warehouse,
            "Type": "REDSHIFT",
            "Credentials": {"SecretArn": secret},
            "DataSourceParameters": {"RedshiftParameters": where},
            "VpcConnectionProperties": {"VpcConnectionArn": connection.get_att("Arn").to_string()},
            "SslProperties": {"DisableSsl": False},
            "Permissions": self._permissions("DataSource"),
        }
        return self._resource("Source", "DataSource", properties)

    def _data_set(self, data: DataSet, source: CfnResource) -> CfnResource:
        table = {
            "DataSourceArn": source.get_att("Arn").to_string(),
            "Schema": MARTS,
            "Name": data.mart,
            "InputColumns": quicksight.input_columns(data),
        }
        properties = {
            "DataSetId": self._stack.names.of(data.mart.replace("_", "-")),
            "Name": data.mart,
            "ImportMode": "SPICE",
            "PhysicalTableMap": {"mart": {"RelationalTable": table}},
            # The marts come with the first run: a deployment before it must not wait for their rows.
            "IngestionWaitPolicy": {"WaitForSpiceIngestion": False},
            **_refreshed(data),
            **self._in_folder,
            "Permissions": self._permissions("DataSet"),
        }
        name = "".join(map(str.capitalize, data.mart.split("_")))
        resource = self._resource(name, "DataSet", properties)
        self._schedule(name, data, resource)
        return resource

    def _schedule(self, name: str, data: DataSet, data_set: CfnResource) -> None:
        """Daily, some time after the pipeline. SPICE reloads what a run changed, and looks back where it can."""
        settings = self._stack.settings
        daily = {
            "Interval": "DAILY",
            "TimeOfTheDay": settings.analytics.quicksight.refresh_at,
            "TimeZone": settings.schedule.time_zone,
        }
        refresh = "INCREMENTAL_REFRESH" if data.incremental else "FULL_REFRESH"
        schedule = {"ScheduleId": "daily", "RefreshType": refresh, "ScheduleFrequency": daily}
        self._resource(f"{name}Refresh", "RefreshSchedule", {"DataSetId": data_set.ref, "Schedule": schedule})

    def _theme(self) -> CfnResource:
        name = self._stack.names.prefix
        properties = {
            "ThemeId": name,
            "Name": name,
            "BaseThemeId": "CLASSIC",
            "Configuration": {"DataColorPalette": {"Colors": list(quicksight.PALETTE)}},
            "Permissions": self._permissions("Theme"),
        }
        return self._resource("Theme", "Theme", properties)

    def _view(self, kind: str, arns: dict[str, str], theme: str) -> None:
        name = self._stack.names.prefix
        properties = {
            f"{kind}Id": name,
            "Name": name,
            "Definition": quicksight.definition(PAGES, arns),
            "ThemeArn": theme,
            **self._in_folder,
            "Permissions": self._permissions(kind),
        }
        self._resource(kind, kind, properties)


def _refreshed(data: DataSet) -> Properties:
    """QuickSight refreshes incrementally by a window over a date column, of SQL sources only."""
    if data.incremental is None:
        return {}
    window = {
        "ColumnName": data.incremental.column,
        "Size": data.incremental.days,
        "SizeUnit": LOOKBACK_UNIT,
    }
    return {
        "DataSetRefreshProperties": {
            "RefreshConfiguration": {"IncrementalRefresh": {"LookbackWindow": window}}
        }
    }
