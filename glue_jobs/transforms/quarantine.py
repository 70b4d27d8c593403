"""Rows that are wrong, each known again in later runs, so that it is counted once."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from glue_jobs.columns import FIRST_RUN, REASON, ROW_ID, SOURCE, SOURCE_FILE, SOURCE_KEY, WRONG
from glue_jobs.transforms.text import cut

_SEPARATOR = "\u0001"
_WAREHOUSE_CHARACTERS = 256


def known_again(wrong: DataFrame, ledger: DataFrame, *, also: Sequence[str], run_id: str) -> DataFrame:
    """The wrong rows with the run that found each first. `ledger` (columns.LEDGER) is that of the run before.

    A row is the same where source, key, reason, wrong value and the columns `also` are.
    """
    names = [SOURCE, SOURCE_KEY, REASON, WRONG, *also]
    text = F.concat_ws(_SEPARATOR, *(F.coalesce(F.col(name).cast("string"), F.lit("")) for name in names))
    seen = ledger.groupBy(ROW_ID).agg(F.min(FIRST_RUN).alias(FIRST_RUN))
    rows = wrong.withColumn(ROW_ID, F.sha2(text, 256)).join(seen, ROW_ID, "left")
    return rows.withColumn(FIRST_RUN, F.coalesce(FIRST_RUN, F.lit(run_id)))


def warehouse_rows(rows: DataFrame, *, dataset: str, run_id: str) -> DataFrame:
    """Rows of the warehouse's `quarantine`: those that this run is the first to find."""
    cuts = [cut(F.col(name), _WAREHOUSE_CHARACTERS).alias(name) for name in (SOURCE_KEY, SOURCE_FILE, WRONG)]
    new = rows.where(F.col(FIRST_RUN) == run_id)
    return new.select(F.lit(run_id).alias("run_id"), F.lit(dataset).alias("dataset"), SOURCE, REASON, *cuts)
