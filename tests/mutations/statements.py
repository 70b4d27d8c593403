# mypy: disable-error-code="misc"
# (it infers no lambda that has defaults)
"""Every statement of every policy: removed, one action less, one resource less or another, without conditions."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from tests.mutations.mutation import Mutation, Template, of_template, shipped

# Where a resource keeps policy documents: identity, resource and key policies, and trust.
_DOCUMENTS = {
    "AWS::IAM::Policy": ("PolicyDocument",),
    "AWS::IAM::Role": ("AssumeRolePolicyDocument",),
    "AWS::KMS::Key": ("KeyPolicy",),
    "AWS::S3::BucketPolicy": ("PolicyDocument",),
    "AWS::SNS::TopicPolicy": ("PolicyDocument",),
    "AWS::SQS::QueuePolicy": ("PolicyDocument",),
}
Find = Callable[[Template], dict[str, Any]]  # the policy document inside a template


def mutations() -> Iterator[Mutation]:
    for stack, template in shipped().templates.items():
        for logical_id, resource in template["Resources"].items():
            for name, find in _documents(logical_id, resource):
                where = f"{stack}/{logical_id}/{name}"
                for position, statement in enumerate(find(template)["Statement"]):
                    yield from _statement(stack, f"{where}[{position}]", find, position, statement)
            yield from _role(stack, logical_id, resource)


def _documents(logical_id: str, resource: dict[str, Any]) -> Iterator[tuple[str, Find]]:
    for name in _DOCUMENTS.get(resource["Type"], ()):
        yield name, lambda t, i=logical_id, n=name: t["Resources"][i]["Properties"][n]
    if resource["Type"] == "AWS::IAM::Role":
        for position, _ in enumerate(resource["Properties"].get("Policies", [])):
            yield (
                f"Policies[{position}]",
                lambda t, i=logical_id, p=position: t["Resources"][i]["Properties"]["Policies"][p][
                    "PolicyDocument"
                ],
            )


def _statement(
    stack: str, where: str, find: Find, position: int, statement: dict[str, Any]
) -> Iterator[Mutation]:
    def changed(kind: str, change: Callable[[dict[str, Any]], Any], more: str = "") -> Mutation:
        return of_template(f"{kind}/{where}{more}", stack, lambda t: change(find(t)["Statement"][position]))

    yield of_template(f"statement-removed/{where}", stack, lambda t: find(t)["Statement"].pop(position))
    yield from _parts(changed, "Action", "action-removed", statement)
    yield from _parts(changed, "Resource", "resource-removed", statement)
    yield from _other_resource(changed, statement)
    yield changed("action-misspelled", _misspell)
    if "Condition" in statement:
        yield changed("conditions-removed", lambda s: s.pop("Condition"))
        for operator, keys in statement["Condition"].items():
            for key in keys:
                yield changed(
                    "condition-changed",
                    lambda s, o=operator, k=key: s["Condition"][o].__setitem__(k, "something-else"),
                    f"/{key}",
                )
    service = statement.get("Principal", {})
    if isinstance(service, dict) and "Service" in service:
        yield changed("principal-changed", lambda s: s["Principal"].update(Service="ec2.amazonaws.com"))


def _parts(
    changed: Callable[..., Mutation], name: str, kind: str, statement: dict[str, Any]
) -> Iterator[Mutation]:
    parts = statement.get(name)
    if isinstance(parts, list) and len(parts) > 1:
        for position, part in enumerate(parts):
            label = part if isinstance(part, str) else str(position)
            yield changed(kind, lambda s, p=position: s[name].pop(p), f"/{label}")


def _other_resource(changed: Callable[..., Mutation], statement: dict[str, Any]) -> Iterator[Mutation]:
    if statement.get("Resource", "*") != "*":
        other = "arn:aws:s3:::somewhere-else"
        yield changed("resource-swapped", lambda s: s.update(Resource=other))


def _misspell(statement: dict[str, Any]) -> None:
    action = statement["Action"]
    wrong = copy.deepcopy(action if isinstance(action, list) else [action])
    wrong[0] = wrong[0] + "s" if not wrong[0].endswith("*") else "s4:*"
    statement["Action"] = wrong


def _role(stack: str, logical_id: str, resource: dict[str, Any]) -> Iterator[Mutation]:
    if resource["Type"] == "AWS::IAM::Role" and "ManagedPolicyArns" in resource["Properties"]:
        yield of_template(
            f"managed-policy-removed/{stack}/{logical_id}",
            stack,
            lambda t: t["Resources"][logical_id]["Properties"].pop("ManagedPolicyArns"),
        )
    if resource["Type"] == "AWS::Lambda::Permission":
        yield of_template(
            f"permission-removed/{stack}/{logical_id}", stack, lambda t: t["Resources"].pop(logical_id)
        )
