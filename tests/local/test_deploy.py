from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from local import deploy, users
from local.cli import environment_name, environment_variables
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import ACCOUNT, REGION, error_of, name
from osusume_endpoint.testing.running import running as running_endpoint

STACK = "aws:cloudformation:stack"


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running_endpoint(tmp_path_factory.mktemp("deploy"), plugins="iam,cloudformation,lambda") as endpoint:
        yield endpoint


def assembly(
    folder: Path,
    stacks: dict[str, dict[str, Any]],
    *,
    missing: list[Any] | None = None,
    account: str = ACCOUNT,
) -> Path:
    """A cdk.out of stacks: {id: {"resources", "needs", "asset"}}; returns its folder."""
    artifacts: dict[str, Any] = {}
    for identity, stack in stacks.items():
        template = folder / f"{identity}.template.json"
        template.write_text(json.dumps({"Resources": stack["resources"]}))
        needs = list(stack.get("needs", []))
        if "asset" in stack:
            artifacts[f"{identity}.assets"] = assets(folder, identity, stack["asset"])
            needs.append(f"{identity}.assets")
        artifacts[identity] = {
            "type": STACK,
            "environment": f"aws://{account}/{REGION}",
            "properties": {"templateFile": template.name, "stackName": stack["name"]},
            "dependencies": needs,
        }
    (folder / "manifest.json").write_text(json.dumps({"artifacts": artifacts, "missing": missing or []}))
    return folder


def assets(folder: Path, identity: str, source: Path) -> dict[str, Any]:
    place = {
        "bucketName": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}",
        "objectKey": f"{identity}.zip",
    }
    entry = {"source": {"path": str(source), "packaging": "zip"}, "destinations": {"here": place}}
    (folder / f"{identity}.assets.json").write_text(json.dumps({"files": {"a": entry}}))
    return {"type": "cdk:asset-manifest", "properties": {"file": f"{identity}.assets.json"}}


def parameter(path: str, value: Any) -> dict[str, Any]:
    properties = {"Name": path, "Type": "String", "Value": value}
    return {"Type": "AWS::SSM::Parameter", "Properties": properties}


def run(cloud: Endpoint, folder: Path) -> list[str]:
    outcomes = deploy.deploy(assembly=deploy.read_assembly(folder), endpoint=cloud, report=lambda line: None)
    return [outcome.action for outcome in outcomes]


def test_stacks_deploy_in_dependency_order_and_only_what_changed_is_updated(
    cloud: Endpoint, tmp_path: Path
) -> None:
    first, second, path = name("stack"), name("stack"), f"/{name()}"
    stacks = {
        "B": {"name": second, "resources": {"P": parameter(f"{path}/b", "1")}, "needs": ["A"]},
        "A": {"name": first, "resources": {"P": parameter(f"{path}/a", "1")}},
    }
    folder = assembly(tmp_path, stacks)
    assert [s.name for s in deploy.read_assembly(folder).stacks] == [first, second]
    assert run(cloud, folder) == ["created", "created"]
    assert run(cloud, folder) == ["unchanged", "unchanged"]
    stacks["B"]["resources"]["P"] = parameter(f"{path}/b", "2")
    assert run(cloud, assembly(tmp_path, stacks)) == ["unchanged", "updated"]
    assert cloud.client("ssm").get_parameter(Name=f"{path}/b")["Parameter"]["Value"] == "2"


def test_a_failed_resource_is_reported_with_its_reason_and_can_be_mended(
    cloud: Endpoint, tmp_path: Path
) -> None:
    stack, taken = name("stack"), f"/{name()}"
    cloud.client("ssm").put_parameter(Name=taken, Value="x", Type="String")
    broken = {"A": {"name": stack, "resources": {"Mine": parameter(taken, "y")}}}
    with pytest.raises(deploy.DeployFailed, match=r"ROLLBACK_COMPLETE(.|\n)*Mine \(AWS::SSM::Parameter\)"):
        run(cloud, assembly(tmp_path, broken))
    broken["A"]["resources"]["Mine"] = parameter(f"{taken}/free", "y")
    assert run(cloud, assembly(tmp_path, broken)) == ["created"]


