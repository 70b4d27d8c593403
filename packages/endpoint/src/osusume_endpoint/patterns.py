"""Regular expressions that a request brings, or that meet a text of a request: they have a deadline.

Python's own `re` neither stops nor lets another thread run during a match; `regex` does both.
"""

from __future__ import annotations

import regex

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
