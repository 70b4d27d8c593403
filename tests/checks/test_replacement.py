from __future__ import annotations

import copy
import re

import pytest

from checks.assembly import Assembly
from checks.rules import replacement


def test_the_templates_of_config_are_those_of_their_baseline(of_config: Assembly) -> None:
    """An environment that was never deployed has none."""
    if replacement.baseline(of_config).exists():
        kept = replacement.kept(of_config)
        assert replacement.held(of_config) == kept
        assert len(kept) >= 18


def test_a_baseline_holds_no_account_region_or_name_of_an_environment(assembly: Assembly) -> None:
    text = replacement.written(assembly)
    assert text.count("{prefix}") >= 18
    for value in (assembly.account, assembly.region, assembly.prefix):
        assert value not in text


@pytest.mark.parametrize("environment", sorted(path.stem for path in replacement.BASELINE.glob("*.json")))
def test_a_committed_baseline_is_without_names_of_an_environment(environment: str) -> None:
    text = (replacement.BASELINE / f"{environment}.json").read_text()
    assert "{prefix}" in text and not re.search(r"\b\d{12}\b", text)


def test_a_renamed_table_is_a_replacement(dev: Assembly) -> None:
    held = replacement.held(dev)
    changed = copy.deepcopy(held)
    [key] = [k for k in held if k.startswith("Storage/Control")]
    changed[key]["TableName"] = "other"
    [finding] = replacement.compare(held, changed)
    assert (finding.stack, finding.rule) == ("Storage", "replacement")
    assert "TableName 'osusume-dev-control' -> 'other'" in finding.why


def test_a_resource_that_is_gone_would_be_deleted(dev: Assembly) -> None:
    held = replacement.held(dev)
    [key] = [k for k in held if k.startswith("Training/DatasetGroup")]
    [finding] = replacement.compare(held, {k: v for k, v in held.items() if k != key})
    assert "would be deleted" in finding.why


def test_a_new_resource_is_no_replacement(dev: Assembly) -> None:
    held = replacement.held(dev)
    assert list(replacement.compare(held, held | {"Storage/New": {"Type": "AWS::S3::Bucket"}})) == []
