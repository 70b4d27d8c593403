"""The composition root as a command."""

from __future__ import annotations

import subprocess
from pathlib import Path

import app
from checks.assembly import Assembly
from stacks import synthesis
from tests import example
from tests.stacks.conftest import ROOT


def synthesize(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    chosen, variables = environment["OSUSUME_ENV"], {**environment, "CDK_OUTDIR": str(folder)}
    return synthesis.run("app.py", environment=chosen, configuration=example.folder(), **variables)


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


def test_every_stack_of_the_folder_is_composed_after_those_that_it_needs() -> None:
    parts = [kind.part for kind in app.STACKS]
    modules = {path.stem for path in (ROOT / "stacks").glob("*.py")} - {"__init__", "synthesis"}
    assert set(parts) == modules and len(parts) == len(modules)
    for place, kind in enumerate(app.STACKS):
        assert set(kind.needs) <= set(parts[:place]), kind.part


def test_what_deploys_for_the_first_time_is_not_protected_and_the_rest_is(tmp_path: Path) -> None:
    context = {**synthesis.WITHOUT_LAYERS, "first": "storage,sources"}
    app.build(example.settings("prod"), folder=tmp_path, context=context).synth()
    assembly = Assembly.read(tmp_path)
    protected = {
        stack.name: assembly.manifest["artifacts"][stack.name]["properties"]["terminationProtection"]
        for stack in assembly.stacks
    }
    first = {name for name, is_protected in protected.items() if not is_protected}
    assert first == {"Storage", "Sources"} and len(protected) == 11
    tables = [table["DeletionProtectionEnabled"] for _, _, table in assembly.each("AWS::DynamoDB::Table")]
    clusters = [cluster["DeletionProtection"] for _, _, cluster in assembly.each("AWS::RDS::DBCluster")]
    assert (tables, clusters) == ([False] * 4, [False])
