"""The files behind paths: folders, or objects of S3 by way of one."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

FILE = "file://"
HIDDEN = ("_", ".")  # what Spark takes for no data


class Files(Protocol):
    def read(self, path: str) -> list[Path]:
        """The files below a path."""
        ...

    def written(self, path: str) -> _Written:
        """A folder for the files of a path, which take the place of those that are there once it is left."""
        ...


class _Written(Protocol):
    def __enter__(self) -> Path: ...

    def __exit__(self, *raised: object) -> None: ...


class Folders:
    """Paths as file:// names them."""

    def read(self, path: str) -> list[Path]:
        return data(Path(path.removeprefix(FILE)))

    @contextmanager
    def written(self, path: str) -> Iterator[Path]:
        folder = Path(path.removeprefix(FILE))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder


def data(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    return sorted(file for file in folder.rglob("*") if file.is_file() and not file.name.startswith(HIDDEN))
