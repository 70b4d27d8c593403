"""`python -m local rehearse`: a whole deployment by the real CDK command line, against an endpoint of its own.

`make up` deploys cdk.out itself, in seconds. This does what `make deploy` does instead: bootstrap, assets with
their roles, change sets, the execution role, then a diff that must be empty, an update that changes nothing, and
the removal of everything. Needs the CDK's command line in node_modules (make installs it).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from config.settings import load
from local import cli
from local.repository import REPOSITORY
from osusume_endpoint import processes, state

CDK = REPOSITORY / "node_modules" / ".bin" / "cdk"
TAIL = 40  # lines of a failed command's output
WAIT_SCALE = "0.01"
_DEPLOY = ("deploy", "--all", "--require-approval", "never")
STEPS: Sequence[Sequence[str]] = (
    ("bootstrap",),
    _DEPLOY,
    ("diff", "--all", "--fail"),
    _DEPLOY,
    ("destroy", "--all", "--force"),
)


class RehearsalFailed(RuntimeError):
    """A step that ended with an error; the message holds the end of what it printed."""


def register(commands: Any) -> None:
    command = commands.add_parser(
        "rehearse", help="the real cdk bootstrap, deploy, diff and destroy, locally"
    )
    command.add_argument("--environment", default="dev", help="config/<environment>.yaml")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if not CDK.exists():
        print(f"{CDK} is missing: `make rehearse` installs it (npm ci).", file=sys.stderr)
        return 1
    settings = load(options.environment)
    with state.temporary_home("osusume-rehearsal-", wait_scale=WAIT_SCALE) as home:
        current = cli.start(home=home, account=settings.account, region=settings.region)
        try:
            for arguments in STEPS:
                _run_step(arguments, _variables(current, options.environment, home))
        except RehearsalFailed as failed:
            print(failed, file=sys.stderr)
            return 1
        finally:
            processes.terminate(current.pid)
    print("The same commands deploy to AWS: make bootstrap, make deploy.")
    return 0


def _variables(current: state.State, environment: str, home: Path) -> dict[str, str]:
    """The account's root stands for the platform engineer, who may do anything."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **kept,
        "OSUSUME_ENV": environment,
        "AWS_ENDPOINT_URL": current.url,
        "AWS_REGION": current.region,
        **cli.endpoint_of(current, home).administrator.environment(),
        "AWS_EC2_METADATA_DISABLED": "true",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "HOME": str(home),  # nobody's ~/.aws or ~/.cdk decides, and none is written
    }


def _run_step(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    started = time.monotonic()
    print(f"cdk {' '.join(arguments):<46}", end="", flush=True)
    done = subprocess.run(
        [str(CDK), *arguments, "--ci", "--no-notices", "--no-color"],
        cwd=REPOSITORY,
        env=dict(variables),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-TAIL:])
        raise RehearsalFailed(f"failed\ncdk {' '.join(arguments)} ended with {done.returncode}:\n{end}")
    print(f"{time.monotonic() - started:6.1f} s")
