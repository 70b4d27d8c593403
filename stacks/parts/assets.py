"""Folders that become assets: staged by content, so that an unchanged source keeps its hash and its files."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD_FOLDER = ROOT / ".build"
IGNORED = ("__pycache__", "*.pyc", ".*", "target", "logs", "README.md")


def stage(name: str, tree: Mapping[str, Path | str]) -> tuple[Path, str]:
    """Put `tree` (path inside the asset -> source folder or file, or a text) together; give the folder and its hash.

    A source that does not exist is left out: what must exist is checked by whoever needs it.
    """
    files = dict(sorted(_files(tree)))
    digest = _digest(files)
    folder = BUILD_FOLDER / name / digest[:16]
    if not folder.is_dir():
        _copy(files, folder)
    return folder, digest


def file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _files(tree: Mapping[str, Path | str]) -> Iterator[tuple[str, bytes]]:
    for inside, source in tree.items():
        if isinstance(source, str):
            yield inside, source.encode()
        elif source.is_file():
            yield inside, source.read_bytes()
        elif source.is_dir():
            for path in _sources(source):
                yield f"{inside}/{path.relative_to(source)}", path.read_bytes()


def _sources(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not _ignored(path.relative_to(folder))]


def _ignored(path: Path) -> bool:
    return any(Path(part).match(pattern) for part in path.parts for pattern in IGNORED)


def _digest(files: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256()
    for inside, content in files.items():
        digest.update(f"{inside}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def _copy(files: Mapping[str, bytes], folder: Path) -> None:
    # Renamed into place when complete: no interrupted or concurrent synthesis leaves half an asset.
    partial = folder.with_name(f"{folder.name}.{os.getpid()}")
    for inside, content in files.items():
        target = partial / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    open_to_all(partial)
    with contextlib.suppress(OSError):
        partial.rename(folder)
    shutil.rmtree(partial, ignore_errors=True)


def open_to_all(folder: Path) -> None:
    """Modes go into the zip, and a function does not run as the owner: a private umask here must not reach AWS."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0o644)
