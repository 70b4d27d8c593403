"""Kinds of values as YAML has them: a number in quotes is a text, and `true` is not 1.

The library would turn one into the other, so a slip of the pen would count for something else than it says.
"""

from __future__ import annotations

from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

_NUMBERS = (int, float)


def problem(annotation: Any, value: Any) -> str | None:
    """What is wrong with the kind of a value for a key of that annotation, with its cure; None where nothing is."""
    if isinstance(value, list):
        return next(
            filter(None, (problem(of_one, one) for of_one in _elements(annotation) for one in value)), None
        )
    kinds = set(_scalars(annotation))
    if not kinds or type(value) in kinds:
        return None
    if kinds == {bool} and isinstance(value, int | float | str):
        return f"{value!r} is neither true nor false: write one of them, without quotes"
    if kinds <= set(_NUMBERS) and isinstance(value, bool | str):
        return f"{value!r} is no number: write one, without quotes"
    return None


def _scalars(annotation: Any) -> list[type]:
    """The plain types that a value may have, null left aside; none where it may be something else too."""
    if get_origin(annotation) is Annotated:
        return _scalars(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        parts = [_scalars(one) for one in get_args(annotation) if one is not type(None)]
        return [one for part in parts for one in part] if all(parts) else []
    return [annotation] if annotation in (bool, *_NUMBERS) else []


def _elements(annotation: Any) -> list[Any]:
    """What an element of a list may be."""
    if get_origin(annotation) is Annotated:
        return _elements(get_args(annotation)[0])
    if get_origin(annotation) is tuple:
        return [get_args(annotation)[0]]
    return []
