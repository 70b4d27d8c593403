from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config import inputs
from tests import example

pytestmark = pytest.mark.spark

RUN, EARLIER = "20261124T030000Z", "20261123T030000Z"
NOW = datetime(2026, 11, 24, 3, tzinfo=UTC)
DATASETS = {
    "interactions": {
        "order_columns": {
            "USER_ID": "user_id",
            "ITEM_ID": "item_id",
            "TIMESTAMP": "ordered_at",
            "EVENT_VALUE": "sales_value",
        },
        "events": [
            {"type": "purchase", "source": "orders", "weight": 1.0},
            {"type": "click", "source": "application_log", "weight": 0.3},
        ],
    },
    "users": {
        "fields": [
            {"name": "USER_ID", "column": "user_id"},
            {"name": "AGE", "column": "age", "categorical": True, "nullable": True},
        ]
    },
    "items": {
        "fields": [
            {"name": "ITEM_ID", "column": "item_id"},
            {"name": "CREATION_TIMESTAMP", "column": "created_at", "type": "long"},
        ]
    },
}


class FolderS3:
    """The calls that the job makes, on local folders."""

    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self, root: Path) -> None:
        self.root = root
        self.before_writing: Callable[[str], None] = lambda key: None

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        path = self.root / Bucket / Key
        if not path.exists():
            raise self.exceptions.NoSuchKey(Key)
        return {"Body": io.BytesIO(path.read_bytes())}

    def list_objects_v2(self, *, Bucket: str, Prefix: str, Delimiter: str, StartAfter: str) -> dict[str, Any]:
        """Prefixes that hold a key after StartAfter, as S3 lists them."""
        keys = [
            str(path.relative_to(self.root / Bucket))
            for path in (self.root / Bucket / Prefix).rglob("*")
            if path.is_file()
        ]
        after = {
            Prefix + key.removeprefix(Prefix).partition(Delimiter)[0] for key in keys if key > StartAfter
        }
        return {"CommonPrefixes": [{"Prefix": one + Delimiter} for one in sorted(after)]} if after else {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:
        self.before_writing(Key)
        path = self.root / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)


class World:
    def __init__(self, spark: Any, root: Path) -> None:
        self.spark, self.root, self.s3 = spark, root, FolderS3(root)
        self.written = list[str]()
        self.s3.before_writing = lambda key: self.written.append(f"{self.parts()} files before {key}")

    def extract(self, run: str = RUN) -> None:
        users = [("u1", "20"), ("u2", None), ("u2", None), (None, "9")]
        items = [("i1", NOW), ("i2", NOW), ("i3", None)]
        orders = [
            ("u1", "i1", NOW - timedelta(days=1), 2.5),
            ("u1", "i1", NOW - timedelta(days=1), 2.5),
            ("u2", None, NOW, 1.0),
            ("guest", "i9", NOW, 1.0),
        ]
        self._table(run, "users", users, "user_id string, age string")
        self._table(run, "items", items, "item_id string, created_at timestamp")
        schema = "user_id string, item_id string, ordered_at timestamp, sales_value double"
        self._table(run, "orders", orders, schema)

    def _table(self, run: str, name: str, rows: list[Any], schema: str) -> None:
        path = f"file://{self.root}/raw/aurora/run={run}/{name}/"
        self.spark.createDataFrame(rows, schema).write.mode("overwrite").parquet(path)

    def export(self, *events: dict[str, Any], run: str = RUN, kind: str = "Item") -> None:
        if kind == "Item":
            self.export_lines(*({"Item": event} for event in events), run=run)
        else:
            at = {"WriteTimestampMicros": {"N": str(int(NOW.timestamp()) * 1_000_000)}}
            lines = ({"Metadata": at, "Keys": keys_of(event), kind: event} for event in events)
            self.export_lines(*lines, run=run)

    def export_lines(self, *lines: dict[str, Any], run: str = RUN) -> None:
        folder = self.root / f"raw/application_log/run={run}/AWSDynamoDB/01/data"
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(json.dumps(line) for line in lines)
        (folder / "x.json.gz").write_bytes(gzip.compress(text.encode()))

    def build(
        self,
        *,
        run: str = RUN,
        mode: str = "full",
        previous: str = "none",
        export: bool = True,
        ttl: str | None = None,
        keep_expired_days: int = 0,
        only_known: bool = False,
        datasets: Mapping[str, Any] | None = None,
        streamed: Mapping[str, int] | None = None,
        batch_records: int = 50_000_000,
    ) -> Any:
        from glue_jobs import build_datasets

        job = build_datasets.Job(
            spark=self.spark,
            raw_bucket="raw",
            datasets_bucket="datasets",
            results_bucket="results",
            datasets=datasets or DATASETS | {"users": {**DATASETS["users"], "only_known": only_known}},
            run_id=run,
            mode=mode,
            export_prefix=f"application_log/run={run}" if export else "none",
            previous_run_id=previous,
            log=build_datasets.LogTable(ttl=ttl, keep_expired_days=keep_expired_days),
            batch_inputs=inputs.of_all(example.settings().solutions),
            batch_records=batch_records,
            streamed=streamed or {},
        )
        build_datasets.run(job, s3=self.s3)
        return self.report(run)

    def report(self, run: str = RUN) -> Any:
        return json.loads((self.root / f"datasets/runs/{run}/report.json").read_text())

    def parts(self) -> int:
        """Files that jobs have written."""
        return len([path for path in self.root.rglob("part-*") if "runs" in path.parts])

    def csv(self, dataset: str, run: str = RUN) -> list[list[str]]:
        files = sorted((self.root / f"datasets/runs/{run}/{dataset}").glob("part-*.csv"))
        rows = [list(csv.reader(file.open(newline=""))) for file in files]
        assert len({tuple(part[0]) for part in rows if part}) == 1, "every file has the same header"
        return [rows[0][0], *sorted(row for part in rows for row in part[1:])]

    def lines(self, path: str) -> list[Any]:
        folder = self.root / path
        text = [gzip.decompress(f.read_bytes()).decode() for f in folder.glob("part-*.json.gz")]
        text += [f.read_text() for f in folder.glob("part-*.json")]
        return [json.loads(line) for part in text for line in part.splitlines()]


