"""Redshift SQL to PostgreSQL: rewrites what differs, refuses by name what cannot be run faithfully."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from osusume_endpoint.redshift import grants, reserved, tables
from osusume_endpoint.redshift.errors import InvalidRedshift, NotTranslatable
from osusume_endpoint.redshift.tokens import Token, closing, render, scan, solid, split, words

# The first word or two of every statement that is passed on.
KNOWN = {
    "SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "GRANT", "REVOKE", "BEGIN", "START",
    "COMMIT", "END", "ROLLBACK", "ABORT", "ANALYZE", "VACUUM", "SET", "RESET", "SHOW", "EXPLAIN", "COMMENT",
    "LOCK", "COPY", "UNLOAD", "(",
}  # fmt: skip
KNOWN_OBJECTS = {
    ("CREATE", "SCHEMA"), ("CREATE", "TABLE"), ("CREATE", "TEMP"), ("CREATE", "TEMPORARY"),
    ("CREATE", "LOCAL"), ("CREATE", "VIEW"), ("CREATE", "OR"), ("CREATE", "MATERIALIZED"),
    ("CREATE", "USER"), ("CREATE", "GROUP"), ("CREATE", "ROLE"),
    ("DROP", "SCHEMA"), ("DROP", "TABLE"), ("DROP", "VIEW"), ("DROP", "MATERIALIZED"),
    ("DROP", "USER"), ("DROP", "GROUP"), ("DROP", "ROLE"), ("ALTER", "TABLE"), ("ALTER", "SCHEMA"),
    ("ALTER", "USER"), ("ALTER", "GROUP"), ("ALTER", "DEFAULT"), ("REFRESH", "MATERIALIZED"),
}  # fmt: skip

# PostgreSQL only: Redshift answers a syntax error.
_NOT_ON_REDSHIFT: Sequence[tuple[str, ...]] = (
    ("ON", "CONFLICT"), ("RETURNING",), ("FILTER", "("), ("DISTINCT", "ON"), ("LATERAL",), ("TABLESAMPLE",),
    ("EXCEPT", "ALL"), ("INTERSECT", "ALL"), ("FETCH", "FIRST"), ("WITH", "ORDINALITY"),
)  # fmt: skip
_FUNCTIONS_NOT_ON_REDSHIFT = {
    "STRING_AGG", "ARRAY_AGG", "JSONB_BUILD_OBJECT", "JSON_BUILD_OBJECT", "JSONB_AGG", "JSON_AGG",
    "ROW_TO_JSON", "TO_JSONB", "DATE_BIN", "GEN_RANDOM_UUID", "UNNEST", "MAKE_INTERVAL", "MAKE_DATE",
    "STRING_TO_ARRAY", "FORMAT",
}  # fmt: skip
_TYPES_NOT_ON_REDSHIFT = {"JSONB", "JSON", "UUID", "BYTEA", "MONEY", "INET", "SERIAL", "BIGSERIAL", "XML"}
_NOT_EMULATED = {"QUALIFY": "QUALIFY", "PIVOT": "PIVOT", "UNPIVOT": "UNPIVOT", "CONNECT": "CONNECT BY"}

_UNITS = {
    "YEAR": "year", "YEARS": "year", "Y": "year", "YR": "year", "QUARTER": "quarter", "QTR": "quarter",
    "MONTH": "month", "MONTHS": "month", "MON": "month", "WEEK": "week", "WEEKS": "week", "W": "week",
    "DAY": "day", "DAYS": "day", "D": "day", "HOUR": "hour", "HOURS": "hour", "H": "hour", "HR": "hour",
    "MINUTE": "minute", "MINUTES": "minute", "MIN": "minute", "M": "minute", "SECOND": "second",
    "SECONDS": "second", "S": "second", "SEC": "second", "MILLISECOND": "millisecond", "MS": "millisecond",
}  # fmt: skip


def translate(sql: str) -> str:
    """PostgreSQL text of one Redshift statement that is neither COPY nor UNLOAD."""
    tokens = scan(sql)
    check(tokens)
    if words(tokens, 1) == ("MERGE",):
        _check_merge(solid(tokens))
    if words(tokens, 1)[0] in ("ANALYZE", "VACUUM"):
        return "SELECT 1 WHERE false"  # upkeep that changes no answer; VACUUM may not run in a transaction
    if tables.is_create(tokens):
        tokens = tables.create(tokens, rewrite_query=_expressions)
    elif words(tokens, 2) == ("ALTER", "TABLE"):
        tokens = _expressions(tables.alter(tokens))
    else:
        tokens = _expressions(grants.rewritten(tokens))
    return render(tokens)


def check(tokens: Sequence[Token]) -> None:
    """Raises what Redshift would say of a statement of any kind, COPY and UNLOAD included."""
    _check_known(tokens)
    word = reserved.misused(tokens)
    if word is not None:
        raise InvalidRedshift(f'syntax error at or near "{word}"')
    _check_valid(tokens)


def commits_alone(sql: str) -> bool:
    """Whether Redshift refuses the statement inside a transaction: it widens no column there (ALTER TABLE)."""
    stream = [token.upper for token in solid(scan(sql))]
    return stream[:2] == ["ALTER", "TABLE"] and "TYPE" in stream and "ADD" not in stream


def changed_table(tokens: Sequence[Token]) -> str | None:
    """The table that CREATE TABLE made or ALTER TABLE changed, as written for PostgreSQL."""
    if not tables.is_create(tokens) and words(tokens, 2) != ("ALTER", "TABLE"):
        return None
    stream = solid(tokens)
    at = next(i for i, token in enumerate(stream) if token.upper == "TABLE") + 1
    while stream[at].upper in ("IF", "NOT", "EXISTS"):
        at += 1
    name = [stream[at].text.lstrip("#")]
    while at + 2 < len(stream) and stream[at + 1].text == ".":
        at += 2
        name.append(stream[at].text)
    return ".".join(name)


def _check_known(tokens: Sequence[Token]) -> None:
    first = words(tokens, 3)
    if not first:
        raise InvalidRedshift("syntax error at end of input")
    if first[0] in KNOWN or first[:2] in KNOWN_OBJECTS:
        if first in (("CREATE", "OR", "REPLACE"), ("CREATE", "MATERIALIZED", "VIEW")):
            _check_replaced(tokens)
        return
    raise NotTranslatable(" ".join(first[:2]))


def _check_replaced(tokens: Sequence[Token]) -> None:
    kind = words(tokens, 4)[3:]
    if words(tokens, 2) == ("CREATE", "OR") and kind not in (("VIEW",),):
        raise NotTranslatable("CREATE OR REPLACE " + " ".join(kind))
    auto = [token.upper for token in solid(tokens)]
    if "REFRESH" in auto and "AUTO" in auto:
        raise NotTranslatable("CREATE MATERIALIZED VIEW ... AUTO REFRESH")


def _check_valid(tokens: Sequence[Token]) -> None:
    stream = solid(tokens)
    upper = [token.upper for token in stream]
    for index, word in enumerate(upper):
        for phrase in _NOT_ON_REDSHIFT:
            if tuple(upper[index : index + len(phrase)]) == phrase:
                raise InvalidRedshift(f'syntax error at or near "{" ".join(phrase).lower()}"')
        following = upper[index + 1] if index + 1 < len(upper) else ""
        if word in _FUNCTIONS_NOT_ON_REDSHIFT and following == "(":
            raise InvalidRedshift(f"function {word.lower()} does not exist")
        if word in _TYPES_NOT_ON_REDSHIFT and index and upper[index - 1] in ("::", "AS"):
            raise InvalidRedshift(f'type "{word.lower()}" does not exist')
        if word == "]" and following == ".":
            raise NotTranslatable("navigation into a SUPER value with a dot: take its parts one by one")
        if word in _NOT_EMULATED and _is_clause(word, following):
            raise NotTranslatable(_NOT_EMULATED[word])
        if word == "SELECT" and following == "TOP":
            raise NotTranslatable("SELECT TOP: use LIMIT")


def _is_clause(word: str, following: str) -> bool:
    return following not in (",", ")", ".", "=", "") if word == "QUALIFY" else following in ("(", "BY")


def _check_merge(stream: Sequence[Token]) -> None:
    """Redshift's MERGE: no alias of the target, a table as source, both branches, no conditions on them."""
    upper = [token.upper for token in stream]
    if "USING" not in upper:
        raise InvalidRedshift('syntax error at or near "merge"')
    if "REMOVE" in upper and "DUPLICATES" in upper:
        raise NotTranslatable("MERGE ... REMOVE DUPLICATES")
    using = upper.index("USING")
    target = [token for token in stream[2:using] if token.text != "."]
    parts = using - 2 - len(target) + 1
    if len(target) != parts:
        raise InvalidRedshift(
            f'syntax error at or near "{target[-1].text}": MERGE allows no alias of the target'
        )
    if upper[using + 1] == "(":
        raise InvalidRedshift('syntax error at or near "(": the source of MERGE is a table')
    matched = [i for i, w in enumerate(upper) if w == "MATCHED"]
    kinds = ["NOT" if upper[i - 1] == "NOT" else "" for i in matched]
    if any(upper[i + 1] != "THEN" for i in matched):
        raise InvalidRedshift('syntax error at or near "and": MERGE branches take no condition')
    if sorted(kinds) != ["", "NOT"]:
        raise InvalidRedshift("MERGE needs one WHEN MATCHED and one WHEN NOT MATCHED branch")


