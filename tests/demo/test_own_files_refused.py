"""Files that a later stage would refuse: refused before anything is changed, by file, row, column, value and cure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local.demo.problems import OwnFilesRefused
from tests.demo.written import (
    HEADER,
    PACKERS,
    START,
    Content,
    Row,
    as_read,
    interactions,
    put,
    read,
    refusal,
    rows,
    text,
    zipped,
)

ROWS = rows()
VALUED = (*HEADER, "EVENT_VALUE")


def changed(position: int, column: int, value: str, table: Sequence[Row] = ROWS) -> list[Row]:
    row = table[position]
    return [*table[:position], (*row[:column], value, *row[column + 1 :]), *table[position + 1 :]]


def valued(value: str) -> str:
    table = [(*row, "1") for row in ROWS]
    return text(changed(4, 3, value, table), VALUED)


def longer(rows_with_more: dict[int, str]) -> str:
    return text([(*row, rows_with_more[n]) if n in rows_with_more else row for n, row in enumerate(ROWS)])


@dataclass(frozen=True)
class Refused:
    files: dict[str, Content]
    words: tuple[str, ...]


def named(content: Content, *words: str, file: str = "interactions.csv", **others: Content) -> Refused:
    files = {file: content, **{name.replace("__", "."): each for name, each in others.items()}}
    return Refused(files, words if any(".csv" in each for each in words) else (file, *words))


CASES: dict[str, Refused] = {
    "a field more in some rows": named(
        longer({1: "x", 2: "", 7: "y"}), "row 3 (and 1 more)", "Expected 3 fields in line 3, saw 4: quote"
    ),
    "a field more in every row, as R writes row names": named(
        text([(str(n), *row) for n, row in enumerate(ROWS)]),
        "row 2 (and 999 more): every row has 4 fields, the header names 3",
    ),
    "a field more in the users": named(
        text(ROWS), "users.csv, row 3: Expected 2 fields", users__csv="USER_ID,AGE\nu1,3\nu2,3,5\n"
    ),
    "a field more in the items": named(
        text(ROWS),
        "items.csv, row 2: Expected 2 fields in line 2, saw 3: quote fields that hold semicolons",
        items__csv="ITEM_ID;BRAND\ni0;ac;me\ni1;x\n",
    ),
    "a value that no number of the pipeline holds": named(
        valued("1e19"), "row 6, column EVENT_VALUE: 1e19 is above"
    ),
    "an infinite value": named(valued("inf"), "row 6, column EVENT_VALUE: 'inf' is not a number"),
    "a value beyond what a double holds": named(valued("1e999"), "row 6", "'1e999' is not a number"),
    "a value that is NaN": named(valued("nan"), "row 6, column EVENT_VALUE: 'nan' is not a number"),
    "a value of 40 digits": named(valued("9" * 40), "row 6, column EVENT_VALUE", "is above 1e+18"),
    "a decimal comma": named(
        text([(*row, "1,50") for row in ROWS], VALUED, delimiter=";"),
        "row 2 (and 999 more), column EVENT_VALUE: '1,50' is not a number",
        '`decimal: ","` in mapping.yaml',
    ),
    "NUL in an id": named(
        text(changed(2, 0, "u\x001")), "row 4, column USER_ID: 'u\\x001' holds a NUL character"
    ),
    "NUL in a title": named(
        text(ROWS), "items.csv, row 2, column title: 'a\\x00b'", items__csv="item_id,title\ni1,a\x00b\n"
    ),
    "a line break in an id": named(
        text(changed(2, 1, "i\n1")), "row 4, column ITEM_ID: 'i\\n1' holds a line break"
    ),
    "an id of 257 characters": named(
        text(changed(0, 1, "x" * 257)),
        "row 2, column ITEM_ID: the id has 257 characters, Personalize takes 256",
    ),
    "a category of 1,001 characters": named(
        text(ROWS),
        "items.csv, row 2, column BRAND: it has 1,001 characters, Personalize takes 1,000 of a categorical",
        items__csv=f"ITEM_ID,BRAND\ni1,{'x' * 1001}\n",
    ),
    "an event type that no store holds": named(
        text([(*row, "purchase") for row in ROWS[1:]] + [(*ROWS[0], "t" * 257)], (*HEADER, "EVENT_TYPE")),
        "row 1,001, column EVENT_TYPE: the type has 257 characters",
    ),
    "a row below a field of three lines": named(
        text(
            changed(9, 0, "", [(*row, "a\nb\nc" if n == 3 else "d") for n, row in enumerate(ROWS)]),
            (*HEADER, "NOTE"),
        ),
        "row 13, column USER_ID: the id is missing",
    ),
    "the second row of a zone's file": named(
        text(changed(300, 2, "soon")),
        "row 302, column TIMESTAMP: 'soon' is not a time: write epoch seconds (1760000000) or ISO 8601",
        file="interactions/part 2.csv",
        **{"interactions/part__1__csv".replace("__csv", ".csv").replace("__", " "): text(ROWS)},
    ),
    "a time before 1970": named(
        text(changed(3, 2, "0001-01-01")), "row 5, column TIMESTAMP: 0001-01-01 is before 1970"
    ),
    "a negative time": named(
        text(changed(3, 2, "-1")), "row 5, column TIMESTAMP: -1 as epoch seconds is before 1973"
    ),
    "a time that is no unit's": named(text(changed(3, 2, "9" * 25)), "row 5", "is no time in any unit"),
    "a time of the far future": named(
        text(changed(3, 2, "9999-12-31")), "row 5, column TIMESTAMP: 9999-12-31 is in the future"
    ),
    "times that a spreadsheet shortened": named(
        text([(u, i, "1.76E+09") for u, i, _ in ROWS]),
        "row 2 (and 999 more), column TIMESTAMP: 1.76E+09 lost its digits in a spreadsheet",
    ),
    "days and months in either order": named(
        text([(u, i, f"{1 + n % 28:02d}/03/2026") for n, (u, i, _) in enumerate(ROWS)]),
        "row 2 (and 999 more)",
        "say in mapping.yaml which part is the month, such as `time: {format: '%d/%m/%Y'}`",
    ),
    "months first, as the 13th shows": named(
        text([(u, i, f"03/{1 + n % 28:02d}/2026 10:00") for n, (u, i, _) in enumerate(ROWS)]),
        "`time: {format: '%m/%d/%Y %H:%M'}`",
    ),
    "another format than the mapping's": named(
        text(ROWS),
        f"row 2 (and 999 more), column TIMESTAMP: '{START}' is not a time: it doesn't have the format %Y",
        mapping__yaml="interactions: {time: {format: '%Y'}}",
    ),
    "another unit than the mapping's": named(
        text(ROWS),
        f"{START} as epoch milliseconds is not between 1973 and 5138",
        mapping__yaml="interactions: {time: ms}",
    ),
    "no header": named(
        text([(u, i, "3", at) for u, i, at in ROWS], None, delimiter="\t"),
        "its first line (u0, i0, 3, 1760000000) looks like a row, not a header",
        "`interactions: {header: [USER_ID, ITEM_ID, COLUMN_3, TIMESTAMP]}`",
    ),
    "no time": named(
        text([row[:2] for row in ROWS], HEADER[:2]),
        "column TIMESTAMP is missing (it has USER_ID, ITEM_ID) and no column holds times",
    ),
    "other names": named(
        text([(at, i, u) for u, i, at in ROWS], ("t_dat", "article_id", "customer_id"), delimiter=";"),
        "column USER_ID, ITEM_ID, TIMESTAMP is missing (it has t_dat, article_id, customer_id)",
        "`interactions: {USER_ID: customer_id, ITEM_ID: article_id, TIMESTAMP: t_dat}`",
    ),
    "a column named twice": named(
        text([(*row, "x") for row in ROWS], (*HEADER, "USER_ID")),
        "the header names USER_ID twice: rename one",
    ),
    "two columns that may be the user": named(
        text([(*row, "x") for row in ROWS], (*HEADER, "user_id")),
        "USER_ID and user_id are both USER_ID: map one",
    ),
    "a quote that isn't closed": named(
        text(ROWS).replace("u3,i3,", 'u3,"i3,', 1), "row 5: a field begins with \" and doesn't end: close it"
    ),
    "text behind a closing quote": named(
        text(ROWS).replace("u3,i3,", 'u3,"i3"x,', 1), 'row 5: text follows a closing "', "twice"
    ),
    "an empty file": named("", "the file is empty: give a header and rows"),
    "a header only": named("USER_ID,ITEM_ID,TIMESTAMP\n", "the file has no rows below its header"),
    "999 interactions after repeats": named(
        text([*ROWS[:999], ROWS[0]]), "999 interactions count, Personalize needs 1,000: add more"
    ),
    "1,000 interactions of which two are of one second, which the pipeline keeps once": named(
        text([*ROWS[:999], (*ROWS[0][:2], f"{START}.5")]), "999 interactions count, Personalize needs 1,000"
    ),
    "24 users": named(
        text([(f"u{n % 24}", i, at) for n, (_, i, at) in enumerate(ROWS)]),
        "24 users have 2 interactions or more",
    ),
    "one item": named(
        text([(u, "same", at) for u, _, at in ROWS]), "column ITEM_ID: every interaction is with 'same'"
    ),
    "a workbook": named(zipped(**{"xl/workbook.xml": ""}), "save the sheet as CSV", file="interactions.xlsx"),
    "a workbook under another name": named(zipped(**{"xl/workbook.xml": ""}), "it is an Excel workbook"),
    "a name that promises gzip": named(
        text(ROWS), "its name ends in .gz, but it isn't packed so", file="interactions.csv.gz"
    ),
    "gzip that was cut off": named(
        PACKERS["gz"](text(ROWS).encode())[:-30], "it can't be read", file="interactions.csv.gz"
    ),
    "Parquet that is none": named(
        "PAR1 and no more", "it can't be read as Parquet", file="interactions.parquet"
    ),
    "a packed and a plain copy": Refused(
        {"interactions.csv": text(ROWS), "interactions.csv.gz": PACKERS["gz"](text(ROWS).encode())},
        ("interactions.csv and interactions.csv.gz both exist: keep one",),
    ),
    "a file and a folder": Refused(
        {"interactions.csv": text(ROWS), "interactions/a.csv": text(ROWS)},
        ("interactions and interactions.csv both exist: keep one",),
    ),
    "half a character of JSON": named(
        '{"user_id": "\\ud83d", "item_id": "i", "timestamp": 1}\n',
        "row 1: '\\ud83d' is half a character",
        file="interactions.jsonl",
    ),
    "JSON that is cut": named('{"user_id": "a"\n', "row 1: it is not JSON", file="interactions.jsonl"),
    "another encoding than the mapping's": named(
        text(changed(0, 0, "é")).encode("cp1252"),
        "byte 26 is not UTF-8: correct it, or give the file's encoding",
        mapping__yaml="interactions: {encoding: utf-8}",
    ),
    "a month without a day": named(
        text(changed(3, 2, "2026-02")),
        "row 5, column TIMESTAMP: '2026-02' is not a time: write epoch seconds",
    ),
    "points where the mapping says that a comma is the decimal": named(
        text([(*row, ("1.234,5", "1234.56")[n % 2]) for n, row in enumerate(ROWS)], VALUED, delimiter=";"),
        "row 3 (and 499 more), column EVENT_VALUE: '1234.56' is not a number: beside `decimal: \",\"`",
        mapping__yaml="interactions: {decimal: ','}",
    ),
    "two points beside a decimal comma": named(
        valued("1.2.3"), "row 6, column EVENT_VALUE: '1.2.3'", mapping__yaml="interactions: {decimal: ','}"
    ),
    "commas between thousands": named(
        valued("1,234.50"), "'1,234.50' is not a number: write it without commas"
    ),
    "NULL as a value": named(
        valued("NULL"), "'NULL' is not a number: leave it empty, or write `null: ['NULL']` in mapping.yaml"
    ),
    "NULL as a time": named(
        text(changed(3, 2, "NULL")), "'NULL' is not a time: give the time, or remove the row"
    ),
    "a time of 5,000 digits": named(text(changed(3, 2, "9" * 5000)), f"{'9' * 57}... is no time in any unit"),
    "a delimiter that isn't detected": named(
        text(ROWS, delimiter="\x01"), '`interactions: {delimiter: "\\u0001"}`'
    ),
    "ids alone": named(
        "".join(f"{user}\n" for user in ("USER_ID", *(row[0] for row in ROWS))),
        "column ITEM_ID, TIMESTAMP is missing: it has one column, 'USER_ID': export the others too",
    ),
    "columns of fixed width": named(
        "USER_ID   ITEM_ID   TIMESTAMP\n" + "".join(f"{u:<10}{i:<10}{at}\n" for u, i, at in ROWS),
        "of fixed widths",
    ),
    "single quotes": named(
        "'USER_ID','ITEM_ID','TIMESTAMP'\n" + "".join(f"'{u}','{i}','{at}'\n" for u, i, at in ROWS),
        '`interactions: {quote: "\'"}` in mapping.yaml',
    ),
    "a title above the header": named(
        "Sales of 2026\n\n" + text(ROWS),
        "row 1: its first line has 1 field, row 3 has 3: remove what stands above the header",
    ),
    "blanks alone": named("  \n\n \n", "the file is empty: give a header and rows"),
    "JSON under a name of CSV": named('{"user_id": "u", "item_id": "i"}\n', "it is JSON: name it .jsonl"),
    "a page that says that there is no file": named(
        "<!DOCTYPE html><p>404", "it is HTML or XML, not a table"
    ),
    "an archive inside an archive": named(
        zipped(**{"a.zip": zipped(b__csv=text(ROWS))}),  # type: ignore[arg-type]
        "it is an archive inside an archive: unpack it",
        file="interactions.zip",
    ),
    "Parquet inside an archive": named(
        zipped(a__parquet="PAR1"),
        "it is Parquet: name it .parquet, outside an archive",
        file="interactions.zip",
    ),
    "an old workbook under another name": named(
        b"\xd0\xcf\x11\xe0" + bytes(600), "it is an old Excel workbook"
    ),
    "UTF-32 without a mark": named(text(ROWS).encode("utf-32-le"), "it holds zero bytes"),
    "JSON that nests for ever": named("[" * 100_000 + "\n", "it nests too deeply", file="interactions.json"),
    "a JSON object that names a value twice": named(
        '{"user_id": "a", "user_id": "b"}\n',
        "row 1: user_id stands twice: keep one",
        file="interactions.jsonl",
    ),
    "JSON of columns": named(
        '{"user_id": {"0": "a"}, "item_id": {"0": "b"}}',
        "it is one object whose user_id holds the rows: write one object {...} a row",
        file="interactions.json",
    ),
    "JSON of rows under a name": named(
        '{"rows": [{"user_id": "a"}]}', "it is one object whose rows holds the rows", file="interactions.json"
    ),
    "ids of the wrong number of names": named(
        text(ROWS, None),
        "row 1: it has 3 fields, `header` in mapping.yaml names 2",
        mapping__yaml="interactions: {header: [a, b]}",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_is_refused_with_place_and_cure(tmp_path: Path, case: Refused) -> None:
    lines = refusal(put(tmp_path, case.files))
    assert [words for words in case.words if words not in lines] == []
    assert str(tmp_path) not in lines or "both exist" in lines


MAPPINGS = {
    "interactions: {encoding: utf-9}": "encoding is 'utf-9': write utf-8, utf-16, cp932",
    "interactions: {time: {zone: Asia/Tokio}}": "the zone Asia/Tokio is not known: did you mean 'Asia/Tokyo'?",
    "interactions: {time: minutes}": "the unit minutes is not known: use s, ms, us, ns",
    "interactions: {time: {zones: UTC}}": "zones is not known: did you mean 'zone'?",
    "interactions: {time: {unit: ms, format: '%Y'}}": "unit is for numbers, format for text: keep one",
    "interactions: {time: {format: '%Q'}}": "a format has parts such as %Y-%m-%d %H:%M:%S",
    "interactions: {time: {format: days}}": "a format has parts such as %Y-%m-%d %H:%M:%S",
    "interactions: {decimal: ';'}": "decimal is ';': write",
    "interactions: {quote: ab}": "quote is 'ab': write one character, or none",
    "interactions: {header: [A, A, B]}": "write the name of each column in order",
    "interactions: {header: USER_ID}": "write the name of each column in order",
    "interactions: {event_value: much}": "event_value is 'much': write a number",
    "interactions: {USER_ID: [a, b]}": "USER_ID is ['a', 'b']: give the name of a column, or one of the options",
    "interactions: {files: sales.csv}": "files is 'sales.csv', which",
    "interactions: {USER_ID: a, USER_ID: b}": "USER_ID stands twice: keep one",
    "interactions: {sql: select 1}": "sql reads the files under `tables`: name them there",
    "tables: {t: interactions.csv}\ninteractions: {sql: selec 1}": "its query fails: Parser Error",
    "tables: {t: interactions.csv}\ninteractions: {sql: 'select * from read_csv(''/etc/passwd'')'}": "its query fails",
    "tables: {t: interactions.csv}\ninteractions: {sql: select user_id from t}": "column ITEM_ID, TIMESTAMP is missing",
    "tables: {t: nothing.csv}\ninteractions: {sql: select 1}": "files is 'nothing.csv', which",
    "interactions: {event_type: click, EVENT_TYPE: kind}": "event_type is for every row, EVENT_TYPE names a column",
    "users: {USER_ID: id}": "users is mapped, but there is no users.csv: add it, or name its file",
    "interactions: {files: '/**x'}": "files is '/**x', which",
    "interaction: {}": "interaction is not known: did you mean 'interactions'?",
    "a: [": "it is not YAML",
}


@pytest.mark.parametrize("mapping", MAPPINGS)
def test_a_mapping_is_refused_by_key_and_value(tmp_path: Path, mapping: str) -> None:
    files: dict[str, Content] = {"interactions.csv": text(ROWS), "mapping.yaml": mapping}
    assert MAPPINGS[mapping] in refusal(put(tmp_path, files))


def test_the_cure_for_a_missing_header_makes_the_file_load(tmp_path: Path) -> None:
    put(tmp_path, {"interactions.csv": text(ROWS, None)})
    cure = refusal(tmp_path).rpartition("`interactions: ")[2].rstrip("`")
    put(tmp_path, {"mapping.yaml": f"interactions: {cure}"})
    assert interactions(read(tmp_path)) == as_read(ROWS)


def test_the_cure_for_other_names_makes_the_file_load(tmp_path: Path) -> None:
    table = [(i, "x", u, at) for u, i, at in ROWS]
    put(tmp_path, {"interactions.csv": text(table, ("sku", "colour", "visitor", "when"))})
    cure = refusal(tmp_path).rpartition("`interactions: ")[2].rstrip("`")
    put(tmp_path, {"mapping.yaml": f"interactions: {cure}"})
    assert interactions(read(tmp_path)) == as_read(ROWS)


def test_a_refusal_says_how_the_file_was_read(tmp_path: Path) -> None:
    """A wrong guess of the delimiter or the encoding shows there."""
    put(tmp_path, {"interactions.csv": text(ROWS[:10], delimiter=";").encode("utf-16")})
    with pytest.raises(
        OwnFilesRefused, match=r"\(read\) interactions.csv: 10 rows, semicolon-separated, UTF-16"
    ):
        read(tmp_path)


def test_a_file_in_place_of_a_folder_is_told(tmp_path: Path) -> None:
    put(tmp_path, {"interactions.csv": text(ROWS)})
    assert refusal(tmp_path / "interactions.csv").endswith(
        "interactions.csv is a file: give the folder that holds it, and name it interactions.csv there"
    )


def test_times_that_can_t_be_read_are_one_problem_and_no_lack_of_rows(tmp_path: Path) -> None:
    table = [(u, i, f"{1 + n % 28:02d}.03.2026") for n, (u, i, _) in enumerate(ROWS)]
    (line,) = refusal(put(tmp_path, {"interactions.csv": text(table)})).splitlines()
    assert line.startswith(
        "interactions.csv, row 2 (and 999 more), column TIMESTAMP: '01.03.2026' is not a time"
    )


def test_every_problem_of_a_mapping_is_told_at_once(tmp_path: Path) -> None:
    mapping = "interactions: {decimal: x, quote: xx}\nitem: {}"
    put(tmp_path, {"interactions.csv": text(ROWS), "mapping.yaml": mapping})
    assert len(refusal(tmp_path).splitlines()) == 3


def test_a_name_that_parquet_has_twice_is_refused(tmp_path: Path) -> None:
    columns = [pa.array(["a"] * 3)] * 3
    pq.write_table(
        pa.Table.from_arrays(columns, names=["USER_ID", "USER_ID", "ITEM_ID"]),
        tmp_path / "interactions.parquet",
    )
    assert "interactions.parquet: a column is named USER_ID, and it stands twice: rename one" in refusal(
        tmp_path
    )


def test_a_name_that_parquet_and_its_folder_have_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "interactions" / "ITEM_ID=7"
    folder.mkdir(parents=True)
    names = ["USER_ID", "ITEM_ID", "TIMESTAMP"]
    pq.write_table(pa.Table.from_arrays([pa.array(["1"])] * 3, names=names), folder / "part-0.parquet")
    assert "a column is named ITEM_ID, and a folder has it too: rename one" in refusal(tmp_path)
