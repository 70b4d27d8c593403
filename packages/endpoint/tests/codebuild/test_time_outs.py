"""Time-outs, whose minutes are made short in this process."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.codebuild import builds
from osusume_endpoint.codebuild.process import Prepared
from osusume_endpoint.codebuild.projects import Store
from osusume_endpoint.endpoint import Credentials, Endpoint

PROJECT = {
    "name": "p",
    "serviceRole": "arn:aws:iam::222222222222:role/r",
    "source": {"type": "NO_SOURCE"},
    "artifacts": {"type": "NO_ARTIFACTS"},
    "environment": {
        "type": "ARM_CONTAINER",
        "computeType": "BUILD_GENERAL1_SMALL",
        "image": "aws/codebuild/x",
    },
    "timeoutInMinutes": 5,
    "queuedTimeoutInMinutes": 5,
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(file=tmp_path / "state.json", region="eu-central-1", account="222222222222")
    store.create(PROJECT)
    return store


@pytest.fixture
def service(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> builds.Builds:
    """Builds that sleep for a minute, where a minute of a time-out is a twentieth of a second."""
    script = tmp_path / "build.sh"
    script.write_text("echo 'begin build' >&3; sleep 60; echo done >&3\n")

    def prepare(*_: Any) -> Prepared:
        return Prepared("/bin/sh", script, tmp_path, tmp_path, (), {"PATH": "/usr/bin:/bin"})

    monkeypatch.setattr(builds, "MINUTE", 0.05)
    monkeypatch.setattr(builds, "prepare", prepare)
    monkeypatch.setattr(builds.permissions, "role_session", lambda *_, **__: Credentials("a", "b"))
    endpoint = Endpoint(url="", port=0, region="eu-central-1", account="222222222222", home=tmp_path)
    return builds.Builds(endpoint=endpoint, store=store)


def ended(build: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while not build["buildComplete"] and time.monotonic() < deadline:
        time.sleep(0.02)
    return build


def test_a_build_that_takes_too_long_is_ended_and_says_so(service: builds.Builds) -> None:
    build = ended(service.start({"projectName": "p"}, initiator="x"))
    assert build["buildStatus"] == "TIMED_OUT"
    [phase] = [one for one in build["phases"] if one["phaseType"] == "BUILD"]
    assert (phase["phaseStatus"], phase["contexts"][0]["statusCode"]) == ("TIMED_OUT", "BUILD_TIMED_OUT")


def test_a_build_that_waits_too_long_never_starts(service: builds.Builds) -> None:
    long = [
        service.start({"projectName": "p", "timeoutInMinutesOverride": 30}, initiator="x")
        for _ in range(builds.SLOTS)
    ]
    waiting = ended(service.start({"projectName": "p"}, initiator="x"))
    assert waiting["buildStatus"] == "TIMED_OUT"
    assert [one["phaseType"] for one in waiting["phases"]][:2] == ["SUBMITTED", "QUEUED"]
    assert "PROVISIONING" not in [one["phaseType"] for one in waiting["phases"]]
    assert {ended(one)["buildStatus"] for one in long} == {"TIMED_OUT"}


def test_a_build_of_an_endpoint_that_stopped_is_a_fault(store: Store, tmp_path: Path) -> None:
    build = builds.new_build(store, store.project("p"), {}, initiator="x")
    store.add_build(build)
    again = Store(file=tmp_path / "state.json", region="eu-central-1", account="222222222222")
    found = again.build(build["id"])
    assert (found["buildStatus"], found["buildComplete"]) == ("FAULT", True)
    assert again.project("p")["timeoutInMinutes"] == 5
