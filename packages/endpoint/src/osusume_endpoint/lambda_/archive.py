"""Unpacks deployment zips and layers: what is ours from the zip, what is third-party from this venv.

A product's archives hold wheels for arm64 and Lambda's Python, which can't be imported here. The same pinned
versions are installed in this venv: a top-level name that its site-packages has is left out of the unpacked
archive. First-party code always comes from the zip.
"""

from __future__ import annotations

import functools
import hashlib
import io
import shutil
import sysconfig
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

# Present in site-packages without being a package of ours to prefer.
_NEVER_OURS = {"__pycache__", "bin", "tests", "test"}


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
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not is_third_party(member.filename, layer=layer):
                archive.extract(member, partial)
    partial.chmod(0o755)
    try:
        partial.rename(target)
    except OSError:
        # Another invocation was faster.
        shutil.rmtree(partial, ignore_errors=True)
    return target


def import_paths(*, code: Path, layers: list[Path]) -> list[str]:
    """sys.path as Lambda has it: the function, then each layer's site folders."""
    paths = [str(code)]
    for layer in reversed(layers):  # a later layer is laid over an earlier one
        paths += [str(p) for p in sorted(layer.glob("python/lib/python3*/site-packages"))]
        paths.append(str(layer / "python"))
    return paths
