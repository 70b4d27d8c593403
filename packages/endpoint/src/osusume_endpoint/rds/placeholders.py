"""`:name` placeholders of the two Data APIs, outside of literals, quoted names, comments and `::` casts."""

from __future__ import annotations

import re
from collections.abc import Callable

_TOKENS = re.compile(
    r"""
    (?P<text>'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | (?P<tag>\$\w*\$).*?(?P=tag) | ::)
    | (?<![\w:]):(?P<name>[A-Za-z_]\w*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)


def replace(sql: str, render: Callable[[str], str]) -> str:
    """The statement with every placeholder replaced by what `render(name)` gives."""
    return _TOKENS.sub(lambda m: render(m["name"]) if m["name"] else m[0], sql)


def names(sql: str) -> list[str]:
    return [match["name"] for match in _TOKENS.finditer(sql) if match["name"]]


def is_one_statement(sql: str) -> bool:
    """Whether nothing but blanks and comments follows the first semicolon."""
    for match in _TOKENS.finditer(sql):
        if match["end"]:
            rest = re.sub(r"--[^\n]*|/\*.*?\*/", "", sql[match.end() :], flags=re.DOTALL)
            return not rest.strip().strip(";").strip()
    return True
