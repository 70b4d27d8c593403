"""`python -m checks [environment ...]`: everything that can be known of a deployment before deploying it."""

from __future__ import annotations

import argparse
import atexit
import shutil
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from checks import acknowledged, nag
from checks.assembly import Assembly
from checks.catalogue import CRASHED, check, guarded
from config import files
from stacks import synthesis

ROOT = Path(__file__).parents[1]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m checks", description=__doc__)
    parser.add_argument("environments", nargs="*", help="default: every file in config/")
    chosen = parser.parse_args().environments or environments()
    # Two processes of CDK beside each other; cfn-lint then has the processors for itself.
    with ThreadPoolExecutor(max_workers=2) as pool:
        nagging = [pool.submit(guarded, "nag", partial(nag.check, environment)) for environment in chosen]
        assemblies = list(pool.map(synthesize, chosen))
        nagged = [finding for job in nagging for finding in job.result()]
    found = [*nagged, *(finding for assembly in assemblies for finding in check(assembly))]
    known = acknowledged.read().without(acknowledged.CHECKOV)
    # What a crashed check would have found, and what only another environment has, may need an acknowledgement.
    everything = set(chosen) == set(environments()) and CRASHED not in {finding.rule for finding in found}
    left = known.left(dict.fromkeys(found), everything=everything)
    sys.stdout.writelines(f"{finding}\n" for finding in sorted(left))
    print(f"{len(left)} finding(s) in {', '.join(chosen)}")
    return 1 if left else 0


def environments() -> list[str]:
    """Every one that config/ (or the folder of OSUSUME_CONFIG) has a file for."""
    return files.environments(files.folder())


def synthesize(environment: str, configuration: Path | None = None) -> Assembly:
    """`configuration` is the folder of environments' files, if not config/.

    Raises SystemExit with the app's own message when the configuration is refused.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"osusume-{environment}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    try:
        synthesis.synthesize(environment=environment, folder=folder, configuration=configuration)
    except synthesis.SynthesisFailed as error:
        raise SystemExit(str(error)) from None
    return Assembly.read(folder)


if __name__ == "__main__":
    raise SystemExit(main())
