"""Any table in any supported dialect reads back exactly, and as pandas and DuckDB read it."""

from __future__ import annotations

import csv
import tempfile
from contextlib import suppress
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local.demo import own_times
from local.demo.files import content, delimited
from local.demo.files.mapping import Layout, Time
from local.demo.files.part import Part
from local.demo.problems import OwnFilesRefused
from tests.demo.written import Content, put, rows, text
from tests.demo.written import read as read_folder

KNOWN = {"USER_ID", "ITEM_ID", "TIMESTAMP"}
HEADER = ("USER_ID", "ITEM_ID", "TIMESTAMP", "NOTE")
DETECTED = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32")
NAMED = ("cp932", "euc_jp", "cp1252", "latin_1")
QUIET = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def fields(encoding: str) -> st.SearchStrategy[str]:
    """Text that the encoding has and gives back (cp932 writes some characters as others); no blanks around."""
    letters = st.characters(
        codec=encoding,
        categories=("L", "N", "P", "S"),
        include_characters=' ,;\t|"\n',
        exclude_characters="¢£¬‖−〜¥‾",
    )
    return st.text(letters, min_size=1, max_size=12).filter(
        lambda value: value == value.strip() and value.encode(encoding).decode(encoding) == value
    )


@st.composite
def tables(draw: st.DrawFn, encoding: str) -> list[tuple[str, ...]]:
    field = fields(encoding)
    row = st.tuples(field, field, st.integers(0, 2**40).map(str), field | st.just(""))
    return draw(st.lists(row, min_size=1, max_size=12))


def read(path: Path, layout: Layout) -> tuple[Part, list[str]]:
    said: list[str] = []
    (stream,) = content.contents(path, name=path.name)
    return delimited.read(stream, layout=layout, keep=bool, known=KNOWN, say=said.append), said


def values(part: Part) -> list[tuple[str, ...]]:
    return [tuple(row) for row in part.frame.fillna("").astype(object).itertuples(index=False)]


@QUIET
@given(st.data())
def test_a_table_reads_back_exactly_from_every_dialect(data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from([*DETECTED, *NAMED]))
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    table = data.draw(tables(encoding))
    written = text(table, HEADER, delimiter=delimiter, end=end, quoting=quoting)
    layout = Layout(encoding=encoding if encoding in NAMED else None)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "interactions.csv"
        path.write_bytes(written.encode(encoding))
        part, _ = read(path, layout)
    assert part.columns == list(HEADER)
    assert values(part) == table
    assert part.rows.tolist() == lines_of(table)


def lines_of(table: list[tuple[str, ...]]) -> list[int]:
    """The line on which each row starts: line breaks inside fields count."""
    numbers, line = [], 2
    for row in table:
        numbers.append(line)
        line += 1 + sum(field.count("\n") for field in row)
    return numbers


