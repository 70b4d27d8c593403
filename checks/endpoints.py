"""What policies of VPC endpoints refuse of the calls that roles are allowed: both have to allow a call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks import connections
from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.policies import Role, Statement, allowed, matches_any, statements
from osusume_endpoint.network import reach
from osusume_endpoint.network.model import Network, ServiceEndpoint

_CURE = "let the endpoint's PolicyDocument allow it, for Principal *."


def check(assembly: Assembly, network: Network) -> Iterator[Finding]:
    for stack, logical_id, properties in assembly.each("AWS::EC2::VPCEndpoint"):
        document = properties.get("PolicyDocument")
        endpoint = next((one for one in network.endpoints if one.id == logical_id), None)
        if document and endpoint:
            yield from _refused(assembly, network, stack, endpoint, document)


def _refused(
    assembly: Assembly, network: Network, stack: Stack, endpoint: ServiceEndpoint, document: dict[str, Any]
) -> Iterator[Finding]:
    """One finding for each caller, with the first call that is refused."""
    given = statements(stack, endpoint.id, document)
    for place, role in connections.callers(assembly):
        refused = _first(endpoint, given, role) if reach.goes_by(network, place, endpoint) else None
        if refused:
            action, resource = refused
            why = (
                f"{place.name} calls {action} on {resource} by this endpoint, as role {role.logical_id}, "
                "and the endpoint's policy doesn't allow it."
            )
            yield Finding(stack.name, endpoint.id, "network-policy", why, _CURE)


def _first(endpoint: ServiceEndpoint, given: tuple[Statement, ...], role: Role) -> tuple[str, str] | None:
    """The first call that the role is allowed and the policy refuses."""
    meant = tuple(statement for statement in given if _is_for(statement, role, endpoint))
    for action, resource in _called(endpoint, role):
        # What may be anything, as `*`, is narrowed by the endpoint on purpose.
        known = None if resource == "*" else resource
        if not allowed(meant, _within(meant, action), known, role.session(action)):
            return action, resource
    return None


def _called(endpoint: ServiceEndpoint, role: Role) -> Iterator[tuple[str, str]]:
    prefix = connections.PREFIXES.get(endpoint.service, endpoint.service)
    for statement in (*role.statements, *role.attached):
        if statement.effect == "Allow":
            for action in statement.actions:
                if action.partition(":")[0] == prefix:
                    yield from ((action, resource) for resource in statement.resources)


def _within(given: tuple[Statement, ...], action: str) -> str:
    """An action with a wildcard as one that the policy names, if there is one: some of its calls pass."""
    if "*" not in action:
        return action
    named = [one for statement in given if statement.effect == "Allow" for one in statement.actions]
    return next((one for one in named if matches_any((action,), one, ignore_case=True)), action)


def _is_for(statement: Statement, role: Role, endpoint: ServiceEndpoint) -> bool:
    """PrivateLink guide: a gateway endpoint that names an account means its root user, and no role."""
    account = role.arn.split(":")[4]
    named = {*statement.accounts}
    if named & {"*", role.arn}:
        return True
    whole = {account, f"arn:aws:iam::{account}:root"}
    return not endpoint.is_gateway and bool(named & whole)
