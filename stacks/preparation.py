"""Sources to datasets: two jobs, a few functions and the workflow `prepare`."""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Size
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_glue as glue
from constructs import Construct

from config import inputs, layout
from config.settings import Settings
from lambdas.shared.environment import packed
from stacks.parts import access
from stacks.parts.access import Statement, allow
from stacks.parts.assets import ROOT
from stacks.parts.function import PythonFunction
from stacks.parts.glue_job import PySparkJob
from stacks.parts.layer import DuckDbLayer, RuntimeLayer
from stacks.parts.stack import (
    AURORA_ARN,
    AURORA_HOST,
    AURORA_PORT,
    AURORA_READER_SECRET_ARN,
    AURORA_SECRET_ARN,
    FORGETTING_SECRET_ARN,
    EnvironmentStack,
    subnet_id,
    without_routes,
)
from stacks.parts.workflow import Workflow
from stacks.workflows import prepare

DISK_GIBIBYTES = 4  # of the function that builds datasets: copies of its sources, and what memory can't hold
_OF_LOG = (layout.LOG_EXPORT, layout.RAW_EVENTS)


class PreparationStack(EnvironmentStack):
    part = "preparation"
    needs = ("network", "storage", "sources")

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, settings=settings, description="Sources to datasets")
        self._layer = RuntimeLayer(self)
        self._security()
        if settings.sources.aurora is not None:
            self._extract_aurora(self._connection())
        if settings.etl.on_glue:
            self._build_datasets()
        if settings.etl.in_function:
            self._build_small_datasets()
        if settings.creates_aurora:
            self._grant_reader()
        self._plan_run()
        self._validate_datasets()
        Workflow(
            self,
            "Prepare",
            name="prepare",
            definition=prepare.definition(settings),
            statements=prepare.statements(settings, key_arn=self.key_arn),
        )

    def _connection(self) -> glue.Connection:
        """The connection, a place in the network alone: address and password are read from the secret at run time."""
        subnet = ec2.Subnet.from_subnet_attributes(
            self,
            "ExtractionSubnet",
            subnet_id=self.read(subnet_id(0)),
            availability_zone=self.availability_zones[0],
        )
        without_routes(subnet)
        return glue.Connection(
            self,
            "Aurora",
            type=glue.ConnectionType.NETWORK,
            connection_name=self.names.of("aurora"),
            network=glue.ConnectionNetwork.subnet(subnet),
            security_groups=[self.security_group("extraction")],
        )

    def _security(self) -> None:
        key = self.key()
        security = glue.SecurityConfiguration(
            self,
            "Security",
            security_configuration_name=self.names.of("glue"),
            s3_encryption=glue.S3Encryption.kms(key),
            cloud_watch_encryption=glue.CloudWatchEncryption.kms(key),
        )
        security.apply_removal_policy(RemovalPolicy.DESTROY)  # CDK retains it, and its name is fixed

    def _extract_aurora(self, connection: glue.Connection) -> None:
        datasets = self.settings.datasets
        tables = self.settings.aurora.tables.model_dump(exclude_none=True)
        columns = {
            **{
                name: [field.column for field in datasets.fields(name)]
                for name in ("users", "items", "actions")
                if name in tables
            },
            "orders": list(datasets.interactions.columns),
        }
        PySparkJob(
            self,
            "ExtractAurora",
            name="extract-aurora",
            connections=[connection],
            arguments={
                "--raw_bucket": self.names.raw_bucket,
                "--secret_name": self.settings.extraction_secret,
                "--address": json.dumps(self._address),
                "--certificate_file": json.dumps(self.settings.aurora.certificate_file or ""),
                "--reading": json.dumps(self._reading),
                "--tables": json.dumps(tables),
                "--columns": json.dumps(columns),
                "--user_columns": json.dumps(self.settings.user_columns),
                **self._forgotten_arguments,
            },
            statements=[
                allow("secretsmanager:GetSecretValue", self._secret_arn),
                *self._open_secret(),
                *self._know_forgotten(),
                *self._connect_to_network(),
                access.list_objects(self.names.raw_bucket),
                access.read_objects(self.names.raw_bucket, layout.RAW_TABLE.anything),
                *access.spark_write_objects(
                    self.settings.etl.glue_version, self.names.raw_bucket, layout.RAW_TABLE.top
                ),
                access.encrypt_and_decrypt(self.key_arn),
            ],
        )

    @property
    def _forgotten_arguments(self) -> dict[str, str]:
        return {
            "--control_table": self.names.control_table,
            "--forgetting_secret": self.names.forgetting_secret,
        }

    def _know_forgotten(self) -> list[Statement]:
        """The right to know whom to leave out: hashes in the control table, and the secret that they were made with."""
        return [
            allow("dynamodb:Scan", self.names.table_arn(self.names.control_table)),
            allow("secretsmanager:GetSecretValue", self.read(FORGETTING_SECRET_ARN)),
        ]

    @property
    def _address(self) -> dict[str, str]:
        """Where the database is: a secret of a reader need not hold it."""
        aurora = self.settings.aurora
        if aurora.create:
            host, port = self.read(AURORA_HOST), self.read(AURORA_PORT)
            return {"host": host, "port": port, "dbname": aurora.database}
        return {"host": str(aurora.endpoint), "port": str(aurora.reached_at), "dbname": aurora.database}

    @property
    def _reading(self) -> dict[str, int]:
        aurora = self.settings.aurora
        return {"connections": aurora.connections, "rows": aurora.rows_per_connection}

    def _open_secret(self) -> list[Statement]:
        key = self.settings.aurora.secret_key_arn
        return [access.decrypt(key)] if key else []

    @property
    def _secret_arn(self) -> str:
        if self.settings.aurora.secret_arn:
            return self.settings.aurora.secret_arn
        # Secrets Manager ends the ARN with six random characters.
        region, account = self.settings.region, self.settings.account
        return f"arn:aws:secretsmanager:{region}:{account}:secret:{self.settings.extraction_secret}-??????"

    def _connect_to_network(self) -> list[Statement]:
        base = f"arn:aws:glue:{self.settings.region}:{self.settings.account}"
        interface = f"arn:aws:ec2:{self.settings.region}:{self.settings.account}:network-interface/*"
        describe = [
            "ec2:DescribeVpcEndpoints",
            "ec2:DescribeRouteTables",
            "ec2:DescribeSecurityGroups",
            "ec2:DescribeVpcAttribute",
        ]
        return [
            allow("glue:GetConnection", f"{base}:catalog", f"{base}:connection/{self.names.of('aurora')}"),
            access.network_interfaces(),
            # EC2 offers no resource-level permission for describing.
            allow(describe, "*"),
            allow(
                "ec2:CreateTags",
                interface,
                conditions={"ForAllValues:StringEquals": {"aws:TagKeys": ["aws-glue-service-resource"]}},
            ),
        ]

    def _build_datasets(self) -> None:
        names, version = self.names, self.settings.etl.glue_version
        PySparkJob(
            self,
            "BuildDatasets",
            name="build-datasets",
            arguments=self._build_arguments,
            statements=[
                *self._read_sources(),
                *self._keep_events(),
                *access.spark_write_objects(version, names.datasets_bucket, layout.DATASET.top),
                *access.spark_write_objects(version, names.results_bucket, layout.WAREHOUSE.top),
            ],
        )

    def _build_small_datasets(self) -> None:
        """The same job on DuckDB: what it imports as pyspark is a part of its own zip."""
        names, etl = self.names, self.settings.etl
        jobs = ROOT / "glue_jobs"
        PythonFunction(
            self,
            "BuildSmallDatasets",
            name="build_datasets",
            layers=[self._layer, DuckDbLayer(self)],
            more={
                "glue_jobs": jobs,
                "on_duckdb/pyspark": jobs / "on_duckdb",
                "arguments.json": json.dumps(self._build_arguments, sort_keys=True),
            },
            environment={
                "ENGINE": etl.engine,
                "SMALL_MEGABYTES": str(etl.small_megabytes),
                "FUNCTION_MEMORY": str(etl.function_memory),
            },
            memory_size=etl.function_memory,
            storage=Size.gibibytes(DISK_GIBIBYTES),
            timeout=Duration.minutes(15),
            statements=[
                *self._read_sources(),
                *self._replace_events(),
                access.replace_objects(names.datasets_bucket, layout.DATASET.anything),
                access.replace_objects(names.results_bucket, layout.WAREHOUSE.objects()),
            ],
        )

    @property
    def _build_arguments(self) -> dict[str, str]:
        """The job's arguments that are the same in every run."""
        names = self.names
        return {
            "--raw_bucket": names.raw_bucket,
            "--datasets_bucket": names.datasets_bucket,
            "--results_bucket": names.results_bucket,
            "--datasets": self.settings.datasets.model_dump_json(exclude_none=True),
            "--application_log": json.dumps(self._log),
            "--batch_inputs": json.dumps(inputs.of_all(self.settings.solutions)),
            "--batch_records": str(self.settings.etl.batch_records),
            **self._forgotten_arguments,
        }

    def _read_sources(self) -> list[Statement]:
        """What a build reads on either engine, and what it wrote itself."""
        names = self.names
        return [
            *self._know_forgotten(),
            *map(access.list_objects, (names.raw_bucket, names.datasets_bucket, names.results_bucket)),
            access.read_objects(names.raw_bucket, *(form.anything for form in self._raw)),
            access.read_objects(names.datasets_bucket, layout.DATASET.anything),
            access.read_objects(names.results_bucket, layout.WAREHOUSE.objects()),
            access.encrypt_and_decrypt(self.key_arn),
            *self._describe_log(),
        ]

    def _replace_events(self) -> list[Statement]:
        if self.settings.sources.application_log is None:
            return []
        return [access.replace_objects(self.names.raw_bucket, layout.RAW_EVENTS.anything)]

    @property
    def _raw(self) -> list[layout.Form]:
        sources = self.settings.sources
        return [
            *([layout.RAW_TABLE] if sources.aurora is not None else []),
            *(_OF_LOG if sources.application_log is not None else []),
            layout.EXPOSURES,
        ]

    def _keep_events(self) -> list[Statement]:
        if self.settings.sources.application_log is None:
            return []
        version = self.settings.etl.glue_version
        return access.spark_write_objects(version, self.names.raw_bucket, layout.RAW_EVENTS.top)

    def _describe_log(self) -> list[Statement]:
        """Only the table knows its key's attributes and its time to live for certain."""
        if self.settings.sources.application_log is None:
            return []
        calls = ["dynamodb:DescribeTable", "dynamodb:DescribeTimeToLive"]
        return [allow(calls, prepare.table_arn(self.settings))]

    @property
    def _log(self) -> dict[str, Any] | None:
        """What the job is told of the log: which table, how it is written, how long what expired is learned."""
        log = self.settings.sources.application_log
        if log is None:
            return None
        return {
            "table": self.settings.application_log_table,
            "keep_expired_days": log.keep_expired_days,
            "attributes": log.attributes.model_dump(exclude_none=True),
            "timestamp_format": log.timestamp_format,
        }

    def _grant_reader(self) -> None:
        """Works through the Data API, as the administrator, so that the extraction needn't be one."""
        aurora = self.settings.aurora
        cluster, administrator = self.read(AURORA_ARN), self.read(AURORA_SECRET_ARN)
        reader = self.read(AURORA_READER_SECRET_ARN)
        calls = ("BeginTransaction", "ExecuteStatement", "CommitTransaction", "RollbackTransaction")
        PythonFunction(
            self,
            "GrantReader",
            name="grant_reader",
            layers=[self._layer],
            environment={
                "CLUSTER_ARN": cluster,
                "ADMINISTRATOR_SECRET_ARN": administrator,
                "READER_SECRET_ARN": reader,
                "DATABASE": aurora.database,
                "TABLES": packed(list(aurora.tables.model_dump(exclude_none=True).values())),
            },
            statements=[
                allow([f"rds-data:{name}" for name in calls], cluster),
                allow("secretsmanager:GetSecretValue", administrator, reader),
                access.decrypt(self.key_arn),
            ],
        )

    def _plan_run(self) -> None:
        names, settings = self.names, self.settings
        log = settings.sources.application_log is not None
        PythonFunction(
            self,
            "PlanRun",
            name="plan_run",
            layers=[self._layer],
            environment={
                "CONTROL_TABLE": names.control_table,
                "DATASET_GROUP": names.dataset_group,
                "STREAMED": packed(settings.datasets.streamed_events),
                "APPLICATION_LOG_TABLE": settings.application_log_table if log else "",
            },
            statements=[
                # Written where event types are streamed: from when on.
                allow(["dynamodb:GetItem", "dynamodb:PutItem"], names.table_arn(names.control_table)),
                *([allow("dynamodb:DescribeContinuousBackups", prepare.table_arn(settings))] if log else []),
            ],
        )

    def _validate_datasets(self) -> None:
        quality, solutions = self.settings.datasets.quality, self.settings.solutions
        PythonFunction(
            self,
            "ValidateDatasets",
            name="validate_datasets",
            layers=[self._layer],
            environment={
                "DATASETS_BUCKET": self.names.datasets_bucket,
                "MAX_QUARANTINED_SHARE": str(quality.max_quarantined_share),
                "MIN_ROWS_AGAINST_PREVIOUS": str(quality.min_rows_against_previous),
                "BATCH_RECORDS": str(self.settings.etl.batch_records),
                "BATCH_JOBS": packed(inputs.jobs_of_folders(solutions)),
                "MAX_BATCH_JOBS": str(inputs.most_jobs(solutions)),
            },
            statements=[
                # Listing makes a missing report a 404 and not a 403.
                access.list_objects(self.names.datasets_bucket),
                access.read_objects(self.names.datasets_bucket, layout.REPORT.objects()),
                access.decrypt(self.key_arn),
            ],
        )
