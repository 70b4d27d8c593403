"""What is compared: a tree of the repository and a folder of configuration, and how its lists are made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config import files
from local.comparison.review import Answer
from local.repository import REPOSITORY
from osusume_endpoint import glue

RUNNER = Path(__file__).with_name("side.py")
PACKAGES = ("packages/engine/src", "packages/endpoint/src")
SECONDS = 900


class BaseRefused(RuntimeError):
    """BASE names nothing that can be compared; the message names the cure."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """`tree` is a checkout of this repository, `configuration` a folder as config/ is."""

    name: str
    tree: Path
    configuration: Path
    environment: str


@contextmanager
def base(given: str, *, environment: str, scratch: Path) -> Iterator[Side]:
    """The side that BASE names: a configuration's file, a folder with a checkout, or a git revision.

    Raises BaseRefused.
    """
    path = Path(given)
    if path.suffix in (".yaml", ".yml"):
        yield _of_file(path, environment=environment, scratch=scratch)
    elif (path / "config").is_dir():
        yield Side(
            name=given, tree=path.resolve(), configuration=path.resolve() / "config", environment=environment
        )
    else:
        with _worktree(given, scratch / "base") as tree:
            yield Side(name=given, tree=tree, configuration=tree / "config", environment=environment)


def _of_file(path: Path, *, environment: str, scratch: Path) -> Side:
    """The file in the environment's place, over the common.yaml beside it, else over config's."""
    if not path.is_file():
        raise BaseRefused(
            f"BASE={path}: there is no such file: name a configuration's file or a git revision"
        )
    folder = scratch / "configuration"
    folder.mkdir(parents=True)
    for common in (path.parent / f"{files.COMMON}.yaml", files.folder() / f"{files.COMMON}.yaml"):
        if common.is_file():
            shutil.copy(common, folder)
            break
    shutil.copy(path, folder / f"{environment}.yaml")
    return Side(name=str(path), tree=REPOSITORY, configuration=folder, environment=environment)


@contextmanager
def _worktree(revision: str, folder: Path) -> Iterator[Path]:
    commit = _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit.returncode:
        raise BaseRefused(
            f"BASE={revision}: neither a configuration's file, nor a folder with a checkout, nor a git revision"
        )
    added = _git("worktree", "add", "--detach", str(folder), commit.stdout.strip())
    if added.returncode:
        raise BaseRefused(f"BASE={revision}: git can't check it out: {added.stderr.strip()}")
    try:
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def answers(sides: Sequence[Side], *, data: Path, scratch: Path) -> list[Answer]:
    """The answers of each side, in order; sides of one tree share a process, for Spark's start costs most.

    A side that fails answers with its error.
    """
    found: dict[int, Answer] = {}
    for number, tree in enumerate(dict.fromkeys(side.tree for side in sides)):
        of_tree = [(n, side) for n, side in enumerate(sides) if side.tree == tree]
        found.update(_run(of_tree, tree=tree, data=data, scratch=scratch / f"tree-{number}"))
    return [found[n] for n in range(len(sides))]


def _run(sides: list[tuple[int, Side]], *, tree: Path, data: Path, scratch: Path) -> dict[int, Answer]:
    scratch.mkdir(parents=True)
    jobs = [
        {
            "name": f"side-{number}",
            "configuration": str(side.configuration),
            "environment": side.environment,
            "answer": str(scratch / f"answer-{number}.json"),
        }
        for number, side in sides
    ]
    order = scratch / "order.json"
    order.write_text(json.dumps({"data": str(data), "scratch": str(scratch), "jobs": jobs}))
    log = scratch / "log.txt"
    with log.open("w") as output:
        subprocess.run(
            [sys.executable, str(RUNNER), str(order)],
            cwd=tree,
            env=_environment(tree),
            stdout=output,
            stderr=subprocess.STDOUT,
            timeout=SECONDS * len(jobs),
            check=False,
        )
    return {number: _read(Path(job["answer"]), log) for (number, _), job in zip(sides, jobs, strict=True)}


def _environment(tree: Path) -> Mapping[str, str]:
    """Nothing of this process's own configuration, and the same numbers each time."""
    shim = str(Path(glue.__file__).with_name("shim"))
    ours = {
        name: value for name, value in os.environ.items() if name not in ("OSUSUME_CONFIG", "OSUSUME_ENV")
    }
    path = os.pathsep.join([str(tree), *(str(tree / package) for package in PACKAGES), shim])
    return {**ours, "PYTHONPATH": path, "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1", "TZ": "UTC"}


def _read(path: Path, log: Path) -> Answer:
    if not path.exists():
        return Answer(error=f"it ended without an answer: {_tail(log)}")
    content: dict[str, Any] = json.loads(path.read_text())
    return Answer(**content)


def _tail(log: Path, characters: int = 600) -> str:
    return " ".join(log.read_text(errors="replace")[-characters:].split())
