"""What one value of a dataset may be, imported in bulk or put alone (developer guide: quotas, data formats)."""

from __future__ import annotations

import math
import re

from osusume_engine.schemas import Field

MAX_ID_LENGTH = 256
MAX_STRING_LENGTH = 1_000  # of categories, and of strings that are neither category nor text
MAX_TEXT_LENGTH = 20_000
MAX_TEXT_LENGTH_CJK = 7_000
# 2100-01-01: a larger value is milliseconds, the usual mistake.
MAX_EPOCH_SECONDS = 4_102_444_800
LARGEST_FLOAT = 3.4028234663852886e38  # of 32 bits
NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
CJK = re.compile("[぀-ヿ㐀-鿿]")
_IDS = ("USER_ID", "ITEM_ID", "ACTION_ID")


def finite(text: str) -> float:
    """The number that is written; ValueError of what only Python reads as one (1_000, nan, digits of other scripts)."""
    if not re.fullmatch(NUMBER, text) or not math.isfinite(float(text)):
        raise ValueError(f"{text!r} is not a number")
    return float(text)


def most_characters(field: Field) -> int:
    """The most characters of a string column that is no text; a longer value is refused."""
    return MAX_ID_LENGTH if field.name in _IDS else MAX_STRING_LENGTH


def cut_text(text: str) -> str:
    """What the service keeps of a value of a textual column ("Textual metadata", guide)."""
    return text[: MAX_TEXT_LENGTH_CJK if CJK.search(text) else MAX_TEXT_LENGTH]
