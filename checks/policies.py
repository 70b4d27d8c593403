"""Roles of a template: the statements that reach each of them, and whether they allow an action."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from checks.assembly import Assembly, Stack


@dataclass(frozen=True)
class Statement:
    """One statement of an identity policy, and where it is written."""

    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    conditions: dict[str, Any]
    stack: str
    policy: str
    sid: str = ""

    def matches(self, action: str, resource: str | None) -> bool:
        """Conditions are taken as met: they narrow by values that only a request has."""
        return _any(self.actions, action, ignore_case=True) and (
            resource is None or _any(self.resources, resource, ignore_case=False)
        )


@dataclass(frozen=True)
class Role:
    """An IAM role with everything attached to it inside the assembly."""

    stack: str
    logical_id: str
    name: str
    arn: str
    trust: dict[str, Any]
    statements: tuple[Statement, ...] = field(default=())
    managed: tuple[str, ...] = field(default=())

    def allows(self, action: str, resource: str | None = None) -> bool:
        """`resource` None asks whether any resource is allowed."""
        matching = [s for s in self.statements if s.matches(action, resource)]
        return any(s.effect == "Allow" for s in matching) and not any(
            s.effect == "Deny" and resource is not None for s in matching
        )

    @cached_property
    def services(self) -> frozenset[str]:
        """Service principals that may assume the role."""
        return frozenset(
            service
            for statement in _listed(self.trust.get("Statement", []))
            for service in _listed(statement.get("Principal", {}).get("Service", []))
        )


def roles(assembly: Assembly) -> list[Role]:
    return [role for stack in assembly.stacks for role in _of_stack(stack)]


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
            trust=properties["AssumeRolePolicyDocument"],
            statements=tuple(inline + others),
            managed=tuple(str(arn) for arn in properties.get("ManagedPolicyArns", [])),
        )


def _attached(stack: Stack) -> Iterator[tuple[str, Statement]]:
    for logical_id, properties in stack.of_type("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        for role in properties.get("Roles", []):
            for statement in _statements(stack, logical_id, properties["PolicyDocument"]):
                yield str(role), statement


def _statements(stack: Stack, policy: str, document: dict[str, Any]) -> Iterator[Statement]:
    for statement in _listed(document.get("Statement", [])):
        yield Statement(
            effect=statement["Effect"],
            actions=tuple(str(a) for a in _listed(statement.get("Action", []))),
            resources=tuple(str(r) for r in _listed(statement.get("Resource", []))),
            conditions=statement.get("Condition", {}),
            stack=stack.name,
            policy=policy,
            sid=statement.get("Sid", ""),
        )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _any(patterns: tuple[str, ...], value: str, *, ignore_case: bool) -> bool:
    flags = re.IGNORECASE if ignore_case else 0
    return any(re.fullmatch(_expression(pattern), value, flags) for pattern in patterns)


def _expression(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
