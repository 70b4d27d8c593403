"""What Markdown pages link to, and whether it is there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:")


# Examples of an environment's file: a fork may name its environments otherwise.
ENVIRONMENTS = frozenset({"config/dev.yaml", "config/prod.yaml"})


def is_there(root: Path, path: str) -> bool:
    """Whether a path that a page names exists, or is that of an environment."""
    return path in ENVIRONMENTS or (root / path).exists()


def without_code(text: str) -> str:
    """A page without its code blocks."""
    return _FENCE.sub("", text)


def targets(page: Path) -> Iterator[tuple[Path, str]]:
    """(file or folder, anchor or "") of each link into the repository."""
    for target in _LINK.findall(without_code(page.read_text())):
        if not _ELSEWHERE.match(target):
            path, _, anchor = target.partition("#")
            yield ((page.parent / path).resolve() if path else page.resolve()), anchor


def anchors(page: Path) -> set[str]:
    """Of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(page: Path) -> list[str]:
    """Links of the page that lead to no file, or to no heading of it."""
    return [
        f"{page.name}: {path.name}#{anchor}" if anchor else f"{page.name}: {path}"
        for path, anchor in targets(page)
        if not path.exists() or (anchor and anchor not in anchors(path))
    ]


def pages(root: Path) -> list[Path]:
    """What people read first, and docs/. Parts of docs/fidelity/ link as the page that they become part of."""
    docs = [path for path in (root / "docs").rglob("*.md") if path.parent.name != "fidelity"]
    return sorted(
        [*root.glob("*.md"), *docs, root / "lambdas" / "README.md", root / "glue_jobs" / "README.md"]
    )
