"""What stays when its stack goes: it must not be in the way of the next attempt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.assembly import Assembly, Stack
from checks.finding import Finding
from checks.rule import Rule

RETAINED = "retained-name"
PROTECTED = "retained-protected"
# Of types whose name is not <the type's last part>Name, ...Identifier or ...Id.
_NAMED_OTHERWISE = {"AWS::DynamoDB::GlobalTable": "TableName"}
_PROTECTION = ("DeletionProtectionEnabled", "DeletionProtection")

RULES = (
    Rule(
        RETAINED,
        "What a failed creation leaves behind has the name that the next attempt needs: it exists already.",
        "Make its DeletionPolicy RetainExceptOnCreate, or take the name away.",
        'CloudFormation user guide, "DeletionPolicy attribute"',
    ),
    Rule(
        PROTECTED,
        "What refuses to be deleted can't be rolled back: the first deployment ends in ROLLBACK_FAILED.",
        "Protect it from the second deployment on.",
        'DynamoDB developer guide, "Using deletion protection"; CloudFormation user guide, "ROLLBACK_FAILED"',
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    found = [finding for stack in assembly.stacks for finding in _names(stack)]
    return [*found, *_protections(assembly)]


def fixed_name(kind: str, properties: Mapping[str, Any]) -> str:
    """The name that the template gives; empty where CloudFormation makes one up."""
    own = kind.rpartition("::")[2]
    candidates = ("Name", f"{own}Name", f"{own}Identifier", f"{own}Id", _NAMED_OTHERWISE.get(kind, ""))
    return next((str(properties[name]) for name in candidates if properties.get(name)), "")


def _names(stack: Stack) -> Iterator[Finding]:
    for logical_id, resource in stack.resources.items():
        name = fixed_name(resource["Type"], stack.resolved[logical_id])
        if name and resource.get("DeletionPolicy") == "Retain":
            why = f"{resource['Type']} is retained, even where its creation fails, and its name {name!r} is fixed."
            cure = "give it RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE, or RemovalPolicy.DESTROY if it holds nothing."
            yield Finding(stack.name, logical_id, RETAINED, why, cure)


def _protections(assembly: Assembly) -> Iterator[Finding]:
    """A stack without termination protection is taken for one that is deployed for the first time."""
    for stack in assembly.stacks:
        if assembly.manifest["artifacts"][stack.name]["properties"].get("terminationProtection"):
            continue
        for logical_id, resource in stack.resources.items():
            properties = stack.resolved[logical_id]
            if any(str(properties.get(name)).lower() == "true" for name in _PROTECTION):
                why = f"{resource['Type']} is protected from deletion in a stack that is not."
                cure = "protect both, with EnvironmentStack.protected."
                yield Finding(stack.name, logical_id, PROTECTED, why, cure)
