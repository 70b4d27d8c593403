from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

MILLISECONDS = "1795489200000"  # 2026-11-24T03:00:00Z
RUN, KEYS = "20261124T030000Z", ["user_id", "event_key"]
KEY = '{"event_key":{"S":"2026-11-24T03:00:00.000Z#e1"},"user_id":{"S":"u1"}}'


def image(**changes: Any) -> dict[str, Any]:
    item = {
        "user_id": {"S": "u1"},
        "event_key": {"S": "2026-11-24T03:00:00.000Z#e1"},
        "event_id": {"S": "e1"},
        "event_type": {"S": "click"},
        "item_id": {"S": "i1"},
        "timestamp": {"N": MILLISECONDS},
        "session_id": {"S": "s1"},
    }
    return {name: value for name, value in (item | changes).items() if value is not None}


@pytest.fixture
def parsed(spark: Any, tmp_path: Path) -> Any:
    """Rows of an export with these lines, read as the job reads it."""
    from glue_jobs.transforms import application_log
    from tests.glue_jobs.export_lines import export_line

    def parse(*lines: dict[str, Any], ttl: str | None = None, run_id: str = RUN) -> Any:
        data = tmp_path / "AWSDynamoDB" / "01-abc" / "data"
        data.mkdir(parents=True, exist_ok=True)
        text = "\n".join(json.dumps(line) for line in lines)
        (data / "part.json.gz").write_bytes(gzip.compress(text.encode()))
        options = {"recursiveFileLookup": "true", "pathGlobFilter": "*.json.gz"}
        read = (
            spark.read.schema(export_line(keys=KEYS, ttl=ttl)).options(**options).json(f"file://{tmp_path}")
        )
        return application_log.events(read, run_id=run_id, keys=KEYS, ttl=ttl)

    return parse


def test_a_full_exports_item_becomes_an_event(parsed: Any) -> None:
    row = parsed({"Item": image(value={"N": "2.5"}, simulated={"BOOL": True})}).first().asDict()
    assert row == {
        "event_id": "e1",
        "event_type": "click",
        "user_id": "u1",
        "item_id": "i1",
        "timestamp": MILLISECONDS,
        "session_id": "s1",
        "recommendation_id": None,
        "value": "2.5",
        "impression": None,
        "simulated": True,
        "served_as": None,
        "event_key": KEY,
        "run_id": RUN,
        "written_at": None,
        "expiry": None,
        "removed": None,
        "file": "AWSDynamoDB/01-abc/data/part.json.gz",
        "action_id": None,
    }


def test_an_incremental_exports_new_image_becomes_the_same_event(parsed: Any) -> None:
    full = parsed({"Item": image()}).first()
    incremental = parsed(
        {
            "Metadata": {"WriteTimestampMicros": {"N": "1795489200000000"}},
            "Keys": {"user_id": {"S": "u1"}, "event_key": {"S": "2026-11-24T03:00:00.000Z#e1"}},
            "NewImage": image(),
        }
    ).first()
    assert incremental.asDict() == {**full.asDict(), "written_at": 1795489200000000}
    assert incremental["event_id"] == "e1"


def key(identifier: str) -> dict[str, Any]:
    return {"user_id": {"S": "u1"}, "event_key": {"S": identifier}}


def line(identifier: str, *, at: int, old: Any = None, new: Any = None) -> dict[str, Any]:
    """As NEW_AND_OLD_IMAGES writes it: `at` in epoch seconds; images are attributes beside the key."""
    images = {"OldImage": old, "NewImage": new}
    whole = {name: {**key(identifier), **attributes} for name, attributes in images.items() if attributes}
    metadata = {"WriteTimestampMicros": {"N": str(at * 1_000_000)}}
    return {"Metadata": metadata, "Keys": key(identifier), **whole}


def said(kind: str, **more: Any) -> dict[str, Any]:
    return {"event_id": {"S": "e"}, "event_type": {"S": kind}, "timestamp": {"N": MILLISECONDS}, **more}


AT = 1795489200


def test_a_removal_of_which_only_the_key_is_known_deletes(parsed: Any) -> None:
    row = parsed(line("k", at=AT)).first()
    assert (row["event_id"], row["removed"]) == (None, "deleted")


@pytest.mark.parametrize(
    ("ttl", "expires", "removed"),
    [
        ("until", {"until": {"N": str(AT - 1)}}, "expired"),
        ("until", {"until": {"N": str(AT)}}, "expired"),
        ("until", {"until": {"N": str(AT + 1)}}, "deleted"),  # before its time: somebody deleted it
        ("until", {}, "deleted"),
        ("until", {"until": {"S": str(AT - 1)}}, "deleted"),  # time to live takes numbers only
        (None, {"until": {"N": str(AT - 1)}}, "deleted"),
    ],
)
def test_a_removal_is_an_expiry_where_the_old_images_time_to_live_had_passed(
    parsed: Any, ttl: Any, expires: Any, removed: str
) -> None:
    row = parsed(line("k", at=AT, old=said("click", **expires)), ttl=ttl).first()
    assert (row["removed"], row["event_type"]) == (removed, "click")


