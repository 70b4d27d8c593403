"""`python -m checks.checkov [environment ...]`: checkov's rules over the templates, from an environment of its own.

checkov pins other versions of packages that the product uses, so `make checkov` installs it from
requirements-checkov.txt beside .venv. It asks no network. What stays is in checks/checkov.yaml with its reason.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from checks.finding import Finding

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / ".venv-checkov" / "bin" / "checkov"
FILE = Path(__file__).with_suffix(".yaml")


class CheckovFailed(RuntimeError):
    """It is not installed, or it did not look at the templates."""


@dataclass(frozen=True, order=True)
class Failed:
    check: str
    resource: str  # <stack>/<logical id>
    title: str


@dataclass(frozen=True, order=True)
class Acknowledged:
    check: str
    resource: str  # <stack>/<logical id>
    reason: str


def acknowledged(file: Path = FILE) -> list[Acknowledged]:
    """One for each resource of each entry.

    Raises TypeError when an entry lacks one of its three keys, or has another.
    """
    return [one for entry in yaml.safe_load(file.read_text())["findings"] for one in _entry(**entry)]


def _entry(*, check: str, reason: str, resources: list[str]) -> Iterator[Acknowledged]:
    return (Acknowledged(check, resource, reason) for resource in resources)


def left(failed: Iterable[Failed], known: Iterable[Acknowledged]) -> Iterator[Finding]:
    """What is not acknowledged, and acknowledgements of what is not found any more."""
    found = {(one.check, one.resource): one for one in failed}
    kept = {(one.check, one.resource) for one in known}
    for key in sorted(found.keys() - kept):
        check, resource = key
        stack, _, logical_id = resource.partition("/")
        cure = f"mend it, or name {resource} with a reason under {check} in checks/checkov.yaml."
        yield Finding(stack, logical_id, f"checkov-{check}", f"{found[key].title}.", cure)
    for check, resource in sorted(kept - found.keys()):
        why = f"{check} does not fail on {resource} any more."
        yield Finding("(checks)", FILE.name, "acknowledged", why, f"take {resource} away from its entry.")


def run(templates: Iterable[Path], *, program: Path = PROGRAM) -> list[Failed]:
    """Raises CheckovFailed."""
    if not program.exists():
        raise CheckovFailed(f"{program} is not installed: run `make checkov`")
    files = [argument for path in sorted(templates) for argument in ("-f", str(path))]
    command = [str(program), *files, "--framework", "cloudformation", "-o", "json", "--compact", "--quiet"]
    done = subprocess.run([*command, "--skip-download"], capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        raise CheckovFailed(f"checkov gave no report: {done.stdout[-500:]}{done.stderr[-2000:]}") from None
    return list(read(report))


def read(report: Mapping[str, Any]) -> Iterator[Failed]:
    """Raises CheckovFailed when templates could not be parsed, or none was looked at."""
    summary = report.get("summary", report)
    if not summary.get("passed") or summary.get("parsing_errors"):
        raise CheckovFailed(f"checkov did not look at the templates: {summary}")
    for check in report["results"]["failed_checks"]:
        stack = Path(check["file_path"]).name.removesuffix(".template.json")
        logical_id = check["resource"].rpartition(".")[2]
        yield Failed(check["check_id"], f"{stack}/{logical_id}", check["check_name"])


def main() -> int:
    from checks.__main__ import environments, synthesize

    parser = argparse.ArgumentParser(prog="python -m checks.checkov", description=__doc__)
    parser.add_argument("environments", nargs="*", help="default: every file in config/")
    chosen = parser.parse_args().environments or environments()
    with ThreadPoolExecutor(max_workers=2) as pool:
        assemblies = list(pool.map(synthesize, chosen))
        failed = [
            f
            for found in pool.map(run, (a.folder.glob("*.template.json") for a in assemblies))
            for f in found
        ]
    found = sorted(left(failed, acknowledged()))
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    print(f"checkov: {len(failed)} failed check(s) in {', '.join(chosen)}, {len(found)} not acknowledged")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
