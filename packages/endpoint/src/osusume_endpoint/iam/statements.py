"""Which statements of a policy apply to a request: ours in place of ministack's, which reads no policy variables,
compares ARNs of conditions as one text, and takes several values for one.

tests/iam/test_differential.py compares the decisions with an implementation that neither wrote.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.iam import conditions, matching
from osusume_endpoint.iam.matching import ABSENT, Lookup, Missing, Value
from osusume_endpoint.replacements import replaces

VARIABLES_SINCE = (
    "2012-10-17"  # a policy of the version before has none ("IAM JSON policy elements: Version")
)
_TAGS = "aws:requesttag/"


def install() -> None:
    replacements.apply(__name__)


@replaces("ministack.core.iam_evaluator:parse_policy_document", takes="doc", everywhere=True)
def _keeping_version(inner: Callable[[Any], list[Any]]) -> Callable[[Any], list[Any]]:
    """Each parsed statement knows whether it may hold variables."""

    def parse_policy_document(document: Any) -> list[Any]:
        parsed = []
        for statement in _with_version(document):
            for one in inner({"Statement": [statement]}):
                one.variables = statement.get("Version") == VARIABLES_SINCE
                parsed.append(one)
        return parsed

    return parse_policy_document


@replaces(
    "ministack.core.iam_evaluator:evaluate_resource_policy",
    takes="doc, ctx, service, named_only, direct_only",
)
def _telling_version(inner: Callable[..., Any]) -> Callable[..., Any]:
    """ministack makes a document of the statements that name the caller, and leaves the version behind."""

    def evaluate_resource_policy(document: Any, *arguments: Any, **options: Any) -> Any:
        return inner({"Statement": _with_version(document)}, *arguments, **options)

    return evaluate_resource_policy


def _with_version(document: Any) -> list[dict[str, Any]]:
    """The statements, each with the version of its policy."""
    try:
        read = json.loads(document) if isinstance(document, str) else document
    except ValueError:
        return []
    if not isinstance(read, Mapping):
        return []
    statements = read.get("Statement", [])
    return [
        {"Version": read.get("Version"), **statement}
        for statement in (statements if isinstance(statements, list) else [statements])
        if isinstance(statement, dict)
    ]


@replaces("ministack.core.iam_evaluator:_first_match", takes="ctx, stmts, effect")
def _matching() -> Callable[[Any, list[Any], str], Any]:
    return first_match


def first_match(context: Any, statements: list[Any], effect: str) -> Any:
    return next((s for s in statements if s.effect == effect and _applies(s, context)), None)


def _applies(statement: Any, context: Any) -> bool:
    lookup, variables = _lookup(context), getattr(statement, "variables", True)
    return (
        _names(statement.actions, statement.not_actions, lambda p: _is_action(p, context.action))
        and _names(
            statement.resources,
            statement.not_resources,
            lambda p: matches(p, context.resource_arn, lookup, variables=variables),
        )
        and conditions.hold(statement.conditions, lookup, variables=variables) is True
    )


def _names(named: list[str], others: list[str], fits: Callable[[str], bool]) -> bool:
    if named:
        return any(fits(pattern) for pattern in named)
    return not any(fits(pattern) for pattern in others)


def _is_action(pattern: str, action: str) -> bool:
    return matching.like(((pattern, False),), action, ignore_case=True)


def matches(pattern: str, resource: str, lookup: Lookup, *, variables: bool = True) -> bool:
    """Whether a statement's Resource is, or may be, the one asked for."""
    parts = matching.resolved(pattern, lookup, variables=variables)
    return matching.like(parts, resource) if not isinstance(parts, Missing) else False


@replaces("ministack.core.iam_evaluator:_conditions_met", takes="conditions, ctx")
def _meeting() -> Callable[[Any, Any], bool]:
    return conditions_met


def conditions_met(given: Any, context: Any) -> bool:
    return conditions.hold(given, _lookup(context)) is True


def _lookup(context: Any) -> Lookup:
    from ministack.core.iam_evaluator import _resolve_condition_key

    def lookup(key: str) -> Value | Missing:
        found = _resolve_condition_key(key, context)
        if found is None or found == []:
            return ABSENT
        if isinstance(found, list | tuple | set):
            texts = [str(value) for value in found]
            return texts[0] if key.lower().startswith(_TAGS) and len(texts) == 1 else texts
        return str(found).lower() if isinstance(found, bool) else str(found)

    return lookup
