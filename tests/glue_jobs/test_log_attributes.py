"""Tables of other shapes than ours, read by their own names, types and units."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

AT = "1795489200000"  # 2026-11-24T03:00:00Z
SHOP = {
    "USER_ID": "customer.id",
    "ITEM_ID": "sku",
    "EVENT_TYPE": "what",
    "TIMESTAMP": "at",
    "EVENT_VALUE": "paid",
    "IMPRESSION": "seen",
}
KEYS = ["customer.id", "number"]
EVENT = {
    "customer.id": {"S": "u1"},
    "sku": {"N": "42"},
    "what": {"S": "click"},
    "at": {"N": "1795489200"},
    "number": {"N": "7"},
    "gone": {"N": "1795575600"},
}


@pytest.fixture
def read(spark: Any, tmp_path: Path) -> Any:
    """Events of lines as the job reads them, as dictionaries."""
    from glue_jobs.transforms import application_log, log_attributes

    def events(
        *images: dict[str, Any], attributes: dict[str, str] = SHOP, unit: str = "seconds", kind: str = "Item"
    ) -> list[dict[str, Any]]:
        file = tmp_path / "lines.json"
        file.write_text("\n".join(json.dumps({kind: image}) for image in images))
        schema = log_attributes.schema(attributes, keys=KEYS, ttl="gone")
        known = log_attributes.canonical(
            spark.read.schema(schema).json(f"file://{file}"),
            attributes=attributes,
            timestamp_format=unit,
            keys=KEYS,
            ttl="gone",
        )
        rows = application_log.events(known, run_id="R", keys=KEYS, ttl=log_attributes.TTL)
        return [row.asDict() for row in rows.collect()]

    return events


def test_names_with_dots_numbers_as_ids_and_seconds_are_read(read: Any) -> None:
    (row,) = read(EVENT, kind="NewImage")
    assert (row["user_id"], row["item_id"], row["event_type"], row["timestamp"]) == ("u1", "42", "click", AT)
    assert row["session_id"] is row["value"] is row["impression"] is None


@pytest.mark.parametrize(
    ("unit", "given", "milliseconds"),
    [
        ("seconds", {"N": "1795489200.25"}, "1795489200250"),
        ("seconds", {"S": "1795489200"}, AT),
        ("milliseconds", {"S": AT}, AT),
        ("iso", {"S": "2026-11-24T03:00:00Z"}, AT),
        ("iso", {"S": "2026-11-24T12:00:00.000+09:00"}, AT),
        ("iso", {"S": "2026-11-24 03:00:00"}, AT),
        ("iso", {"S": "2026-11-24"}, "1795478400000"),
    ],
)
def test_each_format_of_times_becomes_milliseconds(
    read: Any, unit: str, given: dict[str, str], milliseconds: str
) -> None:
    (row,) = read(EVENT | {"at": given}, unit=unit)
    assert row["timestamp"] == milliseconds


@pytest.mark.parametrize(
    ("unit", "given"),
    [
        ("seconds", {"N": AT}),
        ("seconds", {"S": "2026-11-24T03:00:00Z"}),
        ("seconds", {"N": "-5"}),
        ("iso", {"N": AT}),
        ("iso", {"S": "yesterday"}),
        ("iso", {"BOOL": True}),
    ],
)
def test_a_time_of_another_format_is_kept_with_what_is_wrong(
    spark: Any, read: Any, unit: str, given: dict[str, Any]
) -> None:
    from glue_jobs.transforms.times import event_seconds, event_time_reason

    rows = read(EVENT | {"at": given}, unit=unit)
    assert rows[0]["timestamp"].endswith(f" is not in {unit}")
    judged = spark.createDataFrame([(rows[0]["timestamp"],)], "timestamp string").select(
        event_seconds("timestamp"), event_time_reason("timestamp")
    )
    assert tuple(judged.first()) == (None, "unparsable_timestamp")


@pytest.mark.parametrize(
    ("given", "items"),
    [
        ({"SS": ["i1", "i2"]}, ["i1", "i2"]),
        ({"NS": ["1", "2"]}, ["1", "2"]),
        ({"L": [{"S": "i1"}, {"N": "2"}]}, ["i1", "2"]),
        ({"NULL": True}, None),
    ],
)
def test_sets_and_lists_of_impressions_are_read(
    read: Any, given: dict[str, Any], items: list[str] | None
) -> None:
    (row,) = read(EVENT | {"seen": given})
    assert row["impression"] == items


def test_figures_are_read_from_text_and_other_kinds_are_shown(read: Any) -> None:
    rows = read(
        *(EVENT | {"paid": given} for given in ({"N": "2.5"}, {"S": "2.5"}, {"M": {"a": {"N": "1"}}}))
    )
    assert [row["value"] for row in rows] == ["2.5", "2.5", '{"a":{"N":"1"}}']


def test_an_id_of_another_kind_is_none(read: Any) -> None:
    (row,) = read(EVENT | {"sku": {"BOOL": True}})
    assert row["item_id"] is None


def test_an_event_without_an_id_gets_one_that_is_the_same_each_time(read: Any) -> None:
    first, again, other = read(EVENT, dict(EVENT), EVENT | {"sku": {"S": "43"}})
    assert len(first["event_id"]) == 64
    assert first["event_id"] == again["event_id"] != other["event_id"]
    (named,) = read(EVENT | {"id": {"N": "7"}}, attributes=SHOP | {"EVENT_ID": "id"})
    assert named["event_id"] == "7"


def test_keys_and_time_to_live_are_the_tables_own(read: Any) -> None:
    (full,) = read(EVENT)
    (changed,) = read(EVENT, kind="NewImage")
    assert json.loads(full["event_key"]) == {"customer.id": {"S": "u1"}, "number": {"N": "7"}}
    assert changed["event_key"] == full["event_key"] and full["expiry"] == 1795575600


def test_a_deleted_event_has_its_key_alone(read: Any) -> None:
    (row,) = read({name: EVENT[name] for name in KEYS}, kind="Keys")
    assert (row["removed"], row["user_id"]) == ("deleted", None)
    assert row["event_key"] == read(EVENT)[0]["event_key"]
