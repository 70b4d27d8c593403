"""What a killed endpoint leaves, and what the next one makes of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from osusume_engine.training import TrainedModel
from tests.personalize import slow_models
from tests.personalize.conftest import (
    World,
    _prepare,
    interactions_csv,
    make_role,
    make_shop,
    start_endpoint,
    stop_endpoint,
    trained,
    untrained,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
RECIPE = "arn:aws:personalize:::recipe/"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    for pid in processes_of(tmp_path):
        os.kill(pid, signal.SIGKILL)


def processes_of(home: Path, part: str = "") -> list[int]:
    """The live processes of the endpoint with this state folder."""
    found = []
    for folder in Path("/proc").iterdir():
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().decode()
        except (OSError, ValueError):
            continue
        if f"OSUSUME_HOME={home}".encode() in environment and part in command and command:
            found.append(int(folder.name))
    return found


def kill_everything(home: Path, process: subprocess.Popen[bytes]) -> None:
    state = json.loads((home / "state.json").read_text())
    os.kill(state["server_pid"], signal.SIGKILL)
    process.kill()
    process.wait()
    end = time.monotonic() + 15
    while time.monotonic() < end and processes_of(home):
        time.sleep(0.1)


def test_a_killed_endpoint_loses_nothing_and_resumes_its_jobs(home: Path) -> None:
    process, url = start_endpoint(home, OSUSUME_PERSONALIZE_TIME="instant")
    world = World(url, home)
    _prepare(world)
    role = make_role(world, "service")
    shop = make_shop(world, role, "kept", kinds=("INTERACTIONS",))
    finished = trained(world, shop, "finished", "aws-popularity-count")
    metrics = world.personalize.get_solution_metrics(solutionVersionArn=finished)["metrics"]
    solution = untrained(world, shop, "cut", "aws-user-personalization-v2")
    create = world.personalize.create_solution_version
    cut = [create(solutionArn=solution)["solutionVersionArn"] for _ in range(2)]
    time.sleep(0.3)  # the first is training, the second waits
    kill_everything(home, process)
    assert processes_of(home, "personalize.worker") == []
    models = [path for path in (home / "personalize" / "models").iterdir() if path.name[0] != "."]
    assert f"solution+finished+{finished.rpartition('/')[2]}" in [path.name for path in models]
    for path in models:  # whole, or not there
        assert TrainedModel.load(path).metrics

    process, url = start_endpoint(home)
    world = World(url, home)
    assert world.personalize.get_solution_metrics(solutionVersionArn=finished)["metrics"] == metrics
    for version in cut:
        assert world.settled("solution_version", version)["status"] == "ACTIVE"
    stop_endpoint(process)
    assert processes_of(home, "personalize.worker") == []


@pytest.mark.nightly
def test_a_worker_killed_while_it_writes_a_model_fails_the_version_and_leaves_nothing(home: Path) -> None:
    process, url = start_endpoint(home, OSUSUME_PERSONALIZE_TIME="instant", **slow_models.ENVIRONMENT)
    world = World(url, home)
    _prepare(world)
    shop = make_shop(world, make_role(world, "service"), "killed", kinds=("INTERACTIONS",))
    first = trained(world, shop, "killed", "aws-popularity-count")
    whole = f"solution+killed+{first.rpartition('/')[2]}"
    (home / "slow").touch()
    solution = first.rpartition("/")[0]
    version = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    models = home / "personalize" / "models"
    half = wait_for_half_a_model(models)
    assert half.name.startswith(f".solution+killed+{version.rpartition('/')[2]}")
    for pid in processes_of(home, "personalize.worker"):
        os.kill(pid, signal.SIGKILL)
    shown = world.settled("solution_version", version)
    assert shown["status"] == "CREATE FAILED"
    assert "ended early" in shown["failureReason"]
    assert [path.name for path in models.iterdir()] == [whole]
    (home / "slow").unlink()
    again = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    world.active("solution_version", again)
    stop_endpoint(process)


@pytest.mark.nightly
def test_an_endpoint_killed_while_a_model_is_written_resumes_and_sweeps(home: Path) -> None:
    process, url = start_endpoint(home, OSUSUME_PERSONALIZE_TIME="instant", **slow_models.ENVIRONMENT)
    world = World(url, home)
    _prepare(world)
    shop = make_shop(world, make_role(world, "service"), "cut", kinds=("INTERACTIONS",))
    solution = world.personalize.create_solution(
        name="cut", datasetGroupArn=shop.group, recipeArn=RECIPE + "aws-popularity-count"
    )["solutionArn"]
    world.active("solution", solution)
    (home / "slow").touch()
    version = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    models = home / "personalize" / "models"
    wait_for_half_a_model(models)
    kill_everything(home, process)
    (home / "slow").unlink()
    process, url = start_endpoint(home)
    World(url, home).active("solution_version", version)
    assert [path.name for path in models.iterdir()] == [f"solution+cut+{version.rpartition('/')[2]}"]
    assert TrainedModel.load(next(models.iterdir())).metrics
    stop_endpoint(process)


def wait_for_half_a_model(models: Path) -> Path:
    """A folder that has a model's arrays and not what they mean."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        for folder in models.glob(".*"):
            if (folder / "arrays.npz").exists():
                assert not (folder / "model.json").exists()
                return folder
        time.sleep(0.02)
    raise AssertionError([path.name for path in models.glob("*")])


