"""The job on DuckDB. Its package glue_jobs lies in the zip, and beside it what it imports as pyspark."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lambdas.build_datasets.environment import Environment
from lambdas.build_datasets.objects import Objects, megabytes

ROOT = Path(__file__).parents[2]
ARGUMENTS = ROOT / "arguments.json"  # those that are the same in every run
PYSPARK = ROOT / "on_duckdb"
STAGE = Path("/tmp/build")
MEGABYTES_A_PROCESSOR = 1769  # Lambda developer guide, "Configure Lambda function memory"
SHARE_OF_MEMORY = 0.7  # the rest is the interpreter's, and DuckDB's own beyond its limit


class SourcesTooLarge(RuntimeError):
    """More than the configuration lets a function prepare."""


def arguments(of_run: Mapping[str, str]) -> dict[str, str]:
    """The job's arguments, as Glue gives them."""
    fixed = {name.removeprefix("--"): value for name, value in json.loads(ARGUMENTS.read_text()).items()}
    return {**fixed, **of_run}


def on_path() -> None:
    """Lets the jobs find what stands in for PySpark, and not one that is installed."""
    if str(PYSPARK) not in sys.path:
        sys.path.insert(0, str(PYSPARK))


def size(given: Mapping[str, str], *, s3: Any) -> float:
    """Megabytes that a run reads: this run's tables and export, and the log's events of the runs before."""
    from glue_jobs import report, session

    bucket, run_id = given["raw_bucket"], given["run_id"]
    paths = [session.raw_table(bucket, run_id, "")]
    if given["export_prefix"] != report.NONE:
        paths.append(session.location(bucket, given["export_prefix"].strip("/")))
    paths += [session.raw_events(bucket, run) for run in _runs_before(given, s3) if run != run_id]
    return megabytes(s3, paths)


def _runs_before(given: Mapping[str, str], s3: Any) -> list[str]:
    """The runs whose exports a build may read again."""
    from glue_jobs import report

    if given["previous_run_id"] == report.NONE:
        return []
    found = report.read(s3, bucket=given["datasets_bucket"], run_id=given["previous_run_id"]) or {}
    runs: list[str] = found.get("event_runs", [])
    return runs


def check(found: float, settings: Environment) -> bool:
    """Whether the function may build; raises SourcesTooLarge where nothing else could."""
    if found <= settings.small_megabytes:
        return True
    if settings.engine == "auto":
        return False
    raise SourcesTooLarge(
        f"the run reads {found:.0f} MB, and etl.small_megabytes is {settings.small_megabytes}: "
        "set etl.engine to auto or glue, or raise the limit with etl.function_memory"
    )


def build(given: Mapping[str, str], *, s3: Any, memory: int) -> None:
    """Raises what the job raises."""
    from pyspark.sql import SparkSession

    from glue_jobs import build_datasets

    shutil.rmtree(STAGE, ignore_errors=True)
    spark: Any = SparkSession(files=Objects(s3, stage=STAGE / "objects"), settings=resources(memory))
    try:
        build_datasets.prepare(given, spark=spark)
    finally:
        spark.stop()
        shutil.rmtree(STAGE, ignore_errors=True)


def resources(memory: int) -> dict[str, Any]:
    """DuckDB's settings for a function of so many megabytes: what does not fit goes to its disk."""
    return {
        "memory_limit": f"{int(memory * SHARE_OF_MEMORY)}MB",
        "threads": max(1, round(memory / MEGABYTES_A_PROCESSOR)),
        "temp_directory": str(STAGE / "spill"),
        "autoinstall_known_extensions": False,
        "preserve_insertion_order": False,
    }
