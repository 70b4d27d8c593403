"""Deploys a synthesized cdk.out, unchanged, into the running endpoint: what `cdk deploy` does, in seconds."""

from __future__ import annotations

import io
import json
import time
import uuid
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from local.repository import REPOSITORY
from osusume_endpoint import paths
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.glue import runtimes
from osusume_endpoint.lambda_.archive import is_third_party

BOOTSTRAP_VERSION_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
MAX_INLINE_TEMPLATE = 51_200  # bytes, CloudFormation's limit of TemplateBody
CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_UNUSABLE = {"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"}

Report = Callable[[str], None]


class DeployFailed(RuntimeError):
    """A stack that did not deploy; the message names each failed resource and its reason."""


@dataclass(frozen=True)
class Stack:
    artifact_id: str
    name: str
    template: Path
    template_url: str
    parameters: dict[str, str]
    tags: dict[str, str]
    asset_manifests: tuple[Path, ...]


@dataclass(frozen=True)
class Outcome:
    stack: str
    action: str  # created, updated, unchanged
    seconds: float


@dataclass(frozen=True)
class Assembly:
    """A cdk.out folder."""

    folder: Path
    account: str
    region: str
    stacks: tuple[Stack, ...]  # in dependency order


def read_assembly(folder: Path) -> Assembly:
    """Raises DeployFailed when the assembly can't be deployed as it is."""
    manifest_file = folder / "manifest.json"
    if not manifest_file.exists():
        raise DeployFailed(f"{folder} holds no manifest.json: synthesize first (make synth)")
    manifest = json.loads(manifest_file.read_text())
    if manifest.get("missing"):
        keys = ", ".join(entry.get("key", "?") for entry in manifest["missing"])
        raise DeployFailed(
            f"{folder} lacks context for {keys}: give these values in the stacks, not by look-up"
        )
    stacks = tuple(_stacks(folder, manifest["artifacts"]))
    if not stacks:
        raise DeployFailed(f"{folder} holds no stack")
    _check_packages(stacks)
    _check_spark(stacks)
    account, region = environment_of(manifest["artifacts"])
    return Assembly(folder=folder, account=account, region=region, stacks=stacks)


def _check_packages(stacks: Sequence[Stack]) -> None:
    """Functions import from this environment, and the wheels of `cryptography` are not for every machine that demos."""
    missing = [name for name in ("jwt", "cryptography") if find_spec(name) is None]
    if missing and any("AWS::ApiGateway::Authorizer" in stack.template.read_text() for stack in stacks):
        raise DeployFailed(
            f"api.jwt is set, and what verifies tokens is not installed here ({', '.join(missing)}): "
            "`make check` installs it, or leave api.jwt out on this machine"
        )


def _check_spark(stacks: Sequence[Stack]) -> None:
    """The Spark of a newer version of Glue is installed on demand."""
    templates = (json.loads(stack.template.read_text()) for stack in stacks)
    resources = (each for template in templates for each in template.get("Resources", {}).values())
    jobs = (each for each in resources if each.get("Type") == "AWS::Glue::Job")
    for version in sorted({str(job["Properties"].get("GlueVersion")) for job in jobs}):
        try:
            runtimes.python_of(version)
        except runtimes.NotInstalled as error:
            raise DeployFailed(f"etl.glue_version {version} {error}, or take 5.1 on this machine") from None
        except KeyError:
            continue  # the endpoint refuses it by its name when the job is started


def environment_of(artifacts: dict[str, Any]) -> tuple[str, str]:
    """(account, region) of aws://account/region, which every stack must share."""
    found = {a["environment"] for a in artifacts.values() if a["type"] == "aws:cloudformation:stack"}
    if len(found) != 1:
        raise DeployFailed(f"The stacks must share one environment, got {sorted(found)}")
    account, region = found.pop().removeprefix("aws://").split("/")
    if "unknown" in account or "unknown" in region:
        raise DeployFailed("The stacks name no account and region: pass env=Environment(account, region)")
    return account, region


