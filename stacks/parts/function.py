"""A Lambda function of this repository: `lambdas/<name>` and `lambdas/shared`, a role, a log group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from aws_cdk import AssetHashType, Duration, Size
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.parts.access import Statement, Statements, allow, function_network_interfaces, service_role
from stacks.parts.assets import ROOT, stage
from stacks.parts.logs import LogGroup
from stacks.parts.stack import EnvironmentStack


class PythonFunction(Construct):
    """`name` is the folder below lambdas/; the zip keeps package paths, so imports are those of the tests.

    `more` adds to the zip: path inside -> folder, file or text. The role has a fixed name where `role_name` gives it.
    """

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        name: str,
        layers: Sequence[lambda_.ILayerVersion],
        environment: Mapping[str, str],
        statements: Statements,
        memory_size: int = 256,
        storage: Size | None = None,
        timeout: Duration | None = None,
        more: Mapping[str, Path | str] | None = None,
        role_name: str | None = None,
        vpc: ec2.IVpc | None = None,
        security_group: ec2.ISecurityGroup | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        scope.functions.append(name)
        full_name = scope.names.function(name)
        group = LogGroup(self, scope, name=f"/aws/lambda/{full_name}")
        given = [_write_logs(group), *([function_network_interfaces()] if vpc else []), *statements]
        self.role = _role(self, given, role_name=role_name)
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=full_name,
            handler=f"lambdas.{name}.handler.handler",
            code=_code(name, more or {}),
            layers=layers,
            role=self.role,
            log_group=group,
            environment={**powertools(scope, name), **environment},
            memory_size=memory_size,
            ephemeral_storage_size=storage,
            timeout=timeout or Duration.seconds(60),
            tracing=lambda_.Tracing.ACTIVE,
            vpc=vpc,
            security_groups=[security_group] if security_group else None,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
        )


def _role(function: Construct, statements: Statements, *, role_name: str | None) -> iam.Role:
    service = "lambda.amazonaws.com"
    return service_role(function, "Role", service=service, role_name=role_name, statements=statements)


def powertools(scope: EnvironmentStack, name: str) -> dict[str, str]:
    return {
        "POWERTOOLS_SERVICE_NAME": name,
        "POWERTOOLS_METRICS_NAMESPACE": scope.names.metric_namespace,
    }


def _write_logs(group: logs.ILogGroup) -> Statement:
    return allow(["logs:CreateLogStream", "logs:PutLogEvents"], group.log_group_arn)


def _code(name: str, more: Mapping[str, Path | str]) -> lambda_.AssetCode:
    folder, digest = staged(name, more)
    return lambda_.Code.from_asset(str(folder), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM)


def staged(name: str, more: Mapping[str, Path | str]) -> tuple[Path, str]:
    """The folder of what the zip of lambdas/<name> holds, and its hash."""
    package = ROOT / "lambdas"
    tree: dict[str, Path | str] = {
        "lambdas/__init__.py": package / "__init__.py",
        f"lambdas/{name}": package / name,
        "lambdas/shared": package / "shared",
        **more,
    }
    return stage(f"functions/{name}", tree)