def test_assets_reach_the_bootstrap_bucket(cloud: Endpoint, tmp_path: Path) -> None:
    source = tmp_path / "asset"
    source.mkdir()
    (source / "index.py").write_text("X = 1\n")
    (source / "boto3").mkdir()
    (source / "boto3" / "__init__.py").write_text("")
    identity = name("asset")
    stacks = {
        identity: {
            "name": name("stack"),
            "resources": {"P": parameter(f"/{identity}", "1")},
            "asset": source,
        }
    }
    run(cloud, assembly(tmp_path, stacks))
    bucket = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
    body = cloud.client("s3").get_object(Bucket=bucket, Key=f"{identity}.zip")["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == ["index.py"]
    version = cloud.client("ssm").get_parameter(Name="/cdk-bootstrap/hnb659fds/version")["Parameter"]
    assert int(version["Value"]) >= 6


def test_a_manifest_with_missing_context_is_refused_by_key(tmp_path: Path) -> None:
    stacks = {"A": {"name": "s", "resources": {"P": parameter("/p", "1")}}}
    folder = assembly(tmp_path, stacks, missing=[{"key": "availability-zones:account=1"}])
    with pytest.raises(deploy.DeployFailed, match="availability-zones:account=1"):
        deploy.read_assembly(folder)


def test_a_cdk_out_for_another_account_is_refused_with_the_cure(cloud: Endpoint, tmp_path: Path) -> None:
    stacks = {"A": {"name": "s", "resources": {"P": parameter("/p", "1")}}}
    folder = assembly(tmp_path, stacks, account="333333333333")
    with pytest.raises(deploy.DeployFailed, match="make down"):
        run(cloud, folder)


def test_an_unknown_resource_type_is_reported_by_name(cloud: Endpoint, tmp_path: Path) -> None:
    stacks = {"A": {"name": name("stack"), "resources": {"R": {"Type": "AWS::Made::Up"}}}}
    with pytest.raises(deploy.DeployFailed, match="AWS::Made::Up"):
        run(cloud, assembly(tmp_path, stacks))


def test_a_folder_without_a_manifest_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(deploy.DeployFailed, match="make synth"):
        deploy.read_assembly(tmp_path)


def test_the_environment_is_in_the_stack_names(tmp_path: Path) -> None:
    stacks = {"A": {"name": "osusume-dev-storage", "resources": {"P": parameter("/p", "1")}}}
    assert environment_name(deploy.read_assembly(assembly(tmp_path, stacks))) == "dev"


def test_make_env_gives_the_operators_credentials_and_no_more(cloud: Endpoint) -> None:
    current = state.running(cloud.home)
    variables = environment_variables(cloud, current)
    assert variables["AWS_ENDPOINT_URL"] == cloud.url
    assert variables["AWS_DEFAULT_REGION"] == REGION
    credentials = users.operator_credentials(cloud, environment="local")
    assert cloud.client("sts", credentials).get_caller_identity()["Arn"].endswith("-operator/operator")
    assert cloud.client("s3", credentials).list_buckets()["Buckets"] is not None
    for refused in (
        lambda: cloud.client("iam", credentials).create_role(RoleName="r", AssumeRolePolicyDocument="{}"),
        lambda: cloud.client("s3", credentials).delete_bucket(Bucket="b"),
        lambda: cloud.client("cloudformation", credentials).delete_stack(StackName="s"),
    ):
        assert error_of(refused)[0] in ("AccessDenied", "AccessDeniedException")


def test_only_the_failures_of_this_attempt_are_told(cloud: Endpoint, tmp_path: Path) -> None:
    """An update that fails keeps its stack, and the stack every event since its first."""
    stack, fine = name("stack"), {"P": parameter("/mine", "1")}
    run(cloud, assembly(tmp_path, {"A": {"name": stack, "resources": fine}}))
    for attempt in ("First", "Second", "Third"):
        broken = {**fine, attempt: {"Type": "AWS::Logs::LogStream", "Properties": {}}}
        with pytest.raises(deploy.DeployFailed) as failed:
            run(cloud, assembly(tmp_path, {"A": {"name": stack, "resources": broken}}))
        told = [line.split()[0] for line in str(failed.value).splitlines()[1:]]
        assert told == [attempt]


def test_jobs_of_glue_6_are_refused_where_its_spark_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is deployed, and not when the first run has read the database."""
    monkeypatch.setenv("OSUSUME_SPARK4", str(tmp_path / "spark4"))

    def made(version: str) -> Path:
        job = {"Type": "AWS::Glue::Job", "Properties": {"GlueVersion": version}}
        return assembly(tmp_path, {"A": {"name": "s", "resources": {"J": job}}})

    assert len(deploy.read_assembly(made("5.1")).stacks) == 1
    with pytest.raises(deploy.DeployFailed, match=r"etl.glue_version 6.0 needs .*: run `make spark4`, or"):
        deploy.read_assembly(made("6.0"))
    (tmp_path / "spark4").mkdir()
    (tmp_path / "spark4" / ".ready").touch()
    assert len(deploy.read_assembly(made("6.0")).stacks) == 1


@pytest.mark.parametrize("missing", ["jwt", "cryptography"])
def test_an_authorizer_of_tokens_is_refused_where_nothing_can_verify_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    authorizer = {"Type": "AWS::ApiGateway::Authorizer", "Properties": {}}
    signed = assembly(tmp_path, {"A": {"name": "s", "resources": {"P": parameter("/p", "1")}}})
    monkeypatch.setattr(deploy, "find_spec", lambda name: None if name == missing else object())
    assert len(deploy.read_assembly(signed).stacks) == 1
    tokens = assembly(tmp_path, {"B": {"name": "s", "resources": {"R": authorizer}}})
    with pytest.raises(deploy.DeployFailed, match=rf"api.jwt is set, .*\({missing}\): `make check`"):
        deploy.read_assembly(tokens)
    monkeypatch.setattr(deploy, "find_spec", lambda name: object())
    assert len(deploy.read_assembly(tokens).stacks) == 1