@pytest.mark.nightly
def test_a_job_that_was_interrupted_twice_fails(home: Path) -> None:
    process, url = start_endpoint(home)
    world = World(url, home)
    _prepare(world)
    arn = world.personalize.create_dataset_group(name="g")["datasetGroupArn"]
    world.active("dataset_group", arn)
    stop_endpoint(process)
    path = next((home / "personalize" / "records").glob("*.json"))
    record = json.loads(path.read_text())
    record["fields"]["status"] = "CREATE IN_PROGRESS"
    record["private"] |= {"job": "create", "attempts": 2}
    path.write_text(json.dumps(record))
    process, url = start_endpoint(home)
    shown = World(url, home).settled("dataset_group", arn)
    assert (shown["status"], "interrupted" in shown["failureReason"]) == ("CREATE FAILED", True)
    stop_endpoint(process)


@pytest.mark.nightly
def test_realistic_times_show_every_state(home: Path) -> None:
    process, url = start_endpoint(home, OSUSUME_PERSONALIZE_TIME="realistic", OSUSUME_WAIT_SCALE="0.5")
    world = World(url, home)
    arn = world.personalize.create_dataset_group(name="slow")["datasetGroupArn"]
    seen: list[str] = []
    while not seen or seen[-1] != "ACTIVE":
        status = world.personalize.describe_dataset_group(datasetGroupArn=arn)["datasetGroup"]["status"]
        seen += [status] if status not in seen else []
    assert seen == ["CREATE PENDING", "CREATE IN_PROGRESS", "ACTIVE"]
    stop_endpoint(process)


@pytest.mark.nightly
def test_the_endpoint_answers_while_it_imports_and_trains(home: Path) -> None:
    process, url = start_endpoint(home)
    world = World(url, home)
    _prepare(world)
    role = make_role(world, "service")
    shop = make_shop(world, role, "busy", kinds=("INTERACTIONS",))
    more = world.put("more.csv", interactions_csv(users=4_000, items=400))
    world.personalize.create_dataset_import_job(
        jobName="big",
        datasetArn=shop.datasets["INTERACTIONS"],
        dataSource={"dataLocation": more},
        roleArn=role,
    )
    solution = world.personalize.create_solution(
        name="busy", datasetGroupArn=shop.group, recipeArn=RECIPE + "aws-user-personalization-v2"
    )["solutionArn"]
    world.active("solution", solution)
    version = world.personalize.create_solution_version(solutionArn=solution)["solutionVersionArn"]
    slowest, calls, status = 0.0, 0, ""
    while status not in ("ACTIVE", "CREATE FAILED"):
        started = time.monotonic()
        shown = world.personalize.describe_solution_version(solutionVersionArn=version)["solutionVersion"]
        slowest, calls = max(slowest, time.monotonic() - started), calls + 1
        status = shown["status"]
        time.sleep(0.02)
    assert status == "ACTIVE"
    assert calls > 5
    assert slowest < 1.0
    stop_endpoint(process)
