"""README.md is short, and what it and the other pages written by hand name is there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest

from tests import links

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
PAGES = (
    "README.md",
    "README.ja.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "docs/README.md",
    "docs/deploying.md",
    "docs/operating.md",
    "docs/api.md",
    "docs/analytics.md",
    "docs/gate.md",
    "docs/streaming.md",
    "docs/security.md",
    "docs/multi-account.md",
    "docs/deck.md",
    "docs/deck.ja.md",
)
MOST_WORDS = 700
# Made when something is installed or run.
_MADE = (".venv", ".local", "cdk.out", "vendor/")


def words(text: str) -> list[str]:
    return [word for word in links.without_code(text).split() if re.search(r"\w", word)]


def code(text: str) -> list[str]:
    """Code blocks, and spans of code outside of them."""
    return [*re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE), *spans(text)]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", links.without_code(text))


def made(text: str) -> set[str]:
    """Targets of the commands `make ...`."""
    commands = (
        words
        for part in code(text)
        for words in re.findall(r"\bmake((?: (?:-s|[a-z][a-z0-9-]*|[A-Z0-9_]+=\S+))+)", part)
    )
    return {
        word for command in commands for word in command.split() if re.fullmatch(r"[a-z][a-z0-9-]*", word)
    }


def targets() -> set[str]:
    files = [ROOT / "Makefile", *ROOT.glob("packages/Makefile")]
    return {name for file in files for name in re.findall(r"^([a-z0-9-]+):", file.read_text(), re.MULTILINE)}


def paths(text: str) -> list[str]:
    """Spans that are a path from the root: with a slash inside or at the end, or a file's suffix."""
    named = [span for span in spans(text) if re.fullmatch(r"[\w.-]+(/[\w.-]+)*/?", span)]
    shaped = [
        span for span in named if "/" in span or span.endswith((".py", ".md", ".yaml", ".toml", ".json"))
    ]
    return [span for span in shaped if not span.startswith(_MADE) and "NNNN" not in span]


def keys(text: str) -> list[str]:
    """Spans that are a key of the configuration with its section, without a value."""
    found = [re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)+)(?:: \w+)?", span) for span in spans(text)]
    endings = (".py", ".md", ".yaml", ".toml", ".json", ".out")
    return [match[1] for match in found if match and not match[1].endswith(endings)]


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(words(README.read_text())) <= MOST_WORDS


def test_the_first_screen_is_a_sentence_a_picture_a_command_and_an_answer() -> None:
    first = README.read_text().partition("\n## ")[0]
    assert re.findall(r"^```(\w+)", first, re.MULTILINE) == ["mermaid", "console", "json"]
    assert "```console\n$ make demo\n```" in first
    assert len(words(first)) < 90


def test_the_answer_shown_is_one_of_the_contract() -> None:
    shown = json.loads(re.findall(r"```json\n(.*?)```", README.read_text(), re.DOTALL)[0])
    contract = json.loads((ROOT / "docs" / "openapi.json").read_text())["components"]["schemas"]
    jsonschema.validate(shown, contract["Recommendations"])
    scores = [item["score"] for item in shown["items"]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3  # what its request asks for


@pytest.mark.parametrize("page", PAGES)
def test_every_target_path_and_key_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    assert made(text) - targets() == set()
    assert [path for path in paths(text) if not links.is_there(ROOT, path)] == []
    reference = (ROOT / "docs" / "configuration.md").read_text()
    known = set(re.findall(r"^\| `([\w.]+)", reference, re.MULTILINE))
    modules = [key for key in keys(text) if (ROOT / f"{key.replace('.', '/')}.py").exists()]
    assert [key for key in keys(text) if key not in known and key not in modules] == []


# Decisions and the change log tell what was: their commands may be gone.
NOW = [page for page in links.pages(ROOT) if page.parent.name != "adr" and page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("page", NOW, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_target_that_any_page_names_exists(page: Path) -> None:
    assert made(page.read_text()) - targets() == set()


def test_what_is_not_there_is_noticed() -> None:
    text = (
        "`make nothing ENV=dev`, `config/gone.yaml`, `stacks/gone/`, `api.gone: 1`\n"
        "```console\n$ make -s gone\n```\n"
    )
    assert made(text) == {"nothing", "gone"}
    assert paths(text) == ["config/gone.yaml", "stacks/gone/"]
    assert keys(text) == ["api.gone"]


@pytest.mark.parametrize("page", links.pages(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_resolves(page: Path) -> None:
    assert links.broken(page) == []


def test_a_link_that_leads_nowhere_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Some heading\n[a](gone.md) [b](#some-heading) [c](page.md#gone) [d](https://example.org/x)\n"
    )
    assert links.broken(page) == [f"page.md: {tmp_path / 'gone.md'}", "page.md: page.md#gone"]


@pytest.mark.parametrize("page", links.pages(ROOT), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_row_of_a_table_is_one_line_with_the_cells_of_its_head(page: Path) -> None:
    assert torn(page.read_text()) == []


def test_a_row_that_is_broken_or_lacks_a_cell_is_noticed() -> None:
    table = "| a | b |\n|---|---|\n"
    assert torn(f"{table}| `x\\|y` | 1 |\n\nwords | of text\n```\n| no | table | here |\n```\n") == []
    assert torn(f"{table}| 1 | two\nlines |\n") == ["| 1 | two", "lines |"]
    assert torn(f"{table}| 1 |\n| 1 | 2 | 3 |\n") == ["| 1 |", "| 1 | 2 | 3 |"]


def torn(text: str) -> list[str]:
    """Lines of tables that are no row of their table: a table ends with an empty line (GFM, "Tables")."""
    found: list[str] = []
    for block in links.without_code(text).split("\n\n"):
        lines = block.splitlines()
        head = next(
            (at for at, line in enumerate(lines) if re.fullmatch(r"\|(\s*:?-+:?\s*\|)+\s*", line)), None
        )
        if head is not None:
            width = bars(lines[head])
            found += [line for line in lines[head - 1 :] if bars(line) != width or not line.startswith("|")]
    return found


def bars(line: str) -> int:
    return len(re.findall(r"(?<!\\)\|", line))


def test_every_page_of_docs_is_reached_from_its_index() -> None:
    docs = ROOT / "docs"
    reached: set[Path] = set()
    left = [docs / "README.md"]
    while left:
        page = left.pop()
        if page in reached:
            continue
        reached.add(page)
        left += followed(page) if page.suffix == ".md" else []
    everything = {path for path in docs.rglob("*") if path.is_file()}
    assert everything - reached == set()


def followed(page: Path) -> list[Path]:
    """Files that a page leads to; a link to a folder leads to its files."""
    files: list[Path] = []
    for path, _ in links.targets(page):
        files += [file for file in path.iterdir() if file.is_file()] if path.is_dir() else [path]
    return [file for file in files if file.exists()]
