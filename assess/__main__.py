"""`make assess DATA=folder`, or `python -m assess folder`: the page, its Markdown and JSON twins, and the terminal."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console

from assess.words import LANGUAGES, Words
from config import settings
from config.errors import ConfigError

if TYPE_CHECKING:
    from assess.assessment import Assessment
    from assess.document import Document

PROCESSES = 2


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # One thread for each process: sums of floats, and so the page, are then the same on every run.
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
    try:
        return _run(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assess", description=__doc__)
    parser.add_argument("folder", type=_folder, help="holds interactions.csv and the like (docs/data.md)")
    parser.add_argument("--full", action="store_true", help="compare on everything, by ten splits")
    parser.add_argument("--language", choices=LANGUAGES, default="en")
    parser.add_argument("--environment", default="dev", help="config/<environment>.yaml to begin with")
    parser.add_argument("--user", metavar="ID", help="whose lists are shown too")
    parser.add_argument("--out", type=Path, default=Path(".local/assess"), help="folder of the results")
    return parser


def _folder(text: str) -> Path:
    """`make` hands over what wasn't said as an empty text, which as a path is the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("DATA names no folder: make assess DATA=folder (docs/data.md)")
    return Path(text)


def _run(options: argparse.Namespace) -> int:
    # Imported when it runs: `--help` need not load the learner.
    from assess.assessment import Options, assess
    from assess.telling import told
    from assess.terminal import show

    say = Words.of(options.language)
    found = assess(
        options.folder,
        Options(
            settings=settings.load(options.environment),
            now=pd.Timestamp.now("UTC"),
            full=options.full,
            user=options.user,
            processes=PROCESSES,
            say=lambda stage: print(say(f"stage_{stage}"), flush=True),
        ),
    )
    document = told(found, say)
    show(document, Console())
    files = write(found, document, options.out)
    print(say("written", files=", ".join(str(file) for file in files)))
    return 2 if found.stopped else 0


def write(found: Assessment, document: Document, folder: Path) -> list[Path]:
    """assessment.html, .md, .json and, where there is a proposal, assessed.yaml."""
    from assess.markdown import markdown
    from assess.page import page
    from assess.twin import twin

    folder.mkdir(parents=True, exist_ok=True)
    texts = {
        "assessment.html": page(document),
        "assessment.md": markdown(document),
        "assessment.json": twin(found),
    }
    if found.proposal is not None:
        texts["assessed.yaml"] = found.proposal.text
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


if __name__ == "__main__":
    raise SystemExit(main())
