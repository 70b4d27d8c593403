"""The typed clients, made of the API's document: `python -m checks.clients [python|typescript]`.

Committed, so that an application and the product itself use them without a generator (ADR 51).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCUMENT = ROOT / "docs" / "openapi.json"
CLIENTS = ROOT / "clients"
PYTHON, TYPESCRIPT = CLIENTS / "python" / "osusume_client", CLIENTS / "typescript" / "osusume.d.ts"
CONFIGURED = {"package_name_override": "osusume_client", "literal_enums": True, "post_hooks": []}


class ClientNotMade(RuntimeError):
    """A generator failed; the message has its words."""


def python(target: Path = PYTHON) -> None:
    """openapi-python-client's package at `target`, formatted as everything here is."""
    with tempfile.TemporaryDirectory() as folder:
        configuration, made = Path(folder) / "configuration.json", Path(folder) / "made"
        configuration.write_text(json.dumps(CONFIGURED))
        command = [_beside_python("openapi-python-client"), "generate", "--path", str(DOCUMENT)]
        options = ["--meta", "none", "--output-path", str(made), "--config", str(configuration)]
        _run([*command, *options, "--fail-on-warning"])
        formatted = [_beside_python("ruff"), "format", "--quiet", "--config", str(ROOT / "pyproject.toml")]
        _run([*formatted, str(made)])
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target, ignore=shutil.ignore_patterns(".ruff_cache", "__pycache__"))


def typescript(target: Path = TYPESCRIPT) -> None:
    """openapi-typescript's types at `target`, for openapi-fetch."""
    tool = CLIENTS / "typescript" / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
    node = ROOT / ".venv" / "node" / "bin" / "node"
    _run([str(node), str(tool), str(DOCUMENT), "--output", str(target)])


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def _run(command: Sequence[str]) -> None:
    # Wide enough that no name is broken over two lines.
    wide = {**os.environ, "COLUMNS": "1000"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=wide)
    if done.returncode:
        raise ClientNotMade(f"{' '.join(command[:3])}: {done.stdout[-2000:]}{done.stderr[-2000:]}")


MADE: Mapping[str, Callable[[], None]] = {"python": python, "typescript": typescript}


def main(arguments: Sequence[str]) -> int:
    if unknown := set(arguments) - MADE.keys():
        print(f"no client for {', '.join(sorted(unknown))}: there are {', '.join(MADE)}")
        return 2
    for name in arguments or MADE:
        MADE[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
