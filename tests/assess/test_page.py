"""The page asks nobody for anything, shows what the data hold as text, and is the same on every run."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from assess import telling
from assess.__main__ import main
from assess.assessment import Options, assess
from assess.document import Bar, Bars, Code, Columns, Document, Part, Section, Table, Text
from assess.markdown import markdown
from assess.page import page
from assess.words import LANGUAGES, Words
from tests import example
from tests.assess import shops

HOSTILE = '<script>alert(1)</script>" onload="x'
OUT = ("assessment.html", "assessment.md", "assessment.json")


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "rect", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("meta", "rect", "path"):
            assert self.open.pop() == tag


def tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = _Tags()
    parser.feed(html)
    assert parser.open == []
    return parser.tags


def document() -> Document:
    bars = (Bar(HOSTILE, 0.5, HOSTILE, 0.4, 0.6, strong=True), Bar("b", 0.0, "0"))
    blocks = (
        Text(HOSTILE, "bad"),
        Table((HOSTILE, "n"), [(HOSTILE, "1|2")]),
        Bars(HOSTILE, bars),
        Columns("c", bars),
        Code(HOSTILE),
    )
    return Document(
        "en",
        HOSTILE,
        (Text("lead", "good"),),
        (Section("one", "One", (Part("", blocks),)),),
        "Contents",
        "foot",
    )


def test_what_data_hold_is_text() -> None:
    found = tags(page(document()))
    assert "script" not in {tag for tag, _ in found}
    assert [name for _, attributes in found for name in attributes if name.startswith("on")] == []


def test_nothing_is_asked_of_anybody() -> None:
    found = tags(page(document()))
    fetching = {"src", "srcset", "data", "poster", "action", "xlink:href"}
    assert [a for _, attributes in found for a in attributes if a in fetching] == []
    assert {a["href"] for tag, a in found if "href" in a} == {"#main", "#one"}
    policy = next(a["content"] for tag, a in found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy and policy.startswith("default-src 'none'")


def test_whatever_scrolls_can_be_reached_by_keyboard() -> None:
    found = tags(page(document()))
    scrolls = [a for tag, a in found if a.get("class") == "scroll" or tag == "pre"]
    assert len(scrolls) == 4 and {a.get("tabindex") for a in scrolls} == {"0"}
    assert all(a.get("aria-label") for tag, a in found if tag == "svg")


def test_markdown_keeps_cells_apart() -> None:
    text = markdown(document())
    assert '| \\<script>alert(1)\\</script>" onload="x | 1\\|2 |' in text


@pytest.fixture(scope="module")
def too_few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("few")
    return shops.write(folder, shops.interactions(events=400), items=shops.catalogue())


@pytest.mark.parametrize("language", LANGUAGES)
def test_data_that_are_not_enough_get_the_first_section_alone(
    tmp_path: Path, too_few: Path, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(too_few), "--out", str(tmp_path), "--language", language]) == 2
    found = json.loads((tmp_path / OUT[2]).read_text())
    assert found["stopped"] is True and found["config"] is None
    assert found["shape"]["interactions"] == 400
    html = (tmp_path / OUT[0]).read_text()
    assert f'lang="{language}"' in html
    assert [a["id"] for tag, a in tags(html) if tag == "section"] == ["enough"]
    said = {"en": "400 interactions, Personalize needs 1,000", "ja": "インタラクションは400件です。"}
    assert said[language] in capsys.readouterr().out


def test_periods_shorter_than_a_day_have_names_of_their_own(tmp_path: Path) -> None:
    main([str(shops.write(tmp_path, shops.interactions(events=400, days=3))), "--out", str(tmp_path / "out")])
    text = (tmp_path / "out" / "assessment.md").read_text()
    table = text.partition("| Interactions over time |")[2].partition("\n\n")[0]
    names = [line.split("|")[1].strip() for line in table.splitlines()[2:]]
    assert len(names) > 20 and len(set(names)) == len(names)


def test_a_second_run_writes_the_same_bytes(tmp_path: Path, too_few: Path) -> None:
    for name in ("first", "second"):
        main([str(too_few), "--out", str(tmp_path / name)])
    for name in OUT:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_a_folder_that_nobody_named_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["", "--out", str(tmp_path / "out")])
    assert ended.value.code == 2 and not (tmp_path / "out").exists()
    assert "make assess DATA=folder" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "no"), "--out", str(tmp_path / "out")]) == 2
    assert "there is no folder" in capsys.readouterr().out


@pytest.mark.nightly
def test_whole_data_get_every_section_and_the_same_page_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OSUSUME_CONFIG", str(example.CONFIG))
    rows = shops.interactions(events=1100, users=40, items=30)
    folder = shops.write(tmp_path, rows, items=shops.catalogue(30), users=shops.members(40))
    options = Options(settings=example.settings(), now=pd.Timestamp(shops.NOW), user="u007")
    first, second = (telling.told(assess(folder, options), Words.of("ja")) for _ in range(2))
    assert [section.key for section in first.sections] == ["enough", "outcome", "lists", "cost", "config"]
    assert page(first) == page(second)
    assert "u007" in markdown(first)
