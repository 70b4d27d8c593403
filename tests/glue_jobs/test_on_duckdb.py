"""The same build on both engines, from the same files: every output is compared row by row."""

from __future__ import annotations

import csv
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.glue_jobs.test_build_datasets import EARLIER, NOW, RUN, World, event, exposure, keys_of, until

pytestmark = pytest.mark.spark
ROOT = Path(__file__).parents[2]

# Texts that Spark takes for a moment, or does not.
MOMENTS = [
    "2026-11-23", "2026-11-23 10:11:12", "2026-11-23T10:11:12Z", "2026-11-23T10:11:12.987654321+09:00", "2026-1-2",
    "2026-11-23 10:11:12 Asia/Tokyo", "2026-11-23 10:11:12 JST", "2026-11-23 10:11:12 UTC+9", " 2026-11-23 ", "2026",
    "2026-02-30", "2026-11-23 24:00:00", "2026-11-23T", "2026-11-23 10", "2026-11-23 10:11", "20261123", "昨日", "",
    "   ", None, "1795370000", "1795370000000", "-5", "+2026-01-01", "-0044-03-15", "12026-01-01", "0001-01-01",
    "2026-11-23 10:11:12 Nowhere/Else", "2026-11-23T10:11:12+19:00", "2026-11-23 10:11:12.5 -3:7", "１７９５",
    "2026-11-23 10:11:12 EST", "2026/11/23", "Nov 23 2026", "infinity", "2026-11-23T10:11:12.Z", "99999999999",
]  # fmt: skip
# Texts that Spark takes for a number, or does not.
NUMBERS = [
    "1", "1.5", " 7 ", "1d", "2.5F", "1e3", "1E-8", ".5", "5.", "+3", "-0", "NaN", "Infinity", "-inf", "1e300",
    "1_000", "1,000", "١", "１", "", " ", None, "0x1F", "1e", "--1", "12345678.9", "123456789012.345", "0.0000000005",
    "999999999999999999", "1e18", "1.0000000000000001", "true", "\t4\n", "1e400", "4 5",
]  # fmt: skip
TEXTS = [
    "plain", "日本語 🍣", 'say "hi"', "comma, inside", "back\\slash", "line\nbreak\r\nand\u2028more", "  lead",
    "tail  ", "null",
    "tab\there", "", "  ", "\n", "a|b", "#x", "'s", "é" * 300, "日" * 1001, "k" * 256, "k" * 257, "nul\x00l",
    "\u3000", "\u00a0", "bell\x07", "x" * 1000, "x" * 1001,
]  # fmt: skip
DATASETS = {
    "interactions": {
        "order_columns": {
            "USER_ID": "user_id", "ITEM_ID": "item_id", "TIMESTAMP": "ordered_at", "EVENT_VALUE": "sales_value",
        },
        "impressions": True,
        "recommendation_ids": True,
        "events": [
            {"type": "purchase", "source": "orders", "weight": 1.0},
            {"type": "click", "source": "application_log", "weight": 0.3},
        ],
        "fields": [
            {"name": "DEVICE", "column": "device", "attribute": "device", "categorical": True, "nullable": True},
            {"name": "DEPTH", "attribute": "depth", "type": "int", "nullable": True},
        ],
    },
    "users": {
        "fields": [
            {"name": "USER_ID", "column": "user_id"},
            {"name": "AGE", "column": "age", "categorical": True, "nullable": True},
            {"name": "SCORE", "column": "score", "type": "double", "nullable": True},
            {"name": "RATIO", "column": "ratio", "type": "float", "nullable": True},
            {"name": "VISITS", "column": "visits", "type": "int", "nullable": True},
            {"name": "MEMBER", "column": "member", "type": "boolean", "nullable": True},
            {"name": "BIRTHDAY", "column": "birthday", "type": "long", "nullable": True},
        ]
    },
    "items": {
        "fields": [
            {"name": "ITEM_ID", "column": "item_id"},
            {"name": "CREATION_TIMESTAMP", "column": "created_at", "type": "long"},
            {"name": "TITLE", "column": "title", "textual": True, "nullable": True},
            {"name": "CATEGORY", "column": "category", "categorical": True, "nullable": True},
            {"name": "PRICE", "column": "price", "type": "double", "nullable": True},
        ]
    },
    "actions": {"fields": [{"name": "ACTION_ID", "column": "action_id"}]},
    "action_interactions": {"events": [{"type": "offer", "means": "Viewed"}]},
}  # fmt: skip


