"""Resource schemas of the environment's region, by cfn-lint and AWS's own validator.

Both read a template alone, so what they found is kept under .build/checks by the template's content.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from checks.assembly import Assembly
from checks.finding import Finding
from checks.rule import Rule

KEPT = Path(__file__).parents[2] / ".build" / "checks"
Match = tuple[str, str, str, str]  # logical id, rule, message, where


RULES = (
    Rule(
        "cfn-lint-*",
        "CloudFormation refuses the property.",
        "Correct the property.",
        "cfn-lint; the region's resource schemas",
    ),
    Rule(
        "cloudformation-*",
        "CloudFormation refuses the template.",
        "Correct the property.",
        "cloudformation-validate",
    ),
)


def check(assembly: Assembly) -> list[Finding]:
    """Stacks whose result is not kept are read in parallel: cfn-lint takes seconds for each."""
    texts = {name: _text(template) for name, template in assembly.templates.items()}
    unknown = [name for name, text in texts.items() if not _kept(text, assembly.region).exists()]
    jobs = [(texts[name], assembly.region) for name in sorted(unknown, key=lambda n: -len(texts[n]))]
    if len(jobs) > 1:
        with ProcessPoolExecutor(max_workers=min(len(jobs), os.cpu_count() or 1)) as pool:
            list(pool.map(matches, *zip(*jobs, strict=True)))
    found = ((name, match) for name, text in texts.items() for match in matches(text, assembly.region))
    return [_finding(stack, match) for stack, match in found]


def quick(assembly: Assembly, stacks: Iterable[str]) -> list[Finding]:
    """The findings of AWS's validator alone, which takes a tenth of a second, on some stacks."""
    found = ((name, match) for name in stacks for match in _validator(_text(assembly.templates[name])))
    return [_finding(stack, match) for stack, match in found]


def _text(template: dict[str, Any]) -> str:
    return json.dumps(template, indent=1)


def matches(text: str, region: str) -> list[Match]:
    """All that both find, from the kept file if there is one."""
    path = _kept(text, region)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        found = [*_cfn_lint(text, region), *_validator(text)]
        temporary = path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(found))
        temporary.replace(path)
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in json.loads(path.read_text())]


def _kept(text: str, region: str) -> Path:
    known = [text, region, version("cfn-lint"), version("cloudformation-validate")]
    return KEPT / f"{hashlib.sha256(chr(0).join(known).encode()).hexdigest()}.json"


def _cfn_lint(text: str, region: str) -> Iterator[Match]:
    from cfnlint.api import lint
    from cfnlint.config import ManualArgs

    options = ManualArgs(regions=[region])
    for match in lint(text, config=options):
        path = [str(part) for part in match.path]
        logical_id = path[1] if len(path) > 1 else "(template)"
        yield logical_id, f"cfn-lint-{match.rule.id}", match.message, ".".join(path[2:]) or "the template"


@cache
def _engine() -> Any:
    from cloudformation_validate import RegoEngine

    atexit.register(_engine.cache_clear)  # its destructor needs the library, which goes first otherwise
    return RegoEngine()


def _validator(text: str) -> Iterator[Match]:
    with tempfile.NamedTemporaryFile("w", suffix=".template.json") as file:
        file.write(text)
        file.flush()
        report = _engine().validate_template(file.name)
    for diagnostic in report.diagnostics:
        if diagnostic.severity.name in ("ERROR", "FATAL"):
            resource = getattr(diagnostic, "resource", None)
            logical_id = str(getattr(resource, "logical_id", None) or "(template)")
            yield logical_id, f"cloudformation-{diagnostic.rule_id}", str(diagnostic.message), "the property"


def _finding(stack: str, match: Match) -> Finding:
    logical_id, rule, message, where = match
    return Finding(stack, logical_id, rule, message, f"correct {where}; CloudFormation refuses it as it is.")
