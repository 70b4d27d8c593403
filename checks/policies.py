"""Policies of a template: the statements that reach a role or a resource, and whether they allow a call."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

from checks.assembly import Assembly, Stack, once

Context = Mapping[str, str]


@dataclass(frozen=True)
class Statement:
    """One statement, and where it is written. `services` are the service principals of a resource policy."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, Any]
    stack: str
    policy: str
    sid: str = ""
    services: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()

    def matches(self, action: str, resource: str | None, context: Context | None = None) -> bool:
        """`resource` None stands for any; see `met` for the conditions."""
        return (
            matches_any(self.actions, action, ignore_case=True)
            and (resource is None or matches_any(self.resources, resource))
            and met(self.conditions, context or {})
        )


@dataclass(frozen=True)
class Role:
    """An IAM role with everything attached to it inside the assembly."""

    stack: str
    logical_id: str
    name: str
    arn: str
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...] = field(default=())
    managed: tuple[str, ...] = field(default=())

    @property
    def key(self) -> str:
        """The same in every environment."""
        return f"{self.stack}/{self.logical_id}"

    def allows(self, action: str, resource: str | None = None, context: Context | None = None) -> bool:
        return allowed(self.statements, action, resource, context)

    @cached_property
    def services(self) -> frozenset[str]:
        """Service principals that may assume the role."""
        return frozenset(service for statement in self.trust for service in statement.services)


def allowed(
    statements: tuple[Statement, ...],
    action: str,
    resource: str | None = None,
    context: Context | None = None,
) -> bool:
    matching = [s for s in statements if s.matches(action, resource, context)]
    return any(s.effect == "Allow" for s in matching) and not any(
        s.effect == "Deny" and resource is not None and not s.conditions for s in matching
    )


@once
def roles(assembly: Assembly) -> list[Role]:
    return [role for stack in assembly.stacks for role in _of_stack(stack)]


def statements(stack: Stack, policy: str, document: dict[str, Any]) -> tuple[Statement, ...]:
    return tuple(_statements(stack, policy, document))


def _of_stack(stack: Stack) -> Iterator[Role]:
    attached = list(_attached(stack))
    for logical_id, properties in stack.of_type("AWS::IAM::Role"):
        inline = [
            statement
            for policy in properties.get("Policies", [])
            for statement in _statements(stack, logical_id, policy["PolicyDocument"])
        ]
        name = stack.resolver.name(logical_id)
        others = [statement for role, statement in attached if role == name]
        yield Role(
            stack=stack.name,
            logical_id=logical_id,
            name=name,
            arn=stack.resolver.arn(logical_id),
            trust=statements(stack, logical_id, properties.get("AssumeRolePolicyDocument", {})),
            statements=tuple(inline + others),
            managed=tuple(str(arn) for arn in properties.get("ManagedPolicyArns", [])),
        )


def _attached(stack: Stack) -> Iterator[tuple[str, Statement]]:
    for logical_id, properties in stack.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for role in properties.get("Roles", []):
            for statement in _statements(stack, logical_id, properties["PolicyDocument"]):
                yield str(role), statement


def _statements(stack: Stack, policy: str, document: dict[str, Any]) -> Iterator[Statement]:
    for statement in listed(document.get("Statement", [])):
        principal = statement.get("Principal", {})
        principals = principal if isinstance(principal, dict) else {"AWS": principal}
        yield Statement(
            effect=statement["Effect"],
            actions=tuple(str(a) for a in listed(statement.get("Action", []))),
            resources=tuple(str(r) for r in listed(statement.get("Resource", []))),
            conditions=statement.get("Condition", {}),
            stack=stack.name,
            policy=policy,
            sid=statement.get("Sid", ""),
            services=tuple(str(s) for s in listed(principals.get("Service", []))),
            accounts=tuple(str(a) for a in listed(principals.get("AWS", []))),
        )


def met(conditions: Mapping[str, Any], context: Context) -> bool:
    """Whether the conditions hold, as far as `context` has their keys: others only a request knows."""
    known = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, [str(v) for v in listed(values)], known[key.lower()])
        for operator, keys in conditions.items()
        for key, values in keys.items()
        if key.lower() in known
    )


def _holds(operator: str, wanted: list[str], value: str) -> bool:
    name = operator.rpartition(":")[2].removesuffix("IfExists")
    if name in ("StringLike", "ArnLike", "ArnEquals"):
        return matches_any(tuple(wanted), value)
    if name in ("StringNotEquals", "ArnNotEquals"):
        return value not in wanted
    return value in wanted


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def matches_any(patterns: tuple[str, ...], value: str, *, ignore_case: bool = False) -> bool:
    return any(_expression(pattern, ignore_case).fullmatch(value) for pattern in patterns)


@cache
def _expression(pattern: str, ignore_case: bool) -> re.Pattern[str]:
    text = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return re.compile(text, re.IGNORECASE if ignore_case else 0)