def _expressions(tokens: Sequence[Token]) -> list[Token]:
    """Rewrite functions, keywords and types inside any statement, innermost last."""
    result: list[Token] = []
    index = 0
    while index < len(tokens):
        token = tokens[index]
        call = _call_at(tokens, index)
        if call is not None and token.upper in _CALLS:
            opening, end = call
            arguments = split(tokens[opening + 1 : end])
            new, used = _CALLS[token.upper](arguments, tokens[end + 1 :])
            result += new
            index = end + 1 + used
            continue
        replaced, used = _keyword(tokens, index, previous=_last_solid(result))
        result += replaced
        index += used
    return result


def _call_at(tokens: Sequence[Token], index: int) -> tuple[int, int] | None:
    """(opening, closing) of the parentheses that follow a word."""
    if tokens[index].kind != "word":
        return None
    following = index + 1
    while following < len(tokens) and tokens[following].kind == "space":
        following += 1
    if following >= len(tokens) or tokens[following].text != "(":
        return None
    try:
        return following, closing(tokens, following)
    except ValueError:
        raise InvalidRedshift("syntax error at end of input") from None


def _last_solid(tokens: Sequence[Token]) -> str:
    return next((token.upper for token in reversed(tokens) if token.kind != "space"), "")


def _keyword(tokens: Sequence[Token], index: int, *, previous: str) -> tuple[list[Token], int]:
    token = tokens[index]
    if token.kind != "word" or previous == ".":
        return [token], 1
    word = token.upper
    if word.startswith("#"):
        return [Token("word", token.text.lstrip("#"))], 1
    if word == "SYSDATE":
        return _text("getdate()"), 1
    if word == "MINUS" and previous not in ("", ","):
        return _text("EXCEPT"), 1
    if word == "APPROXIMATE":
        return [], 1
    if previous in ("::", "AS"):
        return tables.data_type(tokens, index, default_lengths=False)
    return [token], 1


