"""Reserved words of Redshift (r_pg_keywords) that stand unquoted where a name stands: PostgreSQL reserves fewer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from osusume_endpoint.redshift.tokens import Token, closing, solid, split

# Words that no statement has in another role than that of a name.
_ONLY_NAMES = frozenset(
    "AES128 AES256 DEFRAG ENCRYPT ENCRYPTION EXPLICIT GLOBALDICT256 GLOBALDICT64K LUN LUNS NEW OFFLINE OLD OPEN "
    "PERCENT RECOVER REJECTLOG RESORT RESTORE SNAPSHOT SYSTEM TAG TDES WALLET".split()
)
_ENCODINGS = frozenset(
    "AZ64 BYTEDICT DELTA DELTA32K LZO MOSTLY16 MOSTLY32 MOSTLY8 RAW TEXT255 TEXT32K".split()
)
# Reserved words that are values by themselves, so that they may stand where a column stands.
_VALUES = frozenset(
    "NULL TRUE FALSE DEFAULT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER CURRENT_USER_ID LOCALTIME "
    "LOCALTIMESTAMP SESSION_USER SYSDATE USER ALL OID".split()
)
_BEFORE_COLUMN = frozenset(
    ("SELECT", ",", "(", "DISTINCT", "WHERE", "AND", "OR", "BY", "ON", "SET", "HAVING")
)
_AFTER_COLUMN = frozenset(
    (",", ")", "FROM", "=", "<", ">", "<>", "!=", "<=", ">=", "+", "-", "/", "||", "AS", "")
)
_OBJECTS = frozenset(("SCHEMA", "TABLE", "VIEW", "ROLE", "GROUP", "DATABASE"))
_CONDITIONS = (("IF", "NOT", "EXISTS"), ("IF", "EXISTS"))
# How a constraint in a list of columns begins; with another second word it is a column of that name.
_CONSTRAINTS = (("PRIMARY", "KEY"), ("FOREIGN", "KEY"), ("UNIQUE", "("), ("CHECK", "("))


@cache
def words() -> frozenset[str]:
    """Upper case."""
    lines = Path(__file__).with_name("reserved_words.txt").read_text().splitlines()
    return frozenset(line.strip() for line in lines if line and not line.startswith("#"))


def misused(tokens: Sequence[Token]) -> str | None:
    """The first reserved word that stands for a name without quotes, as written."""
    stream = solid(tokens)
    listed = _listed(stream)
    for index, token in enumerate(stream):
        if token.kind == "word" and token.upper in words() and _stands_for_name(stream, index, listed):
            return token.text
    return None


def _stands_for_name(stream: Sequence[Token], index: int, listed: frozenset[int]) -> bool:
    word = stream[index].upper
    before = stream[index - 1].upper if index else ""
    after = stream[index + 1].upper if index + 1 < len(stream) else ""
    if word in _ONLY_NAMES:
        return True
    if word in _ENCODINGS and before != "ENCODE":
        return True
    if "." in (before, after) and stream[index - 1].kind != "number":
        return True
    if index in listed:
        return True
    return word not in _VALUES and before in _BEFORE_COLUMN and after in _AFTER_COLUMN


def _listed(stream: Sequence[Token]) -> frozenset[int]:
    """Positions of the names that a CREATE, ALTER, DROP, COPY or INSERT gives to objects and columns."""
    first = [token.upper for token in stream[:3]]
    if not first or first[0] not in ("CREATE", "ALTER", "DROP", "COPY", "INSERT"):
        return frozenset()
    found = {_object(stream)} if first[0] in ("CREATE", "ALTER", "DROP") else set()
    if first[0] == "ALTER":
        found |= {index + 1 for index, token in enumerate(stream) if token.upper == "COLUMN"}
    if first[:2] in (["CREATE", "TABLE"], ["CREATE", "TEMP"]) or first[0] in ("COPY", "INSERT"):
        found |= set(_columns(stream))
    return frozenset(index for index in found if index is not None)


def _object(stream: Sequence[Token]) -> int | None:
    for index, token in enumerate(stream):
        if token.upper in _OBJECTS:
            following = [one.upper for one in stream[index + 1 : index + 4]]
            condition = next((c for c in _CONDITIONS if tuple(following[: len(c)]) == c), ())
            return index + 1 + len(condition)
    return None


def _columns(stream: Sequence[Token]) -> list[int]:
    """First words of the first list in parentheses, unless a query stands before it or in it."""
    for index, token in enumerate(stream):
        if token.upper in ("SELECT", "VALUES", "FROM", "AS", "LIKE"):
            return []
        if token.text == "(":
            parts = split(stream[index + 1 : closing(stream, index)])
            if parts[0] and parts[0][0].upper in ("LIKE", "SELECT") and len(parts[0]) > 1:
                return []
            return _starts(parts, index + 1)
    return []


def _starts(parts: Sequence[Sequence[Token]], start: int) -> list[int]:
    """The index at which each part begins; a table constraint begins with its own word."""
    found = []
    for part in parts:
        if part and not _is_constraint(part):
            found.append(start)
        start += len(part) + 1
    return found


def _is_constraint(part: Sequence[Token]) -> bool:
    first = tuple(token.upper for token in part[:2])
    return first in _CONSTRAINTS or (first[0] == "CONSTRAINT" and len(part) > 3)
