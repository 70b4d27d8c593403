"""Exposures to experiments: lines that the API's side writes by day -> rows of the warehouse."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import EXPOSURE_COLUMNS
from glue_jobs.run_id import started_at

PREFIX = "exposures/"
DAY = "day="
# What a line must hold; who showed it where is worth having, and nothing fails without.
NEEDED = ("exposure_id", "experiment", "version", "variant", "unit_id", "exposed_at")
_TIME = r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z\z"  # of Java, which Spark uses


def since(previous_run_id: str, *, none: str) -> str:
    """The key after which folders are read: a day before the run before, whose files may have come late."""
    if previous_run_id == none:
        return PREFIX
    return f"{PREFIX}{DAY}{started_at(previous_run_id) - timedelta(days=2):%Y-%m-%d}/~"


def folders(prefixes: Iterable[str], *, run_id: str) -> list[str]:
    """The folders of days up to the run's own, without the closing slash."""
    last = f"{PREFIX}{DAY}{started_at(run_id):%Y-%m-%d}"
    return sorted(one.rstrip("/") for one in prefixes if f"{PREFIX}{DAY}" <= one and one.rstrip("/") <= last)


def warehouse_exposures(lines: DataFrame, *, run_id: str) -> DataFrame:
    """Each exposure once; a line that is no JSON, or lacks what it needs, is left out."""
    whole = F.lit(True)
    for name in NEEDED:
        whole = whole & F.col(name).isNotNull() & (F.length(name) > 0)
    kept = lines.where(whole & F.col("exposed_at").rlike(_TIME)).dropDuplicates(["exposure_id"])
    return kept.select(F.lit(run_id).alias("run_id"), *EXPOSURE_COLUMNS)
