"""`python -m checks [environment ...]`: everything that can be known of a deployment before deploying it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from checks import iam, personalize, pitfalls, schemas, services, workflows
from checks.assembly import Assembly
from checks.finding import Finding

ROOT = Path(__file__).parents[1]
CHECKS: tuple[Callable[[Assembly], list[Finding]], ...] = (
    schemas.check,
    workflows.check,
    iam.check,
    services.check,
    personalize.check,
    pitfalls.check,
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    parser.add_argument("environments", nargs="*", help="default: every file in config/")
    chosen = parser.parse_args().environments or environments()
    found = [finding for environment in chosen for finding in check(synthesize(environment))]
    sys.stdout.writelines(f"{finding}\n" for finding in sorted(set(found)))
    print(f"{len(found)} finding(s) in {', '.join(chosen)}")
    return 1 if found else 0


def environments() -> list[str]:
    return sorted(path.stem for path in (ROOT / "config").glob("*.yaml"))


def check(
    assembly: Assembly, checks: Iterable[Callable[[Assembly], list[Finding]]] = CHECKS
) -> list[Finding]:
    return [finding for run in checks for finding in run(assembly)]


def synthesize(environment: str) -> Assembly:
    """Raises SystemExit with the app's own message when the configuration is refused."""
    folder = Path(tempfile.mkdtemp(prefix=f"osusume-{environment}-"))
    settings = {"CDK_OUTDIR": str(folder), "OSUSUME_ENV": environment, "CDK_VALIDATION": "false"}
    done = subprocess.run(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return Assembly.read(folder)


if __name__ == "__main__":
    raise SystemExit(main())
