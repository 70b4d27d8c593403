"""`python -m checks.checkov [environment ...]`: checkov's rules over the templates, from an environment of its own.

checkov pins other versions of packages that the product uses, so `make checkov` installs it from
requirements-checkov.txt beside .venv. It asks no network. What stays is in checks/acknowledged.yaml.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from checks import acknowledged
from checks.acknowledged import CHECKOV
from checks.finding import Finding
from checks.synthesized import environments, synthesize

ROOT = Path(__file__).parents[1]
PROGRAM = ROOT / ".venv-checkov" / "bin" / "checkov"


class CheckovFailed(RuntimeError):
    """It is not installed, or it did not look at the templates."""


def run(templates: Iterable[Path], *, program: Path = PROGRAM) -> list[Finding]:
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


def read(report: Mapping[str, Any]) -> Iterator[Finding]:
    """Raises CheckovFailed when templates could not be parsed, or none was looked at."""
    summary = report.get("summary", report)
    if not summary.get("passed") or summary.get("parsing_errors"):
        raise CheckovFailed(f"checkov did not look at the templates: {summary}")
    for check in report["results"]["failed_checks"]:
        stack = Path(check["file_path"]).name.removesuffix(".template.json")
        logical_id = check["resource"].rpartition(".")[2]
        rule, cure = (
            f"{CHECKOV}{check['check_id']}",
            "mend it, or acknowledge it in checks/acknowledged.yaml.",
        )
        yield Finding(stack, logical_id, rule, f"{check['check_name']}.", cure)


def main() -> int:
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
    everything = set(chosen) == set(environments())
    found = sorted(acknowledged.read().of(CHECKOV).left(failed, everything=everything))
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    print(f"checkov: {len(failed)} failed check(s) in {', '.join(chosen)}, {len(found)} not acknowledged")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
