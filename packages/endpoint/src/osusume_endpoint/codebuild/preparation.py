"""What stands before a build's first command: the log, a place in the VPC, the sources, the variables.

What goes wrong in it ends the phase that it belongs to, as on AWS, and names what the service role may not do.
"""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from osusume_endpoint import paths, permissions
from osusume_endpoint.codebuild import buildspec
from osusume_endpoint.codebuild.log import BuildLog, LogRefused
from osusume_endpoint.codebuild.process import Prepared
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import AccessDenied
from osusume_endpoint.lambda_ import archive, environment
from osusume_endpoint.network import placed
from osusume_endpoint.network.model import Place
from osusume_endpoint.redshift.stand_in import ADAPTER

if TYPE_CHECKING:
    from osusume_endpoint.codebuild.builds import Execution

PRINCIPAL = "codebuild.amazonaws.com"
# CodeBuild user guide, "Allow CodeBuild access to AWS services required to create a VPC network interface".
VPC_ACTIONS = (
    "ec2:DescribeSubnets",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeVpcs",
    "ec2:DescribeDhcpOptions",
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DeleteNetworkInterface",
)


class Refused(Exception):
    """Ends the current phase: FAILED, with this status code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def prepare(endpoint: Endpoint, execution: Execution, credentials: Credentials, folder: Path) -> Prepared:
    """Raises Refused."""
    execution.log = _log(endpoint, execution, credentials)
    _join_vpc(endpoint, execution, credentials)
    execution.begin("DOWNLOAD_SOURCE")
    spec = _specification(execution.build)
    sources = _download(endpoint, execution, credentials, folder)
    exports = paths.inside(folder, "exports")
    exports.mkdir()
    script = paths.inside(folder, "build.sh")
    script.write_text(buildspec.script(spec))
    return Prepared(
        shell=spec.shell,
        script=script,
        source=sources["CODEBUILD_SRC_DIR"],
        exports=exports,
        exported=spec.exported,
        variables={
            **_standard(endpoint, execution),
            **{name: str(path) for name, path in sources.items()},
            **_local(endpoint, execution, folder, exports),
            **spec.variables,
            **_own(execution),
            **credentials.environment(),
        },
    )


def _log(endpoint: Endpoint, execution: Execution, credentials: Credentials) -> BuildLog | None:
    build = execution.build
    wanted = (execution.project.get("logsConfig") or {}).get("cloudWatchLogs") or {"status": "ENABLED"}
    if wanted["status"] != "ENABLED":
        return None
    group = wanted.get("groupName") or f"/aws/codebuild/{build['projectName']}"
    stream = "/".join(filter(None, [wanted.get("streamName"), build["id"].rpartition(":")[2]]))
    try:
        made = BuildLog(endpoint.service_client("logs", credentials), group=group, stream=stream)
    except LogRefused as refused:
        raise Refused(
            "ACCESS_DENIED",
            f"Service role {build['serviceRole']} does not allow AWS CodeBuild to create Amazon CloudWatch Logs log "
            f"streams for build {build['arn']}. Error message: {refused}",
        ) from None
    build["logs"] = made.location(region=endpoint.region, account=endpoint.account)
    return made


def _join_vpc(endpoint: Endpoint, execution: Execution, credentials: Credentials) -> None:
    subnets = (execution.project.get("vpcConfig") or {}).get("subnets") or []
    where = f"arn:aws:ec2:{endpoint.region}:{endpoint.account}"
    try:
        for action in VPC_ACTIONS if subnets else ():
            permissions.authorize(credentials, action=action, resource="*")
        for subnet in subnets:
            permissions.authorize(
                credentials,
                action="ec2:CreateNetworkInterfacePermission",
                resource=f"{where}:network-interface/eni-0123456789abcdef0",
                conditions={"ec2:AuthorizedService": PRINCIPAL, "ec2:Subnet": f"{where}:subnet/{subnet}"},
            )
    except AccessDenied as denied:
        message = f"Unexpected EC2 error: UnauthorizedOperation: {denied.message}"
        raise Refused("VPC_CLIENT_ERROR", message) from None


def _specification(build: Mapping[str, Any]) -> buildspec.Buildspec:
    text = str(build["source"].get("buildspec") or "")
    if "\n" not in text and not text.lstrip().startswith("{"):
        raise Refused(
            "YAML_FILE_ERROR",
            f"a buildspec that is a file of the source ({text or 'buildspec.yml'}) is not emulated by the local "
            "endpoint; it runs one that stands in the project",
        )
    try:
        return buildspec.read(text)
    except buildspec.BuildspecInvalid as invalid:
        raise Refused("YAML_FILE_ERROR", str(invalid)) from None


def _download(
    endpoint: Endpoint, execution: Execution, credentials: Credentials, folder: Path
) -> dict[str, Path]:
    """Folders of the sources, by the variable that names each."""
    build = execution.build
    missing = placed.service_lacks(endpoint, place_of(execution.project), "s3")
    if missing:
        raise Refused(
            "CLIENT_ERROR", f"RequestError: send request failed caused by: timed out [local: {missing}]"
        )
    client = endpoint.service_client("s3", credentials)
    named = {"CODEBUILD_SRC_DIR": build["source"]}
    named |= {f"CODEBUILD_SRC_DIR_{one['sourceIdentifier']}": one for one in build["secondarySources"]}
    return {
        variable: _source(endpoint, client, source, paths.inside(folder, variable))
        for variable, source in named.items()
    }


def _source(endpoint: Endpoint, client: Any, source: Mapping[str, Any], target: Path) -> Path:
    """The source's folder. Packages that this environment has are taken from it, as those of a function's zip are."""
    if source["type"] == "NO_SOURCE":
        target.mkdir(parents=True)
        return target
    bucket, _, key = str(source.get("location", "")).partition("/")
    try:
        content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
        unpacked = archive.unpack(content, folder=endpoint.home / "codebuild" / "sources", layer=True)
    except (ClientError, archive.UnsafeArchive) as error:
        message = f"Unable to download or unpack source {source.get('location')}: {error}"
        raise Refused("CLIENT_ERROR", message) from None
    shutil.copytree(unpacked, target)
    return target


def place_of(project: Mapping[str, Any]) -> Place | None:
    """None: in no VPC of the account's."""
    network = project.get("vpcConfig") or {}
    subnets, groups = network.get("subnets") or (), network.get("securityGroupIds") or ()
    return Place(f"project {project['name']}", tuple(subnets), tuple(groups)) if subnets else None


