"""Reads a synthesized cloud assembly (cdk.out) into stacks whose values are resolved."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, TypeVar

from checks.intrinsics import Resolver
from checks.placeholders import Placeholders

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Stack:
    """One template: `resources` as written, `resolver` for their values."""

    name: str
    template: dict[str, Any]
    resolver: Resolver

    @property
    def resources(self) -> dict[str, Any]:
        return dict(self.template.get("Resources", {}))

    @cached_property
    def resolved(self) -> dict[str, dict[str, Any]]:
        """Resolved properties by logical id."""
        return {
            logical_id: self.resolver.resolve(resource.get("Properties", {}))
            for logical_id, resource in self.resources.items()
        }

    def of_type(self, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(logical id, resolved properties) of the resources of these types."""
        for logical_id, resource in self.resources.items():
            if resource["Type"] in types:
                yield logical_id, self.resolved[logical_id]


@dataclass(frozen=True, eq=False)
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
    def stack_names(self) -> dict[str, str]:
        """Physical name of each stack."""
        artifacts = self.manifest["artifacts"]
        return {name: str(artifacts[name]["properties"].get("stackName", name)) for name in self.templates}

    @cached_property
    def prefix(self) -> str:
        """What every name of the environment starts with: `<app>-<environment>`."""
        return min(self.stack_names.values(), key=len).rpartition("-")[0]

    @property
    def placeholders(self) -> Placeholders:
        return Placeholders(account=self.account, region=self.region, prefix=self.prefix)

    def each(self, *types: str) -> Iterator[tuple[Stack, str, dict[str, Any]]]:
        """(stack, logical id, resolved properties) in all stacks."""
        for stack in self.stacks:
            for logical_id, properties in stack.of_type(*types):
                yield stack, logical_id, properties

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
                    properties = resolver.resolve(resource.get("Properties", {}))
                    found[str(properties.get("Name"))] = properties.get("Value")
        return found

    def _resolver(self, template: dict[str, Any], parameters: dict[str, Any]) -> Resolver:
        return Resolver(
            resources=template.get("Resources", {}),
            account=self.account,
            region=self.region,
            template=template,
            parameters=parameters,
        )


def once(compute: Callable[[Assembly], Value]) -> Callable[[Assembly], Value]:
    """Keeps the result with the assembly: several checks ask for the same."""
    key = f"{compute.__module__}.{compute.__qualname__}"

    @wraps(compute)
    def kept(assembly: Assembly) -> Value:
        if key not in assembly.__dict__:
            assembly.__dict__[key] = compute(assembly)
        value: Value = assembly.__dict__[key]
        return value

    return kept
