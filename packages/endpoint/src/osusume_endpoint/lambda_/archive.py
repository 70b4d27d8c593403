"""Unpacks deployment zips and layers: what is ours from the zip, what is third-party from this venv.

A product's archives hold wheels for arm64 and Lambda's Python, which can't be imported here. The same pinned
versions are installed in this venv: a top-level name that its site-packages has is left out of the unpacked
archive. First-party code always comes from the zip.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
import shutil
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from osusume_endpoint import paths
from osusume_endpoint.redshift.stand_in import ADAPTER

# Present in site-packages without being a package of ours to prefer.
_NEVER_OURS = {"__pycache__", "bin", "tests", "test"}


class UnsafeArchive(ValueError):
    """A member's name leads out of the folder that the archive is unpacked into; Lambda refuses such a zip too."""


@functools.cache
def installed_names() -> frozenset[str]:
    """Top-level modules and packages of this venv's site-packages."""
    folder = Path(sysconfig.get_paths()["purelib"])
    names = {entry.name.split(".")[0] for entry in folder.iterdir() if not entry.name.endswith(".dist-info")}
    return frozenset(names - _NEVER_OURS)


def is_third_party(member: str, *, layer: bool) -> bool:
    """Whether an archive's member belongs to a package that this venv has."""
    parts = PurePosixPath(member).parts
    if layer:
        parts = _inside_site_folder(parts)
    if not parts:
        return False
    top = parts[0]
    if top.endswith((".dist-info", ".egg-info", ".libs")):
        return True
    return top.split(".")[0] in installed_names()


def _inside_site_folder(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The part below python/, or python/lib/python3.x/site-packages/."""
    if parts[:1] != ("python",):
        return ()
    if parts[1:2] == ("lib",) and "site-packages" in parts:
        return parts[parts.index("site-packages") + 1 :]
    return parts[1:]


def unpack(content: bytes, *, folder: Path, layer: bool = False) -> Path:
    """Unpacks into <folder>/<hash>, once. Returns that folder."""
    target = folder / hashlib.sha256(content).hexdigest()[:32]
    if target.exists():
        return target
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".unpacking-", dir=folder))
    with _removed_if_refused(partial), zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not is_third_party(member.filename, layer=layer):
                _extract(archive, member, partial)
    try:
        partial.rename(target)
    except OSError:
        # Another invocation was faster.
        shutil.rmtree(partial, ignore_errors=True)
    return target


@contextlib.contextmanager
def _removed_if_refused(folder: Path) -> Iterator[None]:
    try:
        yield
    except UnsafeArchive:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> None:
    """`zip -r x.zip ./` writes "./a": the dot alone is no reason to refuse."""
    name = "/".join(part for part in member.filename.rstrip("/").split("/") if part != ".")
    if not name:
        return
    try:
        target = paths.inside(folder, name)
    except paths.Outside as error:
        raise UnsafeArchive(f"The archive can't be unpacked: {error}") from None
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive.read(member))


def import_paths(*, code: Path, layers: list[Path]) -> list[str]:
    """sys.path as Lambda has it: the function, then each layer's site folders; then what stands in for packages."""
    paths = [str(code)]
    for layer in reversed(layers):  # a later layer is laid over an earlier one
        paths += [str(p) for p in sorted(layer.glob("python/lib/python3*/site-packages"))]
        paths.append(str(layer / "python"))
    return [*paths, str(ADAPTER)]
