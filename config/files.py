"""The files of the configuration: `common.yaml` and one `<environment>.yaml` each, merged key by key.

What an environment's file says wins; sections are merged, everything else (lists too) is replaced whole.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from config.errors import ConfigError

COMMON = "common"

Content = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Files:
    """What stands in each of the two files, and both together."""

    environment: str
    own: Content
    common: Content

    @property
    def merged(self) -> Content:
        return merged(self.common, self.own)

    def holder(self, location: tuple[int | str, ...]) -> str:
        """The file that gives the key, or the environment's where none does: there it can be added."""
        in_common_only = has(self.common, location) and not has(self.own, location)
        return f"{COMMON if in_common_only else self.environment}.yaml"


def folder() -> Path:
    """This folder, or the one that the variable OSUSUME_CONFIG names."""
    return Path(os.environ.get("OSUSUME_CONFIG") or Path(__file__).parent)


def environments(place: Path) -> list[str]:
    """Names of the environments that have a file in the folder."""
    return sorted(path.stem for path in place.glob("*.yaml") if path.stem != COMMON)


def read(environment: str, place: Path) -> Files:
    """Raises ConfigError where the environment has no file, or a file is not a map of YAML."""
    path = place / f"{environment}.yaml"
    if environment == COMMON or not path.is_file():
        what = f"holds what environments share: use one of {environments(place)}"
        lacks = f"has no {path.name}: use one of {environments(place)} or write that file"
        raise ConfigError(f"environment {environment!r} {what if environment == COMMON else lacks}")
    common = place / f"{COMMON}.yaml"
    return Files(
        environment=environment, own=content(path), common=content(common) if common.is_file() else {}
    )


def content(path: Path) -> Content:
    """The file's map; an empty file is an empty map."""
    try:
        found = yaml.load(path.read_text(), Loader=_Loader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{path.name} is not YAML: {error}") from error
    if found is not None and not isinstance(found, dict):
        raise ConfigError(f"{path.name} holds {found!r:.60}, not keys and values: write `key: value` lines")
    return found or {}


def merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> Content:
    """`above` wins; where both have a map, its keys are merged in turn."""
    both = {
        key: merged(below[key], value)
        for key, value in above.items()
        if isinstance(value, dict) and isinstance(below.get(key), dict)
    }
    return {**below, **above, **both}


def has(value: Any, location: tuple[int | str, ...]) -> bool:
    """Whether the nested maps and lists hold something at the place."""
    for part in location:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return False
    return True


class _Loader(yaml.SafeLoader):
    """YAML forbids a key that is written twice; PyYAML takes the last one in silence.

    A day stays a text, as in YAML 1.2 and in the schema by which editors check it.
    """

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is a list or a map: write a text", key.start_mark
                )
            if key.value in seen and key.tag != "tag:yaml.org,2002:merge":
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key.value!r} is written twice: keep one", key.start_mark
                )
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)
