"""CSV files checked against their schema."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from osusume_engine.imports import ImportFailure, ImportReport, import_files
from osusume_engine.schemas import Schema, parse_schema

FIELDS = [
    {"name": "ITEM_ID", "type": "string"},
    {"name": "GENRE", "type": ["null", "string"], "categorical": True},
    {"name": "PRICE", "type": ["null", "double"]},
    {"name": "STOCK", "type": "int"},
    {"name": "NEW", "type": "boolean"},
    {"name": "TEXT", "type": ["null", "string"], "textual": True},
]
HEADER = "ITEM_ID,GENRE,PRICE,STOCK,NEW,TEXT\n"


@pytest.fixture
def items() -> Schema:
    return parse_schema(json.dumps({"type": "record", "name": "Items", "fields": FIELDS, "version": "1.0"}))


def imported(schema: Schema, folder: Path, *texts: str) -> ImportReport:
    sources = []
    for number, text in enumerate(texts):
        sources.append(folder / f"{number}.csv")
        sources[-1].write_text(text, encoding="utf-8")
    return import_files(schema=schema, sources=sources, target=folder / "out.parquet")


def test_values_are_typed_and_columns_follow_the_schema(items: Schema, tmp_path: Path) -> None:
    text = 'STOCK,NEW,TEXT,ITEM_ID,GENRE,PRICE\n3,true,"a, ""b""\nc",i1,x|y,1.5\n-1,false,,i2,,\n'
    assert imported(items, tmp_path, text, HEADER + "i3,,2e3,0,true,\n").rows == 3
    assert pq.read_table(tmp_path / "out.parquet").to_pylist() == [
        {"ITEM_ID": "i1", "GENRE": "x|y", "PRICE": 1.5, "STOCK": 3, "NEW": True, "TEXT": 'a, "b"\nc'},
        {"ITEM_ID": "i2", "GENRE": None, "PRICE": None, "STOCK": -1, "NEW": False, "TEXT": None},
        {"ITEM_ID": "i3", "GENRE": None, "PRICE": 2000.0, "STOCK": 0, "NEW": True, "TEXT": None},
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ITEM_ID,GENRE\ni,x\n", "missing the following columns: [PRICE, STOCK, NEW, TEXT]"),
        (HEADER.replace("GENRE", "GENRE,GENRE") + "i,x,x,1,1,true,t\n", "names a column twice"),
        (HEADER, "no records"),
        ("", "missing the following columns"),
        (HEADER + "i,x,1,1.5,true,t\n", "'1.5' that is not of type int (row 2 of 0.csv)"),
        (HEADER + "i,x,1,99999999999,true,t\n", "not of type int"),
        (HEADER + "i,x,1,9999999999,true,t\n", "STOCK"),
        (HEADER + "i,x,1,1,True,t\n", "'True' that is not of type boolean"),
        (HEADER + "i,x,1,1,true,t\ni,x,nan,1,true,t\n", "(row 3 of 0.csv)"),
        (HEADER + ",x,1,1,true,t\n", "ITEM_ID has the value None that is empty"),
        (HEADER + f"{'i' * 257},x,1,1,true,t\n", "longer than 256"),
        (HEADER + f"i,{'x' * 1001},1,1,true,t\n", "longer than 1000"),
        (HEADER + "i,x,1\n", "can't be parsed"),
    ],
)
def test_a_bad_value_fails_with_its_column_row_and_reason(
    items: Schema, tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ImportFailure) as caught:
        imported(items, tmp_path, text)
    assert reason in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["0.csv"]


def only(schema: Schema, folder: Path, text: str) -> dict[str, object]:
    imported(schema, folder, text)
    (row,) = pq.read_table(folder / "out.parquet").to_pylist()
    return dict(row)


@pytest.mark.parametrize("extra", ["", "EXTRA"], ids=["pandas' index", "a named one"])
def test_a_column_that_the_schema_lacks_is_passed_over(items: Schema, tmp_path: Path, extra: str) -> None:
    row = only(items, tmp_path, f"{extra},{HEADER}" + f"{'0' * 2000},i,x,1,1,true,t\n")
    assert row == {"ITEM_ID": "i", "GENRE": "x", "PRICE": 1.0, "STOCK": 1, "NEW": True, "TEXT": "t"}


@pytest.mark.parametrize(
    ("given", "kept"), [("t" * 20_001, 20_000), ("t語" * 3_501, 7_000), ("語" * 7_000, 7_000)]
)
def test_a_long_text_is_cut_as_the_service_does(items: Schema, tmp_path: Path, given: str, kept: int) -> None:
    assert only(items, tmp_path, HEADER + f"i,x,1,1,true,{given}\n")["TEXT"] == given[:kept]


def test_a_string_that_is_neither_category_nor_text_has_a_thousand_characters_too(tmp_path: Path) -> None:
    fields = [*FIELDS, {"name": "NAME", "type": ["null", "string"]}]
    schema = parse_schema(json.dumps({"type": "record", "name": "Items", "fields": fields, "version": "1.0"}))
    header = HEADER.replace("\n", ",NAME\n")
    assert only(schema, tmp_path, header + f"i,x,1,1,true,t,{'n' * 1000}\n")["NAME"] == "n" * 1000
    with pytest.raises(ImportFailure, match=r"NAME .* longer than 1000 characters \(row 2 of 0\.csv\)"):
        imported(schema, tmp_path, header + f"i,x,1,1,true,t,{'n' * 1001}\n")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r'"5\" pipe, steel"', '5" pipe, steel'),
        ('"5"" pipe, steel"', '5" pipe, steel'),
        (r'"a \"b\" of C:\\dir\\,cat"', 'a "b" of C:\\dir\\,cat'),
        (r'"\"\""', '""'),
        (r'"C:\dir\,cat"', "C:\\dir\\,cat"),
        (r"C:\dir", r"C:\dir"),
        (r'"a,\"', "a,\\"),
        (r'"a\""b"', 'a\\"b'),
    ],
)
def test_quotes_and_backslashes_are_read_as_the_guide_writes_them_and_as_notebooks_do(
    items: Schema, tmp_path: Path, written: str, value: str
) -> None:
    assert only(items, tmp_path, HEADER + f"i,x,1,1,true,{written}\n")["TEXT"] == value


def test_text_in_another_encoding_is_refused(items: Schema, tmp_path: Path) -> None:
    (tmp_path / "latin.csv").write_bytes((HEADER + "i,café,1,1,true,t\n").encode("latin-1"))
    with pytest.raises(ImportFailure, match=r"UTF|utf|parsed"):
        import_files(schema=items, sources=[tmp_path / "latin.csv"], target=tmp_path / "out.parquet")


def interactions(*extra: dict[str, object]) -> Schema:
    fields = [
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "TIMESTAMP", "type": "long"},
        *extra,
    ]
    return parse_schema(
        json.dumps({"type": "record", "name": "Interactions", "fields": fields, "version": "1.0"})
    )


def rows(count: int, kinds: int = 1) -> str:
    lines = (f"u,i{n},kind{n % kinds},{1_700_000_000 + n}" for n in range(count))
    return "USER_ID,ITEM_ID,EVENT_TYPE,TIMESTAMP\n" + "\n".join(lines) + "\n"


def test_an_interactions_import_needs_a_thousand_rows(tmp_path: Path) -> None:
    assert imported(interactions(), tmp_path, rows(1_000)).event_types == {"kind0"}
    with pytest.raises(ImportFailure, match="999 interactions records: at least 1000"):
        imported(interactions(), tmp_path, rows(999))


def test_event_types_and_optional_columns_are_at_most_ten_together(tmp_path: Path) -> None:
    # EVENT_TYPE itself is an optional column.
    assert imported(interactions(), tmp_path, rows(1_000, kinds=9)).rows == 1_000
    with pytest.raises(ImportFailure, match="10 distinct event types and 1 optional columns"):
        imported(interactions(), tmp_path, rows(1_000, kinds=10))


def test_rows_are_counted_across_files_and_blocks(tmp_path: Path) -> None:
    report = imported(interactions(), tmp_path, rows(600), rows(400_000))
    assert report.rows == 400_600
    assert pq.ParquetFile(tmp_path / "out.parquet").metadata.num_rows == 400_600


def test_a_bad_value_far_down_a_file_is_found_by_its_row(tmp_path: Path) -> None:
    lines = rows(400_000).splitlines()
    lines[399_000] = "u,i,kind,never"
    with pytest.raises(ImportFailure, match=r"'never' .*\(row 399001 of 0\.csv\)"):
        imported(interactions(), tmp_path, "\n".join(lines) + "\n")
