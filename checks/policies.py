"""Policies of a template: the statements that reach a role or a resource, and whether they allow a call.

Conditions are decided by the endpoint's evaluator. Some of a request's keys are known here, others only to the request:
what would allow then counts as allowing, and what would deny as denying.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from checks import authorization, managed
from checks.assembly import Assembly, Stack, once
from osusume_endpoint.iam import conditions, matching
from osusume_endpoint.iam.matching import ABSENT, UNKNOWN, Missing, Value

Context = Mapping[str, str]
# Of people's sessions: what a service does under a role has none of them ("AWS global condition context keys").
_OF_PEOPLE = frozenset(
    "aws:multifactorauthpresent aws:multifactorauthage aws:username aws:federatedprovider aws:sourceidentity".split()
)
_TAG, _TAG_OF_AWS = "aws:principaltag/", "aws:principaltag/aws:"
_VARIABLE = re.compile(r"\$\{[^}]*\}")


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
    not_actions: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()

    def matches(self, action: str, resource: str | None, context: Context | None = None) -> bool:
        """Whether it may apply; `resource` None stands for any."""
        return self.names(action, resource) and self.holds(action, context or {}) is not False

    def names(self, action: str, resource: str | None) -> bool:
        if self.actions and not matches_any(self.actions, action, ignore_case=True):
            return False
        if matches_any(self.not_actions, action, ignore_case=True):
            return False
        if resource is None:
            return True
        named = not self.resources or matches_any(tuple(map(_anything, self.resources)), resource)
        return named and not matches_any(self.not_resources, resource)

    def denies(self, principals: tuple[str, ...], service: str = "") -> bool:
        """Whether it is a Deny for one of the principals; what names others than it means is for all."""
        named = {*self.accounts, *self.services}
        return self.effect == "Deny" and (not named or bool(named & {"*", *principals, service}))

    def holds(self, action: str, context: Context) -> bool | None:
        """Whether its conditions do; None where it depends on keys that `context` has not."""
        known = {key.lower(): value for key, value in context.items()}

        def lookup(key: str) -> Value | Missing:
            if key.lower() in known:
                return known[key.lower()]
            if key.lower() in _OF_PEOPLE:
                return ABSENT
            if (
                "aws:principalarn" in known
                and key.lower().startswith(_TAG)
                and not key.lower().startswith(_TAG_OF_AWS)
            ):
                return ABSENT
            return UNKNOWN if authorization.has_key(action, key) else ABSENT

        return conditions.hold(self.conditions, lookup)


@dataclass(frozen=True)
class Role:
    """An IAM role with everything attached to it inside the assembly."""

    stack: str
    logical_id: str
    name: str
    arn: str
    trust: tuple[Statement, ...]
    statements: tuple[Statement, ...] = field(default=())
    managed: tuple[str, ...] = field(default=())  # ARNs
    attached: tuple[Statement, ...] = field(default=())  # of AWS's managed policies
    boundary: str = ""  # ARN
    within: tuple[Statement, ...] = field(default=())  # of the boundary; none where nobody knows them
    tags: tuple[tuple[str, str], ...] = field(default=())
    region: str = ""

    @property
    def key(self) -> str:
        """The same in every environment."""
        return f"{self.stack}/{self.logical_id}"

    def allows(self, action: str, resource: str | None = None, context: Context | None = None) -> bool:
        """Whether its policies allow it, and its boundary where that is known ("Permissions boundaries")."""
        granted = self.grants(action, resource, context)
        if not granted or not self.within:
            return granted
        return allowed(self.within, action, resource, {**self.session(action), **(context or {})})

    def grants(self, action: str, resource: str | None = None, context: Context | None = None) -> bool:
        """Whether its policies alone allow it."""
        given = (*self.statements, *self.attached)
        return allowed(given, action, resource, {**self.session(action), **(context or {})})

    def session(self, action: str) -> Context:
        """What is known of each request of a service that has assumed the role.

        IAM has one region for all ("AWS global condition context keys", aws:RequestedRegion), which PassRole's own
        service is asked in: for it no region is known.
        """
        account = self.arn.split(":")[4]
        now = datetime.now(UTC)
        known = {
            "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "aws:EpochTime": str(int(now.timestamp())),
            "aws:PrincipalArn": self.arn,
            "aws:PrincipalAccount": account,
            "aws:PrincipalType": "AssumedRole",
            "aws:PrincipalIsAWSService": "false",
            "aws:ResourceAccount": account,
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
        }
        known |= {f"aws:PrincipalTag/{name}": value for name, value in self.tags}
        return known if action.startswith("iam:") else {**known, "aws:RequestedRegion": self.region}

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
    applying = [s for s in statements if s.matches(action, resource, context)]
    return any(s.effect == "Allow" for s in applying) and not (
        resource is not None and any(s.effect == "Deny" for s in applying)
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
        arns = tuple(str(arn) for arn in properties.get("ManagedPolicyArns", []))
        yield Role(
            stack=stack.name,
            logical_id=logical_id,
            name=name,
            arn=stack.resolver.arn(logical_id),
            trust=statements(stack, logical_id, properties.get("AssumeRolePolicyDocument", {})),
            statements=tuple(inline + others),
            managed=arns,
            attached=tuple(each for arn in arns for each in _managed(stack, arn)),
            region=stack.resolver.region,
            boundary=str(properties.get("PermissionsBoundary", "")),
            within=tuple(_managed(stack, str(properties.get("PermissionsBoundary", "")))),
            tags=tuple((str(tag["Key"]), str(tag["Value"])) for tag in properties.get("Tags", [])),
        )


def _managed(stack: Stack, arn: str) -> Iterator[Statement]:
    """A policy that nobody knows grants nothing."""
    own = {stack.resolver.arn(name): p for name, p in stack.of_type("AWS::IAM::ManagedPolicy")}
    document = own[arn].get("PolicyDocument") if arn in own else managed.document(arn)
    yield from _statements(stack, arn, document or {})


def _attached(stack: Stack) -> Iterator[tuple[str, Statement]]:
    for logical_id, properties in stack.of_type(
        "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"
    ):
        for role in (*properties.get("Roles", []), *listed(properties.get("RoleName", []))):
            for statement in _statements(stack, logical_id, properties.get("PolicyDocument", {})):
                yield str(role), statement


def _statements(stack: Stack, policy: str, document: dict[str, Any]) -> Iterator[Statement]:
    for statement in listed(document.get("Statement", [])):
        principal = statement.get("Principal", {})
        principals = principal if isinstance(principal, dict) else {"AWS": principal}
        yield Statement(
            effect=str(statement.get("Effect")),
            actions=tuple(str(a) for a in listed(statement.get("Action", []))),
            resources=tuple(str(r) for r in listed(statement.get("Resource", []))),
            conditions=statement.get("Condition", {}),
            not_actions=tuple(str(a) for a in listed(statement.get("NotAction", []))),
            not_resources=tuple(str(r) for r in listed(statement.get("NotResource", []))),
            stack=stack.name,
            policy=policy,
            sid=statement.get("Sid", ""),
            services=tuple(str(s) for s in listed(principals.get("Service", []))),
            accounts=tuple(str(a) for a in listed(principals.get("AWS", []))),
        )


def _anything(resource: str) -> str:
    """A policy variable has a value that only a request knows."""
    return _VARIABLE.sub("*", resource)


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def matches_any(patterns: tuple[str, ...], value: str, *, ignore_case: bool = False) -> bool:
    return any(matching.like(((pattern, False),), value, ignore_case=ignore_case) for pattern in patterns)
