"""cdk-nag's rules over the app itself; what stays as it is stands in checks/acknowledged.yaml.

`python -m checks.nag <environment>` prints what is not acknowledged. cdk-nag reads constructs and not
templates, so the app is composed again, without building layers.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from checks import acknowledged
from checks.acknowledged import CDK_NAG
from checks.finding import Finding
from stacks import synthesis

PACKS = ("AwsSolutions", "Serverless")


@dataclass(frozen=True, order=True)
class Violation:
    path: str  # construct
    rule: str  # AwsSolutions-IAM5[Resource::*]


def check(environment: str, configuration: Path | None = None) -> list[Finding]:
    """All that it finds fault with, acknowledged or not; in a process of its own: jsii has one kernel per process."""
    return [finding(violation) for violation in read(environment, configuration)]


def finding(violation: Violation) -> Finding:
    stack, _, path = violation.path.partition("/")
    why = f"{violation.rule.partition('-')[0]} finds fault with it."
    cure = "mend it, or acknowledge it with its reason in checks/acknowledged.yaml."
    return Finding(stack, path, f"{CDK_NAG}{violation.rule}", why, cure)


def read(environment: str, configuration: Path | None = None) -> list[Violation]:
    """`configuration` is the folder of environments' files, if not config/.

    Raises RuntimeError with the process's own words when the app can't be composed.
    """
    with tempfile.TemporaryDirectory(prefix="osusume-nag-") as folder:
        done = synthesis.run(
            *("-c", _COMPOSE, environment, folder, *PACKS),
            environment=environment,
            configuration=configuration,
        )
        report = Path(folder) / "validation-report.json"
        if not report.exists():
            raise RuntimeError(f"cdk-nag made no report: {done.stderr[-2000:]}")
        return sorted(_violations(json.loads(report.read_text())))


_COMPOSE = """
import pathlib, sys
import aws_cdk, cdk_nag
import app
from config.settings import load
from stacks.synthesis import WITHOUT_LAYERS
context = {**WITHOUT_LAYERS, "@aws-cdk/core:validateAgainstDefaultRules": False}
cdk_app = app.build(load(sys.argv[1]), folder=pathlib.Path(sys.argv[2]), context=context)
packs = [getattr(cdk_nag, f"{name}Checks")(cdk_app) for name in sys.argv[3:]]
aws_cdk.Validations.of(cdk_app).add_plugins(*packs)
cdk_app.synth()
"""


def _violations(report: dict[str, list[dict[str, object]]]) -> Iterator[Violation]:
    """Raises RuntimeError when a pack did not report: a pack that finds nothing reports that."""
    reported = {plugin["pluginName"] for plugin in report["pluginReports"]}
    if not reported.issuperset(PACKS):
        raise RuntimeError(f"cdk-nag reported {sorted(map(str, reported))}, not {', '.join(PACKS)}")
    for plugin in report["pluginReports"]:
        if plugin["pluginName"] in PACKS:
            for violation in plugin["violations"]:  # type: ignore[attr-defined]
                for construct in violation["violatingConstructs"]:
                    yield Violation(construct["constructPath"], violation["ruleName"])


def main() -> int:
    environment = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("OSUSUME_ENV", "dev")
    violations = check(environment)
    found = acknowledged.read().of(CDK_NAG).left(violations, everything=False)
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    print(f"{len(violations)} violation(s) in {environment}, {len(found)} not acknowledged")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
