"""What a configuration may leave out, and what follows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from config import solution_rules
from config.avro import schemas
from config.recipes import RECIPES
from config.settings import DatasetField, LogAttributes, Settings
from glue_jobs.transforms import log_attributes
from stacks.workflows import train
from tests import example
from warehouse.load.columns import warehouse_columns


def without(*datasets: str) -> Settings:
    content: dict[str, Any] = example.content()
    for name in datasets:
        del content["datasets"][name]
        del content["sources"]["aurora"]["tables"][name]
    if "items" in datasets:  # and what looks at their fields
        content["publishing"]["item_fields"] = []
        del content["rules"]["variety"]
        for placement in content["placements"].values():
            placement["rules"] = [rule for rule in placement["rules"] if rule != "variety"]
    return Settings.model_validate(content)


def test_without_users_and_items_personalize_gets_interactions_alone() -> None:
    settings = without("users", "items")
    assert list(schemas(settings.datasets)) == ["interactions"]
    imports = train.definition(settings)["States"]["ImportDatasets"]["Items"]
    assert [one["dataset"] for one in imports] == ["interactions"]
    assert warehouse_columns(settings.datasets) == {
        "users": {"user_id": "varchar(1024)"},
        "items": {"item_id": "varchar(1024)"},
    }


def test_one_of_both_may_be_left_out() -> None:
    assert list(schemas(without("users").datasets)) == ["interactions", "items"]
    assert list(schemas(without("items").datasets)) == ["interactions", "users"]


def test_a_recipe_that_needs_a_dataset_is_refused_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Semantic similarity, by the guide, needs items."""
    assert "Items" in RECIPES["aws-semantic-similarity"].required
    needs_items = replace(RECIPES["aws-similar-items"], required=frozenset({"Interactions", "Items"}))
    monkeypatch.setitem(RECIPES, "aws-similar-items", needs_items)  # type: ignore[index]
    solution_rules.check_against(example.settings().solutions, example.settings().datasets)
    with pytest.raises(ValueError, match=r"'related'.*needs the Items dataset: add datasets\.items"):
        solution_rules.check_against(example.settings().solutions, without("items").datasets)


def test_a_plain_string_is_a_field_that_filters_use() -> None:
    """Personalize developer guide, "Schemas": a string that is neither categorical nor textual is not trained on."""
    content = example.content()
    content["datasets"]["users"]["fields"].append({"name": "REGION", "column": "region", "nullable": True})
    avro = json.loads(schemas(Settings.model_validate(content).datasets)["users"].avro)
    assert avro["fields"][-1] == {"name": "REGION", "type": ["null", "string"]}


def test_a_creation_time_may_be_missing_unless_the_configuration_says_otherwise() -> None:
    given = {"name": "CREATION_TIMESTAMP", "column": "created_at", "type": "long"}
    assert DatasetField.model_validate(given).nullable
    assert not DatasetField.model_validate(given | {"nullable": False}).nullable
    fields = json.loads(schemas(example.settings().datasets)["items"].avro)["fields"]
    assert {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]} in fields


def test_the_jobs_names_of_attributes_are_the_configurations() -> None:
    assert dict(log_attributes.NAMES) == LogAttributes().model_dump(exclude_none=True) | {
        "ACTION_ID": "action_id"
    }