def test_the_newest_image_of_a_key_counts_and_a_deletion_deletes(parsed: Any, tmp_path: Path) -> None:
    from glue_jobs.transforms import application_log

    lines = [
        line("corrected", at=AT, new=said("click")),
        line("corrected", at=AT + 5, old=said("click"), new=said("favourite")),
        line("deleted", at=AT, new=said("click")),
        line("deleted", at=AT + 1, old=said("click")),
        line("again", at=AT + 1, old=said("click")),
        line("again", at=AT + 2, new=said("view")),
    ]
    rows = application_log.newest(parsed(*reversed(lines)), full_run="", full_at=0)
    kept = application_log.learned(rows, now=AT, keep_expired_days=9)
    assert sorted((r["event_type"], r["written_at"]) for r in kept.collect()) == [
        ("favourite", (AT + 5) * 1_000_000),
        ("view", (AT + 2) * 1_000_000),
    ]


DAYS = 86_400


@pytest.mark.parametrize(("after", "stays"), [(0, True), (30, True), (31, False)])
def test_what_expired_stays_learned_for_as_long_as_the_configuration_says(
    parsed: Any, after: int, stays: bool
) -> None:
    from glue_jobs.transforms import application_log

    old = said("click", until={"N": str(AT - 10)})
    rows = application_log.newest(parsed(line("k", at=AT, old=old), ttl="until"), full_run="", full_at=0)
    kept = application_log.learned(rows, now=AT + after * DAYS, keep_expired_days=30)
    assert kept.count() == int(stays)


def test_what_a_full_export_no_longer_has_expired_or_was_deleted(
    spark: Any, parsed: Any, tmp_path: Path
) -> None:
    from glue_jobs.transforms import application_log

    first, second = "20261123T030000Z", RUN
    items = [
        {"Item": {**key(name), **said(name, **more)}}
        for name, more in {
            "expired": {"until": {"N": str(AT - 1)}},
            "deleted": {"until": {"N": str(AT + 1)}},
            "for ever": {},
            "stays": {},
        }.items()
    ]
    earlier = parsed(*items, ttl="until", run_id=first)
    earlier = spark.createDataFrame(earlier.collect(), earlier.schema)
    history = earlier.unionByName(parsed(items[-1], ttl="until", run_id=second))
    rows = application_log.newest(history, full_run=second, full_at=AT).cache()
    kept = application_log.learned(rows, now=AT, keep_expired_days=30)
    assert sorted(row["event_type"] for row in kept.collect()) == ["expired", "stays"]
    changed = application_log.changes(rows, run_id=second, full_run=second)
    assert sorted((row["event_type"], row["removed"]) for row in changed.collect()) == [
        ("deleted", "deleted"),
        ("expired", "expired"),
        ("for ever", "deleted"),
        ("stays", None),
    ]
    later = application_log.changes(rows, run_id="20261125T030000Z", full_run=second)
    assert later.count() == 0, "told once"


def test_a_removal_reaches_the_warehouse_by_its_key(parsed: Any) -> None:
    from glue_jobs.transforms.application_log import warehouse_events

    made, gone = line("k", at=AT, new=said("click")), line("k", at=AT + 1)
    rows = warehouse_events(parsed(made, gone), run_id="R").collect()
    assert [row["removed"] for row in rows] == [None, "deleted"]
    assert len({row["event_key"] for row in rows}) == 1


def test_an_impression_keeps_the_items_shown_in_order(parsed: Any) -> None:
    shown = image(event_type={"S": "impression"}, item_id=None, impression={"L": [{"S": "b"}, {"S": "a"}]})
    row = parsed({"Item": shown}).first()
    assert (row["impression"], row["item_id"]) == (["b", "a"], None)


def test_attributes_that_nobody_asked_for_are_ignored(parsed: Any) -> None:
    assert parsed({"Item": image(extra={"M": {"x": {"S": "y"}}})}).first()["event_id"] == "e1"


def test_manifests_beside_the_data_are_not_read(parsed: Any, tmp_path: Path) -> None:
    (tmp_path / "AWSDynamoDB" / "01-abc").mkdir(parents=True)
    (tmp_path / "AWSDynamoDB" / "01-abc" / "manifest-files.json").write_text(
        '{"Item": {"event_id": {"S": "m"}}}'
    )
    assert parsed({"Item": image()}).count() == 1


def test_the_shared_data_folder_of_incremental_exports_is_read(
    spark: Any, parsed: Any, tmp_path: Path
) -> None:
    shared = tmp_path / "AWSDynamoDB" / "data"
    shared.mkdir(parents=True)
    (shared / "x.json.gz").write_bytes(
        gzip.compress(json.dumps({"NewImage": image(event_id={"S": "e2"})}).encode())
    )
    assert {row["event_id"] for row in parsed({"NewImage": image()}).collect()} == {"e1", "e2"}


