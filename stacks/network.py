"""The VPC that the database, the extraction, the warehouse and the dbt runner share."""

from __future__ import annotations

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from constructs import Construct

from config.names import without_dashes
from config.settings import Settings
from stacks.parts.logs import LogGroup
from stacks.parts.stack import VPC_ID, EnvironmentStack, security_group_id, subnet_id, without_routes

POSTGRESQL = ec2.Port.tcp(5432)
REDSHIFT = ec2.Port.tcp(5439)
HTTPS = ec2.Port.tcp(443)


class NetworkStack(EnvironmentStack):
    part = "network"

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        """The database and the warehouse are in it, and what reads them; functions and other jobs are not."""
        return settings.sources.aurora is not None or settings.analytics.enabled

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="VPC and security groups")
        self._vpc = self._existing() if settings.network.vpc_id else self._network()
        for position, subnet in enumerate(self._vpc.private_subnets):
            self.publish(subnet_id(position), subnet.subnet_id)

        if settings.sources.aurora is not None:
            self._database_groups()
        if settings.analytics.enabled:
            self._warehouse_groups()
        if settings.analytics.builds_on_codebuild:
            self.publish(VPC_ID, self._vpc.vpc_id)

    def _database_groups(self) -> None:
        extraction = self._group("extraction", "Glue job that reads the database")
        # Glue's workers talk to each other on any port.
        extraction.add_ingress_rule(extraction, ec2.Port.all_tcp(), "Workers of one job")
        extraction.add_egress_rule(extraction, ec2.Port.all_tcp(), "Workers of one job")
        if self.settings.creates_aurora:
            self._connect_to_database(extraction)
        else:
            self._let_out_to_existing_database(extraction)
        _reach_apis(extraction)

    def _connect_to_database(self, extraction: ec2.SecurityGroup) -> None:
        database = self._group("database", "Application database")
        clients = self._group("database-clients", "What the application reads and writes its database with")
        self._connect(extraction, database, POSTGRESQL, "Extraction reads the database")
        self._connect(clients, database, POSTGRESQL, "The application's clients")

    def _let_out_to_existing_database(self, extraction: ec2.SecurityGroup) -> None:
        """Our side alone; the stack of the sources lets the extraction into the other group."""
        aurora = self.settings.aurora
        existing = ec2.Peer.security_group_id(str(aurora.security_group_id))
        extraction.add_egress_rule(existing, ec2.Port.tcp(aurora.reached_at), "Extraction reads the database")

    def _warehouse_groups(self) -> None:
        transformation = self._group("transformation", "Function that runs dbt")
        warehouse = self._group("warehouse", "Redshift Serverless")
        dashboards = self._group("dashboards", "QuickSight")
        self._connect(transformation, warehouse, REDSHIFT, "dbt builds in the warehouse")
        self._connect(dashboards, warehouse, REDSHIFT, "Dashboards read the warehouse")
        # QuickSight's network interfaces keep no state: answers need a rule as well, and come to any port.
        dashboards.add_ingress_rule(warehouse, ec2.Port.all_tcp(), "The warehouse's answers")
        # COPY and UNLOAD go through the VPC (enhanced VPC routing): to S3 by its gateway endpoint.
        for group in (transformation, warehouse):
            _reach_apis(group)

    def _existing(self) -> ec2.IVpc:
        """A company's VPC: its routes are its own, and it gets endpoints where the configuration asks for them."""
        network = self.settings.network
        vpc = ec2.Vpc.from_vpc_attributes(
            self,
            "Vpc",
            vpc_id=str(network.vpc_id),
            availability_zones=list(network.availability_zones),
            private_subnet_ids=list(network.subnet_ids),
        )
        for subnet in vpc.private_subnets:
            without_routes(subnet)
        for service in ("s3", "dynamodb") if network.route_table_ids else ():
            ec2.CfnVPCEndpoint(
                self,
                f"Existing{service.capitalize()}",
                vpc_id=vpc.vpc_id,
                service_name=f"com.amazonaws.{self.settings.region}.{service}",
                route_table_ids=list(network.route_table_ids),
            )
        return vpc

    def _network(self) -> ec2.Vpc:
        network = self.settings.network
        vpc = ec2.Vpc(
            self,
            "Vpc",
            ip_addresses=ec2.IpAddresses.cidr(str(network.cidr)),
            availability_zones=list(network.availability_zones),
            nat_gateways=network.nat_gateways or 1,
            # Would be a custom resource with a Lambda function of its own; nothing uses the default group.
            restrict_default_security_group=False,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public", subnet_type=ec2.SubnetType.PUBLIC, map_public_ip_on_launch=False
                ),
                ec2.SubnetConfiguration(name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            ],
        )
        vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        vpc.add_gateway_endpoint("DynamoDb", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        # Passwords stay inside; other APIs go through the NAT gateway, cheaper than an endpoint in each zone.
        vpc.add_interface_endpoint(
            "SecretsManager", service=ec2.InterfaceVpcEndpointAwsService.SECRETS_MANAGER
        )
        group = LogGroup(self, self, name=f"/aws/vpc/{self.names.prefix}", construct_id="FlowLogs")
        vpc.add_flow_log("FlowLog", destination=_to(group), traffic_type=ec2.FlowLogTrafficType.REJECT)
        return vpc

    def _group(self, name: str, description: str) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            f"{without_dashes(name)}Group",
            vpc=self._vpc,
            description=description,
            allow_all_outbound=False,
        )
        self.publish(security_group_id(name), group.security_group_id)
        return group

    def _connect(
        self, client: ec2.SecurityGroup, server: ec2.SecurityGroup, port: ec2.Port, description: str
    ) -> None:
        server.add_ingress_rule(client, port, description)
        client.add_egress_rule(server, port, description)


def _reach_apis(group: ec2.SecurityGroup) -> None:
    group.add_egress_rule(ec2.Peer.any_ipv4(), HTTPS, "AWS APIs")


def _to(group: logs.ILogGroup) -> ec2.FlowLogDestination:
    return ec2.FlowLogDestination.to_cloud_watch_logs(group)
