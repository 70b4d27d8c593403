from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.spark

NASTY = [
    'say "hi"',
    '"',
    '""quoted""',
    "  leading",
    "trailing  ",
    "comma, inside",
    "ends with a backslash\\",
    '\\"',
    "semi;colon|pipe\ttab",
    "日本語 🍣",
    "'single'",
    "#comment",
    "null",
    "NaN",
]


# As the developer guide writes CSV, and as AWS's notebooks do (pandas): Personalize is said to read both.
DIALECTS: list[dict[str, Any]] = [{"doublequote": False, "escapechar": "\\"}, {"doublequote": True}]
READ_OTHERWISE = [
    '5" pipe, steel',
    "C:\\dir\\,cat",
    'a "b\\" c',
    '"',
    "\\",
    'ends with a comma and a quotation mark,"',
    "colour|si\\ze",
]


@pytest.fixture
def written(spark: Any, tmp_path: Path) -> Any:
    from glue_jobs import session

    def write(frame: Any) -> list[list[str]]:
        session.write_csv(frame.coalesce(1), f"file://{tmp_path}/out")
        (file,) = (tmp_path / "out").glob("part-*.csv")
        with file.open(newline="", encoding="utf-8") as lines:
            return list(csv.reader(lines, strict=True))

    return write


def test_a_csv_reader_gets_back_what_spark_wrote(spark: Any, written: Any) -> None:
    rows = [["k", value, "end"] for value in NASTY]
    assert written(spark.createDataFrame(rows, ["A", "B", "C"])) == [["A", "B", "C"], *rows]


def test_readers_of_both_dialects_get_the_same_of_a_dataset(spark: Any, tmp_path: Path) -> None:
    from glue_jobs import session

    names, values = ["ITEM_ID", "NAME", "GENRE"], [*NASTY, *READ_OTHERWISE]
    frame = spark.createDataFrame([("k", value, "end") for value in values], names)
    session.write_dataset(frame.coalesce(1), f"file://{tmp_path}/out")
    (file,) = (tmp_path / "out").glob("part-*.csv")
    read = [list(csv.reader(file.open(newline="", encoding="utf-8"), strict=True, **one)) for one in DIALECTS]
    wide = [value.replace('"', "＂").replace("\\", "＼") for value in values]
    assert read[0] == read[1] == [names, *(["k", value, "end"] for value in wide)]


def test_ids_stay_as_they_are(spark: Any, tmp_path: Path) -> None:
    from glue_jobs.transforms.text import read_alike

    row = ('u"1', "i\\1", 'i"1|i2')
    frame = spark.createDataFrame([row], ["USER_ID", "ITEM_ID", "IMPRESSION"])
    assert [tuple(one) for one in read_alike(frame).collect()] == [row]


def test_line_breaks_become_blanks_so_that_a_record_is_one_line(spark: Any, written: Any) -> None:
    from pyspark.sql import functions as F

    from glue_jobs.transforms.text import one_line

    frame = spark.createDataFrame([("a\r\nb\u2028c\x00d\u0085e\nf",)], ["A"]).select(
        one_line(F.col("A")).alias("A")
    )
    assert written(frame) == [["A"], ["a b c d e f"]]


@pytest.mark.parametrize("blank", ["", "   ", "\n", "\r\n \t "])
def test_blank_text_becomes_null(spark: Any, blank: str) -> None:
    from pyspark.sql import functions as F

    from glue_jobs.transforms.text import one_line

    assert spark.createDataFrame([(blank,)], ["A"]).select(one_line(F.col("A"))).first()[0] is None


def test_null_is_an_empty_field(spark: Any, written: Any) -> None:
    frame = spark.createDataFrame([("a", None, None)], "A string, B string, C double")
    assert written(frame) == [["A", "B", "C"], ["a", "", ""]]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e-8, "0.00000001"),
        (12345678.9, "12345678.9"),
        (100.0, "100"),
        (0.0, "0"),
        (-3.5, "-3.5"),
        (1e12, "1000000000000"),
    ],
)
def test_numbers_are_written_without_an_exponent(spark: Any, written: Any, number: float, text: str) -> None:
    assert written(spark.createDataFrame([(number,)], ["A"])) == [["A"], [text]]


def test_no_success_file_is_written_beside_the_data(tmp_path: Path, spark: Any) -> None:
    from glue_jobs import session

    before = spark.conf.get("spark.sql.shuffle.partitions")
    session.write_csv(session.start("tests").range(3), f"file://{tmp_path}/out")
    spark.conf.set("spark.sql.shuffle.partitions", before)
    names = [path.name for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")]
    assert names and all(name.startswith("part-") for name in names)
