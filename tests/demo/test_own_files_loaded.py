"""Files as people have them: each loads exactly its rows; what was done with them is said."""

from __future__ import annotations

import csv
import dataclasses
import json
import random
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from tests.demo.written import (
    HEADER,
    PACKERS,
    START,
    Content,
    as_read,
    interactions,
    put,
    read,
    rows,
    text,
    zipped,
)

ROWS = rows()
NAMES = [name for name in ("牛乳", "東京りんご", "お茶") for _ in range(1)]
LATIN = ["café", "Müller & Söhne", "crème brûlée"]


def with_names(names: list[str]) -> list[tuple[str, ...]]:
    """Items named beyond ASCII."""
    return [(user, f"{names[n % len(names)]} {n % 30}", at) for n, (user, _, at) in enumerate(ROWS)]


def timed(written: list[str]) -> str:
    return text([(user, item, at) for (user, item, _), at in zip(ROWS, written, strict=True)])


def moments() -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime([int(at) for _, _, at in ROWS], unit="s", utc=True))


@dataclasses.dataclass(frozen=True)
class Case:
    files: dict[str, Content]
    said: tuple[str, ...] = ()
    expected: list[tuple[str, ...]] = dataclasses.field(default_factory=lambda: ROWS)


def extra_field() -> str:
    return text([(*row, "") for row in ROWS], HEADER)


