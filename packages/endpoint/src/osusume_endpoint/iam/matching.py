"""Texts of a policy: wildcards and policy variables, as IAM reads them.

Sources: IAM user guide, "IAM JSON policy elements: Resource", "IAM policy elements: Variables and tags" and
"IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Final

Value = str | list[str]


class Missing(Enum):
    """Why a condition key has no value: the request hasn't it, or nobody can tell yet."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


ABSENT: Final = Missing.ABSENT
UNKNOWN: Final = Missing.UNKNOWN
Lookup = Callable[[str], Value | Missing]
Resolved = tuple[tuple[str, bool], ...]  # (text, whether it stands for itself)

_TOKEN = re.compile(r"\$\{([^}]*)\}")
_ESCAPED = frozenset("*?$")
_DEFAULT = re.compile(r"\s*([^,]*?)\s*(?:,\s*'([^']*)'\s*)?")


def resolved(text: str, lookup: Lookup, *, variables: bool = True) -> Resolved | Missing:
    """The text with its variables' values, which never act as wildcards.

    ABSENT where a variable has neither a value nor a default, and where its key has several values: such a text
    matches nothing ("Policy variables with no value").
    """
    if not variables or "${" not in text:
        return ((text, False),)
    parts: list[tuple[str, bool]] = []
    at = 0
    for token in _TOKEN.finditer(text):
        value = _value(token[1], lookup)
        if isinstance(value, Missing):
            return value
        parts += [(text[at : token.start()], False), (value, True)]
        at = token.end()
    return (*parts, (text[at:], False))


def _value(token: str, lookup: Lookup) -> str | Missing:
    if token in _ESCAPED:
        return token
    read = _DEFAULT.fullmatch(token)
    found = lookup(read[1] if read else token)
    if isinstance(found, str):
        return found
    default = read[2] if read else None
    return default if found is ABSENT and default is not None else found if found is UNKNOWN else ABSENT


def plain(parts: Resolved) -> str:
    return "".join(text for text, _ in parts)


def like(parts: Resolved, value: str, *, ignore_case: bool = False) -> bool:
    """`*` stands for any characters, `?` for one, line breaks included."""
    return _expression(parts, ignore_case).fullmatch(value) is not None


def arn_like(parts: Resolved, value: str) -> bool | None:
    """Each of the six components is compared for itself; None where one of the two has fewer, and so is no ARN."""
    pattern, given = _components(parts), value.split(":", 5)
    if len(pattern) < 6 or len(given) < 6:
        return None
    return all(like(part, text) for part, text in zip(pattern, given, strict=True))


def _components(parts: Resolved) -> list[Resolved]:
    """Split at the first five colons that the policy itself has."""
    found: list[list[tuple[str, bool]]] = [[]]
    for text, literal in parts:
        pieces = [text] if literal else text.split(":", 6 - len(found))
        for position, piece in enumerate(pieces):
            if position:
                found.append([])
            found[-1].append((piece, literal))
    return [tuple(component) for component in found]


@lru_cache(maxsize=8192)
def _expression(parts: Resolved, ignore_case: bool) -> re.Pattern[str]:
    text = "".join(re.escape(part) if literal else "".join(_wildcards(part)) for part, literal in parts)
    return re.compile(text, re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def _wildcards(text: str) -> Iterator[str]:
    for character in text:
        yield {"*": ".*", "?": "."}.get(character) or re.escape(character)
