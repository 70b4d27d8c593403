"""A function's work as a build of CodeBuild, for what may take longer than a function: the same code and packages.

Nothing is installed from the internet: the sources are the function's own zip and the layers' zips, and the image has
the Python that the packages are for. See docs/adr/0069-build-long-marts-on-codebuild.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aws_cdk import AssetHashType
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.parts.access import (
    Statement,
    Statements,
    allow,
    build_network_interfaces,
    own_account,
    service_role,
)
from stacks.parts.function import powertools, staged
from stacks.parts.layer import PYTHON_VERSION, packages_asset
from stacks.parts.logs import LogGroup
from stacks.parts.stack import VPC_ID, EnvironmentStack, security_group_id
from stacks.workflows.builds import FAILURE, QUEUED_MINUTES

# CodeBuild user guide, "Docker images provided by CodeBuild" and "Available runtimes": Amazon Linux 2023 on ARM.
IMAGE = "aws/codebuild/amazonlinux-aarch64-standard:3.0"


class BuildProject(Construct):
    """`name` is the folder below lambdas/, whose `__main__` a build runs; `more` adds to the zip as a function's does.

    `packages`: identifier of a source -> requirements file. The role has a fixed name where `role_name` gives it.
    """

    def __init__(
        self,
        scope: EnvironmentStack,
        construct_id: str,
        *,
        name: str,
        packages: Mapping[str, Path],
        environment: Mapping[str, str],
        statements: Statements,
        timeout_minutes: int,
        security_group: str,
        more: Mapping[str, Path | str] | None = None,
        role_name: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        code = _code(self, name, more or {})
        assets = {key: packages_asset(self, key, requirements=file) for key, file in packages.items()}
        group = LogGroup(self, scope, name=f"/aws/codebuild/{scope.names.project(name)}")
        needs = [*_builds(scope, group, [code, *assets.values()]), *statements]
        self.role = service_role(
            self,
            "Role",
            service="codebuild.amazonaws.com",
            role_name=role_name,
            statements=needs,
            # CodeBuild user guide, "Cross-service confused deputy prevention".
            conditions=own_account(scope.settings.account, scope.names.project_arn(name)),
        )
        self.project = codebuild.CfnProject(
            self,
            "Project",
            name=scope.names.project(name),
            service_role=self.role.role_arn,
            source=_source(code, build_spec=_build_spec(name, packages)),
            secondary_sources=[_source(asset, identifier=key) for key, asset in assets.items()],
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=_environment({**powertools(scope, name), **environment}),
            vpc_config=codebuild.CfnProject.VpcConfigProperty(
                vpc_id=scope.read(VPC_ID),
                subnets=scope.private_subnet_ids(),
                security_group_ids=[scope.read(security_group_id(security_group))],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=group.log_group_name
                )
            ),
            timeout_in_minutes=timeout_minutes,
            queued_timeout_in_minutes=QUEUED_MINUTES,
            # Two at once would build the same tables; the workflow comes back until the first has ended.
            concurrent_build_limit=1,
        )


def _code(project: Construct, name: str, more: Mapping[str, Path | str]) -> s3_assets.Asset:
    folder, digest = staged(name, more)
    return s3_assets.Asset(
        project, "Code", path=str(folder), asset_hash=digest, asset_hash_type=AssetHashType.CUSTOM
    )


def _source(
    asset: s3_assets.Asset, *, identifier: str | None = None, build_spec: str | None = None
) -> codebuild.CfnProject.SourceProperty:
    location = f"{asset.s3_bucket_name}/{asset.s3_object_key}"
    return codebuild.CfnProject.SourceProperty(
        type="S3", location=location, source_identifier=identifier, build_spec=build_spec
    )


def _build_spec(name: str, packages: Mapping[str, Path]) -> str:
    """JSON, which is YAML too. What a command prints is the log; its failure is the build's."""
    folders = ["$CODEBUILD_SRC_DIR", *(f"$CODEBUILD_SRC_DIR_{key}/python" for key in packages)]
    spec = {
        "version": 0.2,
        "env": {"exported-variables": [FAILURE]},
        "phases": {
            "install": {"runtime-versions": {"python": PYTHON_VERSION}},
            "build": {
                "commands": [
                    f'export PYTHONPATH="{":".join(folders)}"',
                    f"python -m lambdas.{name}",
                ],
                # Exported variables are read when the phase has ended, whichever way: the workflow tells this one.
                "finally": [f'export {FAILURE}="$(cat "$CODEBUILD_SRC_DIR/failure" 2>/dev/null || true)"'],
            },
        },
    }
    return json.dumps(spec, indent=1)


def _environment(variables: Mapping[str, str]) -> codebuild.CfnProject.EnvironmentProperty:
    return codebuild.CfnProject.EnvironmentProperty(
        type="ARM_CONTAINER",
        compute_type="BUILD_GENERAL1_SMALL",
        image=IMAGE,
        privileged_mode=False,
        environment_variables=[
            codebuild.CfnProject.EnvironmentVariableProperty(name=name, value=value, type="PLAINTEXT")
            for name, value in variables.items()
        ],
    )


def _builds(scope: EnvironmentStack, group: LogGroup, sources: list[s3_assets.Asset]) -> list[Statement]:
    """Logs, sources, a place in the VPC (CodeBuild user guide, "Allow CodeBuild to interact with other services")."""
    bucket = f"arn:aws:s3:::{sources[0].s3_bucket_name}"
    objects = [f"{bucket}/{source.s3_object_key}" for source in sources]
    key: Any = scope.settings.etl.bootstrap_key_arn
    return [
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], group.log_group_arn),
        allow(["s3:GetObject", "s3:GetObjectVersion"], *objects),
        allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], bucket),
        *([allow("kms:Decrypt", key)] if key else []),
        *build_network_interfaces(
            region=scope.settings.region,
            account=scope.settings.account,
            subnets=scope.private_subnet_ids(),
        ),
    ]
