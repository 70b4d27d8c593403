"""A PySpark job of this repository: `glue_jobs/<job>.py`, the package glue_jobs and a role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, AssetHashType, Duration
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.parts.access import SPARK_ON_S3, Statement, Statements, allow, service_role
from stacks.parts.assets import ROOT, stage
from stacks.parts.logs import LogGroup
from stacks.parts.stack import EnvironmentStack

GLUE_VERSIONS = {"5.1": glue.GlueVersion.V5_1, "6.0": glue.GlueVersion.V6_0}
LOGS = ("error", "output")
WORKER_TYPES = {
    "G.1X": glue.WorkerType.G_1X,
    "G.2X": glue.WorkerType.G_2X,
    "G.4X": glue.WorkerType.G_4X,
    "G.8X": glue.WorkerType.G_8X,
}


class PySparkJob(Construct):
    """`name` is the job's name in the contract, with dashes; the script has underscores."""

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        name: str,
        arguments: Mapping[str, str],
        statements: Statements,
        connections: Sequence[glue.IConnection] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        etl = scope.settings.etl
        role = self._role([_write_logs(scope), _put_metrics(), *_decrypt_assets(scope), *statements])
        self._log_groups(scope, role)
        package = _package(self)
        self.job = glue.PySparkEtlJob(
            self,
            "Job",
            job_name=scope.names.job(name),
            role=role,
            script=glue.Code.from_asset(str(ROOT / "glue_jobs" / f"{name.replace('-', '_')}.py")),
            glue_version=GLUE_VERSIONS[etl.glue_version],
            worker_configuration=glue.WorkerConfiguration(
                worker_type=WORKER_TYPES[etl.worker_type], number_of_workers=etl.workers
            ),
            timeout=Duration.minutes(etl.timeout_minutes),
            # The workflow decides about another try; queuing would hide a run that waits.
            max_retries=0,
            connections=list(connections),
            security_configuration=glue.SecurityConfiguration.from_security_configuration_name(
                self, "Security", scope.names.of("glue")
            ),
            continuous_logging=glue.ContinuousLoggingProps(enabled=True),
            extra_python_files=[glue.Code.from_bucket(package.bucket, package.s3_object_key)],
            default_arguments={**arguments, **spark_conf(etl.glue_version, scope.settings.region)},
        )
        Annotations.of(self.job).acknowledge_warning(
            "@aws-cdk/aws-glue-alpha:plaintextJobArgumentSecret", "--secret_name is a name, not a secret"
        )

    def _log_groups(self, scope: EnvironmentStack, role: iam.Role) -> None:
        for part in LOGS:
            name = log_group(scope.names.of("glue"), role.role_name, part)
            LogGroup(self, scope, name=name, construct_id=f"{part.capitalize()}Logs")

    def _role(self, statements: Statements) -> iam.Role:
        return service_role(self, "Role", service="glue.amazonaws.com", statements=statements)


def log_group(configuration: str, role: str, part: str) -> str:
    """Where a job writes under a security configuration, on Glue 5.0 and later.

    Glue user guide, "Logging for AWS Glue jobs": groups `error` and `output`, named after configuration and role.
    """
    return f"/aws-glue/jobs/{configuration}-role/{role}/{part}"


def spark_conf(glue_version: str, region: str) -> dict[str, str]:
    """Glue user guide, "Migrating to AWS Glue 5.1": S3A replaced EMRFS, and without its region it asks us-east-2."""
    if not SPARK_ON_S3[glue_version].by_s3a:
        return {}
    return {"--conf": f"spark.hadoop.fs.s3a.endpoint.region={region}"}


def _decrypt_assets(stack: EnvironmentStack) -> list[Statement]:
    """Scripts lie in the bootstrap bucket, whose customer key CDK doesn't know (aws-cdk#20255)."""
    key = stack.settings.etl.bootstrap_key_arn
    return [allow("kms:Decrypt", key)] if key else []


def _package(scope: Construct) -> s3_assets.Asset:
    folder, digest = stage("glue_jobs", {"glue_jobs": ROOT / "glue_jobs"})
    return s3_assets.Asset(
        scope, "Package", path=str(folder), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM
    )


def _write_logs(stack: EnvironmentStack) -> Statement:
    """Glue adds its own groups (driver output, errors), all below /aws-glue/jobs."""
    actions = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
    group = f"arn:aws:logs:{stack.settings.region}:{stack.settings.account}:log-group:/aws-glue/jobs/*"
    return allow(actions, group)


def _put_metrics() -> Statement:
    """CloudWatch offers no resource-level permission; the namespace is the limit."""
    return allow(
        "cloudwatch:PutMetricData", "*", conditions={"StringEquals": {"cloudwatch:namespace": "Glue"}}
    )
