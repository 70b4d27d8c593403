"""Batch input in parts: none too large, none too many, every line in one of them."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

pytestmark = pytest.mark.spark


def sizes(counts: dict[str, int], found: list[tuple[str, str]]) -> list[int]:
    return [sum(n for bucket, n in counts.items() if first <= bucket <= last) for first, last in found]


@pytest.mark.parametrize("seed", range(40))
def test_each_bucket_is_in_one_part_and_no_part_is_more_than_a_job_takes(seed: int) -> None:
    from glue_jobs import batch_parts

    chance = random.Random(seed)  # Glue's environment of the other version has no Hypothesis
    buckets = chance.sample(range(16**4), chance.choice([0, 1, 2, 300]))
    counts = {f"{bucket:04x}": chance.randint(1, 5) for bucket in buckets}
    most = chance.randint(5, 400)
    found = list(batch_parts.ranges(counts, most=most))
    assert sum(sizes(counts, found)) == sum(counts.values())
    ends = [end for part in found for end in part]
    assert ends == sorted(ends) and all(bucket in counts for bucket in ends)
    assert all(0 < size <= most for size in sizes(counts, found))


@pytest.mark.parametrize(
    ("records", "most", "parts"),
    [(1, 100, 1), (100, 100, 1), (101, 100, 2), (5_100, 5_000, 2), (15_000, 5_000, 3), (11_999, 1_000, 12)],
)
def test_parts_are_as_few_as_can_be_and_about_alike(records: int, most: int, parts: int) -> None:
    from glue_jobs import batch_parts

    counts = {f"{number:05x}": 1 for number in range(records)}
    found = sizes(counts, list(batch_parts.ranges(counts, most=most)))
    assert (
        len(found) == parts
        and max(found) - min(found) <= math.ceil(records / parts) - records // parts + parts
    )


def frame(spark: Any, users: int) -> Any:
    return spark.createDataFrame(
        [(f"user {n}", ["a", "b"]) for n in range(users)], "userId string, itemList array<string>"
    )


def test_long_lines_make_more_parts_than_their_number(spark: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_jobs import batch_parts

    lines = frame(spark, 350)
    written = [
        json.dumps({"userId": row[0], "itemList": row[1]}, separators=(",", ":")) for row in lines.collect()
    ]
    records, size = batch_parts.size(lines)
    assert (records, size) == (350, sum(len(line) + 1 for line in written))
    assert batch_parts.most_of(records, size=size, most=300) == 300
    monkeypatch.setattr(batch_parts, "MOST_BYTES", size // 3)
    most = batch_parts.most_of(records, size=size, most=300)
    found = batch_parts.split(lines, records=records, most=most)
    assert len(found) == 4 and all(batch_parts.size(part)[1] <= size // 3 for part in found.values())


def test_no_line_has_no_bytes_and_one_that_is_too_long_is_a_part(spark: Any) -> None:
    from glue_jobs import batch_parts

    assert batch_parts.size(frame(spark, 0)) == (0, 0)
    assert batch_parts.most_of(0, size=0, most=7) == 7
    assert batch_parts.most_of(2, size=10**10, most=7) == 1


def test_every_line_is_in_one_part_as_it_was_and_the_same_ids_are_cut_alike(spark: Any) -> None:
    from glue_jobs import batch_parts

    parts = batch_parts.split(frame(spark, 350), records=350, most=100)
    lines = {name: [tuple(row) for row in part.collect()] for name, part in parts.items()}
    assert list(lines) == ["a", "b", "c", "d"] and all(80 <= len(found) <= 100 for found in lines.values())
    together = [line for found in lines.values() for line in found]
    assert sorted(together) == sorted((f"user {n}", ["a", "b"]) for n in range(350))
    again = batch_parts.split(frame(spark, 350).orderBy("userId"), records=350, most=100)
    assert {name: {row[0] for row in part.collect()} for name, part in again.items()} == {
        name: {line[0] for line in found} for name, found in lines.items()
    }


def test_what_would_be_more_parts_than_a_run_may_have_is_left_whole(spark: Any) -> None:
    from glue_jobs import batch_parts

    assert batch_parts.split(frame(spark, 13), records=13, most=1) == {}
    assert batch_parts.split(None, records=batch_parts.MOST_PARTS * 10**8 + 1, most=10**8) == {}  # type: ignore[arg-type]
    assert json.dumps(batch_parts.NAMES[: batch_parts.MOST_PARTS]) == '"abcdefghijkl"'
