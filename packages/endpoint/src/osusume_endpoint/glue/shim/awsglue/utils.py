"""`getResolvedOptions` with the behaviour that Glue's documentation gives it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

# Glue sets these itself; a script that asks for them is refused there as well.
RESERVED = ("job-bookmark-option", "job-bookmark-from", "job-bookmark-to", "continuation-option")


class GlueArgumentError(Exception):
    """An option the script asked for is missing from the arguments of the run."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise GlueArgumentError(message)


def getResolvedOptions(args: Sequence[str], options: Sequence[str]) -> dict[str, Any]:
    """The values of `options` from argv; other arguments are ignored, `TempDir` may be absent."""
    reserved = [option for option in options if option in RESERVED]
    if reserved:
        raise RuntimeError("Using reserved arguments " + ", ".join(reserved))
    parser = _Parser(add_help=False)
    for option in options:
        parser.add_argument("--" + option, required=option != "TempDir")
    return vars(parser.parse_known_args(list(args)[1:])[0])