def extracted(world: World, run: str) -> None:
    """Every text under every column that may hold it, and columns of the other types that a database has."""
    known = datetime(2026, 11, 23, 10, 11, 12, 345678, tzinfo=UTC)
    users = [
        (text, text, number, number, number, number, date(1990, 1, 1) if n % 3 else None)
        for n, (text, number) in enumerate(zip(TEXTS, [*NUMBERS], strict=False))
    ]
    flags = [
        (f"flag{n}", "1", None, None, None, flag, None)
        for n, flag in enumerate(["T", "no", "2", " YES ", ""])
    ]
    numbers = [
        (f"n{n}", None, number, number, number, None, date(2026, 2, 28)) for n, number in enumerate(NUMBERS)
    ]
    twins = [("twin", "20", "1", "1", "1", "true", None)] * 3
    world._table(
        run, "users", [*users, *flags, *numbers, *twins, (None, "1", None, None, None, None, None)],
        "user_id string, age string, score string, ratio string, visits string, member string, birthday date",
    )  # fmt: skip
    items = [
        (f"i{n}", moment, text, text, price)
        for n, (moment, text, price) in enumerate(
            zip(MOMENTS, [*TEXTS, *TEXTS], [0.1 + 0.2, 1e-8, 1e7, None, 2.5, -0.0] * 7, strict=False)
        )
    ]
    schema = "item_id string, created_at string, title string, category string, price double"
    world._table(run, "items", items, schema)
    orders = [
        (text or "u1", f"i{n % 4}", known - timedelta(microseconds=n * 700_001), value, device)
        for n, (text, value, device) in enumerate(
            zip(
                TEXTS,
                [Decimal("3.99"), Decimal("0"), None, Decimal("1e-9")] * 9,
                [*TEXTS[1:], None],
                strict=False,
            )
        )
    ]
    edges = [
        ("u1", "i1", datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=UTC), Decimal(1), "tv"),
        ("u1", "i1", datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), Decimal(1), None),
        ("u1", None, known, Decimal("12345678901234567.123456789"), "tv"),
        ("u1", "i1", None, Decimal(2), "tv"),
        *[("u1", "i1", known, Decimal("2.5"), "tv")] * 3,
        ("u1", "i1", known, Decimal("7.25"), None),
    ]
    schema = "user_id string, item_id string, ordered_at timestamp, sales_value decimal(38,18), device string"
    world._table(run, "orders", [*orders, *edges], schema)
    world._table(run, "actions", [(text,) for text in [*TEXTS, None]], "action_id string")


def logged() -> Iterator[dict[str, Any]]:
    for n, text in enumerate(TEXTS):
        yield event(f"t{n}", user=text, item=text) | {"session_id": {"S": text}, "device": {"S": text}}
    for n, number in enumerate(NUMBERS):
        value = {"value": {"N": number}, "depth": {"N": number}} if number is not None else {}
        yield event(f"n{n}") | value
        yield event(f"at{n}") | {"timestamp": {"N": number or ""}}
    shown = {"L": [{"S": "i1"}, {"S": "a|b"}, {"N": "7"}, {"S": "日本"}]}
    yield event("shown") | {
        "impression": shown,
        "recommendation_id": {"S": "RID-日本"},
        "simulated": {"BOOL": True},
        "served_as": {"S": "personal;0;1;variety=3,_others=1"},
    }
    yield event("odder") | {"served_as": {"S": "personal;0;1;variety=٣"}}
    yield event("many") | {
        "impression": {"SS": [f"i{n}" for n in range(40)]},
        "recommendation_id": {"S": "ours"},
    }
    yield event("figures") | {"impression": {"NS": ["1", "2.50"]}, "depth": {"M": {"a": {"S": "b"}}}}
    yield event("odd") | {"item_id": {"M": {"a": {"S": "b"}}}, "device": {"BOOL": False}}
    yield event("offer", kind="offer", item=None) | {"action_id": {"S": "日本"}}
    yield event("offer2", kind="offer", item=None)
    yield event("none", kind="impression", item=None)
    yield {name: value for name, value in event("no-id").items() if name != "event_id"}
    yield event("expired") | until(NOW - timedelta(hours=1))


# What the stand-in process runs: the folder of a function's zip comes first on its path.
ON_DUCKDB = """
import json, sys
from pathlib import Path
from pyspark.sql import SparkSession
from pyspark.sql.files import Folders
from glue_jobs import session
from tests.glue_jobs.test_build_datasets import World
root = Path(sys.argv[1])
session.SCHEME = f"file://{root}/"
world = World(SparkSession(files=Folders()), root)
for build in json.load(sys.stdin):
    world.build(**build)
"""


def on_duckdb(root: Path, builds: list[dict[str, Any]]) -> None:
    package = root / "zip"
    package.mkdir()
    (package / "glue_jobs").symlink_to(ROOT / "glue_jobs")
    (package / "pyspark").symlink_to(ROOT / "glue_jobs" / "on_duckdb")
    done = subprocess.run(
        [sys.executable, "-c", ON_DUCKDB, str(root)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(package), *sys.path])},
        input=json.dumps(builds),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]


def rows(root: Path, folder: str) -> list[str]:
    """The rows of a folder's files, whatever their format, sorted; as Spark leaves them out, nulls are left out."""
    found = (row for file in (root / folder).glob("part-*") for row in _rows(file))
    return sorted(row.replace(f"{root}/", "") for row in found)


