"""Permissions: workflows are granted what they call, roles are passed on purpose, no service is confused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks import sdk
from checks.assembly import Assembly
from checks.finding import Finding
from checks.policies import Role, roles
from checks.workflows import Workflow, states, workflows

# The services that a role argument of a call is passed to.
_RECEIVERS = {"personalize": "personalize.amazonaws.com", "glue": "glue.amazonaws.com"}
# Services that act for many accounts: their trust must say for which account (the confused deputy).
_DEPUTIES = frozenset(["personalize.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com"])
# Actions that Step Functions itself needs for a pattern, beyond the call.
_PATTERN_ACTIONS: dict[tuple[str, str], tuple[str, ...]] = {
    ("StartJobRun", "sync"): ("glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"),
    ("StartExecution", "sync:2"): (
        "states:DescribeExecution",
        "states:StopExecution",
        "events:PutTargets",
        "events:PutRule",
        "events:DescribeRule",
    ),
}
# What AWS grants only on every resource (service authorization reference).
_WITHOUT_RESOURCES = (
    "logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery "
    "logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups "
    "xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets "
    "cloudwatch:PutMetricData ec2:CreateNetworkInterface ec2:DescribeNetworkInterfaces ec2:DescribeSubnets "
    "ec2:DeleteNetworkInterface ec2:AssignPrivateIpAddresses ec2:UnassignPrivateIpAddresses ec2:DescribeVpcs "
    "ec2:DescribeSecurityGroups ec2:DescribeVpcEndpoints ec2:DescribeRouteTables ec2:DescribeVpcAttribute "
    "redshift-data:DescribeStatement redshift-data:GetStatementResult redshift-data:CancelStatement "
    "glue:GetConnection ec2:CreateTags ec2:DeleteTags"
).split()


def check(assembly: Assembly) -> list[Finding]:
    found = roles(assembly)
    by_arn = {role.arn: role for role in found}
    return [
        *(finding for workflow in workflows(assembly) for finding in _workflow(workflow, by_arn)),
        *(finding for role in found for finding in _wide(role)),
        *(finding for role in found for finding in _trust(role)),
    ]


def _workflow(workflow: Workflow, by_arn: dict[str, Role]) -> Iterator[Finding]:
    role = by_arn.get(str(workflow.stack.resolver.resolve(workflow.role)))
    if role is None:
        yield workflow.finding("workflow-role", "(all)", "its role is not in the assembly", "give it a role.")
        return
    for name, state in states(workflow.definition):
        if state.get("Type") == "Task":
            yield from _task(workflow, role, name, state)


def _task(workflow: Workflow, role: Role, name: str, state: dict[str, Any]) -> Iterator[Finding]:
    try:
        call = sdk.parse(str(state.get("Resource", "")))
    except ValueError:
        return  # workflows.check reports it
    if call is None:
        return
    needed = [call.iam_action, *_PATTERN_ACTIONS.get((call.operation, call.pattern), ())]
    for action in needed:
        if not role.allows(action):
            yield workflow.finding(
                "iam-missing",
                name,
                f"{role.name} may not do {action}",
                f"allow {action} to the workflow's role.",
            )
    passed = state.get("Arguments", {}).get("RoleArn") if isinstance(state.get("Arguments"), dict) else None
    if passed is not None and not sdk.is_expression(passed):
        yield from _pass_role(workflow, role, name, str(passed), _RECEIVERS.get(call.service, ""))


def _pass_role(workflow: Workflow, role: Role, name: str, passed: str, receiver: str) -> Iterator[Finding]:
    if not role.allows("iam:PassRole", passed):
        yield workflow.finding(
            "iam-pass-role",
            name,
            f"{role.name} may not pass {passed}",
            f"allow iam:PassRole on it with iam:PassedToService {receiver}.",
        )


def _wide(role: Role) -> Iterator[Finding]:
    for statement in role.statements:
        if statement.effect != "Allow" or "*" not in statement.resources:
            continue
        wide = [action for action in statement.actions if action not in _WITHOUT_RESOURCES]
        if wide:
            yield Finding(
                role.stack,
                statement.policy,
                "iam-every-resource",
                f"{', '.join(wide)} is allowed on every resource.",
                "name the resources; AWS offers resource-level permissions for these actions.",
            )


def _trust(role: Role) -> Iterator[Finding]:
    for service in sorted(role.services & _DEPUTIES):
        statements = role.trust["Statement"]
        conditions = [
            s.get("Condition", {}) for s in (statements if isinstance(statements, list) else [statements])
        ]
        if not all("aws:SourceAccount" in str(condition) for condition in conditions):
            yield Finding(
                role.stack,
                role.logical_id,
                "iam-confused-deputy",
                f"{service} may assume the role on behalf of any account.",
                "add the condition aws:SourceAccount (and aws:SourceArn) to the trust policy.",
            )
