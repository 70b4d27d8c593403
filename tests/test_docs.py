"""Generated pages fail here when stale."""

from pathlib import Path

from checks import docs


def test_no_generated_page_is_stale() -> None:
    assert docs.stale() == [], "run `make docs`"


def test_a_page_that_was_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    for name in docs.PAGES:
        page = (folder / name).resolve()
        page.parent.mkdir(exist_ok=True)
        page.write_text((docs.DOCS / name).read_text())
    (folder / "configuration.md").write_text("edited")
    assert docs.stale(folder) == ["configuration.md"]