def _standard(endpoint: Endpoint, execution: Execution) -> dict[str, str]:
    """CodeBuild user guide, "Environment variables in build environments"."""
    build = execution.build
    return {
        "AWS_DEFAULT_REGION": endpoint.region,
        "AWS_REGION": endpoint.region,
        "CODEBUILD_BUILD_ARN": build["arn"],
        "CODEBUILD_BUILD_ID": build["id"],
        "CODEBUILD_BUILD_IMAGE": build["environment"]["image"],
        "CODEBUILD_BUILD_NUMBER": str(build["buildNumber"]),
        "CODEBUILD_BUILD_SUCCEEDING": "1",
        "CODEBUILD_INITIATOR": build["initiator"],
        "CODEBUILD_KMS_KEY_ID": build["encryptionKey"],
        "CODEBUILD_LOG_PATH": build["logs"].get("streamName", ""),
        "CODEBUILD_SOURCE_REPO_URL": str(build["source"].get("location", "")),
        "CODEBUILD_START_TIME": str(int(build["startTime"] * 1000)),
        "CI": "true",
        "LANG": "C.UTF-8",
    }


def _local(endpoint: Endpoint, execution: Execution, folder: Path, exports: Path) -> dict[str, str]:
    """Where the endpoint is, a home and a temporary folder of the build's own, and this environment's Python."""
    temporary = paths.inside(folder, "tmp")
    temporary.mkdir()
    place, told = place_of(execution.project), set(_own(execution).values())
    return {
        **{
            name: value
            for contribute in environment.contributors
            for name, value in contribute(place, told).items()
        },
        "AWS_ENDPOINT_URL": endpoint.url,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "OSUSUME_LOCAL_EXPORTS": str(exports),
        "PATH": f"{_programs(folder)}{os.pathsep}/usr/local/bin:/usr/bin:/bin",
        "PYTHONNOUSERSITE": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _programs(folder: Path) -> Path:
    """`python` is this environment's, with what stands in for packages behind the build's own path."""
    programs = paths.inside(folder, "bin")
    programs.mkdir()
    path = f'PYTHONPATH="${{PYTHONPATH:+$PYTHONPATH:}}"{shlex.quote(str(ADAPTER))}'
    line = f'{path} exec {shlex.quote(sys.executable)} "$@"'
    for name in ("python", "python3"):
        program = paths.inside(programs, name)
        program.write_text(f"#!/bin/sh\n{line}\n")
        program.chmod(0o700)
    return programs


def _own(execution: Execution) -> dict[str, str]:
    return {one["name"]: one["value"] for one in execution.build["environment"]["environmentVariables"]}
