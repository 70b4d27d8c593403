"""A build's specification as a script, run by this machine's shells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from osusume_endpoint.codebuild import buildspec
from osusume_endpoint.codebuild.process import Prepared, Process


class Lines(list[str]):
    def write(self, line: str) -> None:
        self.append(line)


class Run:
    """What a build with these phases reported, printed and exported."""

    def __init__(self, folder: Path, phases: dict[str, Any], **env: Any) -> None:
        spec = buildspec.read(yaml.safe_dump({"version": 0.2, "env": env, "phases": phases}))
        exports, script = folder / "exports", folder / "build.sh"
        exports.mkdir()
        script.write_text(buildspec.script(spec))
        variables = {"OSUSUME_LOCAL_EXPORTS": str(exports), "PATH": "/usr/bin:/bin"}
        prepared = Prepared(spec.shell, script, folder, exports, spec.exported, variables)
        process, self.printed = Process.start(prepared), Lines()
        self.reports = list(process.reports(self.printed))
        self.exported = process.exported() if "done" in self.reports else []

    @property
    def phases(self) -> list[str]:
        return [report.removeprefix("begin ") for report in self.reports if report.startswith("begin ")]

    @property
    def failed(self) -> list[str]:
        return [report.removeprefix("failed ") for report in self.reports if report.startswith("failed ")]


def test_all_commands_share_one_shell(tmp_path: Path) -> None:
    """Buildspec reference, version 0.2: what one command sets and where it goes holds for those that follow."""
    run = Run(
        tmp_path,
        {
            "install": {"commands": ["cd /", "A='it is'"]},
            "build": {"commands": ['export B="$A $(pwd)"', "sh -c 'echo said $B'"]},
        },
        **{"exported-variables": ["B", "NEVER"]},
    )
    assert "said it is /" in run.printed and run.failed == []
    assert run.phases == ["install", "pre_build", "build", "post_build"]
    assert run.exported == [{"name": "B", "value": "it is /"}, {"name": "NEVER", "value": ""}]


@pytest.mark.parametrize(
    ("failing", "reached"),
    [
        ("install", ["install"]),
        ("pre_build", ["install", "pre_build"]),
        ("build", ["install", "pre_build", "build", "post_build"]),
        ("post_build", ["install", "pre_build", "build", "post_build"]),
    ],
)
def test_after_a_failed_build_comes_post_build_and_after_what_precedes_it_nothing(
    tmp_path: Path, failing: str, reached: list[str]
) -> None:
    """CodeBuild user guide, "Build phase transitions"."""
    last = {"post_build": {"commands": ["echo succeeding $CODEBUILD_BUILD_SUCCEEDING"]}}
    run = Run(tmp_path, {**last, failing: {"commands": ["sh -c 'exit 7'", "echo never"]}})
    assert (run.phases, run.failed) == (reached, ["7 sh -c 'exit 7'"])
    assert "never" not in run.printed
    assert ("succeeding 0" in run.printed) == (failing == "build")


def test_what_stands_under_finally_runs_after_a_failure_too(tmp_path: Path) -> None:
    phase = {"commands": ["echo why > reason; false"], "finally": ['export WHY="$(cat reason)"']}
    run = Run(tmp_path, {"build": phase}, **{"exported-variables": ["WHY"]})
    assert len(run.failed) == 1 and run.exported == [{"name": "WHY", "value": "why"}]


@pytest.mark.parametrize("command", ["exit 0", "exit 3", "kill -9 $$", "if", "exec true"])
def test_a_shell_that_ends_early_has_not_done_its_work(tmp_path: Path, command: str) -> None:
    run = Run(tmp_path, {"build": {"commands": [command, "echo never"]}})
    assert "done" not in run.reports or run.failed
    assert "never" not in run.printed


def test_what_a_command_leaves_running_ends_with_the_build(tmp_path: Path) -> None:
    run = Run(tmp_path, {"build": {"commands": ["sleep 600 &", "echo said"]}})
    assert "said" in run.printed and run.failed == []


@pytest.mark.parametrize("shell", sorted(buildspec.SHELLS))
def test_a_command_is_taken_as_it_is_written(tmp_path: Path, shell: str) -> None:
    written = """printf '%s|' 'a "b" $HOME' "c'd" é '%s' '\\n'"""
    run = Run(tmp_path, {"build": {"commands": [written]}}, shell=shell)
    assert """a "b" $HOME|c'd|é|%s|\\n|""" in run.printed


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"version": 0.1}, "version 0.1"),
        ({"phases": {"deploy": {"commands": ["x"]}}}, "deploy"),
        ({"phases": {}}, "phases"),
        ({"phases": {"build": {"commands": "x"}}}, "commands"),
        ({"phases": {"build": {"commands": ["x"], "on-failure": "CONTINUE"}}}, "on-failure"),
        ({"phases": {"build": {"commands": ["x"], "run-as": "root"}}}, "run-as"),
        ({"phases": {"install": {"runtime-versions": {"nodejs": 22}}}}, "nodejs"),
        ({"env": {"parameter-store": {"A": "b"}}}, "parameter-store"),
        ({"env": {"secrets-manager": {"A": "b"}}}, "secrets-manager"),
        ({"env": {"shell": "zsh"}}, "zsh"),
        ({"env": {"exported-variables": ["A; rm -rf ."]}}, "A; rm -rf"),
        ({"env": {"exported-variables": ["../up"]}}, "../up"),
        ({"run-as": "root"}, "run-as"),
        ({"artifacts": {"files": ["**/*"]}}, "artifacts"),
        ({"cache": {"paths": ["x"]}}, "cache"),
        ({"reports": {"r": {"files": ["x"]}}}, "reports"),
        ({"batch": {"fast-fail": True}}, "batch"),
    ],
)
def test_what_is_wrong_or_not_emulated_is_named(content: dict[str, Any], named: str) -> None:
    whole = {"version": 0.2, "phases": {"build": {"commands": ["true"]}}, **content}
    with pytest.raises(buildspec.BuildspecInvalid, match=named):
        buildspec.read(yaml.safe_dump(whole))


@pytest.mark.parametrize("text", ["", "a: [", "- x", "text"])
def test_a_text_that_is_no_buildspec_is_refused(text: str) -> None:
    with pytest.raises(buildspec.BuildspecInvalid):
        buildspec.read(text)
