"""Which interpreter runs a job of which version, and what is said where it isn't installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue import arguments, plugin, runtimes, workers

SIX: dict[str, Any] = {
    "Name": "prepare",
    "GlueVersion": "6.0",
    "Command": {"Name": "glueetl", "ScriptLocation": "s3://b/j.py"},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OSUSUME_SPARK4", str(tmp_path / "spark4"))
    return tmp_path / "spark4"


def installed(folder: Path) -> None:
    folder.mkdir()
    (folder / ".ready").touch()


def test_a_job_of_glue_6_without_its_spark_is_refused_with_the_cure(folder: Path) -> None:
    with pytest.raises(ApiError, match=r"Job prepare: GlueVersion '6\.0' needs .* run `make spark4`") as told:
        arguments.check_job(SIX)
    assert told.value.code == "InvalidInputException" and str(folder) in told.value.message
    arguments.check_job({**SIX, "GlueVersion": "5.1"})


def test_an_environment_that_is_half_installed_is_not_there(folder: Path) -> None:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").touch()
    with pytest.raises(runtimes.NotInstalled):
        runtimes.python_of("6.0")


def test_each_version_has_the_interpreter_of_its_spark(folder: Path) -> None:
    installed(folder)
    found = {version: runtimes.python_of(version) for version in runtimes.VERSIONS}
    assert found == {"5.0": sys.executable, "5.1": sys.executable, "6.0": str(folder / "bin" / "python")}


def test_the_environment_lies_beside_this_one_under_the_name_that_the_makefile_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OSUSUME_SPARK4", raising=False)
    monkeypatch.setattr(sys, "prefix", "/somewhere/.venv")
    assert runtimes.spark_4() == Path("/somewhere/.venv-spark4")


class Spawned:
    """In the place of processes: what was started, and what of it was ended."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.started: list[tuple[str, bool]] = []
        self.ended: list[str] = []
        monkeypatch.setattr(workers, "spawn", self._spawn)

    def _spawn(self, *, python: str, warm: bool, **_given: Any) -> Any:
        self.started.append((python, warm))
        alive = SimpleNamespace(poll=lambda: None)
        close = lambda: self.ended.append(python)  # noqa: E731
        return SimpleNamespace(python=python, process=alive, wait_ready=lambda: True, close=close)


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> Spawned:
    return Spawned(monkeypatch)


def test_a_worker_that_waits_is_given_to_jobs_of_its_own_version_only(
    spawned: Spawned, tmp_path: Path
) -> None:
    pool = workers.Pool(home=tmp_path)
    pool.prepare("five")
    with pool.worker(conf={}, python="five") as first:
        assert first.python == "five"
    assert spawned.started == [("five", True), ("five", True)], "the one that waited, and the next"
    with pool.worker(conf={}, python="six") as other:
        assert other.python == "six"
    assert spawned.started[2:] == [("six", False), ("six", True)]
    assert spawned.ended == ["five", "six", "five"], "the last is the one that waited for version five"


@pytest.mark.parametrize("version", ["6.0", "9.9", ""])
def test_a_job_that_can_not_run_here_is_created_all_the_same(
    spawned: Spawned, folder: Path, tmp_path: Path, version: str
) -> None:
    plugin._warm_up(workers.Pool(home=tmp_path), {"GlueVersion": version})
    assert spawned.started == []
    installed(folder)
    plugin._warm_up(workers.Pool(home=tmp_path), SIX)
    assert spawned.started == [(str(folder / "bin" / "python"), True)]