@QUIET
@given(st.data())
def test_pandas_and_duckdb_read_the_same_rows(data: st.DataObject) -> None:
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|"]))
    table = data.draw(tables("utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "interactions.csv"
        path.write_text(
            text(table, HEADER, delimiter=delimiter, quoting=csv.QUOTE_ALL), encoding="utf-8", newline=""
        )
        mine = values(read(path, Layout())[0])
        frame = pd.read_csv(path, sep=delimiter, dtype=str, keep_default_na=False)
        relation = duckdb.read_csv(
            str(path), delimiter=delimiter, header=True, all_varchar=True, quotechar='"', escapechar='"'
        )
        theirs = [tuple(each or "" for each in row) for row in relation.fetchall()]
    assert mine == [tuple(row) for row in frame.itertuples(index=False)]
    assert sorted(mine) == sorted(theirs)


SECONDS = st.integers(100_000_000, 4_000_000_000)


@QUIET
@given(
    st.lists(SECONDS, min_size=1, max_size=20),
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.integers(0, 999_999),
)
def test_a_time_is_exact_in_every_unit(seconds: list[int], unit: str, micros: int) -> None:
    kept = {"s": 0, "ms": micros // 1000 * 1000, "us": micros, "ns": micros}[unit]
    digits = {"s": 0, "ms": 3, "us": 6, "ns": 9}[unit]
    written = [f"{each}{f'{kept:06d}000'[:digits]}" for each in seconds]
    expected = [each * 1_000_000 + kept for each in seconds]
    for how in (Time(), Time(unit=unit)):
        times = own_times.parse(pd.Series(written, dtype="string[pyarrow]"), how)
        assert times.values.astype("int64").tolist() == expected
        assert not times.small.any() and not times.unreadable.any()


ZONES = st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"])


@QUIET
@given(
    st.lists(SECONDS, min_size=1, max_size=20),
    ZONES,
    st.sampled_from(["%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S"]),
)
def test_local_times_are_those_of_zoneinfo(seconds: list[int], zone: str, fmt: str) -> None:
    moments = pd.DatetimeIndex(pd.to_datetime(seconds, unit="s", utc=True)).tz_convert(zone)
    how = Time(zone=zone, format=fmt if "/" in fmt else None)
    times = own_times.parse(pd.Series(moments.strftime(fmt), dtype="string[pyarrow]"), how).values
    for moment, read_as in zip(moments, times, strict=True):
        # The second of a repeated hour is written as the first.
        assert (moment - read_as) in (pd.Timedelta(0), pd.Timedelta("1h"), pd.Timedelta("30min"))
        assert read_as.tz_convert(zone).tz_localize(None) == moment.tz_localize(None)


def test_a_time_that_clocks_skip_is_the_end_of_the_gap() -> None:
    skipped = pd.Series(["2026-03-29 02:30:00"], dtype="string[pyarrow]")
    times = own_times.parse(skipped, Time(zone="Europe/Berlin"))
    assert times.values.tolist() == [pd.Timestamp("2026-03-29T01:00:00Z")]


NAMES = st.sampled_from(
    [
        "interactions.csv",
        "interactions.jsonl",
        "interactions.parquet",
        "interactions.csv.gz",
        "interactions.zip",
        "items.csv",
        "users.tsv",
        "mapping.yaml",
        "interactions-2.csv",
    ]
)
CELLS = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "NULL",
            "nan",
            "inf",
            "-0",
            "1e400",
            "1.76E+09",
            "20260131",
            "2026-02-30",
            "2026-13-01T00:00:00Z",
            "9" * 30,
            "-9223372036854775809",
            "0x1f",
            "1_000",
            "１２３",
            "2026-01-31T25:00",
            "{}",
            "u\x00",
            "\ufeff",
            "31/12/2025",
            "0000-00-00",
            "1970-01-01",
            "\u2028",
            "2026-01-31T12:00:00+99:00",
            "12:30",
            "٣",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=150, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_folder_is_read_or_refused(data: st.DataObject) -> None:
    """No content of a folder is a traceback."""
    valid = text(
        [(*row, "1.5", "purchase") for row in rows(1_000)], (*HEADER[:3], "EVENT_VALUE", "EVENT_TYPE")
    )
    lines = valid.split("\n")
    for _ in range(data.draw(st.integers(0, 3))):
        cells = data.draw(st.lists(CELLS, min_size=1, max_size=6))
        lines[data.draw(st.integers(0, 30))] = ",".join(cells)
    files: dict[str, Content] = {"interactions.csv": "\n".join(lines)}
    for name in data.draw(st.lists(NAMES, max_size=2)):
        files[name] = data.draw(st.binary(max_size=60) | st.text(max_size=60) | st.just(valid[:2_000]))
    with tempfile.TemporaryDirectory() as folder, suppress(OwnFilesRefused):
        read_folder(put(Path(folder), files))


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "cp1252"])
@pytest.mark.parametrize("count", [2, 5, 40])
def test_an_encoding_is_guessed_from_a_few_names(tmp_path: Path, encoding: str, count: int) -> None:
    names = (
        ["Größe L", "café au lait", "señorío", "Straße 5"]
        if encoding == "cp1252"
        else ["牛乳 1000ml", "醤油ラーメン", "東京ばな奈", "コーヒー豆"]
    )
    table = [(f"u{n}", names[n % 4], str(1_760_000_000 + n), "") for n in range(count)]
    path = tmp_path / "interactions.csv"
    path.write_bytes(text(table, HEADER).encode(encoding))
    part, _ = read(path, Layout())
    assert values(part) == table
