"""The pictures of docs/analytics.md: those that `make month PICTURES=docs/pictures` draws, and no others."""

from __future__ import annotations

import re
import struct
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dashboards import pages
from local.month import pictures

DOCS = Path(__file__).parents[2] / "docs"
FOLDER = DOCS / "pictures"
EMBEDDED = re.findall(r"^!\[([^\]]+)\]\(pictures/([a-z]+)\.png\)", (DOCS / "analytics.md").read_text(), re.M)


def test_the_page_embeds_each_picture_with_its_words() -> None:
    assert {name: text for text, name in EMBEDDED} == pictures.PAGES and len(EMBEDDED) == len(pictures.PAGES)
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.png" for name in pictures.PAGES}
    assert all("simulated" in text for text in pictures.PAGES.values())


def test_each_picture_is_of_a_page_that_the_dashboards_have() -> None:
    known = {page.id: {visual.id for visual in page.visuals} for page in pages.PAGES}
    assert pictures.PAGES.keys() == pictures.VISUALS.keys()
    assert all(set(shown) <= known[name] for name, shown in pictures.VISUALS.items())


@pytest.mark.parametrize("name", pictures.PAGES)
def test_a_picture_is_small_and_of_the_width_that_is_drawn(name: str) -> None:
    content = (FOLDER / f"{name}.png").read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) < 250_000
    width, height = struct.unpack(">II", content[16:24])
    assert width == pictures.WIDTH and 600 < height < 2000


@pytest.mark.nightly
@pytest.mark.parametrize("name", pictures.PAGES)
def test_a_picture_ends_below_its_last_chart(name: str) -> None:
    *_, last = rows_of((FOLDER / f"{name}.png").read_bytes())
    assert len(set(zip(*[iter(last)] * 3, strict=True))) == 1, (
        "its last row is of one colour: the page's ground"
    )


def rows_of(png: bytes) -> Iterator[bytes]:
    """Rows of an RGB picture of 8 bits (PNG specification, clauses 9.2 and 10)."""
    width, _, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (8, 2)
    chunks, place = b"", 8
    while place < len(png):
        size, name = struct.unpack(">I4s", png[place : place + 8])
        chunks += png[place + 8 : place + 8 + size] if name == b"IDAT" else b""
        place += size + 12
    lines, step = zlib.decompress(chunks), width * 3
    above = bytes(step)
    for start in range(0, len(lines), step + 1):
        above = _unfiltered(lines[start], lines[start + 1 : start + 1 + step], above)
        yield above


def _unfiltered(how: int, line: bytes, above: bytes) -> bytes:
    row = bytearray(line)
    for n, value in enumerate(line):
        left, corner = (row[n - 3], above[n - 3]) if n >= 3 else (0, 0)
        row[n] = (
            value + (0, left, above[n], (left + above[n]) // 2, _paeth(left, above[n], corner))[how]
        ) % 256
    return bytes(row)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min(
        (abs(guess - left), 0, left), (abs(guess - above), 1, above), (abs(guess - corner), 2, corner)
    )[2]


def test_without_a_browser_no_picture_is_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pictures.NoBrowser, match="apt-get install chromium"):
        pictures.draw(tmp_path / "page.html", tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_the_command_of_the_page_asks_for_them() -> None:
    target = ["make", "-n", "month", "USERS=2000", "LOADS=4", "PICTURES=docs/pictures"]
    said = subprocess.run(target, cwd=DOCS.parent, capture_output=True, text=True, check=True).stdout
    [command] = [line for line in said.splitlines() if " -m local month " in line]
    assert command.split("--pictures ")[1:] == ["docs/pictures"]
