"""What is wrong with a document, for the person who wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import ValidationError


def problem_lines(error: ValidationError, *, whole: str, page: str) -> list[str]:
    """Key, value and cure of each problem. `whole` stands for the key of what concerns all; `page` lists the keys."""
    return [_line(problem, whole, page) for problem in error.errors()]


def _line(problem: Any, whole: str, page: str) -> str:
    key = ".".join(str(part) for part in problem["loc"]) or whole
    value = problem["input"]
    shown = "" if isinstance(value, dict | list) or problem["type"] == "missing" else f" = {value!r}"
    return f"  {key}{shown}: {_cure(problem, page)}"


def _cure(problem: Any, page: str) -> str:
    if problem["type"] == "extra_forbidden":
        return f"this key is not known: correct or remove it ({page} lists them all)"
    if problem["type"] == "missing":
        return "this key is required: add it"
    return str(problem["msg"]).removeprefix("Value error, ")
