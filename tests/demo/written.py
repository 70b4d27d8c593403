"""Tables written as people write them: any delimiter, encoding, line end and packing."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import pandas as pd

from config import settings
from config.settings import Datasets
from local.demo import own_files
from local.demo.problems import OwnFilesRefused
from local.demo.shop import ShopData

NOW = pd.Timestamp("2026-11-24T04:00:00Z")
START = 1_760_000_000
HEADER = ("USER_ID", "ITEM_ID", "TIMESTAMP")
Row = tuple[str, ...]
Content = bytes | str


def rows(count: int = 1_000) -> list[Row]:
    """Users u0 to u49, items i0 to i29, an event each hour."""
    return [(f"u{n % 50}", f"i{n % 30}", str(START + 3_600 * n)) for n in range(count)]


def text(
    table: Sequence[Sequence[str]],
    header: Sequence[str] | None = HEADER,
    *,
    delimiter: str = ",",
    end: str = "\n",
    quoting: int = csv.QUOTE_MINIMAL,
) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([*([header] if header else []), *table])
    return out.getvalue()


def zipped(**members: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "."), content)
    return out.getvalue()


PACKERS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def put(folder: Path, files: dict[str, Content]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode(errors="surrogatepass"))
    return folder


@cache
def _datasets() -> Datasets:
    return settings.load("dev").datasets


def read(folder: Path, datasets: Datasets | None = None) -> ShopData:
    return own_files.read(folder, datasets=datasets or _datasets(), now=NOW)


def refusal(folder: Path, datasets: Datasets | None = None) -> str:
    try:
        read(folder, datasets)
    except OwnFilesRefused as error:
        return "\n".join(error.lines)
    raise AssertionError(f"{folder} was read")


def interactions(shop: ShopData) -> list[tuple[str, str, int]]:
    """(user, item, epoch seconds), of orders and events."""
    orders = shop.orders[["user_id", "item_id", "ordered_at"]].set_axis(["user", "item", "at"], axis=1)
    events = shop.events[["user_id", "item_id", "occurred_at"]].set_axis(["user", "item", "at"], axis=1)
    both = pd.concat([frame for frame in (orders, events) if len(frame)])
    seconds = pd.to_datetime(both["at"], utc=True).map(lambda moment: int(moment.timestamp()))
    return sorted(zip(both.user, both.item, seconds, strict=True))


def as_read(table: Sequence[Row]) -> list[tuple[str, str, int]]:
    return sorted((user, item, int(seconds)) for user, item, seconds, *_ in table)
