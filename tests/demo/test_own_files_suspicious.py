"""What is allowed in a person's files and looks wrong loads with a warning; what is fine has none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.demo.written import HEADER, START, Content, Row, put, read, rows, text

ROWS = rows()
TYPED = (*HEADER, "EVENT_TYPE")


def each(change: Callable[[int, Row], Row]) -> str:
    return text([change(n, row) for n, row in enumerate(ROWS)])


def valued(value: str) -> str:
    return text([(*row, value if n == 4 else "1") for n, row in enumerate(ROWS)], (*HEADER, "EVENT_VALUE"))


CASES: dict[str, tuple[dict[str, Content], str]] = {
    "000012 beside 12": (
        {"interactions.csv": each(lambda n, row: (("000012", "12")[n % 2] if n < 40 else row[0], *row[1:]))},
        "interactions.csv, row 3 (and 19 more), column USER_ID: '12' stands beside '000012': they are two ids (1 such)",
    ),
    "ids of two cases": (
        {"interactions.csv": each(lambda n, row: (row[0], "I3" if n == 3 else row[1], row[2]))},
        "column ITEM_ID: 'i3' stands beside 'I3'",
    ),
    "decimals as ids": (
        {"interactions.csv": each(lambda n, row: (f"{n % 50}.000000000", *row[1:]))},
        "row 2 (and 999 more), column USER_ID: '0.000000000' is an id with decimals",
    ),
    "ids that a spreadsheet shortened": (
        {"interactions.csv": each(lambda n, row: (row[0], "4.90123E+12" if n == 5 else row[1], row[2]))},
        "row 7, column ITEM_ID: '4.90123E+12' is an id that a spreadsheet shortened",
    ),
    "ids that look like code": (
        {"interactions.csv": each(lambda n, row: (f"{{'id': '{row[0]}'}}", *row[1:]))},
        "column USER_ID: \"{'id': 'u0'}\" is an id that looks like code",
    ),
    "ids of other digits, of commas and of another form of Unicode": (
        {
            "interactions.csv": each(
                lambda n, row: (
                    {1: "1,234", 2: "1234", 3: "１２３４", 4: "cafe\u0301", 5: "café"}.get(n, row[0]),
                    *row[1:],
                )
            )
        },
        "row 4, column USER_ID: '1234' stands beside '1,234': they are two ids (3 such)",
    ),
    "a blank of no width": (
        {"interactions.csv": each(lambda n, row: ("u3\u200b" if n == 3 else row[0], *row[1:]))},
        r"row 5, column USER_ID: 'u3\u200b' holds a character that nobody sees",
    ),
    "ids that a spreadsheet shortened with a comma": (
        {"interactions.csv": each(lambda n, row: (row[0], "4,90123E+12" if n == 5 else row[1], row[2]))},
        "row 7, column ITEM_ID: '4,90123E+12' is an id that a spreadsheet shortened",
    ),
    "ids that a spreadsheet quoted": (
        {"interactions.csv": each(lambda n, row: (f'="{n % 50:03d}"', *row[1:]))},
        "is an id in quotes of a spreadsheet: give what is inside",
    ),
    "an error of a spreadsheet as an id": (
        {"interactions.csv": each(lambda n, row: ("#N/A" if n == 9 else row[0], *row[1:]))},
        "row 11, column USER_ID: '#N/A' is an id that stands for nothing",
    ),
    "nan as a category": (
        {
            "interactions.csv": text(ROWS),
            "items.csv": text([(f"i{n}", ("nan", "acme")[n % 2]) for n in range(30)], ("ITEM_ID", "BRAND")),
        },
        "items.csv, row 2 (and 14 more), column BRAND: 'nan' is kept as a text: leave it empty, or write",
    ),
    "null as an id": (
        {"interactions.csv": each(lambda n, row: ("null" if n == 9 else row[0], *row[1:]))},
        "row 11, column USER_ID: 'null' is an id that stands for nothing",
    ),
    "items that the interactions never meet": (
        {
            "interactions.csv": each(lambda n, row: (row[0], f"{n % 30:06d}", row[2])),
            "items.csv": text([(str(n), "acme") for n in range(30)], ("ITEM_ID", "BRAND")),
        },
        "items.csv, column ITEM_ID: 0 of the 30 ids in interactions.csv are in it: the others get no metadata"
        " ('000000' there, '0' here)",
    ),
    "users that the interactions hardly meet": (
        {"interactions.csv": text(ROWS), "users.csv": "USER_ID,AGE\nu1,20\nU2,30\n"},
        "users.csv, column USER_ID: 1 of the 50 ids in interactions.csv are in it",
    ),
    "one user with most events": (
        {"interactions.csv": each(lambda n, row: ("u1" if n % 3 else row[0], *row[1:]))},
        "'u1' has 673 of the 1,000 events",
    ),
    "a user who is nobody": (
        {"interactions.csv": each(lambda n, row: ("guest" if n % 10 == 0 else row[0], *row[1:]))},
        "'guest' has 100 of the 1,000 events",
    ),
    "all events at one second": (
        {"interactions.csv": each(lambda n, row: (row[0], f"i{n}", str(START)))},
        "1,000 of the 1,000 events are at 2025-10-09T08:53:20Z",
    ),
    "a type that vanishes half-way": (
        {
            "interactions.csv": text(
                [(*row, "click" if n < 500 and n % 2 else "purchase") for n, row in enumerate(ROWS)], TYPED
            )
        },
        "the last 'click' is of 2025-10-30, the newest event of 2025-11-19: is a part of the export missing?",
    ),
    "milliseconds in a part of the rows": (
        {"interactions.csv": each(lambda n, row: (*row[:2], row[2] + "000" if n in (5, 8) else row[2]))},
        "row 7 (and 1 more), column TIMESTAMP: 1760018000000 is in milliseconds, most are in seconds: read by its size",
    ),
    "a type that doesn't count": (
        {"interactions.csv": text([*((*row, "purchase") for row in ROWS), (*ROWS[0], "Purchase")], TYPED)},
        "column EVENT_TYPE: event types that don't count: 'Purchase' (1 rows): map them to one of purchase",
    ),
    "a type that the mapping names and no row has": (
        {
            "interactions.csv": text(ROWS),
            "mapping.yaml": "event_types: {view: click}\ninteractions: {event_type: click}",
        },
        "mapping.yaml: event_types maps 'view', which no row has",
    ),
    "a value below the decimals that are kept": (
        {"interactions.csv": valued("1e-12")},
        "row 6, column EVENT_VALUE: 1e-12 has more than 9 decimals and is rounded to them",
    ),
    "a negative value": ({"interactions.csv": valued("-5")}, "row 6, column EVENT_VALUE: -5 is negative"),
    "a character that was lost": (
        {"interactions.csv": each(lambda n, row: (row[0], "caf\ufffd" if n == 2 else row[1], row[2]))},
        "row 4, column ITEM_ID: 'caf\ufffd' holds a character that was lost",
    ),
}


@pytest.mark.parametrize(("files", "warning"), CASES.values(), ids=CASES.keys())
def test_what_looks_wrong_loads_with_a_warning(
    tmp_path: Path, files: dict[str, Content], warning: str
) -> None:
    shop = read(put(tmp_path, files))
    warnings = [note for note in shop.notes if note.startswith("Warning: ")]
    assert [note for note in warnings if warning in note] != [], warnings
    assert len(shop.orders) + len(shop.events) >= 1000


def test_a_sound_shop_has_no_warning(tmp_path: Path) -> None:
    files: dict[str, Content] = {
        "interactions.csv": text([(*row, ("click", "purchase")[n % 2]) for n, row in enumerate(ROWS)], TYPED),
        "items.csv": text([(f"i{n}", "acme") for n in range(30)], ("ITEM_ID", "BRAND")),
        "users.csv": text([(f"u{n}", "20-29") for n in range(50)], ("USER_ID", "AGE")),
    }
    notes = read(put(tmp_path, files)).notes
    assert [note for note in notes if note.startswith("Warning")] == []
