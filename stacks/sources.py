"""The databases of the application: created here, or existing and only named."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

from config.settings import Settings
from stacks.parts.stack import EnvironmentStack, security_group_id

ENGINE = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_9)


class SourcesStack(EnvironmentStack):
    part = "sources"
    needs = ("network", "storage")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The application's data")
        if settings.sources.aurora.create:
            self._database()
        else:
            self._open_existing_database()
        if settings.sources.application_log.create:
            self._application_log()

    def _database(self) -> None:
        aurora = self.settings.sources.aurora
        key = self.key()
        rds.DatabaseCluster(
            self,
            "Aurora",
            engine=ENGINE,
            default_database_name=aurora.database,
            credentials=rds.Credentials.from_generated_secret(
                "application", secret_name=self.settings.aurora_secret, encryption_key=key
            ),
            vpc=self.vpc(),
            vpc_subnets=ec2.SubnetSelection(subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS),
            security_groups=[self.security_group("database")],
            writer=rds.ClusterInstance.serverless_v2("Writer", publicly_accessible=False),
            serverless_v2_min_capacity=aurora.min_capacity,
            serverless_v2_max_capacity=aurora.max_capacity,
            storage_encryption_key=key,
            iam_authentication=True,
            # Who fills the tables needs no place in the VPC: see docs/deploying.md.
            enable_data_api=True,
            backup=rds.BackupProps(retention=Duration.days(7)),
            copy_tags_to_snapshot=True,
            deletion_protection=self.protected,
            removal_policy=self._database_removal,
        )

    @property
    def _database_removal(self) -> RemovalPolicy:
        return RemovalPolicy.DESTROY if self.settings.removal == "destroy" else RemovalPolicy.SNAPSHOT

    def _open_existing_database(self) -> None:
        ec2.CfnSecurityGroupIngress(
            self,
            "ExtractionReadsDatabase",
            group_id=self.settings.sources.aurora.security_group_id,
            source_security_group_id=self.read(security_group_id("extraction")),
            ip_protocol="tcp",
            from_port=5432,
            to_port=5432,
            description="Extraction reads the database",
        )

    def _application_log(self) -> None:
        text = dynamodb.AttributeType.STRING
        dynamodb.Table(
            self,
            "ApplicationLog",
            table_name=self.settings.application_log_table,
            partition_key=dynamodb.Attribute(name="user_id", type=text),
            sort_key=dynamodb.Attribute(name="event_key", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            # Exports read the point-in-time recovery log, not the table: no read capacity is spent.
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=self.settings.sources.application_log.ttl_attribute,
            deletion_protection=self.protected,
            removal_policy=self.removal_policy,
        )
