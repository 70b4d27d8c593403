"""A person's own files: what is read, and what is refused with which words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from local.demo import own_files
from local.demo.problems import OwnFilesRefused
from local.demo.shop import EVENT_COLUMNS, ORDER_COLUMNS, ShopData
from tests import example

NOW = pd.Timestamp("2026-11-24T04:00:00Z")
SECONDS = int(NOW.timestamp()) - 90 * 86400


def good_interactions(rows: int = 1200) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "USER_ID": [f"u{n % 60}" for n in range(rows)],
            "ITEM_ID": [f"i{n % 37}" for n in range(rows)],
            "TIMESTAMP": [str(SECONDS + n * 3600) for n in range(rows)],
            "EVENT_TYPE": ["purchase" if n % 3 else "click" for n in range(rows)],
            "EVENT_VALUE": [f"{n % 7}.5" for n in range(rows)],
        }
    )


def users() -> pd.DataFrame:
    return pd.DataFrame({"user_id": ["u0", "u1", "nobody"], "Age": ["20-29", None, "60+"]})


def items() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "ITEM_ID": ["i0", "i1"],
            "CATEGORY_L1": ["tools", None],
            "TITLE": ["Hammer", "Saw"],
            "COLOUR": ["r", "b"],
        }
    )


def write(folder: Path, interactions: pd.DataFrame | None = None, **others: pd.DataFrame | str) -> Path:
    (good_interactions() if interactions is None else interactions).to_csv(
        folder / "interactions.csv", index=False
    )
    for name, content in others.items():
        if isinstance(content, str):
            (folder / "mapping.yaml").write_text(content)
        else:
            content.to_csv(folder / f"{name}.csv", index=False)
    return folder


def read(folder: Path) -> ShopData:
    return own_files.read(folder, datasets=example.settings().datasets, now=NOW)


def refusal(folder: Path) -> list[str]:
    with pytest.raises(OwnFilesRefused) as caught:
        read(folder)
    assert "nothing was changed" in str(caught.value)
    return caught.value.lines


def test_orders_and_events_are_told_apart_by_their_type(tmp_path: Path) -> None:
    shop = read(write(tmp_path))
    assert list(shop.orders.columns) == ORDER_COLUMNS
    assert list(shop.events.columns) == EVENT_COLUMNS
    assert (len(shop.orders), len(shop.events)) == (800, 400)
    assert shop.events.event_type.unique().tolist() == ["click"]
    assert not shop.events.simulated.any()
    first = shop.orders.sort_values("ordered_at").iloc[0]
    assert (first.user_id, first.item_id, first.sales_value) == ("u1", "i1", 1.5)
    assert first.ordered_at == pd.Timestamp(SECONDS + 3600, unit="s", tz="UTC")


def test_metadata_reaches_the_application_s_columns_and_unlisted_ids_are_added(tmp_path: Path) -> None:
    shop = read(write(tmp_path, users=users(), items=items()))
    people = shop.users.set_index("user_id")
    assert (len(people), people.age["u0"], people.age["nobody"]) == (61, "20-29", "60+")
    assert pd.isna(people.age["u1"]) and pd.isna(people.age["u59"])
    things = shop.items.set_index("item_id")
    assert (len(things), things.department["i0"], things.title["i1"], things.title["i2"]) == (
        37,
        "tools",
        "Saw",
        "i2",
    )
    assert things.created_at.notna().all()


def test_columns_are_found_in_any_case_and_by_mapping(tmp_path: Path) -> None:
    renamed = good_interactions().rename(
        columns={
            "USER_ID": "customer",
            "ITEM_ID": "item_id",
            "TIMESTAMP": "Timestamp",
            "EVENT_TYPE": "action",
        }
    )
    renamed["action"] = renamed.action.replace("click", "watch")
    mapping = "interactions: {user_id: customer, EVENT_TYPE: action}\nevent_types: {watch: click}\n"
    shop = read(write(tmp_path, renamed, mapping=mapping))
    assert (len(shop.orders), len(shop.events)) == (800, 400)


def test_parquet_with_numbers_and_times_is_read_as_the_csv_is(tmp_path: Path) -> None:
    frame = good_interactions()
    frame["TIMESTAMP"] = pd.to_datetime(frame.TIMESTAMP.astype("int64"), unit="s", utc=True)
    frame["EVENT_VALUE"] = frame.EVENT_VALUE.astype(float)
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    frame.to_parquet(tmp_path / "parquet" / "interactions.parquet")
    pd.testing.assert_frame_equal(read(tmp_path / "parquet").orders, read(write(tmp_path / "csv")).orders)


def test_milliseconds_are_the_times_that_seconds_are(tmp_path: Path) -> None:
    frame = good_interactions()
    (tmp_path / "s").mkdir()
    (tmp_path / "ms").mkdir()
    shop = read(write(tmp_path / "ms", frame.assign(TIMESTAMP=frame.TIMESTAMP + "000")))
    pd.testing.assert_frame_equal(shop.orders, read(write(tmp_path / "s", frame)).orders)
    assert "interactions.csv: TIMESTAMP: the numbers are epoch milliseconds" in shop.said


def test_rows_that_repeat_another_count_once_and_are_told(tmp_path: Path) -> None:
    frame = good_interactions()
    shop = read(write(tmp_path, pd.concat([frame, frame.iloc[[4, 7]]])))
    assert (len(shop.orders), len(shop.events)) == (800, 400)
    assert (
        "Warning: interactions.csv, row 1,202 (and 1 more), column USER_ID, ITEM_ID, EVENT_TYPE, TIMESTAMP: "
        "it repeats row 6: such rows count once, with the largest value"
    ) in shop.notes


def test_blank_lines_at_the_end_are_no_rows(tmp_path: Path) -> None:
    path = write(tmp_path) / "interactions.csv"
    path.write_text(path.read_text() + "\n\n")
    assert len(read(tmp_path).orders) == 800


def cell(row: int, column: str, value: object) -> Callable[[], pd.DataFrame]:
    def change() -> pd.DataFrame:
        frame = good_interactions()
        frame.loc[row, column] = value
        return frame

    return change


MISTAKES: list[tuple[Callable[[], pd.DataFrame], list[str]]] = [
    (
        cell(10, "TIMESTAMP", "yesterday"),
        [
            "interactions.csv, row 12, column TIMESTAMP: 'yesterday' is not a time: "
            "write epoch seconds (1760000000) or ISO 8601 (2026-01-31T12:00:00Z)"
        ],
    ),
    (
        cell(10, "TIMESTAMP", "20260131"),
        [
            "interactions.csv, row 12, column TIMESTAMP: 20260131 as epoch seconds is before 1973: "
            "write epoch seconds (1760000000) or ISO 8601"
        ],
    ),
    (
        cell(0, "TIMESTAMP", "2031-01-01"),
        [
            "interactions.csv, row 2, column TIMESTAMP: 2031-01-01 is in the future "
            "(now is 2026-11-24T04:00:00Z): correct it"
        ],
    ),
    (
        cell(3, "TIMESTAMP", None),
        ["interactions.csv, row 5, column TIMESTAMP: the time is missing: give it in epoch seconds"],
    ),
    (
        cell(99, "USER_ID", "  "),
        ["interactions.csv, row 101, column USER_ID: the id is missing: give it, or remove the row"],
    ),
    (
        cell(1199, "ITEM_ID", None),
        ["interactions.csv, row 1,201, column ITEM_ID: the id is missing: give it, or remove the row"],
    ),
    (
        cell(1, "ITEM_ID", "x" * 300),
        [
            "interactions.csv, row 3, column ITEM_ID: the id has 300 characters, Personalize "
            "takes 256: shorten it"
        ],
    ),
    (
        cell(1, "EVENT_TYPE", None),
        ["interactions.csv, row 3, column EVENT_TYPE: it is empty: give the type"],
    ),
    (
        cell(1, "EVENT_VALUE", "dear"),
        ["interactions.csv, row 3, column EVENT_VALUE: 'dear' is not a number: correct it"],
    ),
    (
        lambda: good_interactions(999),
        ["interactions.csv: 999 interactions count, Personalize needs 1,000: add more"],
    ),
    (
        lambda: good_interactions().assign(USER_ID=[f"u{n % 24}" for n in range(1200)]),
        [
            "interactions.csv, column USER_ID: 24 users have 2 interactions or more, "
            "Personalize needs 25: add more"
        ],
    ),
    (
        lambda: good_interactions().assign(EVENT_TYPE="watch"),
        [
            "interactions.csv, column EVENT_TYPE: 0 interactions count, Personalize needs "
            "1,000: add more; event "
            "types that don't count: 'watch' (1,200 rows): map them to one of purchase, "
            "click, favourite under "
            "event_types in mapping.yaml, or list them in datasets.interactions.events",
            "interactions.csv, column USER_ID: 0 users have 2 interactions or more, "
            "Personalize needs 25: add more",
        ],
    ),
    (
        lambda: good_interactions().drop(columns="TIMESTAMP"),
        [
            "interactions.csv: column TIMESTAMP is missing (it has USER_ID, ITEM_ID, "
            "EVENT_TYPE, EVENT_VALUE) and no column holds times: Personalize needs the time of each "
            "interaction, so export it too"
        ],
    ),
    (
        lambda: good_interactions().iloc[:0],
        ["interactions.csv: the file has no rows below its header: add them"],
    ),
    (
        users,
        ["interactions.csv: it has no ITEM_ID, TIMESTAMP and looks like the users file: swap the two names"],
    ),
    (
        items,
        ["interactions.csv: it has no USER_ID, TIMESTAMP and looks like the items file: swap the two names"],
    ),
]


@pytest.mark.parametrize(("interactions", "lines"), MISTAKES)
def test_a_mistake_in_the_interactions_names_row_column_and_cure(
    tmp_path: Path, interactions: Callable[[], pd.DataFrame], lines: list[str]
) -> None:
    assert refusal(write(tmp_path, interactions())) == lines


OTHER_MISTAKES: list[tuple[dict[str, pd.DataFrame | str], list[str]]] = [
    (
        {"users": items(), "items": users()},
        [
            "users.csv: it has no USER_ID and looks like the items file: swap the two names",
            "items.csv: it has no ITEM_ID and looks like the users file: swap the two names",
        ],
    ),
    (
        {"items": good_interactions(3)},
        [
            "items.csv: it has USER_ID, ITEM_ID and TIMESTAMP and looks like the interactions file: "
            "swap the two names"
        ],
    ),
    (
        {"users": pd.DataFrame({"USER_ID": ["a", "b", "a"]})},
        ["users.csv, row 4, column USER_ID: it repeats row 2: remove one of them"],
    ),
    (
        {"items": pd.DataFrame({"ITEM_ID": ["a", None], "BRAND": ["x", "y"]})},
        ["items.csv, row 3, column ITEM_ID: the id is missing: give it, or remove the row"],
    ),
    (
        {"items": pd.DataFrame({"ITEM_ID": ["a"], "CREATION_TIMESTAMP": ["1927-01-10"]})},
        [
            "items.csv, row 2, column CREATION_TIMESTAMP: 1927-01-10 is before 1970, Personalize takes "
            "times since then: leave it empty"
        ],
    ),
    (
        {"mapping": "interactions: {USER_ID: USER}"},
        [
            "mapping.yaml, column USER: USER_ID is mapped to 'USER', which interactions.csv lacks: "
            "did you mean 'USER_ID'?"
        ],
    ),
    (
        {"mapping": "interaction: {}"},
        ["mapping.yaml: interaction is not known: did you mean 'interactions'?"],
    ),
    (
        {"mapping": "interactions: [USER_ID]"},
        ["mapping.yaml: write `interactions: {USER_ID: your_column, ...}`, likewise users, items"],
    ),
]


@pytest.mark.parametrize(("files", "lines"), OTHER_MISTAKES)
def test_a_mistake_in_another_file_names_it_and_its_cure(
    tmp_path: Path, files: dict[str, pd.DataFrame | str], lines: list[str]
) -> None:
    assert refusal(write(tmp_path, **files)) == lines


def test_a_folder_without_interactions_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "sales.csv").write_text("a,b\n1,2\n")
    assert refusal(tmp_path) == [
        f"{tmp_path}: there is no interactions.csv or interactions.parquet (it holds "
        "sales.csv): name your file so, or name it in mapping.yaml: `interactions: {files: sales.csv}`"
    ]
    (missing,) = refusal(tmp_path / "nowhere")
    assert missing.startswith(f"there is no folder {tmp_path / 'nowhere'}: ")


def test_two_files_of_one_table_are_refused(tmp_path: Path) -> None:
    write(tmp_path)
    good_interactions().to_parquet(tmp_path / "interactions.parquet")
    assert refusal(tmp_path) == [
        f"{tmp_path}: interactions.csv and interactions.parquet both exist: keep one"
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "interactions.csv: the file is empty: give a header and rows"),
        (
            b"USER_ID,ITEM_ID,TIMESTAMP\na,b,1\na,b,c,d\n",
            "interactions.csv, row 3: Expected 3 fields in line 3, saw 4: quote fields that hold commas",
        ),
        (
            "USER_ID,ITEM_ID,TIMESTAMP\na,é,1760000000\na,ö,1760000000\nb,".encode() + b"\xe9,1760000000\n",
            "interactions.csv: byte 60 is not UTF-8, but most other text is: correct it there, or save the "
            "file as UTF-8",
        ),
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path: Path, content: bytes, line: str) -> None:
    (tmp_path / "interactions.csv").write_bytes(content)
    assert refusal(tmp_path) == [line]


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    frame = good_interactions()
    frame.loc[3, "USER_ID"] = None
    frame.loc[5, "TIMESTAMP"] = "soon"
    lines = refusal(write(tmp_path, frame, users=pd.DataFrame({"USER_ID": ["a", "a"]})))
    assert [line.split(":")[0] for line in lines] == [
        "interactions.csv, row 5, column USER_ID",
        "interactions.csv, row 7, column TIMESTAMP",
        "users.csv, row 3, column USER_ID",
    ]
