"""Processor seconds of the Spark jobs at two sizes, from which docs/scale.md follows: `python -m bench.scale --write`.

Each job gets files of its own in a fresh process of two threads, so that the difference between two sizes is what rows
cost and the rest is what a start costs. Only processor seconds are kept, not those of the clock: other work on the
machine changes the latter.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import duckdb
import yaml

from bench import small_data
from checks.spending.scale import FIGURES, Measurement
from config import layout
from config.layout import Form
from osusume_endpoint import java, postgres

SIZES = (200_000, 1_000_000)
LISTS = (20_000, 100_000)
CANDIDATES = 100
FIELDS = ("CATEGORY_L1", "CATEGORY_L2", "BRAND")
READER = "reader"
_OUTPUT = (
    "SELECT {{'userId': 'u' || range}} AS input, {{'recommendedItems': list_transform(range({candidates}), lambda n:"
    " 'i' || (hash(range * 1000 + n) % 20000)), 'scores': list_transform(range({candidates}), lambda n:"
    " round(1.0 / (n + 1), 7))}} AS output, NULL AS error FROM range({lists})"
)
_ORDERS = (
    "SELECT 'u' || hash(range) % {lists} AS user_id, 'i' || hash(range + 1) % 20000 AS item_id,"
    " '2026-11-20T00:00:00Z' AS ordered_at FROM range({orders})"
)
_ITEMS = (
    "SELECT 'i' || range AS item_id, 'category ' || range % 20 AS category_l1,"
    " 'category ' || range % 20 || '|category ' || range % 300 AS category_l2, 'brand ' || range % 900 AS brand"
    " FROM range(20000)"
)


def extract(folder: Path, rows: int) -> float:
    """Orders of a real PostgreSQL over JDBC into Parquet; the server's own seconds aren't counted."""
    server = postgres.start(home=folder / "postgres")
    try:
        with server.connect() as connection, connection.cursor() as cursor:
            cursor.execute(
                "create table orders as select n as order_id, 'u' || n % 50000 as user_id, 'i' || n % 20000 as item_id,"
                " timestamptz '2026-01-01' + n * interval '1 second' as ordered_at, (n % 1000) / 100.0 as sales_value"
                f" from generate_series(1, {rows}) n; alter table orders add primary key (order_id);"
                f" create role {READER} login password '{READER}'; grant select on orders to {READER}"
            )
        code = (
            "from bench.scale import extracting;"
            f" extracting({server.address.host!r}, {server.address.port}, {str(folder)!r})"
        )
        return small_data.spent(code, small_data.on_spark(more=f"--jars {java.jdbc_driver()}"))["cpu"]
    finally:
        server.stop()


def extracting(host: str, port: int, folder: str) -> None:
    """Runs in a process of its own."""
    from glue_jobs import extract_aurora, session
    from glue_jobs.forgotten import NOBODY

    extract_aurora.run(
        spark=session.start("bench"),
        source=extract_aurora.Source(f"jdbc:postgresql://{host}:{port}/postgres", READER, READER),
        reading=extract_aurora.Reading(connections=4, rows=100_000),
        tables={"orders": "public.orders"},
        columns={"orders": ["order_id", "user_id", "item_id", "ordered_at", "sales_value"]},
        target=lambda name: f"file://{folder}/{name}",
        user_columns={"orders": "user_id"},
        left_out=NOBODY,
    )
    small_data.end_spark()


def build(folder: Path, rows: int) -> float:
    """Half of the rows are orders, half are events of the log."""
    small_data.make(folder, rows // 2)
    return small_data.measured("glue", folder)["cpu"]


def postprocess(folder: Path, lists: int) -> float:
    """Lists of CANDIDATES items each, ten orders a list, each rule of the example on, with what readers' rules ask."""
    run = partial(Form.of, run_id=small_data.RUN)
    connection = duckdb.connect()
    for part, query, name in (
        (
            run(layout.BATCH_OUTPUT, solution="personal"),
            _OUTPUT.format(lists=lists, candidates=CANDIDATES),
            "x.out",
        ),
        (run(layout.WAREHOUSE, table="orders"), _ORDERS.format(lists=lists, orders=10 * lists), "x.json"),
        (run(layout.WAREHOUSE, table="items"), _ITEMS, "x.json"),
    ):
        target = folder / "results" / part
        target.mkdir(parents=True)
        connection.execute(f"COPY ({query}) TO '{target / name}' (FORMAT json)")
    code = f"from bench.scale import postprocessing; postprocessing({str(folder)!r})"
    return small_data.spent(code, small_data.on_spark())["cpu"]


def postprocessing(folder: str) -> None:
    """Runs in a process of its own."""
    from glue_jobs import postprocess_recommendations as job
    from glue_jobs import session

    session.SCHEME = f"file://{folder}/"
    publishing = {
        "exclude_bought_within_days": 30,
        "min_never_bought": 5,
        "expire_after_days": 14,
        "item_fields": FIELDS,
        "with_bought": True,
    }
    solutions = [{"name": "personal", "for_each": "user", "results": 25}]
    job.run(job.Job(session.start("bench"), "results", small_data.RUN, solutions, publishing))
    small_data.end_spark()


JOBS: dict[str, tuple[Callable[[Path, int], float], tuple[int, int], str]] = {
    "extract-aurora": (extract, SIZES, "orders"),
    "build-datasets": (build, SIZES, "orders and events"),
    "postprocess-recommendations": (postprocess, LISTS, f"lists of {CANDIDATES} candidates"),
}


def measured(name: str) -> Measurement:
    run, sizes, of = JOBS[name]
    seconds = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            seconds.append(round(run(Path(folder), size), 1))
            print(f"{name}: {size:,} {of}: {seconds[-1]} processor seconds", flush=True)
    return Measurement(of=of, rows=sizes, cpu_seconds=(seconds[0], seconds[1]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {FIGURES.name}")
    parser.add_argument("--job", choices=list(JOBS), nargs="+", default=list(JOBS))
    options = parser.parse_args()
    found = {name: measured(name) for name in options.job}
    if options.write:
        kept = yaml.safe_load(FIGURES.read_text())["jobs"] if FIGURES.exists() else {}
        kept |= {name: one.row() for name, one in found.items()}
        content = {"measured_on": datetime.now(UTC).date().isoformat(), "jobs": kept}
        FIGURES.write_text(
            "# Written by `python -m bench.scale --write`.\n" + yaml.safe_dump(content, sort_keys=True)
        )


if __name__ == "__main__":
    main()
