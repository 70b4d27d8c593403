"""Mapping templates: the part of Velocity that mock integrations are written in; what is beyond it is refused by name.

`#set`, `#if`, `#elseif`, `#else`, `#end`, comments, `==`, `!=`, `&&`, `||`, `!`, texts, whole numbers, variables,
`$input.params()` and what it holds, and `$context.responseOverride.header.<Name>` and `.status` to be set (developer
guide, "Mapping template and access logging variable reference", "Override your API's request and response parameters").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from lark import Lark, Token, Transformer, Tree
from lark.exceptions import LarkError, VisitError

_GRAMMAR = r"""
assignment: reference "=" value
value: either
?either: both ("||" both)*
?both: comparison ("&&" comparison)*
?comparison: denied (EQUALITY denied)?
?denied: "!" denied -> no
       | _atom
_atom: TEXT | NUMBER | FLAG | reference | "(" either ")"
reference: "$" "!"? (_path | "{" _path "}")
_path: NAME step*
step: "." NAME arguments?
arguments: "(" [either ("," either)*] ")"
EQUALITY: "==" | "!="
TEXT: /"[^"$#]*"/ | /'[^']*'/
NUMBER: /-?[0-9]+/
FLAG.2: /(true|false)(?![A-Za-z0-9_-])/
NAME: /[A-Za-z_][A-Za-z0-9_-]*/
%ignore /\s+/
"""
_STARTS = {"set": "assignment", "if": "value", "elseif": "value", "reference": "reference"}
_DIRECTIVE = re.compile(
    r"##[^\n]*\n?|#\*.*?\*#|#\{?(?P<word>[a-z]+)\}?|(?P<reference>\$!?\{?[A-Za-z_])", re.DOTALL
)
_REFERENCE = re.compile(
    r"""\$!?(?P<brace>\{)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*(?:\((?:[^()"']|"[^"]*"|'[^']*')*\))?)*(?(brace)\})"""
)
_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
_OVERRIDE = ("context", "responseOverride")


class TemplateUnsupported(ValueError):
    """A template has what is not rendered here; the message names it."""


@dataclass
class Rendered:
    """A response: its text, and what the template set of its status and headers."""

    text: str = ""
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Parameters:
    """What `$input.params()` holds of a request. Header names are found in whatever case."""

    path: Mapping[str, str] = field(default_factory=dict)
    querystring: Mapping[str, str] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def named(self, name: str) -> str:
        """`$input.params("name")`: of the path, else the query, else the headers, else empty."""
        return self.path.get(name) or self.querystring.get(name) or self.of("header", name)

    def of(self, where: str, name: str) -> str:
        if where == "header":
            return self.header.get(name.lower(), "")
        return str({"path": self.path, "querystring": self.querystring}[where].get(name, ""))


@dataclass(frozen=True)
class _Piece:
    """A part of a template: a text, a reference or a directive with what stands between its parentheses."""

    word: str
    inside: str = ""


def check(template: str) -> None:
    """Raises TemplateUnsupported for what rendering would."""
    nested = 0
    for piece in _pieces(template):
        nested += {"if": 1, "end": -1}.get(piece.word, 0)
        if nested < 0 or (piece.word in ("else", "elseif") and nested == 0):
            raise TemplateUnsupported(f"#{piece.word} without #if")
        tree = _tree(piece)
        if tree is not None:
            _check_names(tree, assigned=piece.word == "set")
    if nested:
        raise TemplateUnsupported("#if without #end")


def render(template: str, parameters: Parameters) -> Rendered:
    """Raises TemplateUnsupported."""
    check(template)
    run = _Run(parameters)
    for piece in _pieces(template):
        run.take(piece)
    return run.rendered


def _pieces(template: str) -> list[_Piece]:
    found: list[_Piece] = []
    at = 0
    while match := _DIRECTIVE.search(template, at):
        found.append(_Piece("text", template[at : match.start()]))
        piece, at = _piece(template, match)
        if piece:
            found.append(piece)
    return [*found, _Piece("text", template[at:])]


def _piece(template: str, match: re.Match[str]) -> tuple[_Piece | None, int]:
    """(the piece, where what follows it begins); a comment is none."""
    if match["reference"]:
        whole = _REFERENCE.match(template, match.start())
        if whole is None:
            raise TemplateUnsupported(template[match.start() :][:40])
        return _Piece("reference", whole.group()), whole.end()
    word = match["word"]
    if word in ("set", "if", "elseif"):
        return _with_parentheses(template, word, match.end())
    if word in ("else", "end"):
        return _Piece(word), match.end()
    if word:
        raise TemplateUnsupported(f"#{word}")
    return None, match.end()


def _with_parentheses(template: str, word: str, at: int) -> tuple[_Piece, int]:
    while at < len(template) and template[at] in " \t":
        at += 1
    depth, start = 0, at
    while at < len(template):
        if quoted := _QUOTED.match(template, at):
            at = quoted.end()
            continue
        depth += {"(": 1, ")": -1}.get(template[at], 0)
        if depth == 0:
            break
        at += 1
    if template[start : start + 1] != "(" or at >= len(template):
        raise TemplateUnsupported(f"#{word} without its parentheses")
    after = re.compile(r"[ \t]*\n?").match(template, at + 1) if word == "set" else None
    return _Piece(word, template[start + 1 : at]), after.end() if after else at + 1


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", start=sorted(set(_STARTS.values())))


def _tree(piece: _Piece) -> Tree[Token] | None:
    start = _STARTS.get(piece.word)
    if start is None:
        return None
    try:
        return _parser().parse(piece.inside, start=start)
    except LarkError:
        raise TemplateUnsupported(piece.inside.strip()) from None


def _names(reference: Tree[Token]) -> list[str]:
    first, *steps = reference.children
    return [str(first), *(str(step.children[0]) for step in steps if isinstance(step, Tree))]


def _check_names(tree: Tree[Token], *, assigned: bool) -> None:
    target = tree.children[0] if assigned else None
    for reference in tree.find_data("reference"):
        names = _names(reference)
        written = reference is target
        if written and (len(names) == 1 or _is_override(names)):
            continue
        if written or names[0] in ("context", "util", "stageVariables") or not _is_read(names):
            raise TemplateUnsupported("$" + ".".join(names))


def _is_override(names: list[str]) -> bool:
    of_header = len(names) == 4 and names[2] == "header"
    return tuple(names[:2]) == _OVERRIDE and (of_header or names[2:] == ["status"])


def _is_read(names: list[str]) -> bool:
    if names[0] != "input":
        return len(names) == 1
    return names[1:2] == ["params"] and (
        len(names) == 2 or (names[2] in ("path", "querystring", "header") and names[3:] in (["get"], []))
    )


class _Values(Transformer[Token, Any]):
    """What an expression is worth; a variable that was never set is None."""

    def __init__(self, parameters: Parameters, variables: Mapping[str, Any]) -> None:
        super().__init__()
        self._parameters, self._variables = parameters, variables

    TEXT = staticmethod(lambda token: str(token)[1:-1])
    NUMBER = staticmethod(int)
    FLAG = staticmethod(lambda token: token == "true")

    def either(self, values: list[Any]) -> bool:
        return any(map(_holds, values))

    def both(self, values: list[Any]) -> bool:
        return all(map(_holds, values))

    def no(self, values: list[Any]) -> bool:
        return not _holds(values[0])

    def comparison(self, values: list[Any]) -> bool:
        left, operator, right = values
        equal = left is not None and right is not None and left == right
        return equal if operator == "==" else not equal

    def value(self, values: list[Any]) -> Any:
        return values[0]

    def arguments(self, values: list[Any]) -> list[Any]:
        return [value for value in values if value is not None]

    def step(self, values: list[Any]) -> tuple[str, list[Any] | None]:
        return str(values[0]), values[1] if len(values) > 1 else None

    def reference(self, values: list[Any]) -> Any:
        name, *steps = values
        if str(name) != "input":
            return self._variables.get(str(name))
        return self._input(steps)

    def _input(self, steps: list[tuple[str, list[Any] | None]]) -> str:
        given = [argument for _, arguments in steps for argument in arguments or ()]
        if len(given) != 1 or not isinstance(given[0], str):
            raise TemplateUnsupported("$input." + ".".join(name for name, _ in steps) + " without one name")
        where = next((name for name, _ in steps if name in ("path", "querystring", "header")), None)
        return self._parameters.of(where, given[0]) if where else self._parameters.named(given[0])


def _holds(value: Any) -> bool:
    return value is not None and value is not False


class _Run:
    """A template from its begin to its end. Of each open #if: whether its part is on, and whether one was."""

    def __init__(self, parameters: Parameters) -> None:
        self.rendered = Rendered()
        self._parameters = parameters
        self._variables: dict[str, Any] = {}
        self._open: list[tuple[bool, bool]] = []

    def take(self, piece: _Piece) -> None:
        if piece.word in ("if", "elseif", "else", "end"):
            self._branch(piece)
        elif all(on for on, _ in self._open):
            self._act(piece)

    def _branch(self, piece: _Piece) -> None:
        if piece.word == "if":
            self._open.append(self._chosen(piece, before=False))
            return
        _, before = self._open.pop()
        if piece.word != "end":
            self._open.append(self._chosen(piece, before=before))

    def _chosen(self, piece: _Piece, *, before: bool) -> tuple[bool, bool]:
        around = all(on for on, _ in self._open)
        on = around and not before and (piece.word == "else" or _holds(self._value(piece)))
        return on, before or on

    def _value(self, piece: _Piece) -> Any:
        tree = _tree(piece)
        return None if tree is None else self._worth(tree)

    def _worth(self, tree: Tree[Token]) -> Any:
        try:
            return _Values(self._parameters, self._variables).transform(tree)
        except VisitError as error:
            raise error.orig_exc from None

    def _act(self, piece: _Piece) -> None:
        if piece.word == "text":
            self.rendered.text += piece.inside
        elif piece.word == "reference":
            # A reference without a value stays as it is written, unless it is quiet.
            value = self._value(piece)
            quiet = piece.inside.startswith("$!")
            self.rendered.text += str(value) if value is not None else "" if quiet else piece.inside
        else:
            self._set(piece)

    def _set(self, piece: _Piece) -> None:
        tree = _tree(piece)
        if tree is None:
            return
        target, given = (child for child in tree.children if isinstance(child, Tree))
        value, names = self._worth(given), _names(target)
        if value is None:
            return
        if len(names) == 1:
            self._variables[names[0]] = value
        elif names[2] == "status":
            self.rendered.status = int(value)
        else:
            self.rendered.headers[names[3]] = str(value)
