"""One file a stack and variation, for people: `pytest tests/stacks --snapshot-update` rewrites them.

They hold placeholders for account, region and names, so that they are the same for every environment.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests import example
from tests.stacks.conftest import Assembly

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
HASH = re.compile(r"\b[0-9a-f]{64}\b")
# API Gateway's deployment has a hash of the whole API in its logical id.
DEPLOYMENT = re.compile(r"(Deployment[0-9A-F]{8})[0-9a-f]{32}")

TAGS = {"app", "environment"}  # on every resource


def normalised(assembly: Assembly, stack: str) -> str:
    template = assembly.templates[stack]
    opened = {**template, "Resources": {key: _open(value) for key, value in template["Resources"].items()}}
    text = json.dumps(_without_tags(opened), indent=1, sort_keys=True, ensure_ascii=False)
    names = assembly.settings.names
    # A logical id that CDK makes of a parameter's name, without what isn't a letter or digit.
    text = text.replace(
        f"SsmParameterValue{names.app}{names.environment}", "SsmParameterValue{app}{environment}"
    )
    return assembly.placeholders.hide(DEPLOYMENT.sub(r"\1<hash>", HASH.sub("<hash>", text))) + "\n"


def _without_tags(value: Any) -> Any:
    """Placeholders for the values of the tags `app` and `environment`, in both forms that tags have."""
    if isinstance(value, list):
        return [_without_tags(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Key", "Value"} and value["Key"] in TAGS:
        return {"Key": value["Key"], "Value": f"{{{value['Key']}}}"}
    if set(value) == TAGS:
        return {tag: f"{{{tag}}}" for tag in TAGS}
    return {key: _without_tags(item) for key, item in value.items()}


def stale(assembly: Assembly) -> list[str]:
    """Stacks that are not as committed."""
    folder = SNAPSHOTS / assembly.stage
    return [name for name in assembly.templates if _read(folder, name) != normalised(assembly, name)]


def _open(resource: dict[str, Any]) -> dict[str, Any]:
    """Documents inside of texts are shown as documents."""
    properties = dict(resource.get("Properties", {}))
    for key in ("DefinitionString", "Schema"):
        if isinstance(properties.get(key), str):
            properties[key] = json.loads(properties[key])
    return {**resource, "Properties": properties}


def test_templates_are_the_committed_snapshots(assembly: Assembly, snapshot_update: bool) -> None:
    if snapshot_update:
        _write(SNAPSHOTS / assembly.stage, assembly)
    changed = stale(assembly)
    assert changed == [], f"changed stacks {changed}: look at the difference, then --snapshot-update"


@pytest.mark.parametrize("variation", sorted(example.VARIATIONS))
def test_snapshots_are_the_same_for_another_account_region_and_name(variation: str, tmp_path: Path) -> None:
    zones = ["eu-west-1a", "eu-west-1c", "eu-west-1d"]
    moved: Any = {"account": "333333333333", "region": "eu-west-1", "network": {"availability_zones": zones}}
    settings = example.settings(variation, app="acme", environment="stage", **moved)
    assert stale(Assembly(variation, tmp_path, settings)) == []


def test_there_is_a_snapshot_of_every_stack_and_no_other(assembly: Assembly) -> None:
    committed = {path.stem for path in (SNAPSHOTS / assembly.stage).glob("*.json")}
    assert committed == set(assembly.templates)


def test_a_template_does_not_change_between_two_syntheses(assembly: Assembly, tmp_path: Path) -> None:
    again = Assembly(assembly.stage, tmp_path)
    assert again.templates == assembly.templates


def _read(folder: Path, name: str) -> str:
    path = folder / f"{name}.json"
    return path.read_text() if path.is_file() else ""


def _write(folder: Path, assembly: Assembly) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        path.unlink()
    for name in assembly.templates:
        (folder / f"{name}.json").write_text(normalised(assembly, name))
