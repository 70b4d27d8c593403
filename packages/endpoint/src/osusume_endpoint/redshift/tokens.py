"""A SQL tokenizer: enough structure to rewrite statements without touching literals and comments.

A comment or dollar-quoted literal that nothing closes reaches to the end, so that its end is looked for once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_PATTERN = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<string>'(?:[^']|'')*'|(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?:(?P=tag)|\Z))
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)
    | (?P<word>[A-Za-z_\#][\w$\#]*)
    | (?P<mark>::|<>|!=|<=|>=|\|\||~\*|!~\*|!~|.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    kind: str  # space, string, quoted, number, word or mark
    text: str

    @property
    def upper(self) -> str:
        """Comparable form of words and marks; literals and quoted names compare to nothing."""
        return self.text.upper() if self.kind in ("word", "mark", "number") else ""


def scan(sql: str) -> list[Token]:
    return [Token(match.lastgroup or "mark", match[0]) for match in _matches(sql)]


def _matches(sql: str) -> Iterator[re.Match[str]]:
    yield from _PATTERN.finditer(sql)


def render(tokens: Sequence[Token]) -> str:
    return "".join(token.text for token in tokens)


def solid(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without blanks and comments."""
    return [token for token in tokens if token.kind != "space"]


def words(tokens: Sequence[Token], count: int) -> tuple[str, ...]:
    return tuple(token.upper for token in solid(tokens)[:count])


def unquote(token: Token) -> str:
    """The value of a string literal, the name of an identifier."""
    if token.kind == "string":
        return token.text[1:-1].replace("''", "'")
    if token.kind == "quoted":
        return token.text[1:-1].replace('""', '"')
    return token.text.lower()


def closing(tokens: Sequence[Token], start: int) -> int:
    """Index of the parenthesis that closes the one at `start`; raises ValueError when there is none."""
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].text == "(":
            depth += 1
        elif tokens[index].text == ")":
            depth -= 1
            if depth == 0:
                return index
    raise ValueError("unbalanced parentheses")


def split(tokens: Sequence[Token], mark: str = ",") -> list[list[Token]]:
    """Parts between the top-level occurrences of `mark`."""
    parts: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "mark" else 0
        if token.kind == "mark" and token.text == mark and depth == 0:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def statements(sql: str) -> list[str]:
    """The statements of a script, without empty ones."""
    texts = [render(part).strip() for part in split(scan(sql), ";")]
    return [text for text in texts if solid(scan(text))]
