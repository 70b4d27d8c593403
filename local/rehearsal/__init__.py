"""`python -m local rehearse`: the life of an environment by the real CDK command line, against an endpoint of its own.

`make up` deploys cdk.out itself, in seconds. This does what `make deploy` does instead: bootstrap, assets with their
roles, change sets, the execution role. Then it fills the environment, runs it, looks at it, changes it in each way that
is documented, lets a deployment and a destruction fail, and ends it twice. Needs the CDK's command line in node_modules
(make installs it).
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from local.rehearsal import stage, steps
from operations.deploy import CDK


def register(commands: Any) -> None:
    command = commands.add_parser(
        "rehearse", help="the life of an environment by the real cdk: deploy, run, change, fail, destroy"
    )
    command.add_argument("--environment", default="dev", help="config/<environment>.yaml")
    command.add_argument(
        "--short", action="store_true", help="without a run: deploy, fail, destroy, deploy again"
    )
    command.add_argument("--seed", type=int, default=0, help="chooses the resource that fails")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if not CDK.exists():
        print(f"{CDK} is missing: `make rehearse` installs it (npm ci).", file=sys.stderr)
        return 1
    with stage.opened(options.environment) as opened:
        plan = steps.short(opened, options.seed) if options.short else steps.whole(opened, options.seed)
        try:
            for step in plan:
                opened.take(step)
        except stage.RehearsalFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        finally:
            for line in opened.table():
                print(line)
    print(
        "The same commands act on AWS: make bootstrap, deploy, seed ON=aws, run ON=aws, smoke ON=aws, destroy."
    )
    return 0
