"""Ids of users and items as they stand in a path, a query or a body."""

from __future__ import annotations

import re
from urllib.parse import unquote

from lambdas.shared.problems import BadRequest

MAX_ID_LENGTH = 256

# What no import into Personalize and no CSV field keeps.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def identifier(name: str, value: str | None) -> str:
    """A path parameter, decoded once. Raises BadRequest.

    A REST API hands over path parameters as they were sent, still escaped (ADR 34 has the record), whatever they
    look like: `%2541` is the id `%41`.
    """
    try:
        text = unquote(value or "", errors="strict")
    except UnicodeDecodeError:
        raise BadRequest(f"{name} is not UTF-8: escape the bytes of its UTF-8 text") from None
    return plain_identifier(name, text)


def plain_identifier(name: str, text: str) -> str:
    """An id as it is in a query or a body. Raises BadRequest."""
    if not 1 <= len(text) <= MAX_ID_LENGTH:
        raise BadRequest(f"{name} has {len(text)} characters: give 1 to {MAX_ID_LENGTH}")
    if control := _CONTROL.search(text):
        raise BadRequest(f"{name} has the control character {control[0]!r}: no id has one")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest(f"{name} has half of a surrogate pair: give whole characters") from None
    return text
