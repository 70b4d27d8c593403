"""`python -m checks.ci`: what zizmor (security) and actionlint (syntax, contexts) find in .github/workflows.

Both come with their wheels and look at the files only: no network is asked.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

WORKFLOWS = Path(__file__).parents[1] / ".github" / "workflows"
_TOOLS: tuple[tuple[str, ...], ...] = (
    ("zizmor", "--offline", "--no-progress", "--quiet", "--format=plain", "--strict-collection"),
    ("actionlint", "-no-color", "-oneline"),
)


class ToolMissing(RuntimeError):
    """A linter is not installed."""


def check(folder: Path = WORKFLOWS) -> list[str]:
    """One text for each tool that finds something. Raises ToolMissing, FileNotFoundError."""
    files = sorted(folder.glob("*.yml"))
    if not files:
        raise FileNotFoundError(f"{folder} holds no workflow (*.yml)")
    return [found for tool in _TOOLS if (found := _run(tool, files))]


def _run(tool: tuple[str, ...], files: list[Path]) -> str:
    name, *options = tool
    command = [_located(name), *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return f"{name}: {done.stdout}{done.stderr}" if done.returncode else ""


def _located(name: str) -> str:
    found = shutil.which(name, path=sysconfig.get_path("scripts")) or shutil.which(name)
    if found is None:
        raise ToolMissing(f"{name} is not installed: run `make install`")
    return found


def main() -> int:
    found = check()
    sys.stdout.writelines(f"{text}\n" for text in found)
    print(f"{len(found)} of {len(_TOOLS)} linters of workflows found something")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
