"""DynamoDB's expressions, read strictly: what the service refuses before it looks at an item.

Sources: DynamoDB developer guide, "Condition and filter expressions, operators, and functions", "Update expressions",
"Reserved words in DynamoDB". ministack passes over what it can't read in an update.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput

# The rule of the grammar that each member of a request is read by.
SLOTS = {
    "ConditionExpression": "condition",
    "FilterExpression": "condition",
    "KeyConditionExpression": "condition",
    "ProjectionExpression": "projection",
    "UpdateExpression": "update",
}
MOST_IN = 100  # values of one IN
# Every function with what it takes, so that a wrong name or count is an error of the grammar.
_GRAMMAR = r"""
condition: either
?either: both (_OR both)*
?both: negated (_AND negated)*
?negated: _NOT negated | "(" either ")" | truth | comparison
truth: _EXISTS "(" path ")"
     | _TYPE "(" path "," operand ")"
     | _TEXT "(" path "," operand ")"
comparison: operand (_EQUAL | _UNEQUAL) operand
          | operand _BETWEEN operand _AND operand
          | operand _IN among
among: "(" operand ("," operand)* ")"
?operand: path | VALUE | _SIZE "(" path ")"

projection: path ("," path)*

update: clause+
clause: _SET assignment ("," assignment)* -> set
      | _REMOVE path ("," path)* -> remove
      | _ADD path VALUE ("," path VALUE)* -> add
      | _DELETE path VALUE ("," path VALUE)* -> delete
assignment: path _EQUAL sum
sum: term (("+" | "-") term)?
?term: path | VALUE | "(" sum ")"
     | _IF_NOT_EXISTS "(" path "," term ")"
     | _LIST_APPEND "(" term "," term ")"

path: name ("." name | "[" INDEX "]")*
name: NAME | ALIAS

_EQUAL: "="
_UNEQUAL: "<>" | "<=" | ">=" | "<" | ">"
_AND.2: /AND(?!\w)/i
_OR.2: /OR(?!\w)/i
_NOT.2: /NOT(?!\w)/i
_BETWEEN.2: /BETWEEN(?!\w)/i
_IN.2: /IN(?!\w)/i
_SET.2: /SET(?!\w)/i
_REMOVE.2: /REMOVE(?!\w)/i
_ADD.2: /ADD(?!\w)/i
_DELETE.2: /DELETE(?!\w)/i
_EXISTS.2: /attribute_(not_)?exists(?=\s*\()/
_TYPE.2: /attribute_type(?=\s*\()/
_TEXT.2: /(begins_with|contains)(?=\s*\()/
_SIZE.2: /size(?=\s*\()/
_IF_NOT_EXISTS.2: /if_not_exists(?=\s*\()/
_LIST_APPEND.2: /list_append(?=\s*\()/
NAME: /[A-Za-z_]\w*/
ALIAS: /#\w+/
VALUE: /:\w+/
INDEX: /\d+/
%ignore /\s+/
"""


def problems(request: dict[str, Any]) -> Iterator[str]:
    """What DynamoDB says to a request's expressions, each beginning with `Invalid <member>: `."""
    for member in SLOTS:
        expression = request.get(member)
        if isinstance(expression, str):
            yield from (f"Invalid {member}: {why}" for why in problems_of(member, expression))


def problems_of(member: str, expression: str) -> Iterator[str]:
    if not expression.strip():
        yield "The expression can not be empty;"
        return
    try:
        tree = _parser().parse(expression, start=SLOTS[member])
    except UnexpectedInput as error:
        near = error.get_context(expression, span=8).splitlines()[0].strip()
        yield f'Syntax error; near: "{near}"'
        return
    for name in dict.fromkeys(_names(tree)):
        if name.upper() in _reserved():
            yield f"Attribute name is a reserved keyword; reserved keyword: {name}"
    for among in tree.find_data("among"):
        if len(among.children) > MOST_IN:
            number = len(among.children)
            yield f"The IN operator is provided with too many operands; number of operands: {number}"
    for clause in _clauses(tree):
        yield f'The "{clause.upper()}" section can only be used once in an update expression;'


def _names(tree: Tree[Token]) -> Iterator[str]:
    for node in tree.find_data("name"):
        yield from (
            str(token) for token in node.children if isinstance(token, Token) and token.type == "NAME"
        )


def _clauses(tree: Tree[Token]) -> Iterator[str]:
    """The clauses that are there a second time."""
    kinds = [node.data for node in tree.children if isinstance(node, Tree)] if tree.data == "update" else []
    yield from (str(kind) for at, kind in enumerate(kinds) if kind in kinds[:at])


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", start=sorted(set(SLOTS.values())), maybe_placeholders=False)


@cache
def _reserved() -> frozenset[str]:
    from ministack.services._dynamodb_keywords import AWS_KEYWORDS

    return frozenset(word.upper() for word in AWS_KEYWORDS)
