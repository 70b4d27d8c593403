"""The composition root as a command."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import app
from tests import example
from tests.stacks.conftest import ROOT


def synthesize(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    configuration = {"OSUSUME_CONFIG": str(example.folder())}
    variables = {**os.environ, **configuration, "CDK_OUTDIR": str(folder), **environment}
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=variables, capture_output=True, text=True, check=False
    )


def test_a_wrong_environment_is_one_message_and_writes_nothing(tmp_path: Path) -> None:
    done = synthesize(tmp_path / "out", OSUSUME_ENV="stage")
    assert done.returncode == 1
    assert done.stderr == (
        "environment 'stage' has no stage.yaml: use one of ['dev', 'prod'] or write that file\n"
    )
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_the_cli_context_chooses_the_environment_before_the_variable(tmp_path: Path) -> None:
    done = synthesize(tmp_path, CDK_CONTEXT_JSON='{"environment": "nowhere"}', OSUSUME_ENV="dev")
    assert (done.returncode, done.stderr.startswith("environment 'nowhere' has no nowhere.yaml")) == (1, True)


def test_a_plain_run_uses_the_flags_of_cdk_json() -> None:
    flags = app.flags()
    assert flags["@aws-cdk/aws-iam:minimizePolicies"] is True
    assert flags["@aws-cdk/aws-stepfunctions:useDistributedMapResultWriterV2"] is True


def test_the_composition_root_needs_no_credentials_git_or_clock() -> None:
    source = (ROOT / "app.py").read_text()
    for name in ("boto", "subprocess", "git", "datetime", "time."):
        assert f"import {name}" not in source, name