def test_the_warehouse_row_has_utc_time_json_impression_and_a_number(parsed: Any) -> None:
    from glue_jobs.transforms.application_log import warehouse_events

    events = parsed({"Item": image(impression={"L": [{"S": 'a"b'}]}, value={"N": "2.5"})})
    frame = warehouse_events(events, run_id="R")
    assert frame.columns == [
        "run_id",
        "event_id",
        "event_type",
        "user_id",
        "item_id",
        "occurred_at",
        "session_id",
        "recommendation_id",
        "value",
        "impression",
        "simulated",
        "served_as",
        "event_key",
        "removed",
    ]
    row = frame.first()
    assert (row["occurred_at"], row["impression"], row["value"], row["simulated"]) == (
        "2026-11-24 03:00:00",
        '["a\\"b"]',
        2.5,
        False,
    )


@pytest.mark.parametrize(
    "text",
    [
        "personal;0;0;",
        "default;1;1;variety=3",
        "related;0;1;_others=1,just-bought=12",
        "personal;0;0;" + ",".join([f"{'r' * 40}={10**9 - 1}"] * 21),
    ],
)
def test_how_an_answer_came_about_reaches_the_warehouse(parsed: Any, text: str) -> None:
    from glue_jobs.transforms.application_log import warehouse_events

    events = parsed({"Item": image(served_as={"S": text})})
    assert warehouse_events(events, run_id="R").first()["served_as"] == text
    assert len(text) <= 2048, "what landing.events holds of it"


@pytest.mark.parametrize(
    "text",
    ["", "personal", "mine;0;0;", "personal;2;0;", "personal;0;0;x", "personal;0;0;x=1,", "personal;0;0;x=-1",
     "personal;0;0;x=12345678901", "personal;0;0;x=1\n", " personal;0;0;", "personal;0;0;x=\u0661"],
)  # fmt: skip
def test_what_tells_of_no_answer_is_not_taken_for_one_and_its_event_stays(parsed: Any, text: str) -> None:
    """The marts cast what stands there, and one event may not break a build."""
    from glue_jobs.transforms.application_log import warehouse_events

    row = warehouse_events(parsed({"Item": image(served_as={"S": text})}), run_id="R").first()
    assert (row["event_id"], row["served_as"]) == ("e1", None)


def test_an_event_without_id_type_or_time_does_not_reach_the_warehouse(parsed: Any) -> None:
    from glue_jobs.transforms.application_log import warehouse_events

    lines = [
        image(event_id=None),
        image(event_type=None),
        image(timestamp={"N": "12"}),
        image(event_id={"S": "ok"}),
    ]
    rows = warehouse_events(parsed(*[{"Item": line} for line in lines]), run_id="R").collect()
    assert [row["event_id"] for row in rows] == ["ok"]


def test_texts_fit_into_the_warehouses_columns_in_bytes(parsed: Any) -> None:
    """Redshift counts bytes: 256 characters of an id are up to 1,024, and no column has more than 65,535."""
    from glue_jobs.transforms.application_log import warehouse_events
    from warehouse.load import tables

    shown = {"L": [{"S": "棚" * 300}] * 500}
    longest = image(session_id={"S": "🛒" * 9000}, event_type={"S": "棚" * 257}, impression=shown)
    control = image(event_id={"S": "e2"}, impression={"L": [{"S": "\u0001" * 256}] * 300})
    rows = warehouse_events(parsed({"Item": longest}, {"Item": control}), run_id="R").collect()
    assert len(rows) == 2
    for row in rows:
        for name, kind in tables.TABLES["events"].columns.items():
            if kind.startswith("varchar") and name in row.asDict() and row[name] is not None:
                assert len(row[name].encode()) <= int(kind[8:-1]), name
        items = json.loads(row["impression"])
        assert 30 < len(items) < 300 and all(len(item) == 256 for item in items)


def test_an_event_whose_id_is_too_long_does_not_reach_the_warehouse(parsed: Any) -> None:
    """Cut, the id would be another's."""
    from glue_jobs.transforms.application_log import warehouse_events

    lines = [image(**{name: {"S": "x" * 257}}) for name in ("event_id", "user_id", "item_id")]
    lines += [image(event_id={"S": "棚" * 256}), image(event_id={"S": "no item"}, item_id=None)]
    rows = warehouse_events(parsed(*[{"Item": line} for line in lines]), run_id="R").collect()
    assert sorted(row["event_id"] for row in rows) == ["no item", "棚" * 256]


def test_items_of_the_log_that_are_users_or_items_are_no_events(spark: Any) -> None:
    from glue_jobs.columns import EVENTS
    from glue_jobs.transforms import application_log

    rows = [{"event_type": kind, "event_key": str(kind)} for kind in ("click", "item_changed", None)]
    given = spark.createDataFrame(rows, EVENTS)
    kept = application_log.without(given, ["item_changed", "user_changed"]).collect()
    assert [row["event_type"] for row in kept] == ["click", None], "a removal that says no type stays"
    assert application_log.without(given, []).count() == 3
