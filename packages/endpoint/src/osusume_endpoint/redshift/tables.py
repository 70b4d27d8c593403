"""CREATE TABLE and ALTER TABLE of Redshift: storage attributes go, types and identity columns change."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from osusume_endpoint.redshift.errors import InvalidRedshift, NotTranslatable
from osusume_endpoint.redshift.tokens import Token, closing, render, scan, solid, split, words

Tokens = list[Token]

# Redshift's lengths where a type has none: VARCHAR and TEXT are 256 long, NUMERIC has no decimals.
_TYPES = {
    "SUPER": ("jsonb", ""),
    "VARCHAR": ("varchar", "(256)"),
    "NVARCHAR": ("varchar", "(256)"),
    "TEXT": ("varchar", "(256)"),
    "CHAR": ("char", "(1)"),
    "NCHAR": ("char", "(1)"),
    "BPCHAR": ("char", "(256)"),
    "NUMERIC": ("numeric", "(18,0)"),
    "DECIMAL": ("numeric", "(18,0)"),
    "DATETIME": ("timestamp", ""),
    "VARBYTE": ("bytea", None),
    "VARBINARY": ("bytea", None),
}
_MAXIMUM = {"VARCHAR": "(65535)", "NVARCHAR": "(65535)", "CHAR": "(4096)", "NCHAR": "(4096)"}
_REFUSED_TYPES = ("HLLSKETCH", "GEOMETRY", "GEOGRAPHY")
_TABLE_ATTRIBUTES = ("DISTSTYLE", "DISTKEY", "SORTKEY", "COMPOUND", "INTERLEAVED", "ENCODE", "BACKUP")


def is_create(tokens: Sequence[Token]) -> bool:
    first = [word for word in words(tokens, 4) if word not in ("LOCAL", "TEMP", "TEMPORARY")]
    return first[:2] == ["CREATE", "TABLE"]


def create(tokens: Sequence[Token], *, rewrite_query: Callable[[Sequence[Token]], Tokens]) -> Tokens:
    head, rest = _head(tokens)
    head = _temporary(head)
    query = _query_of(rest)
    body, attributes = _body(rest[: len(rest) - len(query)])
    _check_attributes(attributes)
    new = [*head, *_columns(body, named_only=bool(query))]
    return [*new, *scan(" "), *rewrite_query(query)] if query else new


def _head(tokens: Sequence[Token]) -> tuple[Tokens, Tokens]:
    """Up to and including the table's name."""
    index = 0
    while tokens[index].upper != "TABLE":
        index += 1
    seen_name = False
    for position in range(index + 1, len(tokens)):
        token = tokens[position]
        if token.kind == "space" or token.upper in ("IF", "NOT", "EXISTS"):
            continue
        if token.text == ".":
            seen_name = False
            continue
        if seen_name or token.text == "(":
            return list(tokens[:position]), list(tokens[position:])
        seen_name = True
    return list(tokens), []


def _temporary(head: Tokens) -> Tokens:
    """A name that begins with # makes a temporary table."""
    if not solid(head)[-1].text.startswith("#"):
        return head
    plain = [Token(token.kind, token.text.lstrip("#")) for token in head]
    if {"TEMP", "TEMPORARY"} & {token.upper for token in plain}:
        return plain
    at = next(i for i, token in enumerate(plain) if token.upper == "TABLE")
    return [*plain[:at], *scan("TEMP "), *plain[at:]]


def _query_of(rest: Tokens) -> Tokens:
    depth = 0
    for index, token in enumerate(rest):
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0 and token.upper == "AS":
            return rest[index:]
    return []


def _body(rest: Tokens) -> tuple[Tokens, Tokens]:
    """The column list with its parentheses, and what follows."""
    start = next((i for i, t in enumerate(rest) if t.kind != "space"), None)
    if start is None or rest[start].text != "(":
        return [], rest
    end = closing(rest, start)
    return rest[: end + 1], rest[end + 1 :]


def _check_attributes(attributes: Tokens) -> None:
    stream = solid(attributes)
    index = 0
    while index < len(stream):
        word = stream[index].upper
        if word not in _TABLE_ATTRIBUTES:
            raise InvalidRedshift(f'syntax error at or near "{stream[index].text}"')
        index += 1
        if word in ("COMPOUND", "INTERLEAVED"):
            continue
        if index < len(stream) and stream[index].text == "(":
            index = closing(stream, index) + 1
        else:
            index += 1  # AUTO, EVEN, ALL, KEY, YES, NO


def _columns(body: Tokens, *, named_only: bool) -> Tokens:
    if not body:
        return []
    opening = next(i for i, token in enumerate(body) if token.text == "(")
    parts = split(body[opening + 1 : closing(body, opening)])
    if words(parts[0], 1) == ("LIKE",) or named_only:
        return body
    columns = [render(column(part)) for part in parts if not _is_constraint(part)]
    return scan(" (" + ",".join(columns) + ")")


