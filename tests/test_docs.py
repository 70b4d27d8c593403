"""Generated pages fail here when stale."""

from pathlib import Path

from checks import docs


def test_no_generated_page_is_stale() -> None:
    assert docs.stale() == [], "run `make docs`"


def test_a_page_that_was_edited_by_hand_is_noticed(tmp_path: Path) -> None:
    copies = tmp_path / "docs"
    for name in docs.PAGES:
        (copies / name).resolve().parent.mkdir(exist_ok=True)
        (copies / name).resolve().write_text((docs.DOCS / name).read_text())
    (copies / "configuration.md").write_text("edited")
    assert docs.stale(copies) == ["configuration.md"]