def _stacks(folder: Path, artifacts: dict[str, Any]) -> Iterator[Stack]:
    done: set[str] = set()

    def visit(artifact_id: str) -> Iterator[Stack]:
        if artifact_id in done:
            return
        done.add(artifact_id)
        for dependency in artifacts[artifact_id].get("dependencies", []):
            yield from visit(dependency)
        if artifacts[artifact_id]["type"] == "aws:cloudformation:stack":
            yield _stack(folder, artifact_id, artifacts)

    for artifact_id in artifacts:
        yield from visit(artifact_id)


def _of(folder: Path, name: str) -> Path:
    """What the assembly names, by a path in it or by its whole path.

    A layer that is not built is a folder of the app.
    """
    root = next((place for place in (folder, REPOSITORY) if name.startswith(f"{place}/")), folder)
    try:
        return paths.inside(root, name.removeprefix(f"{root}/"))
    except paths.Outside as error:
        raise DeployFailed(f"{folder} is no assembly of this app: {error}") from None


def _stack(folder: Path, artifact_id: str, artifacts: dict[str, Any]) -> Stack:
    artifact = artifacts[artifact_id]
    properties = artifact["properties"]
    manifests = [artifacts[d] for d in artifact.get("dependencies", [])]
    return Stack(
        artifact_id=artifact_id,
        name=properties.get("stackName", artifact_id),
        template=_of(folder, properties["templateFile"]),
        template_url=properties.get("stackTemplateAssetObjectUrl", ""),
        parameters=properties.get("parameters", {}),
        tags=properties.get("tags", {}),
        asset_manifests=tuple(
            _of(folder, a["properties"]["file"]) for a in manifests if a["type"] == "cdk:asset-manifest"
        ),
    )


