from __future__ import annotations

import copy
import json

from checks.assembly import Assembly
from checks.rules import replacement


def test_the_shipped_templates_are_those_of_the_baseline(assembly: Assembly) -> None:
    kept = json.loads(replacement.baseline(assembly).read_text())
    assert replacement.held(assembly) == kept
    assert len(kept) >= 18


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
