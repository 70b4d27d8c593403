"""Cures for what pydantic refuses, in the words of who writes YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

# What YAML calls what pydantic names by its own types.
_SHAPES = {
    "string_type": "write a string (in quotes, where it looks like a number, a date or true and false)",
    "model_type": "this key is a section: write its keys and values beneath it, or leave it out",
    "dict_type": "write keys and values beneath it, or leave it out",
    "tuple_type": "write a list, such as [one, other]",
    "invalid_key": "a key is a text: put it in quotes",
    "bool_type": "write true or false, without quotes",
    "bool_parsing": "write true or false, without quotes",
}
# Keys that somebody looks for, and that are left out on purpose.
_LEFT_OUT = {
    "theme_generation": (
        "batch inference with themes is not offered: it titles lists, changes nothing in them, and bills by item; "
        "remove it"
    ),
    "auto_ml": "AutoML is not offered, and Personalize takes it for no new solution: name a recipe",
}
# One class of characters for the first, one for the others, and how many: the form of most names.
_NAME = re.compile(r"\^\[([^\]]+)\]\[([^\]]+)\](?:\{(\d+),(\d+)\}|\*)\$")
_CLASSES = {"a-z": "small letters", "A-Z": "capital letters", "0-9": "digits"}


def cure(problem: Mapping[str, Any], page: str) -> str:
    """What to do about a problem as pydantic lists it. `page` lists the keys."""
    kind = str(problem["type"])
    if kind == "extra_forbidden":
        key = str(problem["loc"][-1])
        return _LEFT_OUT.get(key, f"this key is not known: correct or remove it ({page} lists them all)")
    if kind == "missing":
        return "this key is required: add it"
    if kind in _SHAPES:
        return _SHAPES[kind]
    if kind in _BY_LIMIT:
        return _BY_LIMIT[kind](problem["ctx"])
    return str(problem["msg"]).removeprefix("Value error, ")


def form(pattern: str) -> str:
    """A pattern in words, where it is of a name: 'a small letter, then 1 to 29 of small letters, digits, -'."""
    found = _NAME.fullmatch(pattern)
    if found is None:
        return f"write what the pattern {pattern} takes"
    count = f"{found[3]} to {found[4]}" if found[3] else "any number"
    first = " or ".join(_named(found[1], one=True))
    return f"write {first}, then {count} of {', '.join(_named(found[2]))}"


def _named(characters: str, *, one: bool = False) -> list[str]:
    known = [name for key, name in _CLASSES.items() if key in characters]
    rest = characters
    for key in _CLASSES:
        rest = rest.replace(key, "")
    singular = [f"a {name.removesuffix('s')}" for name in known] if one else known
    return [*singular, *rest]


def _entries(limit: Mapping[str, Any]) -> str:
    given, most = limit.get("actual_length"), limit["max_length"]
    return (
        f"{given} are given, at most {most} are taken: remove {given - most}"
        if given
        else f"give {most} at most"
    )


_BY_LIMIT: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "string_pattern_mismatch": lambda limit: form(limit["pattern"]),
    "literal_error": lambda limit: f"write {limit['expected']}",
    "too_long": _entries,
    "greater_than_equal": lambda limit: f"write {limit['ge']:g} or more",
    "greater_than": lambda limit: f"write more than {limit['gt']:g}",
    "less_than_equal": lambda limit: f"write {limit['le']:g} or less",
    "less_than": lambda limit: f"write less than {limit['lt']:g}",
}
