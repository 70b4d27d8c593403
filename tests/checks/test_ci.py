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
        ("vars.AWS_DIFF_ROLE_ARN", "vrs.AWS_DIFF_ROLE_ARN", "actionlint"),
        ("ubuntu-24.04", "ubuntu-99.04", "actionlint"),
        ("persist-credentials: false", "fetch-depth: 1", "zizmor"),
        ("  pull_request:", "  pull_request_target:", "zizmor"),
        ("@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v4", "zizmor"),
        ('ENV="$environment"', 'ENV="${{ github.head_ref }}"', "zizmor"),
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
