"""`python -m checks [environment ...]`: everything that can be known of a deployment before deploying it."""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from checks import acknowledged, nag
from checks.catalogue import CRASHED, check, guarded
from checks.synthesized import environments, synthesize


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


if __name__ == "__main__":
    raise SystemExit(main())