class Deployment:
    """Deploys the stacks of one assembly as the endpoint's administrator."""

    def __init__(self, *, assembly: Assembly, endpoint: Endpoint, report: Report = print) -> None:
        if (assembly.account, assembly.region) != (endpoint.account, endpoint.region):
            raise DeployFailed(
                f"{assembly.folder} is for {assembly.account}/{assembly.region}, the endpoint runs as "
                f"{endpoint.account}/{endpoint.region}: `make down`, then `make up` with this cdk.out"
            )
        self.assembly = assembly
        self.endpoint = endpoint
        self.report = report
        self._attempt = f"deploy-{uuid.uuid4().hex}"  # every event of this attempt carries it
        self.s3 = endpoint.client("s3")
        self.cloudformation = endpoint.client("cloudformation")

    def run(self) -> list[Outcome]:
        self._bootstrap()
        outcomes = []
        for stack in self.assembly.stacks:
            self._upload_assets(stack)
            outcomes.append(self._deploy(stack))
            self.report(f"{outcomes[-1].stack:<40} {outcomes[-1].action:<10} {outcomes[-1].seconds:5.2f} s")
        return outcomes

    def _bootstrap(self) -> None:
        """What `cdk bootstrap` leaves behind and templates rely on."""
        self.endpoint.client("ssm").put_parameter(
            Name=BOOTSTRAP_VERSION_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True
        )

    def _upload_assets(self, stack: Stack) -> None:
        for manifest in stack.asset_manifests:
            assets = json.loads(manifest.read_text())
            if assets.get("dockerImages"):
                raise DeployFailed(f"{manifest} has Docker images, which the endpoint can't run")
            for asset in assets["files"].values():
                for destination in asset["destinations"].values():
                    self._upload(asset["source"], destination)

    def _upload(self, source: dict[str, str], destination: dict[str, str]) -> None:
        bucket, key = self._resolve(destination["bucketName"]), self._resolve(destination["objectKey"])
        self._ensure_bucket(bucket)
        if self._exists(bucket, key):
            return  # keys are hashes of the content
        path = _of(self.assembly.folder, source["path"])
        body = zip_folder(path) if source["packaging"] == "zip" else path.read_bytes()
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)

    def _resolve(self, text: str) -> str:
        values = {"AccountId": self.endpoint.account, "Region": self.endpoint.region, "Partition": "aws"}
        for name, value in values.items():
            text = text.replace(f"${{AWS::{name}}}", value)
        return text

    def _ensure_bucket(self, bucket: str) -> None:
        try:
            self.s3.head_bucket(Bucket=bucket)
        except ClientError:
            where = self.endpoint.region
            located = (
                {} if where == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": where}}
            )
            self.s3.create_bucket(Bucket=bucket, **located)

    def _exists(self, bucket: str, key: str) -> bool:
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError:
            return False
        return True

    def _deploy(self, stack: Stack) -> Outcome:
        started = time.monotonic()
        existing = self._describe(stack.name)
        if existing and existing["StackStatus"] in _UNUSABLE:
            self._delete(stack.name)
            existing = None
        try:
            action = self._apply(stack, existing)
        except ClientError as error:
            raise DeployFailed(f"{stack.name}: {error}") from error
        if action != "unchanged":
            self._wait(stack.name)
        return Outcome(stack.name, action, time.monotonic() - started)

    def _apply(self, stack: Stack, existing: dict[str, Any] | None) -> str:
        request = {
            "StackName": stack.name,
            "ClientRequestToken": self._attempt,
            "Capabilities": CAPABILITIES,
            "Tags": [{"Key": k, "Value": v} for k, v in stack.tags.items()],
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in stack.parameters.items()],
            **self._template(stack),
        }
        if existing is None:
            self.cloudformation.create_stack(**request)
            return "created"
        if self._deployed_template(stack.name) == json.loads(stack.template.read_text()):
            return "unchanged"
        try:
            self.cloudformation.update_stack(**request)
        except ClientError as error:
            if "No updates are to be performed" in str(error):
                return "unchanged"
            raise
        return "updated"

    def _template(self, stack: Stack) -> dict[str, str]:
        body = stack.template.read_text()
        if len(body.encode()) <= MAX_INLINE_TEMPLATE:
            return {"TemplateBody": body}
        path = self._resolve(stack.template_url).removeprefix("s3://")
        return {"TemplateURL": f"https://s3.{self.endpoint.region}.amazonaws.com/{path}"}

    def _deployed_template(self, name: str) -> Any:
        body = self.cloudformation.get_template(StackName=name)["TemplateBody"]
        return json.loads(body) if isinstance(body, str) else body

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            found = self.cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        except ClientError:
            return None
        return None if found["StackStatus"] == "DELETE_COMPLETE" else found

    def _wait(self, name: str) -> None:
        while True:
            stack = self._describe(name)
            status = stack["StackStatus"] if stack else "DELETE_COMPLETE"
            if not status.endswith("_IN_PROGRESS"):
                break
            time.sleep(0.05)
        if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            reason = (stack or {}).get("StackStatusReason", "")
            raise DeployFailed("\n".join([f"{name}: {status} {reason}", *self._failures(name)]))

    def _failures(self, name: str) -> list[str]:
        """One line per resource that failed in this attempt: the events of a stack go back to its first."""
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=name)
        events = [e for page in pages for e in page["StackEvents"] if self._is_failure(e)]
        return [
            f"  {e['LogicalResourceId']} ({e['ResourceType']}): {e.get('ResourceStatusReason', 'no reason')}"
            for e in reversed(events)
        ]

    def _is_failure(self, event: dict[str, Any]) -> bool:
        return (
            event.get("ClientRequestToken") == self._attempt
            and event["ResourceStatus"].endswith("_FAILED")
            and event["ResourceType"] != "AWS::CloudFormation::Stack"
        )

    def _delete(self, name: str) -> None:
        self.cloudformation.delete_stack(StackName=name)
        while (stack := self._describe(name)) and stack["StackStatus"] == "DELETE_IN_PROGRESS":
            time.sleep(0.05)


def deploy(*, assembly: Assembly, endpoint: Endpoint, report: Report = print) -> list[Outcome]:
    """Creates or updates every stack in dependency order. Raises DeployFailed at the first that fails."""
    return Deployment(assembly=assembly, endpoint=endpoint, report=report).run()


def zip_folder(folder: Path) -> bytes:
    """A zip as the CDK CLI makes it (sorted, 1980 dates, links followed), but stored, as it stays here.

    Third-party packages that this venv has are left out: local functions take them from the venv, and a layer
    of 170 MB would cost ten seconds.
    """
    layer = (folder / "python").is_dir()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            name = path.relative_to(folder).as_posix()
            if is_third_party(name, layer=layer):
                continue
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, path.read_bytes())
    return buffer.getvalue()