CASES: dict[str, Case] = {
    "a comma at the end of each row": Case(
        {"interactions.csv": extra_field()},
        ("interactions.csv: 1,000 rows end with an extra comma: the empty field is left out",),
    ),
    "a comma at the end of header and rows": Case(
        {"interactions.csv": text([(*row, "") for row in ROWS], (*HEADER, ""))},
        ("1,000 rows end with an extra comma",),
    ),
    "the issue's own trailing comma under four names": Case(
        {
            "interactions.csv": text(
                [(f"{n % 40}", f"{n % 34}", str(START + n), str(START + n + 60), "") for n in range(1000)],
                (*HEADER, "UPDATED_AT"),
            )
        },
        ("extra comma", "columns that are not used: UPDATED_AT"),
        [(f"{n % 40}", f"{n % 34}", str(START + n)) for n in range(1000)],
    ),
    "items and users with a comma at the end": Case(
        {
            "interactions.csv": text(ROWS),
            "items.csv": "ITEM_ID,BRAND\ni0,acme,\ni1,best,\n",
            "users.csv": "USER_ID,AGE\nu0,20-29,\n",
        },
        ("items.csv: 2 rows end with an extra comma", "users.csv: 1 rows end with an extra comma"),
    ),
    "rows that drop their empty last field": Case(
        {
            "interactions.csv": text(
                [row if n % 2 else (*row, "1.5") for n, row in enumerate(ROWS)], (*HEADER, "EVENT_VALUE")
            )
        },
        ("500 rows have fewer fields than the header, such as row 3 with 3 of 4",),
    ),
    "an index column without a name": Case(
        {"interactions.csv": text([(str(n), *row) for n, row in enumerate(ROWS)], ("", *HEADER))},
        ("columns that are not used: (column 1, without a name)",),
    ),
    "a header that repeats inside": Case(
        {"interactions.csv": text(ROWS[:400]) + text(ROWS[400:600]) + text(ROWS[600:])},
        ("the header stands 2 more times inside: left out",),
    ),
    "files with marks, put behind each other": Case(
        {"interactions.csv": text(ROWS[:400]).encode("utf-8-sig") + text(ROWS[400:]).encode("utf-8-sig")},
        ("the header stands 1 more times inside: left out",),
    ),
    "a quoted field that is longer than what is looked at": Case(
        {
            "interactions.csv": text(
                [(*row, "a\n" * 1500 if n == 3 else "b") for n, row in enumerate(ROWS)],
                (*HEADER, "NOTE"),
                delimiter=";",
            )
        },
        ("semicolon-separated",),
    ),
    "JSON lines in a zip archive": Case(
        {
            "interactions.zip": zipped(
                a__jsonl="".join(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n" for row in ROWS)
            )
        },
        ("interactions.zip: 1,000 rows, JSON, UTF-8",),
    ),
    "rows of delimiters only, and blank lines": Case(
        {"interactions.csv": text(ROWS[:10]) + ",,\n\n" + text(ROWS[10:], None) + "\n\n"},
        ("1 rows hold nothing: left out",),
    ),
    "Excel's sep line": Case({"interactions.csv": "sep=;\n" + text(ROWS, delimiter=";")}, ("semicolon",)),
    "two colons": Case(
        {
            "ratings.dat": "".join(f"{u}::{i}::5::{at}\n" for u, i, at in ROWS),
            "mapping.yaml": "interactions: {files: ratings.dat, delimiter: '::', "
            "header: [USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP]}",
        },
    ),
    "no header, named by the mapping": Case(
        {
            "u.data": text([(u, i, "3", at) for u, i, at in ROWS], None, delimiter="\t"),
            "mapping.yaml": "interactions: {files: u.data, header: [USER_ID, ITEM_ID, EVENT_VALUE, TIMESTAMP]}",
        },
        ("u.data: 1,000 rows, tab-separated, UTF-8",),
    ),
    "no header, columns by number": Case(
        {
            "interactions.csv": text(ROWS, None),
            "mapping.yaml": "interactions: {header: none, USER_ID: 1, ITEM_ID: 2, TIMESTAMP: 3}",
        }
    ),
    "a header where the mapping says that there is none": Case(
        {
            "interactions.csv": text(ROWS),
            "mapping.yaml": "interactions: {header: [user_id, item_id, timestamp]}",
        },
        ("the first line is the header that mapping.yaml gives: it is no row",),
    ),
    "quotes as plain text": Case(
        {
            "interactions.csv": "".join(
                f'{u};"{i};{at}\n' for u, i, at in [("USER_ID", "ITEM_ID", "TIMESTAMP"), *ROWS]
            ).replace('"ITEM', "ITEM"),
            "mapping.yaml": "interactions: {quote: none}",
        },
        (),
        [(u, f'"{i}', at) for u, i, at in ROWS],
    ),
    "quotes that a backslash escapes": Case(
        {
            "interactions.csv": "USER_ID,ITEM_ID,TIMESTAMP\n"
            + "".join(f'"{u}","{i} 5\\" x","{at}"\n' for u, i, at in ROWS),
            "mapping.yaml": "interactions: {escape: '\\'}",
        },
        (),
        [(u, f'{i} 5" x', at) for u, i, at in ROWS],
    ),
    "blanks as delimiters": Case(
        {"interactions.txt": text(ROWS, delimiter=" "), "mapping.yaml": "interactions: {delimiter: space}"},
    ),
    "times of a web server's log": Case(
        {
            "interactions.csv": timed(
                [
                    f"{m.tz_convert(('+09:00', '-05:00')[n % 2]):%d/%b/%Y:%H:%M:%S %z}"
                    for n, m in enumerate(moments())
                ]
            ),
            "mapping.yaml": "interactions: {time: {format: '%d/%b/%Y:%H:%M:%S %z'}}",
        },
    ),
    "nulls of MySQL": Case(
        {
            "interactions.csv": text([(*row, r"\N") for row in ROWS], (*HEADER, "EVENT_VALUE")),
            "mapping.yaml": r"interactions: {null: '\N'}",
        }
    ),
    "a zip archive": Case({"interactions.zip": zipped(ratings__csv=text(ROWS))}),
    "a zip archive of two parts": Case(
        {"interactions.csv.zip": zipped(a__csv=text(ROWS[:500]), b__csv=text(ROWS[500:], delimiter="|"))},
        ("interactions.csv.zip: b.csv: 500 rows, pipe-separated", "interactions: 2 files, 1,000 rows"),
    ),
    "files of two years": Case(
        {
            "interactions-2024.csv": text(ROWS[:300]),
            "interactions-2025.csv": text([row[::-1] for row in ROWS[300:]], HEADER[::-1], delimiter=";"),
        },
        ("interactions: 2 files, 1,000 rows", "interactions-2025.csv: 700 rows, semicolon-separated"),
    ),
    "a folder of parts": Case(
        {
            "interactions/part-0.csv": text(ROWS[:500]),
            "interactions/part-1.csv": text(ROWS[500:]),
            "interactions/_SUCCESS": "",
        },
        ("interactions: 2 files, 1,000 rows",),
    ),
    "files by a pattern of the mapping": Case(
        {
            "2024/sales.csv": text(ROWS[:500]),
            "2025/sales.csv": text(ROWS[500:]),
            "readme.txt": "mine",
            "mapping.yaml": "interactions: {files: '*/sales.csv'}",
        },
        ("not read: readme.txt",),
    ),
    "JSON lines": Case(
        {
            "interactions.jsonl": "".join(
                json.dumps({"user_id": u, "item_id": i, "timestamp": int(at)}) + "\n" for u, i, at in ROWS
            )
        }
    ),
    "a JSON list": Case(
        {"interactions.json": json.dumps([dict(zip(HEADER, row, strict=True)) for row in ROWS], indent=1)}
    ),
    "ISO times with Z": Case(
        {"interactions.csv": timed([f"{m:%Y-%m-%dT%H:%M:%SZ}" for m in moments()])},
    ),
    "ISO times of an offset, with milliseconds": Case(
        {
            "interactions.csv": timed(
                [f"{m.tz_convert('+09:00'):%Y-%m-%d %H:%M:%S}.000+09:00" for m in moments()]
            )
        },
    ),
    "times without a zone": Case(
        {"interactions.csv": timed([f"{m:%Y-%m-%d %H:%M:%S}" for m in moments()])},
        ("times without a zone are read as UTC",),
    ),
    "local times of a zone with summer time": Case(
        {
            "interactions.csv": timed(
                [f"{m.tz_convert('Europe/Berlin'):%d.%m.%Y %H:%M}" for m in moments()]
            ).replace("26.10.2025 02", "26.10.2025 02"),
            "mapping.yaml": "interactions: {time: {zone: Europe/Berlin, format: '%d.%m.%Y %H:%M'}}",
        },
        ("times are of the zone Europe/Berlin",),
        # Of the hour that clocks repeat, the first is meant.
        [
            (
                u,
                i,
                str(
                    int(
                        pd.Timestamp(m.tz_convert("Europe/Berlin").tz_localize(None).floor("min"))
                        .tz_localize("Europe/Berlin", ambiguous=True)
                        .timestamp()
                    )
                ),
            )
            for (u, i, _), m in zip(ROWS, moments(), strict=True)
        ],
    ),
    "Japanese local times with slashes and without zeros": Case(
        {
            "interactions.csv": timed(
                [f"{t.year}/{t.month}/{t.day} {t.hour}:{t:%M:%S}" for t in moments().tz_convert("Asia/Tokyo")]
            ),
            "mapping.yaml": "interactions: {time: {zone: Asia/Tokyo}}",
        },
    ),
    "BigQuery's times": Case({"interactions.csv": timed([f"{m:%Y-%m-%d %H:%M:%S} UTC" for m in moments()])}),
    "milliseconds": Case(
        {"interactions.csv": timed([f"{at}123" for _, _, at in ROWS])},
        ("the numbers are epoch milliseconds",),
    ),
    "microseconds": Case(
        {"interactions.csv": timed([f"{at}123456" for _, _, at in ROWS])},
        ("the numbers are epoch microseconds",),
    ),
    "nanoseconds": Case(
        {"interactions.csv": timed([f"{at}123456789" for _, _, at in ROWS])},
        ("the numbers are epoch nanoseconds",),
    ),
    "seconds with a fraction": Case({"interactions.csv": timed([f"{at}.378" for _, _, at in ROWS])}),
    "seconds of numpy.savetxt": Case({"interactions.csv": timed([f"{int(at):.18e}" for _, _, at in ROWS])}),
    "days, compact": Case(
        {"interactions.csv": timed([f"{m:%Y%m%d}" for m in moments()])},
        ("times are days",),
        list(
            {
                (u, i, str(int(m.normalize().timestamp())))
                for (u, i, _), m in zip(ROWS, moments(), strict=True)
            }
        ),
    ),
    "numeric ids with leading zeros": Case(
        {
            "interactions.csv": text(
                [(f"{n % 50:06d}", f"{n % 30:010d}", at) for n, (_, _, at) in enumerate(ROWS)]
            )
        },
        (),
        [(f"{n % 50:06d}", f"{n % 30:010d}", at) for n, (_, _, at) in enumerate(ROWS)],
    ),
    "blanks around fields, NA and null as ids": Case(
        {"interactions.csv": text([(f" {u} ", "NA" if i == "i3" else i, at) for u, i, at in ROWS])},
        (),
        [(u, "NA" if i == "i3" else i, at) for u, i, at in ROWS],
    ),
    "Japanese in UTF-8, the encoding named": Case(
        {
            "interactions.csv": text(with_names(NAMES)),
            "mapping.yaml": "interactions: {encoding: UTF8}",
        },
        ("UTF-8 (as mapping.yaml says)",),
        with_names(NAMES),
    ),
    "Latin-1 where Windows-1252 has no character": Case(
        {"interactions.csv": text(with_names(["caf\x81é"])).encode("latin-1")},
        ("ISO 8859-1",),
        with_names(["caf\x81é"]),
    ),
    "ISO-2022-JP, of seven bits": Case(
        {"interactions.csv": text(with_names(NAMES)).encode("iso2022_jp")},
        ("ISO-2022-JP (guessed: ",),
        with_names(NAMES),
    ),
    "a text of 200,000 characters in another column": Case(
        {
            "interactions.csv": text(
                [(*row, "x" * 200_000 if n == 3 else "y") for n, row in enumerate(ROWS)], (*HEADER, "NOTE")
            )
        },
    ),
    "blanks before quotes": Case(
        {
            "interactions.csv": '"USER_ID", "ITEM_ID", "TIMESTAMP"\n'
            + "".join(f'"{u}", "{i}, x", "{at}"\n' for u, i, at in ROWS)
        },
        (),
        [(u, f"{i}, x", at) for u, i, at in ROWS],
    ),
    "a header with two marks, a blank of no width and letters of full width": Case(
        {
            "interactions.csv": (
                "\ufeff\ufeff" + text(ROWS, ("USER_ID\u200b", "ＩＴＥＭ_ＩＤ", "TIMESTAMP"))
            ).encode()
        },
    ),
    "UTF-16 without a mark": Case({"interactions.csv": text(ROWS).encode("utf-16-le")}, ("UTF-16 (little",)),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_file_loads_exactly_its_rows(tmp_path: Path, case: Case) -> None:
    shop = read(put(tmp_path, case.files))
    assert interactions(shop) == as_read(case.expected)
    notes = "\n".join((*shop.said, *shop.notes))
    assert [words for words in case.said if words not in notes] == []


ENCODINGS = {
    "utf-8": (NAMES, "UTF-8"),
    "utf-8-sig": (NAMES, "UTF-8 with a byte order mark"),
    "utf-16": (NAMES, "UTF-16"),
    "utf-32": (NAMES, "UTF-32"),
    "cp932": (NAMES, "Shift_JIS (cp932) (guessed: "),
    "euc_jp": (NAMES, "EUC-JP (guessed: "),
    "cp1252": (LATIN, "Windows-1252 (cp1252) (guessed: "),
}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_every_dialect_is_detected_and_said(
    tmp_path: Path, delimiter: str, encoding: str, end: str, quoting: int
) -> None:
    names, title = ENCODINGS[encoding]
    # A delimiter inside a field is quoted.
    table = [(u, f"{i}{delimiter}{names[n % 3]}", at) for n, (u, i, at) in enumerate(ROWS)]
    content = text(table, delimiter=delimiter, end=end, quoting=quoting).encode(encoding)
    shop = read(put(tmp_path, {"interactions.csv": content}))
    assert interactions(shop) == as_read(table)
    how = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}[delimiter]
    assert any(
        note.startswith(f"interactions.csv: 1,000 rows, {how}-separated, {title}") for note in shop.said
    )


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("name", ["interactions.csv.{}", "interactions.tsv.{}", "interactions.csv"])
def test_packed_files_are_known_by_their_first_bytes(tmp_path: Path, packing: str, name: str) -> None:
    content = PACKERS[packing](text(ROWS, delimiter=";").encode("utf-16"))
    assert interactions(read(put(tmp_path, {name.format(packing): content}))) == as_read(ROWS)


def test_parquet_in_a_partitioned_folder_keeps_large_numbers(tmp_path: Path) -> None:
    large = 2**62 + 1
    frame = pd.DataFrame(
        {
            "user_id": [large + n % 50 for n in range(1000)],
            "item_id": pd.array([float(n % 30) for n in range(1000)]),
            "at": moments(),
        }
    )
    for day, part in (("2025-10-09", frame[:500]), ("2025-11-01", frame[500:])):
        (tmp_path / "interactions" / f"item_kind={day}").mkdir(parents=True)
        part.to_parquet(tmp_path / "interactions" / f"item_kind={day}" / "part-0.snappy.parquet")
    (tmp_path / "mapping.yaml").write_text(
        "interactions: {TIMESTAMP: at, EVENT_TYPE: item_kind}\n"
        "event_types: {2025-10-09: click, 2025-11-01: purchase}"
    )
    shop = read(tmp_path)
    expected = [(str(large + n % 50), str(n % 30), at) for n, (_, _, at) in enumerate(ROWS)]
    assert interactions(shop) == as_read(expected)
    assert (len(shop.events), len(shop.orders)) == (500, 500)


def test_values_are_kept_as_they_are(tmp_path: Path) -> None:
    values = ["0.004", "", "100000000", "0.0508474576", "1e5"]
    table = [(*row, values[n % 5]) for n, row in enumerate(ROWS)]
    shop = read(put(tmp_path, {"interactions.csv": text(table, (*HEADER, "EVENT_VALUE"))}))
    kept = shop.orders.sort_values("ordered_at").sales_value
    assert kept.iloc[:5].fillna(-1).tolist() == [0.004, -1, 100_000_000, 0.050847458, 100_000]


def test_amounts_of_any_size_are_the_numbers_that_were_written(tmp_path: Path) -> None:
    draw = random.Random(7)
    written = [f"{draw.randrange(10 ** draw.randrange(1, 15))}.{draw.randrange(100):02d}" for _ in ROWS]
    table = [(*row, value) for row, value in zip(ROWS, written, strict=True)]
    shop = read(put(tmp_path, {"interactions.csv": text(table, (*HEADER, "EVENT_VALUE"))}))
    assert shop.orders.sort_values("ordered_at").sales_value.tolist() == [float(value) for value in written]


def test_a_decimal_comma_is_read_where_the_mapping_says_so(tmp_path: Path) -> None:
    table = [(*row, "1.234,56") for row in ROWS]
    mapping = "interactions: {decimal: ','}"
    files: dict[str, Content] = {
        "interactions.csv": text(table, (*HEADER, "EVENT_VALUE"), delimiter=";").encode("cp1252"),
        "mapping.yaml": mapping,
    }
    assert read(put(tmp_path, files)).orders.sales_value.unique().tolist() == [1234.56]


def test_a_query_joins_files_as_text(tmp_path: Path) -> None:
    orders = [(f"{n:05d}", u, at) for n, (u, _, at) in enumerate(ROWS)]
    lines = [(f"{n:05d}", i) for n, (_, i, _) in enumerate(ROWS)]
    mapping = """
tables: {orders: orders.csv, lines: {files: lines.csv.gz, delimiter: tab}}
interactions:
  sql: select customer as user_id, article as item_id, moment as timestamp from orders join lines using (number)
"""
    files: dict[str, Content] = {
        "orders.csv": text(orders, ("number", "customer", "moment"), delimiter=";"),
        "lines.csv.gz": PACKERS["gz"](text(lines, ("number", "article"), delimiter="\t").encode()),
        "mapping.yaml": mapping,
    }
    assert interactions(read(put(tmp_path, files))) == as_read(ROWS)


def test_a_constant_type_and_the_value_of_a_mapping_reach_every_row(tmp_path: Path) -> None:
    mapping = "interactions: {event_type: click, event_value: 2}"
    shop = read(put(tmp_path, {"interactions.csv": text(ROWS), "mapping.yaml": mapping}))
    assert (len(shop.orders), set(shop.events.event_type), set(shop.events.value)) == (0, {"click"}, {2.0})


def test_numbers_of_parquet_are_ids_without_a_fraction(tmp_path: Path) -> None:
    """Floats, which a gap makes of integers, however large; decimals, as databases export them."""
    frame = pd.DataFrame(
        {
            "USER_ID": [float(10**17 + 128 * (n % 50)) for n in range(1000)],
            "ITEM_ID": [Decimal(n % 30).quantize(Decimal("1.000000000")) for n in range(1000)],
            "TIMESTAMP": [float(at) for _, _, at in ROWS],
        }
    )
    frame.to_parquet(tmp_path / "interactions.parquet")
    expected = [(str(10**17 + 128 * (n % 50)), str(n % 30), at) for n, (_, _, at) in enumerate(ROWS)]
    assert interactions(read(tmp_path)) == as_read(expected)


def test_times_of_parquet_keep_their_microseconds(tmp_path: Path) -> None:
    nanoseconds = pd.to_datetime([int(at) * 10**9 + 123_456_789 for _, _, at in ROWS], utc=True)
    frame = pd.DataFrame(ROWS, columns=list(HEADER)).assign(TIMESTAMP=nanoseconds)
    frame.to_parquet(tmp_path / "interactions.parquet")
    first = read(tmp_path).orders.ordered_at.min()
    assert first == pd.Timestamp(f"{pd.Timestamp(START, unit='s')}.123456", tz="UTC")


def test_a_long_id_s_session_fits_the_warehouse(tmp_path: Path) -> None:
    table = [("u" * 254 + f"{n % 30:02d}", item, at) for n, (_, item, at) in enumerate(ROWS)]
    mapping = "interactions: {event_type: click}"
    shop = read(put(tmp_path, {"interactions.csv": text(table), "mapping.yaml": mapping}))
    assert shop.events.session_id.str.len().max() == 256


def test_two_rows_of_a_day_count_once_with_the_largest_value(tmp_path: Path) -> None:
    table = [
        (u, i, f"{m:%Y-%m-%d}", str(n)) for n, ((u, i, _), m) in enumerate(zip(ROWS, moments(), strict=True))
    ]
    table = [*table, (*table[7][:3], "9999"), (*table[7][:3], "1")]
    shop = read(put(tmp_path, {"interactions.csv": text(table, (*HEADER, "EVENT_VALUE"))}))
    assert len(shop.orders) == 1000
    assert shop.orders.sales_value.max() == 9999
    assert any(
        note.startswith("Warning: interactions.csv, row 1,002 (and 1 more)") and "it repeats row 9" in note
        for note in shop.notes
    )
