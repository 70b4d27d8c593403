"""Synthesizes the environments that the checks read."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from pathlib import Path

from checks.assembly import Assembly
from config import files
from stacks import synthesis


def environments() -> list[str]:
    """Every one that config/ (or the folder of OSUSUME_CONFIG) has a file for."""
    return files.environments(files.folder())


def synthesize(environment: str, configuration: Path | None = None) -> Assembly:
    """`configuration` is the folder of environments' files, if not config/.

    Raises SystemExit with the app's own message when the configuration is refused.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"osusume-{environment}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        synthesis.synthesize(environment=environment, folder=folder, configuration=configuration)
    except synthesis.SynthesisFailed as error:
        raise SystemExit(str(error)) from None
    return Assembly.read(folder)
