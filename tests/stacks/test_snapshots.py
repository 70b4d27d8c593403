"""One file a stack and stage, for people: `pytest tests/stacks --snapshot-update` rewrites them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from tests.stacks.conftest import Assembly

SNAPSHOTS = Path(__file__).parent / "__snapshots__"
HASH = re.compile(r"\b[0-9a-f]{64}\b")
# API Gateway's deployment has a hash of the whole API in its logical id.
DEPLOYMENT = re.compile(r"(Deployment[0-9A-F]{8})[0-9a-f]{32}")


def normalised(template: dict[str, Any]) -> str:
    opened = {**template, "Resources": {key: _open(value) for key, value in template["Resources"].items()}}
    text = json.dumps(opened, indent=1, sort_keys=True, ensure_ascii=False)
    return DEPLOYMENT.sub(r"\1<hash>", HASH.sub("<hash>", text)) + "\n"


def _open(resource: dict[str, Any]) -> dict[str, Any]:
    """Documents inside of texts are shown as documents."""
    properties = dict(resource.get("Properties", {}))
    for key in ("DefinitionString", "Schema"):
        if isinstance(properties.get(key), str):
            properties[key] = json.loads(properties[key])
    return {**resource, "Properties": properties}


def test_templates_are_the_committed_snapshots(assembly: Assembly, snapshot_update: bool) -> None:
    folder = SNAPSHOTS / assembly.stage
    if snapshot_update:
        _write(folder, assembly)
    stale = [
        name for name, template in assembly.templates.items() if _read(folder, name) != normalised(template)
    ]
    assert stale == [], f"changed stacks {stale}: look at the difference, then --snapshot-update"


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
    for name, template in assembly.templates.items():
        (folder / f"{name}.json").write_text(normalised(template))
