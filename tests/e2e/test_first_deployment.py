"""First deployments that fail: at every type of resource once, and each time the next attempt gets further.

Then, of a retained environment: protection, a destruction, and a deployment that adopts what stayed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from local import cli, deploy
from local.deploy import Assembly, DeployFailed
from operations import first, inventory, stacks
from operations import place as places
from operations.adopt import adopt_warehouse
from operations.destroy import KEPT, destroy
from operations.place import Place
from osusume_endpoint import state
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.testing.running import eventually
from stacks import synthesis
from tests import example

pytestmark = [pytest.mark.e2e, pytest.mark.nightly, pytest.mark.slow]

# Of what the example has: no event is streamed, and QuickSight is off.
PARTS = set(first.PARTS) - {"streaming", "dashboards"}


@pytest.fixture(params=["dev", "prod"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return example.settings(str(request.param))


@pytest.fixture
def place(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    given = {
        "OSUSUME_CONFIG": str(example.folder()),
        "OSUSUME_HOME": str(tmp_path),
        "OSUSUME_PORT": "0",
        "OSUSUME_DIE_WITH_PARENT": "1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    current = cli.start(home=tmp_path, account=settings.account, region=settings.region)
    endpoint = cli.endpoint_of(current, tmp_path)
    for name, value in {**endpoint.administrator.environment(), "AWS_ENDPOINT_URL": endpoint.url}.items():
        monkeypatch.setenv(name, value)
    try:
        yield places.reached(settings.environment)
    finally:
        cli.run_down(argparse.Namespace())


@pytest.fixture
def endpoint(place: Place) -> Endpoint:
    return cli.endpoint_of(state.running(state.home()), state.home())


def synthesized(settings: Settings, folder: Path, *, never: list[str]) -> Assembly:
    context = json.dumps({**synthesis.WITHOUT_LAYERS, "first": ",".join(never)})
    done = synthesis.run(
        "app.py", environment=settings.environment, CDK_OUTDIR=str(folder), CDK_CONTEXT_JSON=context
    )
    assert done.returncode == 0, done.stderr
    return deploy.read_assembly(folder)


def attempt(assembly: Assembly, endpoint: Endpoint) -> None:
    deploy.deploy(assembly=assembly, endpoint=endpoint, report=lambda line: None)


def kinds(assembly: Assembly) -> list[str]:
    """Types by the first stack that has one: the stacks before it are complete by then, and fail no more."""
    templates = [json.loads(stack.template.read_text()) for stack in assembly.stacks]
    of_stacks = [sorted({r["Type"] for r in template["Resources"].values()}) for template in templates]
    return list(dict.fromkeys(kind for kinds in of_stacks for kind in kinds))


def fail_each_once(assembly: Assembly, endpoint: Endpoint) -> int:
    """How many types failed, each in an attempt of its own."""
    faults = Faults(endpoint.url, endpoint.region, endpoint.administrator)
    count = 0
    for kind in kinds(assembly):
        faults.use(f"resources: [{{type: '{kind}'}}]")
        with pytest.raises(DeployFailed, match=rf"\({kind}\): Internal Failure"):
            attempt(assembly, endpoint)
        count += 1
    faults.clear()
    return count


def test_every_type_fails_once_and_the_deployment_succeeds_at_last(
    place: Place, endpoint: Endpoint, tmp_path: Path
) -> None:
    never = first.parts(place)
    assert never == (sorted(PARTS) if place.retains else [])
    assembly = synthesized(place.settings, tmp_path / "first", never=never)
    assert fail_each_once(assembly, endpoint) > 40
    attempt(assembly, endpoint)
    assert {stack.status for stack in stacks.deployed(place)} == {"CREATE_COMPLETE"}


def adopt(assembly: Assembly, place: Place) -> None:
    """Deploys what is not there, as `cdk deploy --import-existing-resources` does."""
    client = place.client("cloudformation")
    for stack in assembly.stacks:
        if any(stack.name == there.name for there in stacks.deployed(place)):
            continue
        made = client.create_change_set(
            StackName=stack.name,
            ChangeSetName="adopt",
            ChangeSetType="CREATE",
            **_template(place, stack),
            Capabilities=deploy.CAPABILITIES,
            ImportExistingResources=True,
        )
        eventually(lambda arn=made["Id"]: _status(client, arn) == "CREATE_COMPLETE", seconds=60)
        client.execute_change_set(ChangeSetName=made["Id"])
        eventually(lambda name=stack.name: not _busy(client, name), seconds=120)
        [done] = client.describe_stacks(StackName=stack.name)["Stacks"]
        assert done["StackStatus"] == "CREATE_COMPLETE", (stack.name, _reasons(client, stack.name))


def _template(place: Place, stack: deploy.Stack) -> dict[str, str]:
    """As the command line gives it: what is too long lies in the bootstrap bucket."""
    body, settings = stack.template.read_bytes(), place.settings
    if len(body) <= deploy.MAX_INLINE_TEMPLATE:
        return {"TemplateBody": body.decode()}
    bucket = f"cdk-hnb659fds-assets-{settings.account}-{settings.region}"
    place.client("s3").put_object(Bucket=bucket, Key=f"{stack.name}.json", Body=body)
    return {"TemplateURL": f"https://s3.{settings.region}.amazonaws.com/{bucket}/{stack.name}.json"}


def _reasons(client: Any, name: str) -> list[str]:
    """Of the resources that failed."""
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
        for e in events
        if e["ResourceStatus"].endswith("FAILED")
    ]


def _status(client: Any, change_set: str) -> str:
    return str(client.describe_change_set(ChangeSetName=change_set)["Status"])


def _busy(client: Any, name: str) -> bool:
    [found] = client.describe_stacks(StackName=name)["Stacks"]
    return bool(found["StackStatus"].endswith("IN_PROGRESS"))


@pytest.mark.parametrize("settings", ["prod"], indirect=True)
def test_what_a_retained_environment_leaves_is_adopted(
    place: Place, endpoint: Endpoint, tmp_path: Path
) -> None:
    attempt(synthesized(place.settings, tmp_path / "first", never=first.parts(place)), endpoint)
    assert first.parts(place) == []
    attempt(synthesized(place.settings, tmp_path / "whole", never=[]), endpoint)
    table = place.client("dynamodb").describe_table(TableName=place.settings.application_log_table)["Table"]
    assert table["DeletionProtectionEnabled"]
    place.client("dynamodb").put_item(
        TableName=place.settings.application_log_table,
        Item={"user_id": {"S": "u"}, "event_key": {"S": "k"}},
    )

    assert destroy(place, given="prod") == 0
    assert [stack.part for stack in stacks.deployed(place)] == list(KEPT)
    left = {found.kind for found in inventory.left(place)}
    assert {
        "bucket",
        "table",
        "dataset group",
        "schema",
        "KMS key",
        "warehouse",
        "snapshot",
        "log group",
    } <= left
    assert not left & {"database", "workgroup", "solution", "schedule", "Glue job"}

    never = first.parts(place)
    assert set(never) == PARTS - set(KEPT)
    adopt(synthesized(place.settings, tmp_path / "again", never=never), place)
    assert adopt_warehouse(place)
    kept = place.client("dynamodb").scan(TableName=place.settings.application_log_table)["Items"]
    assert [item["user_id"]["S"] for item in kept] == ["u"]
    assert destroy(place, given="prod") == 0
