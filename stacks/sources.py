"""The databases of the application: created here, or existing and only named."""

from __future__ import annotations

import json

from aws_cdk import Duration, RemovalPolicy, Token
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_kms as kms
from aws_cdk import aws_rds as rds
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from config.settings import Settings
from stacks.parts.stack import (
    AURORA_ARN,
    AURORA_HOST,
    AURORA_PORT,
    AURORA_READER_SECRET_ARN,
    AURORA_SECRET_ARN,
    LOG_STREAM_ARN,
    EnvironmentStack,
    security_group_id,
)

EXTRACTION_USER = "extraction"
ENGINE = rds.DatabaseClusterEngine.aurora_postgres(version=rds.AuroraPostgresEngineVersion.VER_17_9)


class SourcesStack(EnvironmentStack):
    part = "sources"
    needs = ("network", "storage")

    @classmethod
    def wanted(cls, settings: Settings) -> bool:
        """A stack without a resource is none to CloudFormation."""
        return settings.sources.aurora is not None or settings.creates_log

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="The application's data")
        if settings.creates_aurora:
            self._database()
        elif settings.sources.aurora is not None:
            self._open_existing_database()
        if settings.creates_log:
            self._application_log()

    def _database(self) -> None:
        aurora = self.settings.aurora
        key = self.key()
        cluster = rds.DatabaseCluster(
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

        self._publish_database(cluster, self._reader(key))

    def _reader(self, key: kms.IKey) -> secretsmanager.Secret:
        """The secret of the user that the extraction reads as; `grant_reader` makes the user and lets it read."""
        return secretsmanager.Secret(
            self,
            "Reader",
            secret_name=self.names.aurora_reader_secret,
            description="The extraction reads the application's tables",
            encryption_key=key,
            generate_secret_string=secretsmanager.SecretStringGenerator(
                secret_string_template=json.dumps({"username": EXTRACTION_USER}),
                generate_string_key="password",
                password_length=40,
                exclude_punctuation=True,
            ),
            # Its user is made again with the next one's password; retained, it would keep its name from a deployment.
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _publish_database(self, cluster: rds.DatabaseCluster, reader: secretsmanager.Secret) -> None:
        assert cluster.secret is not None
        for part, value in {
            AURORA_ARN: cluster.cluster_arn,
            AURORA_HOST: cluster.cluster_endpoint.hostname,
            AURORA_PORT: Token.as_string(cluster.cluster_endpoint.port),
            AURORA_SECRET_ARN: cluster.secret.secret_arn,
            AURORA_READER_SECRET_ARN: reader.secret_arn,
        }.items():
            self.publish(part, value)

    @property
    def _database_removal(self) -> RemovalPolicy:
        return RemovalPolicy.DESTROY if self.settings.removal == "destroy" else RemovalPolicy.SNAPSHOT

    def _open_existing_database(self) -> None:
        port = self.settings.aurora.reached_at
        ec2.CfnSecurityGroupIngress(
            self,
            "ExtractionReadsDatabase",
            group_id=self.settings.aurora.security_group_id,
            source_security_group_id=self.read(security_group_id("extraction")),
            ip_protocol="tcp",
            from_port=port,
            to_port=port,
            description="Extraction reads the database",
        )

    def _application_log(self) -> None:
        text, log = dynamodb.AttributeType.STRING, self.settings.log
        streamed = self.settings.datasets.streams
        table = dynamodb.Table(
            self,
            "ApplicationLog",
            table_name=self.settings.application_log_table,
            partition_key=dynamodb.Attribute(name=log.attributes.USER_ID, type=text),
            sort_key=dynamodb.Attribute(name="event_key", type=text),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            encryption=dynamodb.TableEncryption.AWS_MANAGED,
            # Exports read the point-in-time recovery log, not the table: no read capacity is spent.
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            time_to_live_attribute=log.ttl_attribute,
            # The old image tells an event that was changed from one that is new.
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES if streamed else None,
            deletion_protection=self.protected,
            removal_policy=self.removal_policy,
        )
        if table.table_stream_arn:
            self.publish(LOG_STREAM_ARN, table.table_stream_arn)
