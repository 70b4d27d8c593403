"""A PySpark job of this repository: `glue_jobs/<job>.py`, the package glue_jobs and a role."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Annotations, AssetHashType, Duration
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.parts.access import Statement, Statements, allow, service_role
from stacks.parts.assets import ROOT, stage
from stacks.parts.logs import LogGroup
from stacks.parts.stack import EnvironmentStack

GLUE_VERSIONS = {"5.1": glue.GlueVersion.V5_1}
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
        group = LogGroup(self, scope, name=f"/aws-glue/jobs/{scope.names.job(name)}")
        role = self._role([_write_logs(scope), _put_metrics(), *statements])
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
            continuous_logging=glue.ContinuousLoggingProps(enabled=True, log_group=group),
            extra_python_files=[glue.Code.from_bucket(package.bucket, package.s3_object_key)],
            default_arguments=dict(arguments),
        )
        Annotations.of(self.job).acknowledge_warning(
            "@aws-cdk/aws-glue-alpha:plaintextJobArgumentSecret", "--secret_name is a name, not a secret"
        )

    def _role(self, statements: Statements) -> iam.Role:
        return service_role(self, "Role", service="glue.amazonaws.com", statements=statements)


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
