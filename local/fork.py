"""`make fork DIR=../acme NAME=acme`: the template under a name of its own, with the laptop runtime as wheels.

A fork holds what a company changes: no packages/, their wheels in vendor/ instead, the product's name everywhere,
a git history of its own, and vendor/origin.json, which says what it was made from. It is written whole or not at all.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

from local.repository import REPOSITORY
from osusume_endpoint import paths

# What makes, maintains and measures the runtime, and this.
LEFT_OUT = (
    "packages/",
    "bench/gate.py",
    "bench/RESULTS-gate.md",
    "local/fork.py",
    "tests/local/test_fork.py",
    "tests/test_cycles.py",
    "tests/test_docstrings.py",
    "tests/test_packages.py",
    "CHANGELOG.md",
)
# What others have to be told in the words of who wrote it.
AS_IT_IS = ("LICENSE", "NOTICE")
# Pages that lead to everything, and their lines that lead to what is left out.
LEADING = (
    "README.md",
    "README.ja.md",
    "CONTRIBUTING.md",
    "docs/README.md",
    "docs/deck.md",
    "docs/deck.ja.md",
    "docs/fidelity.md",
    "docs/fidelity/personalize.md",
    "docs/gate.md",
)
_TO_WHAT_IS_LEFT_OUT = re.compile(r"packages/|make (?:fork|wheels)\b|CHANGELOG\.md|bench/RESULTS-gate\.md")
ORIGIN = "vendor/origin.json"
NAME = re.compile(r"[a-z][a-z0-9]{1,15}")  # what `app` of a configuration may be
PRODUCT = "osusume"
# The runtime keeps its name: distributions and modules, what it calls routes and permissions, where files lodge.
_OF_THE_RUNTIME = r"(?<!/_)(?<!/var/lib/)%s(?![_-](?:endpoint|engine)\b)(?!:(?:Fire|Inject))(?!_local_)"
_RENAMED = re.compile(_OF_THE_RUNTIME % PRODUCT)
_VARIABLES = re.compile(rf"\b{PRODUCT.upper()}_(?=(?:ENV|API_URL)\b)")


class ForkRefused(ValueError):
    """A fork that can't be written; the message names the cure. Nothing was written."""


def write(*, folder: Path, name: str, wheels: Sequence[Path]) -> Path:
    """The fork's folder. Raises ForkRefused."""
    check(folder=folder, name=name)
    partial = paths.inside(folder.parent, f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for file in template_files():
        _copy(file, partial, name)
    _without_workspace(partial / "pyproject.toml")
    _without_updates(partial / ".github" / "dependabot.yml")
    _add_wheels(partial, wheels)
    _record(partial / ORIGIN)
    _tidy(partial)
    _start_history(partial, name)
    partial.rename(folder)
    return folder


def check(*, folder: Path, name: str) -> None:
    if not NAME.fullmatch(name) or name == PRODUCT:
        raise ForkRefused(
            f"NAME={name}: use 2 to 16 small letters and digits, a letter first, and another name"
        )
    if folder.exists():
        raise ForkRefused(f"DIR={folder} exists already: name a folder that does not")
    if folder.resolve().is_relative_to(REPOSITORY):
        raise ForkRefused(f"DIR={folder} lies inside this repository: name one outside, like ../{name}")
    if _git("status", "--porcelain"):
        raise ForkRefused(
            "There are changes without a commit here: commit or stash them, so that the origin is known"
        )


def template_files() -> Iterator[str]:
    for file in _git("ls-files").splitlines():
        if not file.startswith(LEFT_OUT):
            yield file


def renamed(text: str, name: str) -> str:
    text = _VARIABLES.sub(f"{name.upper()}_", _RENAMED.sub(name, text))
    return re.sub(_OF_THE_RUNTIME % PRODUCT.title(), name.title(), text)


def _copy(file: str, folder: Path, name: str) -> None:
    source, target = paths.inside(REPOSITORY, file), paths.inside(folder, renamed(file, name))
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.write_text(_content(file, source.read_text(encoding="utf-8"), name), encoding="utf-8")
    except UnicodeDecodeError:
        shutil.copyfile(source, target)
    shutil.copymode(source, target)


def _content(file: str, text: str, name: str) -> str:
    if file in AS_IT_IS:
        return text
    return renamed(leading(text) if file in LEADING else text, name)


def leading(text: str) -> str:
    """A page of LEADING without the lines that lead to what is left out: each is a sentence or a row by itself."""
    kept = (line for line in text.splitlines(keepends=True) if not is_dropped(line))
    return re.sub(r"\n{3,}", "\n\n", "".join(kept))


def is_dropped(line: str) -> bool:
    return _TO_WHAT_IS_LEFT_OUT.search(line) is not None


def _without_workspace(project: Path) -> None:
    """Members are installed and neither type-checked nor tested."""
    text = project.read_text()
    text = re.sub(r"\[tool\.uv\.workspace\]\nmembers = .*\n\n?", "", text)
    text = re.sub(r"mypy_path = .*\n", "", text)
    text = re.sub(r',?\s*"packages/\w+/(?:src|bench)"', "", text)
    project.write_text(text)


def _without_updates(updates: Path) -> None:
    """Locks of members are theirs who make the runtime: Dependabot fails where a folder it names is not there."""
    updates.write_text(re.sub(r",\s*/packages/[\w./-]+", "", updates.read_text()))


def _add_wheels(folder: Path, wheels: Sequence[Path]) -> None:
    vendor = folder / "vendor"
    vendor.mkdir()
    for wheel in wheels:
        shutil.copy(wheel, vendor)


def _record(origin: Path) -> None:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    made_from = {"template": PRODUCT, "version": version, "commit": _git("rev-parse", "HEAD")}
    origin.write_text(json.dumps(made_from, indent=2) + "\n")


def _tidy(folder: Path) -> None:
    """Names of another length move line breaks and the order of imports."""
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--quiet", "--select", "I", "--fix", "."], ["format", "--quiet", "."]):
        subprocess.run([*ruff, *command], cwd=folder, check=True)


def _start_history(folder: Path, name: str) -> None:
    message = f"{name}, made from {PRODUCT}: {ORIGIN} says which"
    steps = (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "--all"],
        ["commit", "--quiet", "-m", message],
    )
    for step in steps:
        ended = subprocess.run(["git", *step], cwd=folder, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise ForkRefused(f"git {step[0]} in {folder} failed: {ended.stderr.strip()}")


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.strip()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make fork", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("name")
    parser.add_argument("wheels", type=Path, nargs="+")
    options = parser.parse_args(arguments)
    try:
        folder = write(folder=options.folder.absolute(), name=options.name, wheels=options.wheels)
    except ForkRefused as refusal:
        print(refusal, file=sys.stderr)
        return 1
    print(f"{folder}: `make test` there, then the changes of docs/changing.md")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
