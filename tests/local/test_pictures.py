"""The pictures of docs/analytics.md: those that `make month PICTURES=docs/pictures` draws, and no others."""

from __future__ import annotations

import re
import struct
import subprocess
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
    assert content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) < 110_000
    assert struct.unpack(">II", content[16:24]) == (pictures.WIDTH, pictures.HEIGHT)


def test_without_a_browser_no_picture_is_touched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pictures.NoBrowser, match="apt-get install chromium"):
        pictures.draw(tmp_path / "page.html", tmp_path / "pictures")
    assert not (tmp_path / "pictures").exists()


def test_the_command_of_the_page_asks_for_them() -> None:
    target = ["make", "-n", "month", "USERS=600", "LOADS=2", "PICTURES=docs/pictures"]
    said = subprocess.run(target, cwd=DOCS.parent, capture_output=True, text=True, check=True).stdout
    [command] = [line for line in said.splitlines() if " -m local month " in line]
    assert command.split("--pictures ")[1:] == ["docs/pictures"]
