"""What an answer is called: a ULID, 48 bits of its time and 80 of chance, so that nobody can guess another reader's."""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's, which no one misreads
_ID = re.compile(rf"[0-7][{_ALPHABET}]{{25}}", re.ASCII)
_TIME_LETTERS = 10


def new_id() -> str:
    number = int(time.time() * 1000) << 80 | secrets.randbits(80)
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -5, -5))


def answered_at(name: str | None) -> int | None:
    """Epoch seconds of the answer that is called so; None for a name that is no answer's."""
    if name is None or not _ID.fullmatch(name):
        return None
    number = 0
    for letter in name[:_TIME_LETTERS]:
        number = number << 5 | _ALPHABET.index(letter)
    return number // 1000
