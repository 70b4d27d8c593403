"""`make compare BASE=<git revision or configuration file> [DATA=folder] [ENV=dev]`: what a change does to the lists."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from config import files
from config.settings import load
from local.comparison import bill, data, report, sides
from local.comparison.review import Answer, Review, review
from local.comparison.sides import BaseRefused, Side
from local.demo.problems import OwnFilesRefused
from local.repository import REPOSITORY


def register(commands: Any) -> None:
    command = commands.add_parser("compare", help="old and new lists on the same data, side by side")
    command.add_argument("base", help="a git revision, a configuration's file, or a folder with a checkout")
    command.add_argument("--environment", default="dev", help="config/<environment>.yaml of both sides")
    command.add_argument("--data", type=Path, metavar="FOLDER", help="your own files (docs/data.md)")
    command.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there as well")
    command.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    command.add_argument(
        "--strict", action="store_true", help="end with 1 where there is something to look at"
    )
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="osusume-compare-") as made:
            found, text, content = compare(options, Path(made))
    except (BaseRefused, OwnFilesRefused) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{text}\n{time.monotonic() - started:.0f} s")
    for path, written in ((options.markdown, text), (options.json, content)):
        if path:
            path.write_text(written)
    return 1 if options.strict and found.flags else 0


def compare(options: argparse.Namespace, scratch: Path) -> tuple[Review, str, str]:
    """The review, and it as Markdown and JSON. Raises BaseRefused, OwnFilesRefused and ConfigError."""
    new = Side(name="this", tree=REPOSITORY, configuration=files.folder(), environment=options.environment)
    with sides.base(options.base, environment=options.environment, scratch=scratch) as old:
        settings = load(new.environment, new.configuration)
        folder = scratch / "data"
        folder.mkdir()
        shared = data.share(
            data.shop(folder=options.data, settings=settings), settings=settings, folder=folder
        )
        before, after = sides.answers([old, new], data=folder, scratch=scratch / "sides")
        title = f"Lists of {options.environment} against {report.plain(options.base)}"
        return _told(before, after, shared, title=title, cost=bill.told(old, new, shared))


def _told(
    before: Answer, after: Answer, shared: data.Shared, *, title: str, cost: str
) -> tuple[Review, str, str]:
    found = review(before, after, shared)
    text = report.markdown(found, shared=shared, title=title, cost=cost)
    return found, text, report.as_json(found, shared=shared, title=title)
