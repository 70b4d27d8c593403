"""Resource schemas of the environment's region, by cfn-lint and AWS's own validator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from checks.assembly import Assembly
from checks.finding import Finding

# Rules of cfn-lint that don't hold for what CDK writes, each with its reason.
_NOT_HERE = {
    "W3005": "CDK writes DependsOn although Ref already implies it; harmless",
    "W3010": "zones are given by config on purpose: a look-up would need credentials",
    "W2001": "CDK's bootstrap version parameter is read by its own rule only",
}


def check(assembly: Assembly) -> list[Finding]:
    return [*_cfn_lint(assembly), *_validator(assembly)]


def _cfn_lint(assembly: Assembly) -> Iterator[Finding]:
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    for stack in assembly.stacks:
        text = _template(assembly, stack.name).read_text()
        options = ManualArgs(regions=[assembly.region], ignore_checks=list(_NOT_HERE))
        for match in lint(text, config=options):
            path = [str(part) for part in match.path]
            yield Finding(
                stack.name,
                path[1] if len(path) > 1 else "(template)",
                f"cfn-lint-{match.rule.id}",
                f"{match.message}",
                f"see {'.'.join(path[2:]) or 'the template'}.",
            )


def _validator(assembly: Assembly) -> Iterator[Finding]:
    from cloudformation_validate import RegoEngine

    engine = RegoEngine()
    for stack in assembly.stacks:
        report = engine.validate_template(str(_template(assembly, stack.name)))
        for diagnostic in report.diagnostics:
            if diagnostic.severity.name in ("ERROR", "FATAL"):
                yield _finding(stack.name, diagnostic)


def _finding(stack: str, diagnostic: Any) -> Finding:
    resource = getattr(diagnostic, "resource", None)
    logical_id = getattr(resource, "logical_id", None) or "(template)"
    return Finding(
        stack,
        str(logical_id),
        f"cloudformation-{diagnostic.rule_id}",
        str(diagnostic.message),
        "correct the property; CloudFormation's own schema refuses it.",
    )


def _template(assembly: Assembly, stack: str) -> Path:
    return assembly.folder / assembly.manifest["artifacts"][stack]["properties"]["templateFile"]
