"""The workflows that forks run: linted, and each linter shown to notice what it is there for."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from checks import ci


def test_the_linters_find_nothing_in_the_shipped_workflows() -> None:
    assert ci.check() == []


@pytest.mark.parametrize(
    ("text", "instead", "tool"),
    [
        ("timeout-minutes: 30", "timeout-minute: 30", "actionlint"),
        ("needs.cost.outputs.text", "needs.costs.outputs.text", "actionlint"),
        ("steps.compare.outputs.text", "steps.compared.outputs.text", "actionlint"),
        ("vars[format('AWS_DIFF_ROLE_ARN_{0}'", "vrs[format('AWS_DIFF_ROLE_ARN_{0}'", "actionlint"),
        ("ubuntu-24.04", "ubuntu-99.04", "actionlint"),
        ("persist-credentials: false", "fetch-depth: 1", "zizmor"),
        ("  pull_request:", "  pull_request_target:", "zizmor"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v4", "zizmor"),
        ('ENV="$ENVIRONMENT"', 'ENV="${{ github.head_ref }}"', "zizmor"),
    ],
)
def test_a_mistake_in_a_workflow_is_noticed(text: str, instead: str, tool: str, tmp_path: Path) -> None:
    written = (ci.WORKFLOWS / "test.yml").read_text()
    assert text in written
    (tmp_path / "test.yml").write_text(written.replace(text, instead))
    assert tool in [found.partition(":")[0] for found in ci.check(tmp_path)]


def test_an_empty_folder_is_no_success(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no workflow"):
        ci.check(tmp_path)


def test_a_missing_linter_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checks.ci.shutil.which", lambda name, path=None: None)
    with pytest.raises(ci.ToolMissing, match="zizmor is not installed"):
        ci.check()


def test_the_job_that_may_write_runs_nothing_of_the_change() -> None:
    jobs = yaml.safe_load((ci.WORKFLOWS / "test.yml").read_text())["jobs"]
    writing = {name for name, job in jobs.items() if "write" in job["permissions"].values()}
    assert writing == {"comment", "diff"}
    assert jobs["diff"]["permissions"] == {"contents": "read", "id-token": "write"}
    assert jobs["comment"]["permissions"] == {"pull-requests": "write"}
    assert [step.get("uses", "").partition("@")[0] for step in jobs["comment"]["steps"]] == [
        "actions/github-script"
    ]
    for name in writing:
        assert "head.repo.full_name == github.repository" in jobs[name]["if"]


def test_each_environment_is_diffed_with_a_role_of_its_own_and_fails_nothing() -> None:
    """An environment that isn't bootstrapped yet can't be diffed, which is no fault of the change."""
    diff = yaml.safe_load((ci.WORKFLOWS / "test.yml").read_text())["jobs"]["diff"]
    assert diff["strategy"]["fail-fast"] is False
    assert diff["strategy"]["matrix"]["environment"] == "${{ fromJSON(needs.environments.outputs.names) }}"
    assert "matrix.environment" in diff["env"]["ROLE"]
    login = next(step for step in diff["steps"] if step.get("id") == "login")
    assert login["continue-on-error"] is True and login["if"] == "env.ROLE != ''"
    (script,) = [step["run"] for step in diff["steps"] if "make diff" in step.get("run", "")]
    assert 'elif make diff ENV="$ENVIRONMENT"' in script, "a condition's failure ends no shell"


def test_a_deployment_is_checked_before_it_may_begin() -> None:
    jobs = yaml.safe_load((ci.WORKFLOWS / "deploy.yml").read_text())["jobs"]
    assert "make check" in [step.get("run") for step in jobs["build"]["steps"]]
    assert jobs["deploy"]["needs"] == ["build", "preflight"]
    assert jobs["preflight"]["steps"][-1]["run"] == 'make preflight ENV="$ENVIRONMENT"'
    roles = {
        name: step["with"]["role-to-assume"]
        for name, job in jobs.items()
        for step in job["steps"]
        if "role-to-assume" in step.get("with", {})
    }
    assert roles["preflight"] != roles["deploy"]
