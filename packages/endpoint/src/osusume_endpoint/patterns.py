"""Regular expressions that a request brings, or that meet a text of a request: they have a deadline.

Python's own `re` neither stops nor lets another thread run during a match; `regex` does both.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import regex

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

SECONDS = 1.0


class PatternInvalid(ValueError):
    """The text is no regular expression that Python reads."""


def fits(pattern: str, text: str) -> bool:
    """Whether the whole text matches; one that takes longer than SECONDS does not."""
    return _found(pattern, text, whole=True)


def occurs(pattern: str, text: str) -> bool:
    """Whether the pattern matches somewhere in the text; one that takes longer than SECONDS does not."""
    return _found(pattern, text, whole=False)


def _found(pattern: str, text: str, *, whole: bool) -> bool:
    look = regex.fullmatch if whole else regex.search
    try:
        return look(pattern, text, timeout=SECONDS, concurrent=True) is not None
    except TimeoutError:
        return False
    except (regex.error, RecursionError, OverflowError) as error:
        raise PatternInvalid(str(error)) from None


class BoundedRe:
    """Stands for the module `re` in a module that compiles patterns of requests.

    A match beyond the deadline is none, and its pattern matches nothing from then on: a query looks at many records.
    """

    def __getattr__(self, name: str) -> Any:
        return getattr(re, name)

    def compile(self, pattern: str, flags: int = 0) -> BoundedPattern:
        """Raises re.error."""
        return BoundedPattern(pattern, int(flags))

    def fullmatch(self, pattern: str, text: str, flags: int = 0) -> Any:
        return self.compile(pattern, flags).fullmatch(text)


class BoundedPattern:
    def __init__(self, pattern: str, flags: int) -> None:
        try:
            self._compiled = regex.compile(pattern, flags)
        except (regex.error, RecursionError, OverflowError) as error:
            raise re.error(str(error)) from None
        self._late = False

    def search(self, text: str) -> Any:
        return self._look(self._compiled.search, text)

    def fullmatch(self, text: str) -> Any:
        return self._look(self._compiled.fullmatch, text)

    def _look(self, look: Callable[..., Any], text: str) -> Any:
        if self._late:
            return None
        try:
            return look(text, timeout=SECONDS, concurrent=True)
        except TimeoutError:
            self._late = True
            return None


class Wildcard:
    """A pattern of IAM: `*` is any text, `?` one character.

    The pieces between the stars are looked for one after another, never back: an expression of many `.*` would take
    a power of the text's length.
    """

    def __init__(self, pattern: str, *, ignore_case: bool) -> None:
        pieces = (pattern.lower() if ignore_case else pattern).split("*")
        self._ignore_case = ignore_case
        self._first, self._rest = _piece(pieces[0]), [_piece(piece) for piece in pieces[1:-1]]
        self._last = _piece(pieces[-1]) if len(pieces) > 1 else None
        self._ends = len(pieces[0]), len(pieces[-1])

    def match(self, value: str) -> bool | None:
        """True, or None as re's `match` has it."""
        text = value.lower() if self._ignore_case else value
        return self._fits(text) or None

    def _fits(self, text: str) -> bool:
        position, end = self._ends[0], len(text) - self._ends[1]
        if self._last is None:
            return self._first.fullmatch(text) is not None
        if position > end or not self._first.fullmatch(text, 0, position):
            return False
        for piece in self._rest:
            found = piece.search(text, position, end)
            if found is None:
                return False
            position = found.end()
        return self._last.fullmatch(text, end) is not None


def _piece(text: str) -> re.Pattern[str]:
    return re.compile("".join("." if part == "?" else re.escape(part) for part in text), re.DOTALL)


@functools.lru_cache(maxsize=4096)
def wildcard(pattern: str, ignore_case: bool) -> Wildcard:
    """Takes the place of ministack's own."""
    return Wildcard(pattern, ignore_case=ignore_case)


def install() -> None:
    """Bounds the patterns in the modules of ministack that read them from requests."""
    replacements.apply(__name__)


@replaces("ministack.core.iam_evaluator:_fnmatch_compile", takes="pattern, ignore_case")
def _wildcards() -> Callable[[str, bool], Wildcard]:
    return wildcard


@replaces("ministack.services.apigateway_v1:re", holds=ModuleType)
@replaces("ministack.services.cloudwatch_logs:re", holds=ModuleType)
def _bounded_re() -> BoundedRe:
    return BoundedRe()
