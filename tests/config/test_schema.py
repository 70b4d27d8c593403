"""config/schema.json, read by an independent validator (jsonschema)."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from config import files, schema
from config.settings import load
from tests import example
from tests.config.test_refusals import REMOVE, changed

FILES = [*sorted(example.CONFIG.glob("*.yaml")), example.FILE]
LAID_OVER = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("*.yaml"))


def problems(content: Any) -> list[str]:
    validator = Draft202012Validator(json.loads(schema.FILE.read_text()))
    return [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in validator.iter_errors(content)
    ]


def test_the_committed_schema_is_the_generated_one() -> None:
    assert schema.FILE.read_text() == schema.text(), "config/schema.json is stale: run `make docs`"


def test_it_is_a_schema_of_its_draft() -> None:
    Draft202012Validator.check_schema(json.loads(schema.FILE.read_text()))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_committed_file_is_accepted_and_names_the_schema_for_editors(file: Path) -> None:
    assert problems(files.content(file)) == []
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", file.read_text())
    assert named is not None and (file.parent / named.group(1)).resolve() == schema.FILE.resolve()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"colour": "red"}, "'colour' was unexpected"),
        ({"etl.wrokers": 3}, "'wrokers' was unexpected"),
        ({"account": 111111111111}, "account: 111111111111 is not of type 'string'"),
        ({"account": "1234"}, "account: '1234' does not match"),
        ({"region": "eu-north-1"}, "region: 'eu-north-1' is not one of"),
        ({"removal": "keep"}, "removal: 'keep' is not one of"),
        ({"etl.workers": 1}, "etl.workers: 1 is less than the minimum of 2"),
        ({"etl.workers": "two"}, "etl.workers: 'two' is not of type 'integer'"),
        ({"analytics.base_capacity_rpu": 12}, "12 is not a multiple of 8"),
        ({"log_retention_days": 31}, "log_retention_days: 31 is not one of"),
        ({"solutions": []}, "solutions: [] should be non-empty"),
        ({"solutions": [{"name": "a1", "recipe": "aws-sims"}]}, "'for_each' is a required property"),
        (
            {"solutions": [{"name": "a1", "recipe": "aws-hrnn", "for_each": "user"}]},
            "'aws-hrnn' is not one of",
        ),
        ({"datasets.users.fields": [{"name": "USER_ID"}]}, "'column' is a required property"),
        ({"quality_gate.metric": "accuracy"}, "'accuracy' is not one of"),
        ({"api.default_items": [""]}, "api.default_items.0: '' should be non-empty"),
        ({"alerts.email": "nobody"}, "alerts.email"),
        ({"network": None}, "network: None is not of type 'object'"),
    ],
)
def test_a_fault_is_noticed_as_the_loader_notices_it(
    change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    content = changed(copy.deepcopy(example.content()), change)
    assert any(told in problem for problem in problems(content)), problems(content)
    (tmp_path / "dev.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(Exception, match="problem"):
        load("dev", tmp_path)


def test_a_file_may_leave_to_the_other_what_that_one_says() -> None:
    content = changed(
        example.content(), {"network.cidr": REMOVE, "app": REMOVE, "schedule.expression": REMOVE}
    )
    assert problems(content) == []


@pytest.mark.parametrize("file", LAID_OVER, ids=lambda file: file.name)
def test_an_example_that_is_laid_over_others_is_accepted(file: Path) -> None:
    """The loader takes them (tests/checks/test_examples.py)."""
    assert problems(files.content(file)) == []


@pytest.mark.parametrize(
    "part",
    [
        {"placements": {"home": None}},
        {"placements": {"home": {"rules": []}}},
        {"rules": {"variety": None}},
        {"rules": {"variety": {"at_most": 3}}},
        {"api": {"usage_plans": {"apps": {"burst": 20}}}},
        {"quality_gate": {"metric": None, "solutions": {"related": {"metric": None}}}},
    ],
)
def test_an_environment_may_take_back_or_change_a_part_of_what_is_shared(part: dict[str, Any]) -> None:
    assert problems(part) == []


@pytest.mark.parametrize(
    "part",
    [
        {"placements": {"home": {"rulez": []}}},
        {"rules": {"variety": {"kind": "cap", "at_mos": 3}}},
        {"rules": {"variety": {"kind": "capp"}}},
        {"api": {"usage_plans": {"apps": None}}},
    ],
)
def test_a_fault_inside_a_part_is_noticed(part: dict[str, Any]) -> None:
    assert problems(part) != []
