"""One synthesis a session and variation of the example; templates as dicts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.placeholders import Placeholders
from config.settings import Settings
from stacks.synthesis import WITHOUT_LAYERS, node
from tests import example

# Read by jsii's Node process when it starts, so set before anything imports aws_cdk.
os.environ.setdefault("CDK_VALIDATION", "false")
os.environ.setdefault("CDK_DISABLE_STACK_TRACE", "1")
os.environ.setdefault("JSII_NODE", str(node()))

ROOT = Path(__file__).resolve().parents[2]

Template = dict[str, Any]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--snapshot-update", action="store_true", help="rewrite tests/stacks/__snapshots__")


@pytest.fixture(scope="session")
def snapshot_update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--snapshot-update"))


class Assembly:
    """What one variation of the example, or the settings given, synthesizes to."""

    def __init__(self, stage: str, folder: Path, settings: Settings | None = None) -> None:
        import app

        self.stage = stage
        self.settings = settings or example.settings(stage)
        app.build(self.settings, folder=folder, context=WITHOUT_LAYERS).synth()
        self.manifest = json.loads((folder / "manifest.json").read_text())
        self.folder = folder
        self.templates: dict[str, Template] = {
            path.name.removesuffix(".template.json").lower(): json.loads(path.read_text())
            for path in sorted(folder.glob("*.template.json"))
        }

    @property
    def placeholders(self) -> Placeholders:
        names = self.settings.names
        return Placeholders(account=names.account, region=names.region, prefix=names.prefix)

    def resources(self, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(stack/logical id, resource) of the types, or of all."""
        for stack, template in self.templates.items():
            for logical_id, resource in template["Resources"].items():
                if not types or resource["Type"] in types:
                    yield f"{stack}/{logical_id}", resource

    def properties(self, *types: str) -> list[tuple[str, dict[str, Any]]]:
        return [(key, resource.get("Properties", {})) for key, resource in self.resources(*types)]

    def definition(self, workflow: str) -> dict[str, Any]:
        name = self.settings.names.workflow(workflow)
        for _, properties in self.properties("AWS::StepFunctions::StateMachine"):
            if properties["StateMachineName"] == name:
                return json.loads(properties["DefinitionString"])
        raise KeyError(workflow)


@pytest.fixture(scope="session", params=sorted(example.VARIATIONS))
def assembly(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return Assembly(request.param, tmp_path_factory.mktemp(f"cdk-{request.param}"))