def _rows(file: Path) -> list[str]:
    if file.name.endswith(".parquet"):
        import pyarrow.parquet as pq

        return [json.dumps(_without_nulls(row), sort_keys=True) for row in pq.read_table(file).to_pylist()]
    content = gzip.decompress(file.read_bytes()) if file.name.endswith(".gz") else file.read_bytes()
    if file.name.endswith(".csv"):  # each of Spark's has the header
        header, *found = csv.reader(content.decode().split("\n")[:-1])
        return [json.dumps(dict(zip(header, row, strict=True))) for row in found]
    return [
        json.dumps(_without_nulls(json.loads(line)), sort_keys=True)
        for line in content.decode().split("\n")
        if line
    ]


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if value is not None}


def written(root: Path) -> set[str]:
    """The folders that a build wrote."""
    found = {str(file.parent.relative_to(root)) for file in root.rglob("part-*")}
    return {folder for folder in found if not folder.startswith(("raw/aurora", "zip"))}


def compare(world: World, other: Path, builds: list[dict[str, Any]]) -> None:
    assert written(other) == written(world.root)
    wrong = {}
    for folder in sorted(written(world.root)):
        spark, duckdb = rows(world.root, folder), rows(other, folder)
        if spark != duckdb:
            wrong[folder] = [sorted(set(spark) - set(duckdb))[:5], sorted(set(duckdb) - set(spark))[:5]]
    assert not wrong, json.dumps(wrong, indent=1, ensure_ascii=False)
    for run in sorted({build.get("run", RUN) for build in builds}):
        assert json.loads((other / f"datasets/runs/{run}/report.json").read_text()) == world.report(run)


@pytest.fixture
def world(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    from glue_jobs import session

    made = World(spark, tmp_path / "spark")
    monkeypatch.setattr(session, "SCHEME", f"file://{made.root}/")
    return made


def built_by_both(world: World, builds: list[dict[str, Any]]) -> None:
    other = world.root.with_name("duckdb")
    shutil.copytree(world.root / "raw", other / "raw")
    for build in builds:
        world.build(**build)
    on_duckdb(other, builds)
    compare(world, other, builds)


def nasty(world: World) -> None:
    """Tables, a full export and exposures, of all that may be wrong with a value."""
    extracted(world, RUN)
    world.export(*logged())
    folder = world.root / "raw/exposures/day=2026-11-23"
    folder.mkdir(parents=True)
    lines = [
        exposure("u1"),
        exposure("ユーザー"),
        exposure("u2", variant=None),
        "no JSON",
        "",
        "[1]",
        '{"a":',
    ]
    (folder / "a.json").write_text("\n".join(lines))


def test_every_output_of_both_engines_is_the_same_row_by_row(world: World) -> None:
    nasty(world)
    built_by_both(world, [{"ttl": "until", "keep_expired_days": 9, "datasets": DATASETS, "batch_records": 9}])
    counts = world.report()["datasets"]["interactions"]
    assert counts["kept"] > 30 and len(counts["quarantined"]) > 8, "nothing nasty was left to compare"
    input_is_in_parts(world, most=9)


def input_is_in_parts(world: World, *, most: int) -> None:
    """Every line of a folder that is too large for a job is in one part of it, of the names that the report gives."""
    report, folder = world.report(), f"datasets/runs/{RUN}"
    asked = report["batch_input"]
    assert (
        set(report["batch_parts"]) == {name for name, n in asked.items() if n > most} == {"users", "items"}
    ), asked
    for name, parts in report["batch_parts"].items():
        lines = [rows(world.root, f"{folder}/batch_parts/{name}/{part}") for part in parts]
        assert len(parts) > 1 and all(0 < len(part) <= most for part in lines)
        assert sorted(line for part in lines for line in part) == rows(
            world.root, f"{folder}/batch_input/{name}"
        )


@pytest.mark.nightly
def test_a_run_that_adds_to_another_is_the_same_on_both_engines(world: World) -> None:
    extracted(world, EARLIER)
    world.export(*logged(), run=EARLIER)
    extracted(world, RUN)
    at = {"WriteTimestampMicros": {"N": str(int(NOW.timestamp()) * 1_000_000)}}
    gone, new = event("t0", user="plain", item="plain"), event("t1", user="日本", item="i9")
    world.export_lines(
        {"Metadata": at, "Keys": keys_of(gone), "OldImage": gone | until(NOW + timedelta(days=1))},
        {"Metadata": at, "Keys": keys_of(gone | {"event_key": {"S": "never seen"}})},
        {"Metadata": at, "Keys": keys_of(new), "NewImage": new},
        {"Metadata": at, "Keys": keys_of(event("worse")), "NewImage": event("worse", item=None)},
    )
    same = {"ttl": "until", "keep_expired_days": 9, "datasets": DATASETS}
    built_by_both(world, [{"run": EARLIER, **same}, {"mode": "incremental", "previous": EARLIER, **same}])
    assert world.report()["datasets"]["interactions"]["newly_quarantined"]["missing_item_id"] == 1