def _text(text: str) -> list[Token]:
    return scan(text)


Arguments = list[list[Token]]
Call = Callable[[Arguments, Sequence[Token]], tuple[list[Token], int]]


def _joined(arguments: Sequence[Sequence[Token]]) -> str:
    return ", ".join(render(_expressions(argument)).strip() for argument in arguments)


def _renamed(name: str) -> Call:
    return lambda arguments, after: (_text(f"{name}({_joined(arguments)})"), 0)


def _with_unit(name: str) -> Call:
    def call(arguments: Arguments, after: Sequence[Token]) -> tuple[list[Token], int]:
        unit = solid(arguments[0])
        known = _UNITS.get(unit[0].upper) if len(unit) == 1 else None
        if len(unit) == 1 and unit[0].kind == "string":
            known = _UNITS.get(unit[0].text.strip("'").upper())
        if known is None or len(arguments) != 3:
            raise NotTranslatable(f"{name.upper()}({render(arguments[0]).strip()}, ...)")
        casts = ("::timestamp", "::timestamp") if name == "datediff" else ("", "")
        rest = [f"({_joined([a])}){cast}" for a, cast in zip(arguments[1:], casts, strict=True)]
        return _text(f"{name}('{known}', {', '.join(rest)})"), 0

    return call


def _decode(arguments: Arguments, after: Sequence[Token]) -> tuple[list[Token], int]:
    """DECODE(e, search, result, ..., default) as CASE; NULL equals NULL."""
    parts = [_joined([argument]) for argument in arguments]
    if len(parts) < 3:
        return _text(f"decode({', '.join(parts)})"), 0
    pairs = list(zip(parts[1::2], parts[2::2], strict=False))
    default = f" ELSE {parts[-1]}" if len(parts) % 2 == 0 else ""
    cases = " ".join(f"WHEN ({parts[0]}) IS NOT DISTINCT FROM ({s}) THEN {r}" for s, r in pairs)
    return _text(f"(CASE {cases}{default} END)"), 0


