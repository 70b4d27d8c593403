"""Batch input in parts, where it has more records than one batch inference job takes: each part is a job's.

Parts are ranges of a hash of the ids, so both engines cut alike, and a run that is built again cuts as it did.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from string import ascii_lowercase

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

# Personalize developer guide, CreateBatchInferenceJob: records that one job takes.
MOST_RECORDS = 50_000_000
# Developer guide, "Quotas": of one job's input, too.
MOST_BYTES = 1_000_000_000
MOST_FILES = 1_000
FULL = 0.95  # of MOST_BYTES: lines differ in length, and parts are of about as many lines
# One letter each, which stands for the Z of the run's id in the name of a job.
NAMES = ascii_lowercase
# Of a run: an execution's history has an end (config/limits.py).
MOST_PARTS = 12
_BUCKET = "bucket"
_DIGITS = 4  # of the hash: 65,536 buckets, each less than a 5,000th of a part where there are MOST_PARTS


def size(lines: DataFrame) -> tuple[int, int]:
    """(records, bytes) of the lines, each with its line break."""
    text = F.to_json(F.struct(*lines.columns))
    figures = F.count("*").alias("records"), F.sum(F.octet_length(text) + 1).alias("bytes")
    [row] = lines.agg(*figures).collect()
    return row["records"], row["bytes"] or 0


def most_of(records: int, *, size: int, most: int) -> int:
    """Records that one job takes of those, which are `size` bytes together: `most`, or fewer by their length."""
    return max(1, min(most, int(records * MOST_BYTES * FULL / size))) if size else most


def split(lines: DataFrame, *, records: int, most: int) -> dict[str, DataFrame]:
    """The lines by part, `most` in each at most; none where they would be too many parts.

    `lines` begin with their id; there are `records` of them.
    """
    if math.ceil(records / most) > MOST_PARTS:
        return {}
    key = F.col(lines.columns[0])
    hashed = lines.withColumn(_BUCKET, F.substring(F.sha2(key, 256), 1, _DIGITS))
    counts = {row[_BUCKET]: row["count"] for row in hashed.groupBy(_BUCKET).count().collect()}
    found = list(ranges(counts, most=most))
    if len(found) > MOST_PARTS:
        return {}
    return {name: _within(hashed, *one) for name, one in zip(NAMES, found, strict=False)}


def _within(hashed: DataFrame, first: str, last: str) -> DataFrame:
    bucket = F.col(_BUCKET)
    return hashed.where((bucket >= first) & (bucket <= last)).drop(_BUCKET)


def ranges(counts: Mapping[str, int], *, most: int) -> Iterator[tuple[str, str]]:
    """(first bucket, last bucket) of each part: about alike in size, and none of more than `most` records.

    `counts` are the records of each bucket; a bucket of more than `most` is a part of its own.
    """
    total = sum(counts.values())
    aim = math.ceil(total / math.ceil(total / most)) if total else 0
    first, last, size = "", "", 0
    for bucket, count in sorted(counts.items()):
        if size and (size >= aim or size + count > most):
            yield first, last
            size = 0
        first, last, size = first if size else bucket, bucket, size + count
    if size:
        yield first, last