def event(
    identifier: str, user: str = "u2", item: str | None = "i2", kind: str = "click", at: Any = NOW
) -> Any:
    return {
        "event_key": {"S": identifier},
        "event_id": {"S": identifier},
        "event_type": {"S": kind},
        "user_id": {"S": user},
        **({"item_id": {"S": item}} if item else {}),
        "timestamp": {"N": str(int(at.timestamp() * 1000))},
    }


def keys_of(event: dict[str, Any]) -> dict[str, Any]:
    return {name: event[name] for name in ("user_id", "event_key")}


@pytest.fixture
def world(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    from glue_jobs import session

    monkeypatch.setattr(session, "SCHEME", f"file://{tmp_path}/")
    return World(spark, tmp_path)


@pytest.fixture(scope="module")
def built(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> World:
    """After a full run, which several tests look at and none changes."""
    from glue_jobs import session

    made = World(spark, tmp_path_factory.mktemp("built"))
    made.extract()
    made.export(event("e1"), event("e2", item=None), event("e3", item=None, kind="impression"))
    spark.conf.set("spark.sql.ansi.enabled", "false")  # whatever a test before has left
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(session, "SCHEME", f"file://{made.root}/")
        made.build()
    return made


def test_a_full_run_writes_datasets_batch_input_quarantine_warehouse_and_report(built: World) -> None:
    world, report = built, built.report()
    day = str(int((NOW - timedelta(days=1)).timestamp()))
    now = str(int(NOW.timestamp()))
    assert world.csv("interactions") == [
        ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE"],
        ["guest", "i9", now, "purchase", "1"],
        ["u1", "i1", day, "purchase", "2.5"],
        ["u2", "i2", now, "click", ""],
    ]
    assert world.csv("users") == [["USER_ID", "AGE"], ["u1", "20"], ["u2", ""]]
    assert world.csv("items") == [["ITEM_ID", "CREATION_TIMESTAMP"], ["i1", now], ["i2", now]]
    folder = f"datasets/runs/{RUN}/batch_input"
    assert sorted(x["userId"] for x in world.lines(f"{folder}/users")) == ["guest", "u1", "u2"]
    assert sorted(x["itemId"] for x in world.lines(f"{folder}/items")) == ["i1", "i2", "i9"]
    assert world.lines(f"{folder}/everyone") == [{"userId": "everyone"}]
    files = [path.stat().st_size for path in (world.root / folder).glob("*/part-*")]
    assert files and all(files), "no input file of a batch job is empty"
    wrong = world.lines(f"datasets/runs/{RUN}/quarantine/interactions")
    assert sorted((x["USER_ID"], x["EVENT_TYPE"], x["reason"]) for x in wrong) == [
        ("u2", "click", "missing_item_id"),
        ("u2", "purchase", "missing_item_id"),
    ]
    assert {(x["source"], x["first_run_id"]) for x in wrong} == {
        ("application_log", RUN),
        ("orders", RUN),
    }
    quality = report.pop("quality")
    assert (quality["history"], quality["accepted"]) == ([], [])
    assert {name: figure["value"] for name, figure in quality["figures"].items()} == {
        "users.distinct": 3,
        "rows.interactions": 3,
        "rows.users": 2,
        "rows.items": 2,
        "rows.orders.purchase": 2,
        "rows.application_log.click": 1,
        "age_hours.orders.purchase": 0,
        "age_hours.application_log.click": 0,
        "null_share.interactions.purchase.EVENT_VALUE": 0,
        "null_share.interactions.click.EVENT_VALUE": 1,
        "null_share.users.AGE": 0.5,
    }
    assert report == {
        "run_id": RUN,
        "mode": "full",
        "event_runs": [RUN],
        "full_run": RUN,
        "batch_input": {"users": 3, "items": 3, "everyone": 1},
        "batch_bytes": {"users": 51, "items": 48, "everyone": 22},
        "batch_parts": {},
        "datasets": {
            "interactions": {
                "read": 7,
                "kept": 3,
                "ignored": {"unknown_event_type": 1, "duplicate": 1},
                "quarantined": {"missing_item_id": 2},
                "newly_quarantined": {"missing_item_id": 2},
            },
            "users": {
                "read": 4,
                "kept": 2,
                "ignored": {"duplicate": 1},
                "quarantined": {"missing_user_id": 1},
                "newly_quarantined": {"missing_user_id": 1},
            },
            "items": {
                "read": 3,
                "kept": 2,
                "ignored": {},
                "quarantined": {"missing_creation_timestamp": 1},
                "newly_quarantined": {"missing_creation_timestamp": 1},
            },
        },
        "exposures": {"read": 0, "kept": 0},
        "previous": None,
        "users_with_two_interactions": 0,
        "window": {"first_timestamp": int(day), "last_timestamp": int(now)},
    }
    warehouse = f"results/runs/{RUN}/warehouse"
    assert {x["event_id"] for x in world.lines(f"{warehouse}/events")} == {"e1", "e2", "e3"}
    assert len(world.lines(f"{warehouse}/orders")) == 3
    assert len(world.lines(f"{warehouse}/interactions")) == 3
    assert {x["user_id"] for x in world.lines(f"{warehouse}/users")} == {"u1", "u2"}
    assert {x["item_id"] for x in world.lines(f"{warehouse}/items")} == {"i1", "i2"}
    assert sorted((x["dataset"], x["reason"]) for x in world.lines(f"{warehouse}/quarantine")) == [
        ("interactions", "missing_item_id"),
        ("interactions", "missing_item_id"),
        ("items", "missing_creation_timestamp"),
        ("users", "missing_user_id"),
    ]
    assert len(world.lines(f"{warehouse}/data_quality")) == 11


@pytest.mark.nightly
def test_an_incremental_run_adds_its_events_to_those_of_the_runs_before(world: World) -> None:
    world.extract(EARLIER)
    world.export(event("e1", at=NOW - timedelta(days=2)), run=EARLIER)
    world.build(run=EARLIER)
    world.extract()
    world.export(event("e2", user="u1"), kind="NewImage")
    report = world.build(mode="incremental", previous=EARLIER)
    clicks = [row[:2] for row in world.csv("interactions") if row[3] == "click"]
    assert clicks == [["u1", "i2"], ["u2", "i2"]]
    assert report["event_runs"] == [EARLIER, RUN]
    assert report["previous"] == {"run_id": EARLIER, "rows": {"interactions": 2, "users": 2, "items": 2}}
    assert report["users_with_two_interactions"] == 1
    loaded = world.lines(f"results/runs/{RUN}/warehouse/events")
    assert [x["event_id"] for x in loaded] == ["e2"], "earlier events are in the warehouse already"


def until(at: datetime) -> dict[str, Any]:
    return {"until": {"N": str(int(at.timestamp()))}}


@pytest.mark.nightly
def test_a_full_run_forgets_what_was_deleted_and_keeps_what_expired(world: World) -> None:
    world.extract(EARLIER)
    expired = event("e1", item="i7") | until(NOW - timedelta(hours=1))
    deleted = event("e2", item="i8") | until(NOW + timedelta(days=9))
    world.export(expired, deleted, run=EARLIER)
    world.build(run=EARLIER, ttl="until", keep_expired_days=30)
    world.extract()
    world.export(event("e3", item="i9"))
    report = world.build(mode="full", previous=EARLIER, ttl="until", keep_expired_days=30)
    assert (report["event_runs"], report["full_run"]) == ([EARLIER, RUN], RUN)
    assert [row[1] for row in world.csv("interactions") if row[3] == "click"] == ["i7", "i9"]
    assert report["previous"]["run_id"] == EARLIER
    loaded = world.lines(f"results/runs/{RUN}/warehouse/events")
    assert sorted((x["event_id"], x.get("removed")) for x in loaded) == [
        ("e1", "expired"),
        ("e2", "deleted"),
        ("e3", None),
    ]


def test_the_second_run_corrects_deletes_and_counts_what_is_wrong_only_once(world: World) -> None:
    world.extract(EARLIER)
    world.export(event("e1"), event("e2", item="i8"), event("bad", at=NOW + timedelta(days=9)), run=EARLIER)
    first = world.build(run=EARLIER)
    # Of a day before: the events and an order of its morrow lie in the future too.
    assert first["datasets"]["interactions"]["newly_quarantined"]["future_timestamp"] == 4
    world.extract()
    at = {"WriteTimestampMicros": {"N": str(int(NOW.timestamp()) * 1_000_000)}}
    old, new = event("e1"), event("e1", item="i5")
    gone, worse = event("e2", item="i8"), event("worse", item=None)
    world.export_lines(
        {"Metadata": at, "Keys": keys_of(old), "OldImage": old, "NewImage": new},
        {"Metadata": at, "Keys": keys_of(gone), "OldImage": gone},
        {"Metadata": at, "Keys": keys_of(worse), "NewImage": worse},
    )
    report = world.build(mode="incremental", previous=EARLIER)
    assert [row[1] for row in world.csv("interactions") if row[3] == "click"] == ["i5"]
    loaded = world.lines(f"results/runs/{RUN}/warehouse/events")
    assert sorted((x["event_id"], x.get("removed")) for x in loaded) == [
        ("e1", None),
        ("e2", "deleted"),
        ("worse", None),
    ]
    counts = report["datasets"]["interactions"]
    assert counts["quarantined"] == {"missing_item_id": 2, "future_timestamp": 1}
    assert counts["newly_quarantined"] == {"missing_item_id": 1}
    new_rows = world.lines(f"results/runs/{RUN}/warehouse/quarantine")
    assert [(x["reason"], json.loads(x["source_key"])["event_key"]["S"]) for x in new_rows] == [
        ("missing_item_id", "worse")
    ]


@pytest.mark.nightly
def test_a_user_gone_from_the_application_leaves_training_and_lists_where_the_switch_is_on(
    world: World,
) -> None:
    world.extract()
    world.export(event("e1", user="gone"), event("e2", user="u1"))
    report = world.build(only_known=True)
    assert {row[0] for row in world.csv("interactions")[1:]} == {"u1"}
    listed = world.lines(f"datasets/runs/{RUN}/batch_input/users")
    assert {x["userId"] for x in listed} == {"u1", "u2"}
    assert report["datasets"]["interactions"]["ignored"]["unknown_user"] == 2


def test_an_incremental_run_after_one_that_never_finished_is_refused_with_the_cure(world: World) -> None:
    from glue_jobs.report import PreviousRunUnknown

    world.extract()
    world.export(event("e1"))
    with pytest.raises(
        PreviousRunUnknown, match=f"'{EARLIER}' has no report.json: start the pipeline with mode full"
    ):
        world.build(mode="incremental", previous=EARLIER)


@pytest.mark.nightly
def test_a_run_repeated_gives_the_same_world(world: World) -> None:
    world.extract()
    world.export(event("e1"))
    first, rows = world.build(), world.csv("interactions")
    assert world.build() == first
    assert world.csv("interactions") == rows


@pytest.mark.nightly
def test_a_run_without_an_export_builds_from_orders_and_still_writes_an_events_file(world: World) -> None:
    world.extract()
    report = world.build(export=False)
    assert report["event_runs"] == []
    assert report["datasets"]["interactions"]["kept"] == 2
    folder = world.root / f"results/runs/{RUN}/warehouse/events"
    assert list(folder.glob("part-*.json.gz")), "Redshift's COPY fails on a folder without a file"
    assert world.lines(f"results/runs/{RUN}/warehouse/events") == []


def test_an_unknown_mode_is_refused(world: World) -> None:
    with pytest.raises(ValueError, match="mode is 'partial': give full or incremental"):
        world.build(mode="partial")


def test_the_report_is_the_last_thing_written(built: World) -> None:
    assert built.written == [f"{built.parts()} files before runs/{RUN}/report.json"]


def test_users_and_items_of_which_there_is_no_table_are_known_by_their_interactions(world: World) -> None:
    world.extract()
    world.export(event("e1", user="u9", item="i9"))
    report = world.build(datasets={"interactions": DATASETS["interactions"]})
    assert list(report["datasets"]) == ["interactions"]
    assert not (world.root / f"datasets/runs/{RUN}/users").exists()
    users = world.lines(f"results/runs/{RUN}/warehouse/users")
    assert {"run_id": RUN, "user_id": "u9"} in users
    asked = world.lines(f"datasets/runs/{RUN}/batch_input/users")
    assert {one["userId"] for one in asked} == {one["user_id"] for one in users}
    items = world.lines(f"results/runs/{RUN}/warehouse/items")
    assert {"run_id": RUN, "item_id": "i9"} in items


def exposure(user: str, at: str = "2026-11-23T10:00:00.5Z", **changes: Any) -> str:
    line = {
        "exposure_id": f"{user}-{at[:10]}",
        "experiment": "home",
        "version": "11111111",
        "variant": "control",
        "layer": "home",
        "unit_id": user,
        "exposed_at": at,
        "placement": "home",
        "recommendation_id": "r1",
    }
    return json.dumps({name: value for name, value in (line | changes).items() if value is not None})


def test_exposures_are_read_by_day_each_once_and_what_is_no_exposure_is_counted(world: World) -> None:
    """RUN's predecessor read the days before; a file that came late to the last of them is read again."""
    world.extract()
    files = {
        "2026-11-01": [exposure("old", "2026-11-01T10:00:00Z")],
        "2026-11-23": [
            exposure("u1"),
            exposure("u1"),
            exposure("ユーザー", recommendation_id=None),
            exposure("u2", variant=None),
            exposure("", exposure_id="x"),
            exposure("u3", exposed_at="yesterday"),
            "no JSON",
        ],
        "2026-11-24": [exposure("u1", "2026-11-24T01:00:00Z")],
        "2026-12-24": [exposure("u1", "2026-12-24T01:00:00Z")],
    }
    for day, lines in files.items():
        folder = world.root / f"raw/exposures/day={day}"
        folder.mkdir(parents=True)
        (folder / "a.json").write_text("\n".join(lines))
    report = world.build(export=False)
    assert report["exposures"] == {"read": 9, "kept": 4}
    kept = world.lines(f"results/runs/{RUN}/warehouse/exposures")
    assert sorted((row["unit_id"], row["exposed_at"][:10]) for row in kept) == [
        ("old", "2026-11-01"),
        ("u1", "2026-11-23"),
        ("u1", "2026-11-24"),
        ("ユーザー", "2026-11-23"),
    ]
    assert {row["run_id"] for row in kept} == {RUN}


def test_only_days_since_the_run_before_are_read_and_no_exposure_is_an_empty_file() -> None:
    from glue_jobs.transforms import exposures

    assert exposures.since("20261124T030000Z", none="none") < "exposures/day=2026-11-23/a.json"
    assert exposures.since("20261124T030000Z", none="none") > "exposures/day=2026-11-22/a.json"
    assert exposures.since("none", none="none") < "exposures/day=2026-11-22/a.json"


@pytest.mark.nightly
def test_what_the_stream_brings_is_in_no_import_and_everywhere_else(world: World) -> None:
    """From the second on at which its type opened; other types, and what was before, are imported by every run."""
    opened = int(NOW.timestamp())
    world.extract()
    world.export(
        event("a", at=NOW - timedelta(seconds=1)),
        event("b", at=NOW),
        event("c", item="i3", at=NOW + timedelta(seconds=1)),
        event("d", kind="favourite", at=NOW),
    )
    report = world.build(streamed={"click": opened, "dislike": 0})
    header, *rows = world.csv("interactions")
    logged = {(row[header.index("EVENT_TYPE")], row[header.index("TIMESTAMP")]) for row in rows}
    assert {one for one in logged if one[0] != "purchase"} == {
        ("click", str(opened - 1)),
        *([("favourite", str(opened))] if "favourite" in str(DATASETS) else []),
    }
    known = world.lines(f"results/runs/{RUN}/warehouse/interactions")
    assert len([one for one in known if one["event_type"] == "click"]) == 3
    assert report["datasets"]["interactions"]["kept"] == len(known) == len(rows) + 2
