"""The changes that docs/changing.md promises for a deployed environment, each as a change of the configuration."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from config.settings import Settings

Content = dict[str, Any]
Change = Callable[[Content], None]


def changed(content: Content, *changes: Change) -> Settings:
    """The settings of `content` after the changes, one after another; `content` stays as it was."""
    draft = copy.deepcopy(content)
    for change in changes:
        change(draft)
    return Settings.model_validate(draft)


def write(file: Path, *changes: Change) -> None:
    """Changes an environment's file that says everything, as those of `tests.example.folder()` do."""
    content = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump(changed(content, *changes).model_dump(mode="json"), sort_keys=False))


def add_field(dataset: str, name: str = "SEGMENT", /, **attributes: Any) -> Change:
    """A nullable category from the column of the same name, unless `attributes` say otherwise."""
    given = {"categorical": True, "nullable": True, "added": True, **attributes}
    field = {"name": name, "column": name.lower(), **given}
    return lambda content: content["datasets"][dataset]["fields"].append(field)


def remove_field(dataset: str, name: str) -> Change:
    """From what is published with lists too: it may name only fields that there are."""

    def change(content: Content) -> None:
        fields = content["datasets"][dataset]["fields"]
        content["datasets"][dataset]["fields"] = [field for field in fields if field["name"] != name]
        if dataset == "items":
            published = content["publishing"]["item_fields"]
            content["publishing"]["item_fields"] = [one for one in published if one != name]

    return change


def change_field(dataset: str, name: str, /, **attributes: Any) -> Change:
    def change(content: Content) -> None:
        [field] = [field for field in content["datasets"][dataset]["fields"] if field["name"] == name]
        field.update(attributes)

    return change


def new_dataset_group(content: Content) -> None:
    content["datasets"]["schema_version"] += 1


def set_context(*fields: Content) -> Change:
    """Contextual fields of interactions."""

    def change(content: Content) -> None:
        content["datasets"]["interactions"]["fields"] = list(fields)

    return change


def set_weight(event: str, weight: float) -> Change:
    def change(content: Content) -> None:
        [rule] = [rule for rule in content["datasets"]["interactions"]["events"] if rule["type"] == event]
        rule["weight"] = weight

    return change


def change_solution(name: str, /, **keys: Any) -> Change:
    """Any key: `hyperparameters`, `recipe`, `name` for a renamed one."""

    def change(content: Content) -> None:
        [solution] = [solution for solution in content["solutions"] if solution["name"] == name]
        solution.update(keys)
        _in_placements(content, name, [keys.get("name", name)])

    return change


def _in_placements(content: Content, name: str, instead: list[str]) -> None:
    """Placements that were filled by the solution `name`; those that nothing fills any more go."""
    for placement in content["placements"].values():
        for key in ("lists", "fallback"):
            named = [instead if one == name else [one] for one in placement.get(key, [])]
            placement[key] = [one for row in named for one in row]
    content["placements"] = {key: row for key, row in content["placements"].items() if row["lists"]}


def add_solution(**keys: Any) -> Change:
    return lambda content: content["solutions"].append(keys)


def remove_solution(name: str) -> Change:
    def change(content: Content) -> None:
        content["solutions"] = [one for one in content["solutions"] if one["name"] != name]
        _in_placements(content, name, [])

    return change
