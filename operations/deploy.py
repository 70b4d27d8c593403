"""`make deploy`: the CDK's command line, told what it can't know: what was never whole, and what was retained."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from operations import adopt, experiments, fields, first, reader
from operations.place import Place, Refused

ROOT = Path(__file__).parents[1]
CDK = ROOT / "node_modules" / ".bin" / "cdk"
Run = Callable[[Sequence[str]], None]


def deploy(place: Place, *, approval: str, run: Run | None = None) -> int:
    """Raises Refused when the command line fails, and before it where a dataset can't take the configured fields."""
    run = run or cdk
    fields.check(place)
    never = first.parts(place)
    options = ["--all", "--require-approval", approval]
    # CloudFormation adopts what a destruction retained, by its name, where it would say that the name is taken.
    adopting = ["--import-existing-resources"] if place.retains else []
    first_time = ["--context", f"first={','.join(never)}"] if never else []
    if reader.wanted(place):
        # QuickSight signs in while its stack is made: what it signs in as stands before.
        run(["deploy", reader.ANALYTICS, *options[1:], *adopting, *first_time])
        adopt.adopt_warehouse(place)
        reader.ensure(place)
    run(["deploy", *options, *adopting, *first_time])
    if never:
        run(["deploy", *options])
    adopt.adopt_warehouse(place)
    experiments.redeliver(place)
    return 0


def cdk(arguments: Sequence[str]) -> None:
    if not CDK.exists():
        raise Refused(f"{CDK} is missing: `make deploy` installs it (npm ci)")
    code = subprocess.run([str(CDK), *arguments], cwd=ROOT, check=False).returncode
    if code:
        raise Refused(f"cdk {' '.join(arguments)} ended with {code}: its own output says why")
