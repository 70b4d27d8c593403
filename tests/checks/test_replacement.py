from __future__ import annotations

import copy
import re

import pytest

from checks.assembly import Assembly
from checks.rules import replacement
from checks.rules.replacement import Held
from config import avro
from config.settings import Settings
from tests import example
from tests.changes import Change, add_field, change_field, changed, remove_field


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


TTL = "TimeToLiveSpecification"


@pytest.mark.parametrize(
    ("was", "becomes", "refused"),
    [
        ({"AttributeName": "expires_at", "Enabled": True}, {"AttributeName": "until", "Enabled": True}, True),
        (
            {"AttributeName": "expires_at", "Enabled": True},
            {"AttributeName": "expires_at", "Enabled": True},
            False,
        ),
        ({"AttributeName": "expires_at", "Enabled": True}, None, False),
        (None, {"AttributeName": "until", "Enabled": True}, False),
        (
            {"AttributeName": "expires_at", "Enabled": False},
            {"AttributeName": "until", "Enabled": True},
            False,
        ),
    ],
)
def test_items_can_expire_by_another_attribute_only_after_they_expired_by_none(
    dev: Assembly, was: dict[str, object] | None, becomes: dict[str, object] | None, refused: bool
) -> None:
    """UpdateTimeToLive: "TimeToLive is active on a different AttributeName" (aws/aws-cdk#13106)."""
    held = replacement.held(dev)
    [key] = [k for k in held if k.startswith("Sources/ApplicationLog")]
    before, after = ({**held, key: held[key] | ({TTL: one} if one else {})} for one in (was, becomes))
    found = list(replacement.compare(before, after))
    assert [finding.rule for finding in found] == ["time-to-live"] * refused
    if refused:
        assert "'expires_at'" in found[0].why and "'until'" in found[0].why


def test_a_baseline_knows_by_what_items_expire(dev: Assembly) -> None:
    expiring = {key.split("/")[1][:4]: one[TTL] for key, one in replacement.held(dev).items() if TTL in one}
    assert len(expiring) == 3, "lists, states of users, the control table"


def test_a_resource_that_is_gone_would_be_deleted(dev: Assembly) -> None:
    held = replacement.held(dev)
    [key] = [k for k in held if k.startswith("Training/DatasetGroup")]
    [finding] = replacement.compare(held, {k: v for k, v in held.items() if k != key})
    assert "would be deleted" in finding.why


def test_a_new_resource_is_no_replacement(dev: Assembly) -> None:
    held = replacement.held(dev)
    assert list(replacement.compare(held, held | {"Storage/New": {"Type": "AWS::S3::Bucket"}})) == []


def held_after(*changes: Change) -> tuple[Held, Held]:
    """What the templates of the example hold before and after the changes."""
    before, after = example.settings(), changed(example.content(), *changes)
    return _held(before), _held(after)


def _held(settings: Settings) -> Held:
    """As `replacement.held` says it, of the datasets and the schemas that a template creates."""
    names, found = settings.names, Held()
    for dataset, schema in avro.schemas(settings.datasets).items():
        part = dataset.capitalize()
        found[f"Training/{part}SchemaV1"] = {
            "Type": "AWS::Personalize::Schema",
            "Name": names.schema(dataset),
            "Schema": schema.created_avro,
        }
        found[f"Training/{part}Dataset"] = {
            "Type": "AWS::Personalize::Dataset",
            "DatasetType": part,
            "SchemaArn": names.schema(dataset),
            "Fields": list(schema.fields),
        }
    return found


def test_the_fields_of_each_dataset_are_held(dev: Assembly) -> None:
    held = replacement.held(dev)
    for key, resource in _held(example.settings()).items():
        known = {name: value for name, value in resource.items() if name != "SchemaArn"}
        assert {name: held[key][name] for name in known} == known


def test_a_nullable_field_that_is_added_is_no_finding() -> None:
    assert list(replacement.compare(*held_after(add_field("users"), add_field("items", "SEASON")))) == []


@pytest.mark.parametrize(
    ("changes", "where", "why", "cure"),
    [
        (
            [add_field("users", added=False)],
            {"UsersSchemaV1"},
            "write added: true beside it",
            "raise datasets.schema_version",
        ),
        (
            [add_field("users", added=False, nullable=False)],
            {"UsersSchemaV1", "UsersDataset"},
            "not nullable",
            "raise datasets.schema_version",
        ),
        (
            [remove_field("items", "BRAND")],
            {"ItemsSchemaV1", "ItemsDataset"},
            "field BRAND is gone",
            "raise datasets.schema_version",
        ),
        (
            [change_field("items", "BRAND", categorical=False, textual=True)],
            {"ItemsSchemaV1", "ItemsDataset"},
            "field BRAND differs",
            "raise datasets.schema_version",
        ),
    ],
)
def test_a_change_that_no_dataset_takes_is_found_with_the_way_out(
    changes: list[Change], where: set[str], why: str, cure: str
) -> None:
    findings = list(replacement.compare(*held_after(*changes)))
    assert {finding.logical_id for finding in findings} == where
    assert {finding.rule for finding in findings} == {"dataset-fields"}
    assert any(why in finding.why for finding in findings)
    assert all(cure in finding.cure for finding in findings)


def test_an_added_field_that_is_removed_again_is_found() -> None:
    _, before = held_after(add_field("users"))
    [finding] = replacement.compare(before, _held(example.settings()))
    assert (finding.logical_id, "field SEGMENT is gone" in finding.why) == ("UsersDataset", True)
