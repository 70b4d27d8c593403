"""Permissions: what is called is granted and what is granted is called; nothing is wider than it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks import sdk
from checks.assembly import Assembly
from checks.finding import Finding
from checks.needs import Need, assumptions, needs
from checks.policies import Role, Statement, matches_any, roles
from checks.rule import Rule

# Services that act for many accounts: their trust must say for which account (the confused deputy). Redshift isn't
# known to say for which (docs/assumptions.md), and uses a role only for namespaces that it is attached to:
# checks/warehouse.py has its rules.
_DEPUTIES = frozenset(f"{name}.amazonaws.com" for name in ("personalize", "scheduler", "states", "bedrock"))
# What AWS grants only on every resource (service authorization reference).
_WITHOUT_RESOURCES = (
    "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
    "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups "
    "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
    "cloudwatch:PutMetricData ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
    "ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses ec2:DescribeVpcs "
    "ec2:DescribeDhcpOptions ec2:DescribeSecurityGroups ec2:DescribeVpcEndpoints ec2:DescribeRouteTables "
    "ec2:DescribeVpcAttribute "
    "redshift-data:DescribeStatement redshift-data:GetStatementResult redshift-data:CancelStatement "
    "personalize:ListSolutions personalize:ListSolutionVersions personalize:ListCampaigns personalize:ListFilters "
    "personalize:PutEvents personalize:PutActionInteractions dynamodb:ListStreams"
).split()
# Condition keys without which an action reaches further than its resources say.
_NARROWED_BY = {
    "iam:PassRole": "iam:PassedToService",
    "cloudwatch:PutMetricData": "cloudwatch:namespace",
    "ec2:CreateTags": "aws:TagKeys",
}
# Granted by CDK's constructs, wider than what is called, each with its reason.
_SPARE = {
    "s3:GetBucket*": "CDK's grant to read an asset includes the bucket's properties",
    "s3:List*": "CDK's grant to read an asset includes listing",
    "s3:GetObject*": "CDK's grant to read an asset includes object versions",
}
_POLICY_LIMIT = 10_240  # characters of a role's inline policies, without white space


RULES = (
    Rule(
        "iam-missing",
        "A call is denied: the run stops there.",
        "Allow the action on the resource, with the condition.",
        "the workflows' definitions; botocore's operations",
    ),
    Rule(
        "iam-recorded",
        "A call that the local run made would be denied.",
        "Allow the action on the resource.",
        "checks/recorded_calls.json, recorded under the same roles",
    ),
    Rule(
        "iam-pass-role",
        "The service refuses the role that it is given.",
        "Allow iam:PassRole on the role to that service.",
        'IAM user guide, "Granting a user permissions to pass a role"',
    ),
    Rule(
        "iam-unused",
        "Nothing fails: who takes over the role can do more than the product does.",
        "Take the action away, or say in checks/unrecorded.py what needs it.",
        'IAM user guide, "Apply least-privilege permissions"',
    ),
    Rule(
        "iam-no-role",
        "The call is made as a role that does not exist.",
        "Name a role that the stacks create.",
        "the templates",
    ),
    Rule(
        "iam-trust",
        "The service can't assume the role.",
        "Trust the service, with aws:SourceAccount and aws:SourceArn that match.",
        'IAM user guide, "AWS JSON policy elements: Principal"',
    ),
    Rule(
        "iam-trust-all",
        "Anyone may assume the role.",
        "Name the service that assumes it.",
        'IAM user guide, "AWS JSON policy elements: Principal"',
    ),
    Rule(
        "iam-trust-account",
        "Nothing fails: another account may do what the role may.",
        "Take the account away, or give the role to a stack of its own.",
        'IAM user guide, "Access to AWS accounts owned by third parties"',
    ),
    Rule(
        "iam-confused-deputy",
        "The service may use the role on behalf of another account.",
        "Add aws:SourceAccount to the trust.",
        'IAM user guide, "The confused deputy problem"',
    ),
    Rule(
        "iam-every-action",
        "Nothing fails: the role can do all that the service offers.",
        "Name the actions that are called.",
        'IAM user guide, "Apply least-privilege permissions"',
    ),
    Rule(
        "iam-every-resource",
        "Nothing fails: the role reaches every resource of the account.",
        "Name the resources.",
        "Service authorization reference",
    ),
    Rule(
        "iam-condition",
        "Nothing fails: the action reaches further than its resource says.",
        "Add the condition key.",
        "Service authorization reference",
    ),
    Rule(
        "iam-action",
        "The statement allows nothing: there is no such action.",
        "Correct its spelling.",
        "botocore's operations",
    ),
    Rule(
        "iam-resource",
        "IAM refuses the policy: its resource is no ARN.",
        "Write arn:aws:service:region:account:name.",
        'IAM user guide, "Identify AWS resources with ARNs"',
    ),
    Rule(
        "iam-policy-size",
        "IAM refuses the role: its inline policies are too long.",
        "Use fewer, wider resources.",
        'IAM user guide, "IAM and AWS STS quotas"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = roles(assembly)
    return [
        *_unmet(assembly),
        *_untrusted(assembly),
        *(finding for role in found for finding in _unused(assembly, role)),
        *(finding for role in found for finding in _role(role)),
    ]


def _unmet(assembly: Assembly) -> Iterator[Finding]:
    by_arn = {role.arn: role for role in roles(assembly)}
    for need in needs(assembly):
        role = by_arn.get(need.role)
        if role is None:
            yield Finding(
                "(assembly)",
                need.role,
                "iam-no-role",
                f"{need.because}: there is no such role in the assembly.",
                "name a role that the stacks create.",
            )
        elif not need.optional and not _grants(role, need):
            yield _missing(role, need)


def _grants(role: Role, need: Need) -> bool:
    """A recorded resource may end in `*`; it is compared as text, which a wider statement matches."""
    return role.allows(need.action, need.resource, dict(need.context))


def _missing(role: Role, need: Need) -> Finding:
    recorded = need.because == "a call recorded in the local run"
    rule = "iam-pass-role" if need.action == "iam:PassRole" else "iam-recorded" if recorded else "iam-missing"
    condition = "".join(f" with {key} {value}" for key, value in need.context)
    if role.grants(need.action, need.resource, dict(need.context)):
        why = f"{need.because}: the boundary {role.boundary} leaves out {need.action} on {need.resource}."
        return Finding(
            role.stack, role.logical_id, rule, why, f"allow {need.action} there, or take another boundary."
        )
    return Finding(
        role.stack,
        role.logical_id,
        rule,
        f"{need.because}: the role may not do {need.action} on {need.resource}, AWS denies the call.",
        f"allow {need.action} on {need.resource}{condition}.",
    )


def _untrusted(assembly: Assembly) -> Iterator[Finding]:
    by_arn = {role.arn: role for role in roles(assembly)}
    for arn, service, source, because in dict.fromkeys(assumptions(assembly)):
        role = by_arn.get(arn)
        context = {"aws:SourceAccount": assembly.account} | ({"aws:SourceArn": source} if source else {})
        if role is not None and not any(
            service in s.services and s.effect == "Allow" and s.matches("sts:AssumeRole", None, context)
            for s in role.trust
        ):
            yield Finding(
                role.stack,
                role.logical_id,
                "iam-trust",
                f"{because}: {service} may not assume the role on behalf of {source or assembly.account}.",
                f"trust {service}, with aws:SourceAccount and aws:SourceArn that match.",
            )


def _unused(assembly: Assembly, role: Role) -> Iterator[Finding]:
    """Findings only for roles of which everything is known: something asks for their permissions."""
    wanted = [need for need in needs(assembly) if need.role == role.arn]
    for statement in role.statements if wanted else ():
        for action in statement.actions:
            if statement.effect == "Allow" and action not in _SPARE and not _used(statement, action, wanted):
                yield Finding(
                    role.stack,
                    role.logical_id,
                    "iam-unused",
                    f"{action} on {', '.join(statement.resources)} is granted; nothing calls it.",
                    "take it away, or say in checks/unrecorded.py what needs it.",
                )


def _used(statement: Statement, action: str, wanted: list[Need]) -> bool:
    return any(
        matches_any((action,), need.action, ignore_case=True)
        and matches_any(statement.resources, need.resource)
        for need in wanted
    )


def _role(role: Role) -> Iterator[Finding]:
    for statement in role.statements:
        if statement.effect == "Allow":
            yield from _every_action(role, statement)
            yield from _wide(role, statement)
            yield from _narrowed(role, statement)
            yield from _made_up(role, statement)
    for statement in role.attached:
        yield from _every_action(role, statement) if statement.effect == "Allow" else ()
    yield from _deputy(role)
    size = sum(len(str(s.actions)) + len(str(s.resources)) + len(str(s.conditions)) for s in role.statements)
    if size > _POLICY_LIMIT:
        why = f"its policies have about {size} characters; IAM takes {_POLICY_LIMIT} inline."
        yield Finding(role.stack, role.logical_id, "iam-policy-size", why, "use fewer, wider resources.")


def _every_action(role: Role, statement: Statement) -> Iterator[Finding]:
    spare = [a for a in statement.actions if a == "*" or (a.endswith(":*") and a not in _SPARE)]
    if spare:
        why = f"{', '.join(spare)} is every action of a service."
        yield _of(role, statement, "iam-every-action", why, "name the actions that are called.")


def _wide(role: Role, statement: Statement) -> Iterator[Finding]:
    wide = [a for a in statement.actions if "*" in statement.resources and a not in _WITHOUT_RESOURCES]
    if wide:
        yield _of(
            role,
            statement,
            "iam-every-resource",
            f"{', '.join(wide)} is allowed on every resource.",
            "name the resources; AWS offers resource-level permissions for these actions.",
        )


def _narrowed(role: Role, statement: Statement) -> Iterator[Finding]:
    keys = {key.lower() for condition in statement.conditions.values() for key in condition}
    for action in statement.actions:
        key = _NARROWED_BY.get(action)
        if key is not None and key.lower() not in keys:
            why = f"{action} without {key} reaches further than the product needs."
            yield _of(role, statement, "iam-condition", why, f"add the condition {key}.")


def _made_up(role: Role, statement: Statement) -> Iterator[Finding]:
    for action in statement.actions:
        if "*" not in action and not sdk.is_iam_action(action):
            why = f"there is no action {action!r}, so the statement allows nothing."
            yield _of(role, statement, "iam-action", why, "correct its spelling.")
    for resource in statement.resources:
        if resource != "*" and not re.fullmatch(r"arn:aws[a-z-]*:[a-z0-9-]+:[^:]*:[^:]*:.+", resource):
            why = f"resource {resource!r} is no ARN; IAM refuses the policy."
            yield _of(role, statement, "iam-resource", why, "write arn:aws:service:region:account:name.")


def _deputy(role: Role) -> Iterator[Finding]:
    for statement in role.trust:
        if "*" in (*statement.accounts, *statement.services):
            why = "anyone may assume the role."
            yield _of(role, statement, "iam-trust-all", why, "name the service that assumes it.")
        others = [one for one in statement.accounts if one != "*" and _account(one) != role.arn.split(":")[4]]
        if others and statement.effect == "Allow":
            why = f"{', '.join(others)} of another account may assume the role."
            yield _of(role, statement, "iam-trust-account", why, "take it away.")
        for service in sorted(_DEPUTIES & set(statement.services)):
            if "aws:SourceAccount" not in str(statement.conditions):
                why = f"{service} may assume the role on behalf of any account."
                cure = "add the condition aws:SourceAccount (and aws:SourceArn) to the trust policy."
                yield _of(role, statement, "iam-confused-deputy", why, cure)


def _account(principal: str) -> str:
    """The number of the account that a principal names, or is of."""
    return principal.split(":")[4] if principal.count(":") >= 4 else principal


def _of(role: Role, statement: Statement, rule: str, why: str, cure: str) -> Finding:
    """A finding at the policy that the statement stands in; AWS's own stand in no template."""
    if statement in role.attached:
        return Finding(role.stack, role.logical_id, rule, f"{statement.policy}: {why}", cure)
    return Finding(role.stack, statement.policy, rule, why, cure)
