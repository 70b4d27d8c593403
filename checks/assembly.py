"""Reads a synthesized cloud assembly (cdk.out) into stacks whose values are resolved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from checks.intrinsics import Resolver


@dataclass(frozen=True)
class Stack:
    """One template: `resources` as written, `resolver` for their values."""

    name: str
    template: dict[str, Any]
    resolver: Resolver

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.template.get("Resources", {}))

    def of_type(self, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(logical id, resolved properties) of the resources of these types."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] in types:
                yield logical_id, self.resolver.resolve(resource.get("Properties", {}))


@dataclass(frozen=True)
class Assembly:
    """All stacks of one environment."""

    folder: Path
    manifest: dict[str, Any]
    templates: dict[str, dict[str, Any]]
    account: str
    region: str

    @classmethod
    def read(cls, folder: Path) -> Assembly:
        """Raises FileNotFoundError when the folder was not synthesized."""
        manifest = json.loads((folder / "manifest.json").read_text())
        artifacts = {
            name: artifact
            for name, artifact in manifest["artifacts"].items()
            if artifact["type"] == "aws:cloudformation:stack"
        }
        templates = {
            name: json.loads((folder / artifact["properties"]["templateFile"]).read_text())
            for name, artifact in artifacts.items()
        }
        environment = next(iter(artifacts.values()))["environment"]
        account, region = environment.removeprefix("aws://").split("/")
        return cls(folder, manifest, templates, account, region)

    @cached_property
    def stacks(self) -> tuple[Stack, ...]:
        return tuple(
            Stack(name, template, self._resolver(template, self.parameters))
            for name, template in self.templates.items()
        )

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """SSM parameters that the stacks write, by name: how values get from one stack to another."""
        found: dict[str, Any] = {}
        for template in self.templates.values():
            resolver = self._resolver(template, {})
            for resource in template.get("Resources", {}).values():
                if resource["Type"] == "AWS::SSM::Parameter":
                    properties = resolver.resolve(resource["Properties"])
                    found[properties["Name"]] = properties["Value"]
        return found

    def _resolver(self, template: dict[str, Any], parameters: dict[str, Any]) -> Resolver:
        return Resolver(
            resources=template.get("Resources", {}),
            account=self.account,
            region=self.region,
            template=template,
            parameters=parameters,
        )
