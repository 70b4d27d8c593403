"""Reads what a workflow passes to a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class InvalidEvent(ValueError):
    """The workflow passed something else than the function takes."""


def text(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    if not isinstance(value, str) or not value:
        raise InvalidEvent(f"{key} is {value!r}: pass a non-empty string")
    return value


def texts(event: Mapping[str, Any], key: str) -> list[str]:
    value = event.get(key)
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise InvalidEvent(f"{key} is {value!r}: pass a list of strings")
    return value


def optional_number(event: Mapping[str, Any], key: str) -> int | None:
    value = event.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidEvent(f"{key} is {value!r}: pass a whole number, or leave it out")
    return value
