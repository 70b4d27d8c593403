"""Where a rehearsal plays: an endpoint and a configuration of its own, and the table of what was done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from config import files
from config.settings import Settings, load
from local import cli
from local.repository import REPOSITORY
from osusume_endpoint import paths, processes, state
from osusume_endpoint.faults.client import Faults

TAIL = 40  # lines of a failed command's output
WAIT_SCALE = "0.01"


class RehearsalFailed(RuntimeError):
    """A step that ended otherwise than it should; the message holds the end of what it printed."""


@dataclass(frozen=True)
class Step:
    """A command that succeeds, or fails where `fails` says so. `said` is in what it prints."""

    name: str
    command: Sequence[str]
    fails: bool = False
    said: str = ""
    fault: str = ""  # a plan of faults that holds while it runs
    edits: tuple[tuple[str, object], ...] = ()  # keys of the environment's file, changed before it runs


@dataclass
class Stage:
    environment: str
    current: state.State
    home: Path
    taken: list[tuple[str, float]] = field(default_factory=list)

    @property
    def configuration(self) -> Path:
        return self.home / "config"

    @property
    def settings(self) -> Settings:
        return load(self.environment, self.configuration)

    def variables(self) -> dict[str, str]:
        """The account's root stands for the platform engineer, who may do anything."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        endpoint = cli.endpoint_of(self.current, self.home)
        return {
            **kept,
            "OSUSUME_ENV": self.environment,
            "OSUSUME_CONFIG": str(self.configuration),
            "OSUSUME_HOME": str(self.home),
            "AWS_ENDPOINT_URL": self.current.url,
            "AWS_REGION": self.current.region,
            **endpoint.administrator.environment(),
            "AWS_EC2_METADATA_DISABLED": "true",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_STACK_TRACE": "1",
            "CDK_VALIDATION": "false",  # `make check` does it; here it would be most of each command's time
            "HOME": str(self.home),  # nobody's ~/.aws or ~/.cdk decides, and none is written
        }

    def take(self, step: Step) -> None:
        """Raises RehearsalFailed."""
        started = time.monotonic()
        print(f"{step.name:<56}", end="", flush=True)
        self._edit(step)
        self._set_fault(step.fault)
        done = subprocess.run(
            list(step.command),
            cwd=REPOSITORY,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self._set_fault("")
        self._judge(step, done)
        seconds = time.monotonic() - started
        self.taken.append((step.name, seconds))
        print(f"{seconds:7.1f} s")

    def _judge(self, step: Step, done: subprocess.CompletedProcess[str]) -> None:
        wrong = bool(done.returncode) != step.fails
        if wrong or step.said not in done.stdout:
            end = "\n".join(done.stdout.splitlines()[-TAIL:])
            wanted = "should have failed, and" if step.fails else "should have succeeded, and"
            told = f" and did not say {step.said!r}" if not wrong else ""
            command = " ".join(step.command)
            raise RehearsalFailed(f"failed\n{command} {wanted} ended with {done.returncode}{told}:\n{end}")

    def _edit(self, step: Step) -> None:
        file = paths.inside(self.configuration, f"{self.environment}.yaml")
        content = files.content(file)
        for key, value in step.edits:
            content = files.merged(content, nested(key.split("."), value))
        file.write_text(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))

    def _set_fault(self, plan: str) -> None:
        faults = Faults(
            self.current.url,
            self.current.region,
            cli.endpoint_of(self.current, self.home).administrator,
        )
        if plan:
            faults.use(plan)
        else:
            faults.clear()

    def table(self) -> Iterator[str]:
        if self.taken:
            yield ""
            yield f"{'step':<56}{'seconds':>9}"
            yield from (f"{name:<56}{seconds:>9.1f}" for name, seconds in self.taken)
            yield f"{'all':<56}{sum(seconds for _, seconds in self.taken):>9.1f}"


@contextmanager
def opened(environment: str) -> Iterator[Stage]:
    """Raises ConfigError before anything starts."""
    settings = load(environment)
    with state.temporary_home("osusume-rehearsal-", wait_scale=WAIT_SCALE) as home:
        shutil.copytree(files.folder(), home / "config")
        current = cli.start(home=home, account=settings.account, region=settings.region)
        try:
            yield Stage(environment, current, home)
        finally:
            processes.terminate(current.pid)


def nested(keys: Sequence[str], value: object) -> dict[str, object]:
    """`["api", "burst"], 5` is {"api": {"burst": 5}}."""
    first, *rest = keys
    return {first: nested(rest, value) if rest else value}


def python(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]
