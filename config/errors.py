"""What is wrong with a configuration, for the person who wrote it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

from config import wording

Holder = Callable[[tuple[int | str, ...]], str]


class ConfigError(Exception):
    """A configuration that can't be deployed; the message names key, value and cure."""

    @classmethod
    def from_validation(cls, file: str, errors: Iterable[Any], *, holder: Holder) -> ConfigError:
        """`errors` as pydantic lists them; `holder` gives the file of a key, named where it isn't `file`."""
        told = _without_echoes(list(errors))
        lines = list(dict.fromkeys(_of_file(problem, file, holder(problem["loc"])) for problem in told))
        return cls("\n".join([f"{file}: {len(lines)} problem(s), nothing was changed", *lines]))


def _without_echoes(problems: list[Any]) -> list[Any]:
    """A list whose elements are wrong has none left, which is no problem of its own."""
    places = [problem["loc"] for problem in problems]
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or not any(
            len(place) > len(problem["loc"]) and place[: len(problem["loc"])] == problem["loc"]
            for place in places
        )
    ]


def _of_file(problem: Any, file: str, holder: str) -> str:
    line = _line(problem, "(file)", "docs/configuration.md")
    return line if holder == file else f"  {holder}: {line.lstrip()}"


def _line(problem: Any, whole: str, page: str) -> str:
    key = ".".join(str(part) for part in problem["loc"] if part != "[key]") or whole
    value = problem["input"]
    shown = "" if isinstance(value, dict | list) or problem["type"] == "missing" else f" = {value!r}"
    return f"  {key}{shown}: {wording.cure(problem, page)}"


def repeated(names: Iterable[str]) -> str | None:
    """The first in the alphabet of those that stand there twice; None where each stands once."""
    given = list(names)
    return min((name for name in given if given.count(name) > 1), default=None)


def check_distinct(key: str, names: Iterable[str]) -> None:
    """Raises ValueError that names the key and what it has twice."""
    twice = repeated(names)
    if twice is not None:
        raise ValueError(f"{key} has {twice!r} twice: keep one")


def did_you_mean(value: object, known: Any) -> str:
    """`; did you mean 'x'?` or the known values when none is near."""
    options = [str(option) for option in sorted(known)]
    near = get_close_matches(str(value), options, n=1)
    # Another number is another thing, not a slip of the pen: ap-northeast-3, 45 days.
    if near and _without_digits(near[0]) != _without_digits(str(value)):
        return f"did you mean {near[0]!r}?"
    return f"use one of {', '.join(options)}" if len(options) <= 40 else "see docs/configuration.md"


def _without_digits(text: str) -> str:
    return re.sub(r"\d", "", text)
