"""The template's command, beside Python in its environment: `python -m local.console install`.

The template is forked and not installed, so no package can bring its command. It is called as the project.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from local.repository import REPOSITORY
from osusume_endpoint import paths

SCRIPT = """\
#!{python}
import sys
sys.path.insert(0, {repository!r})
from local.cli import main
sys.exit(main())
"""


def name() -> str:
    with (REPOSITORY / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["name"])


def install(folder: Path) -> Path:
    path = paths.inside(folder, name())
    path.write_text(SCRIPT.format(python=sys.executable, repository=str(REPOSITORY)))
    path.chmod(0o755)
    return path


if __name__ == "__main__":
    if sys.argv[1:] != ["install"]:
        raise SystemExit("usage: python -m local.console install")
    install(Path(sys.executable).parent)
