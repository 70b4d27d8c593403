"""The language of filter expressions ("Filter expression structure and elements") as a syntax tree."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

_GRAMMAR = r"""
start: expression ("|" expression)*
expression: MODE TARGET _WHERE disjunction [_IF conjunction]

?disjunction: conjunction (_OR conjunction)*   -> any_of
?conjunction: term (_AND term)*                -> all_of
?term: "(" disjunction ")" | predicate

predicate: field _IN list                      -> is_in
         | field _NOT _IN list                 -> not_in
         | field OPERATOR operand              -> compare
         | field _BETWEEN value _AND value     -> between
         | field _IS _NULL                     -> is_null
         | field _IS _NOT _NULL                -> not_null

?list: "(" value ("," value)* ")"              -> values
     | field                                   -> field_list
?operand: value | "(" value ")"
?value: STRING -> text | NUMBER -> number | PARAMETER -> parameter | field

field: NAME "." NAME

MODE.2: /(INCLUDE|EXCLUDE)\b/i
TARGET.2: /(ItemID|UserID|ActionID)\b/i
OPERATOR: "<=" | ">=" | "!=" | "<" | ">" | "="
_WHERE.2: /WHERE\b/i
_IF.2: /IF\b/i
_AND.2: /AND\b/i
_OR.2: /OR\b/i
_IN.2: /IN\b/i
_NOT.2: /NOT\b/i
_IS.2: /IS\b/i
_NULL.2: /NULL\b/i
_BETWEEN.2: /BETWEEN\b/i
PARAMETER: /\$[A-Za-z0-9_]+/
STRING: /"(\\.|[^"\\])*"/
NUMBER: /[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?/
NAME: /[A-Za-z_][A-Za-z0-9_]*/
%import common.WS
%ignore WS
"""
_READABLE = {
    "MODE": "INCLUDE or EXCLUDE",
    "TARGET": "ItemID, UserID or ActionID",
    "OPERATOR": "a comparison operator",
    "STRING": "a quoted string",
    "NUMBER": "a number",
    "PARAMETER": "a $parameter",
    "NAME": "a name",
    "LPAR": "(",
    "RPAR": ")",
    "COMMA": ",",
    "DOT": ".",
    "VBAR": "|",
    "$END": "the end",
}


MOST_NESTED = 100  # parentheses; each takes frames of the parser, and a process may have any limit of them
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
MOST_CHARACTERS = 2500  # of a CreateFilter (botocore's model: FilterExpression)


class FilterError(ValueError):
    """A filter that Amazon Personalize refuses; parse errors name the position."""


@dataclass(frozen=True)
class FieldRef:
    dataset: str
    name: str

    def __str__(self) -> str:
        return f"{self.dataset}.{self.name}"

    @property
    def source(self) -> str:
        """The dataset type in upper case, without what the spelling of action interactions varies in."""
        plain = self.dataset.upper().replace("_", "")
        return {"ACTIONINTERACTIONS": "ACTION_INTERACTIONS"}.get(plain, plain)


@dataclass(frozen=True)
class Parameter:
    name: str


Value = str | float | Parameter | FieldRef


@dataclass(frozen=True)
class Predicate:
    """`operator` is one of IN, NOT IN, =, !=, <, <=, >, >=, BETWEEN, IS NULL, IS NOT NULL."""

    field: FieldRef
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True)
class Combination:
    """Conditions joined by AND or OR."""

    operator: str
    terms: tuple[Condition, ...]


Condition = Predicate | Combination


@dataclass(frozen=True)
class Expression:
    include: bool
    target: str
    condition: Condition
    only_if: Condition | None = None

    def predicates(self) -> Iterator[Predicate]:
        yield from predicates(self.condition)
        if self.only_if is not None:
            yield from predicates(self.only_if)

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(
            value.name for p in self.predicates() for value in p.values if isinstance(value, Parameter)
        )


@dataclass(frozen=True)
class FilterExpression:
    """Expressions joined by the pipe separator."""

    expressions: tuple[Expression, ...]

    @property
    def target(self) -> str:
        return self.expressions[0].target

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset().union(*(one.parameters for one in self.expressions))

    def predicates(self) -> Iterator[Predicate]:
        for expression in self.expressions:
            yield from expression.predicates()

    def fields(self) -> frozenset[tuple[str, str]]:
        """Distinct dataset fields, CurrentUser and CurrentItem counted as Users and Items."""
        sources = {"CURRENTUSER": "USERS", "CURRENTITEM": "ITEMS"}
        found: set[tuple[str, str]] = set()
        for predicate in self.predicates():
            refs = [predicate.field, *(v for v in predicate.values if isinstance(v, FieldRef))]
            found.update((sources.get(ref.source, ref.source), ref.name.upper()) for ref in refs)
        return frozenset(found)

    def uses(self, source: str) -> bool:
        return any(
            ref.source == source
            for p in self.predicates()
            for ref in (p.field, *(v for v in p.values if isinstance(v, FieldRef)))
        )


def predicates(condition: Condition) -> Iterator[Predicate]:
    if isinstance(condition, Predicate):
        yield condition
        return
    for term in condition.terms:
        yield from predicates(term)


class _Tree(Transformer[Token, Any]):
    def start(self, expressions: list[Expression]) -> FilterExpression:
        return FilterExpression(tuple(expressions))

    def expression(self, parts: list[Any]) -> Expression:
        mode, target, condition, only_if = parts
        return Expression(str(mode).upper() == "INCLUDE", str(target).upper(), condition, only_if)

    def any_of(self, terms: list[Condition]) -> Condition:
        return terms[0] if len(terms) == 1 else Combination("OR", tuple(terms))

    def all_of(self, terms: list[Condition]) -> Condition:
        return terms[0] if len(terms) == 1 else Combination("AND", tuple(terms))

    def is_in(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], "IN", parts[1])

    def not_in(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], "NOT IN", parts[1])

    def compare(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], str(parts[1]), (parts[2],))

    def between(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], "BETWEEN", (parts[1], parts[2]))

    def is_null(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], "IS NULL")

    def not_null(self, parts: list[Any]) -> Predicate:
        return Predicate(parts[0], "IS NOT NULL")

    def values(self, parts: list[Any]) -> tuple[Value, ...]:
        return tuple(parts)

    def field_list(self, parts: list[Any]) -> tuple[Value, ...]:
        return (parts[0],)

    def text(self, parts: list[Token]) -> str:
        return str(parts[0])[1:-1].replace('\\"', '"').replace("\\\\", "\\")

    def number(self, parts: list[Token]) -> float:
        return float(parts[0])

    def parameter(self, parts: list[Token]) -> Parameter:
        return Parameter(str(parts[0])[1:])

    def field(self, parts: list[Token]) -> FieldRef:
        return FieldRef(str(parts[0]), str(parts[1]))


@functools.cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="contextual", maybe_placeholders=True)


def _nesting(text: str) -> int:
    """The most parentheses that are open at once; those inside quotes don't count."""
    level = most = 0
    for character in _QUOTED.sub("", text):
        level += {"(": 1, ")": -1}.get(character, 0)
        most = max(most, level)
    return most


@functools.lru_cache(maxsize=256)
def parse_filter(text: str) -> FilterExpression:
    """FilterError says at which position what was expected."""
    if len(text) > MOST_CHARACTERS:
        raise FilterError(
            f"Invalid Expression: {len(text)} characters, at most {MOST_CHARACTERS} are allowed"
        )
    if _nesting(text) > MOST_NESTED:
        raise FilterError("Invalid Expression: its parentheses nest too deeply")
    try:
        tree: FilterExpression = _Tree().transform(_parser().parse(text))
    except UnexpectedInput as error:
        raise FilterError(_explained(error, text)) from None
    except VisitError as error:
        raise FilterError(f"Invalid Expression: {error.orig_exc}") from None
    return tree


def _explained(error: UnexpectedInput, text: str) -> str:
    allowed = getattr(error, "accepts", None) or getattr(error, "expected", None) or ()
    if isinstance(error, UnexpectedCharacters):
        allowed = error.allowed or ()
    expected = ", ".join(sorted(_READABLE.get(name, name.lstrip("_")) for name in allowed))
    hint = f": expected {expected}" if expected else ""
    ended = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    if isinstance(error, UnexpectedEOF) or ended:
        return f"Invalid Expression: the expression ends too early, at position {len(text) + 1}{hint}"
    position = (error.pos_in_stream or 0) + 1
    symbol = text[position - 1 : position + 15]
    return f"Invalid input symbol at position {position}, {symbol!r}{hint}"
