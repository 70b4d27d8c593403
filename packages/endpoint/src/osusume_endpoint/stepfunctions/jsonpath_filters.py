"""Filter expressions of JSONPath: `[?(@.price < 10 && @.name =~ /A.*/)]`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any, Protocol

from osusume_endpoint.stepfunctions.jsonpath_errors import PathNotFound, PathSyntaxError

Operand = Callable[[Any, Any], Any]
Predicate = Callable[[Any, Any], bool]

LITERAL = re.compile(r"-?\d+(?:\.\d+)?|true\b|false\b|null\b")
PATTERN = re.compile(r"/((?:[^/\\]|\\.)*)/(i?)")
COMPARISON = re.compile(r"==|!=|<=|>=|<|>|=~|in\b|nin\b")
LITERALS = {"true": True, "false": False, "null": None}


class Located(Protocol):
    """A path that was read."""

    def find(self, document: Any) -> Any: ...


class Scanner(Protocol):
    """What is read of a path's text, from `position` on; each method moves it past what it read."""

    text: str
    position: int

    def blanks(self) -> None: ...

    def peek(self) -> str: ...

    def take(self, token: str) -> bool: ...

    def expect(self, token: str) -> None: ...

    def match(self, pattern: re.Pattern[str], wanted: str) -> re.Match[str]: ...

    def quoted(self) -> str: ...

    def listed(self, item: Callable[[], Any]) -> list[Any]: ...

    def nested(self) -> Located: ...


class _Missing:
    pass


MISSING = _Missing()


def predicate(scanner: Scanner) -> Predicate:
    """Reads `(...)` at the scanner's position."""
    scanner.blanks()
    scanner.expect("(")
    test = _either(scanner)
    scanner.blanks()
    scanner.expect(")")
    return test


def _either(scanner: Scanner) -> Predicate:
    tests = [_both(scanner)]
    while _operator(scanner, "||"):
        tests.append(_both(scanner))
    return lambda item, root: any(test(item, root) for test in tests)


def _both(scanner: Scanner) -> Predicate:
    tests = [_single(scanner)]
    while _operator(scanner, "&&"):
        tests.append(_single(scanner))
    return lambda item, root: all(test(item, root) for test in tests)


def _operator(scanner: Scanner, token: str) -> bool:
    scanner.blanks()
    return scanner.take(token)


def _single(scanner: Scanner) -> Predicate:
    scanner.blanks()
    if scanner.take("!"):
        inner = _single(scanner)
        return lambda item, root: not inner(item, root)
    if scanner.peek() == "(":
        return predicate(scanner)
    return _comparison(scanner)


def _comparison(scanner: Scanner) -> Predicate:
    left = _operand(scanner)
    scanner.blanks()
    match = COMPARISON.match(scanner.text, scanner.position)
    if match is None:
        return lambda item, root: left(item, root) is not MISSING
    scanner.position = match.end()
    scanner.blanks()
    if match.group() == "=~":
        return _matches(scanner, left)
    right = _operand(scanner)
    compare = _COMPARE[match.group()]
    return lambda item, root: _safely(compare, left(item, root), right(item, root))


def _matches(scanner: Scanner, left: Operand) -> Predicate:
    match = scanner.match(PATTERN, "a regular expression")
    pattern = _compiled(match[1], re.IGNORECASE if match[2] else re.NOFLAG)
    return lambda item, root: isinstance(left(item, root), str) and bool(pattern.fullmatch(left(item, root)))


def _compiled(pattern: str, flags: re.RegexFlag) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError) as error:
        raise PathSyntaxError(f"The regular expression /{pattern}/ is not valid: {error}") from error


def _operand(scanner: Scanner) -> Operand:
    if scanner.peek() in "@$":
        return _path(scanner)
    if scanner.peek() in "'\"":
        text = scanner.quoted()
        return lambda item, root: text
    if scanner.take("["):
        return _array(scanner)
    word = scanner.match(LITERAL, "a value").group()
    value = LITERALS[word] if word in LITERALS else float(word) if "." in word else int(word)
    return lambda item, root: value


def _array(scanner: Scanner) -> Operand:
    items = scanner.listed(lambda: _operand(scanner))
    scanner.expect("]")
    return lambda item, root: [each(item, root) for each in items]


def _path(scanner: Scanner) -> Operand:
    local = scanner.peek() == "@"
    path = scanner.nested()

    def value(item: Any, root: Any) -> Any:
        try:
            return path.find(item if local else root)
        except PathNotFound:
            return MISSING

    return value


def _safely(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:
        return False


_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda left, right: left in right,
    "nin": lambda left, right: left not in right,
}
