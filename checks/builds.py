"""Projects of CodeBuild as functions are written, for the checks of what runs this repository's code."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.assembly import Assembly, Stack

Properties = Mapping[str, Any]
TYPE = "AWS::CodeBuild::Project"
SERVICE = "codebuild.amazonaws.com"


def projects(assembly: Assembly) -> Iterator[tuple[Stack, str, Properties]]:
    """(stack, logical id, properties of a function that would do the same): role, network, variables, handler."""
    for stack, logical_id, project in assembly.each(TYPE):
        yield stack, logical_id, _as_function(project)


def of_code(assembly: Assembly) -> Iterator[tuple[Stack, str, Properties]]:
    """Functions and projects."""
    yield from assembly.each("AWS::Lambda::Function")
    yield from projects(assembly)


def _as_function(project: Properties) -> Properties:
    network = project.get("VpcConfig", {})
    return {
        "FunctionName": project.get("Name"),
        "Role": project.get("ServiceRole"),
        "Handler": handler(project),
        "VpcConfig": {
            "SubnetIds": network.get("Subnets", []),
            "SecurityGroupIds": network.get("SecurityGroupIds", []),
        },
        "Environment": {"Variables": variables(project)},
    }


def variables(project: Properties) -> dict[str, Any]:
    listed = project.get("Environment", {}).get("EnvironmentVariables", [])
    return {str(one.get("Name")): one.get("Value") for one in listed}


def handler(project: Properties) -> str:
    """`<module>.__main__.main` of the module that a command of the build runs; "" where none does."""
    found = re.search(r"python -m ([\w.]+)", " ".join(commands(project)))
    return f"{found[1]}.__main__.main" if found else ""


def commands(project: Properties) -> list[str]:
    """The commands of every phase; none where the build's specification is a file of its source, or no JSON."""
    try:
        phases = json.loads(str(project.get("Source", {}).get("BuildSpec", ""))).get("phases", {})
    except (ValueError, AttributeError):
        return []
    return [str(command) for phase in phases.values() for command in phase.get("commands", [])]


def sources(project: Properties) -> list[Properties]:
    return [project.get("Source", {}), *project.get("SecondarySources", [])]