def _is_constraint(part: Tokens) -> bool:
    """Keys are hints to Redshift's planner, never enforced: enforcing them here would hide duplicates."""
    first = words(part, 3)
    if first[:1] == ("CHECK",) or (first[:1] == ("CONSTRAINT",) and first[2:] == ("CHECK",)):
        raise InvalidRedshift('syntax error at or near "check"')
    return first[:2] in (("PRIMARY", "KEY"), ("FOREIGN", "KEY")) or first[0] in ("UNIQUE", "CONSTRAINT")


def column(tokens: Tokens) -> Tokens:
    """One column definition: `name type attributes`."""
    start = next(i for i, token in enumerate(tokens) if token.kind != "space")
    at = start + 1
    while at < len(tokens) and tokens[at].kind == "space":
        at += 1
    if at >= len(tokens):
        return tokens
    kind, used = data_type(tokens, at, default_lengths=True)
    return [*tokens[:at], *kind, *_column_attributes(tokens[at + used :])]


def _column_attributes(tokens: Tokens) -> Tokens:
    result: Tokens = []
    index = 0
    while index < len(tokens):
        word = tokens[index].upper
        after = _next(tokens, index)
        if word in ("DISTKEY", "SORTKEY", "UNIQUE"):
            index += 1
        elif word == "ENCODE":
            index = after + 1
        elif word == "PRIMARY":
            result += scan("NOT NULL")
            index = after + 1
        elif word == "REFERENCES":
            index = _after_reference(tokens, after)
        elif word == "IDENTITY":
            end = closing(tokens, after)
            result += _identity(tokens[after + 1 : end], result)
            index = end + 1
        elif word == "CHECK":
            raise InvalidRedshift('syntax error at or near "check"')
        elif word == "SYSDATE":
            result += scan("getdate()")
            index += 1
        else:
            result.append(tokens[index])
            index += 1
    return result


def _next(tokens: Tokens, index: int) -> int:
    index += 1
    while index < len(tokens) and tokens[index].kind == "space":
        index += 1
    return index


def _after_reference(tokens: Tokens, index: int) -> int:
    while index < len(tokens) and (tokens[index].kind in ("word", "quoted") or tokens[index].text == "."):
        index += 1
    following = _next(tokens, index - 1)
    if following < len(tokens) and tokens[following].text == "(":
        return closing(tokens, following) + 1
    return index


def _identity(arguments: Tokens, before: Tokens) -> Tokens:
    seed, step = (render(part).strip() for part in split(arguments))
    minimum = f" MINVALUE {seed}" if int(seed) < 1 else ""
    options = f"(START WITH {seed} INCREMENT BY {step}{minimum})"
    if words(before, 4)[-1:] == ("AS",):  # GENERATED BY DEFAULT AS IDENTITY(...)
        return scan(f"IDENTITY {options}")
    return scan(f"GENERATED ALWAYS AS IDENTITY {options}")


def data_type(tokens: Sequence[Token], index: int, *, default_lengths: bool) -> tuple[Tokens, int]:
    """The type at `index` in PostgreSQL's words, and how many tokens it took."""
    word = tokens[index].upper
    if word in _REFUSED_TYPES:
        raise NotTranslatable(f"type {word}")
    if default_lengths and word in ("JSONB", "JSON", "UUID", "BYTEA", "SERIAL", "BIGSERIAL"):
        raise InvalidRedshift(f'type "{word.lower()}" does not exist')
    if word == "CHARACTER" and tokens[_next(list(tokens), index)].upper == "VARYING":
        kind, used = data_type([Token("word", "VARCHAR"), *tokens[_next(list(tokens), index) + 1 :]], 0,
                               default_lengths=default_lengths)  # fmt: skip
        return kind, used + _next(list(tokens), index) - index
    if word not in _TYPES:
        return [tokens[index]], 1
    name, default = _TYPES[word]
    following = _next(list(tokens), index)
    if following < len(tokens) and tokens[following].text == "(":
        end = closing(tokens, following)
        length = render(tokens[following : end + 1])
        if default is None:
            return scan(name), end + 1 - index
        if words(tokens[following + 1 : end], 1) == ("MAX",):
            length = _MAXIMUM[word]
        return scan(name + length), end + 1 - index
    numeric = word in ("NUMERIC", "DECIMAL")
    return scan(name + (default or "" if default_lengths or numeric else "")), 1


def alter(tokens: Sequence[Token]) -> Tokens:
    """ALTER TABLE: ADD COLUMN gets the rules of a column; what only moves storage becomes a no-op."""
    upper = [token.upper for token in tokens]
    stream = [word for word in upper if word]
    if "APPEND" in stream:
        raise NotTranslatable("ALTER TABLE ... APPEND")
    storage = {"DISTKEY", "SORTKEY", "DISTSTYLE", "ENCODE"}
    if "ALTER" in stream[1:] and storage & set(stream) and "TYPE" not in stream:
        return scan("SELECT 1 WHERE false")
    if "ADD" not in upper:
        return list(tokens)
    at = upper.index("ADD")
    rest = list(tokens[at + 1 :])
    if _is_constraint(rest):
        return scan("SELECT 1 WHERE false")
    start = _next(rest, -1)
    if rest[start].upper == "COLUMN":
        start = _next(rest, start)
    return [*tokens[: at + 1], *scan(" COLUMN "), *column(rest[start:])]