def _nvl2(arguments: Arguments, after: Sequence[Token]) -> tuple[list[Token], int]:
    value, present, absent = (_joined([argument]) for argument in arguments)
    return _text(f"(CASE WHEN ({value}) IS NOT NULL THEN {present} ELSE {absent} END)"), 0


def _listagg(arguments: Arguments, after: Sequence[Token]) -> tuple[list[Token], int]:
    distinct, first = "", list(arguments[0])
    if words(first, 1) == ("DISTINCT",):
        distinct, first = "DISTINCT ", [t for t in first if t.upper != "DISTINCT"]
    separator = _joined([arguments[1]]) if len(arguments) > 1 else "''"
    order, used = _within_group(after)
    value = f"({_joined([first])})::text"
    if distinct and order:
        order = f" ORDER BY {value}"  # PostgreSQL sorts distinct values by themselves only
    return _text(f"string_agg({distinct}{value}, {separator}{order})"), used


def _within_group(after: Sequence[Token]) -> tuple[str, int]:
    if words(after, 2) != ("WITHIN", "GROUP"):
        return "", 0
    opening = next(i for i, token in enumerate(after) if token.text == "(")
    end = closing(after, opening)
    return " " + render(_expressions(after[opening + 1 : end])).strip(), end + 1


def _median(arguments: Arguments, after: Sequence[Token]) -> tuple[list[Token], int]:
    return _text(f"percentile_cont(0.5) WITHIN GROUP (ORDER BY {_joined(arguments)})"), 0


_CALLS: dict[str, Call] = {
    "NVL": _renamed("coalesce"),
    "ISNULL": _renamed("coalesce"),
    "NVL2": _nvl2,
    "DATEADD": _with_unit("dateadd"),
    "DATE_ADD": _with_unit("dateadd"),
    "DATEDIFF": _with_unit("datediff"),
    "DATE_DIFF": _with_unit("datediff"),
    "DECODE": _decode,
    "LISTAGG": _listagg,
    "MEDIAN": _median,
}
