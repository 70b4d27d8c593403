"""A run that was recorded is the run: the same tree, without its data; and the picture in docs is of the one kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

from local.demo import picture, recording, steps
from local.demo.history import Execution
from tests.demo.histories import START, FakeStepFunctions
from tests.demo.test_live import drawn, mapped, nested

NOW = START + timedelta(seconds=60)


def test_what_was_recorded_draws_the_same_tree(tmp_path: Path) -> None:
    pipeline, train = nested()
    pipeline.add("TaskScheduled", 7, taskScheduledEventDetails={"parameters": "{}"})
    pipeline.enter("Task", "Load", 7, given={"secret": "what a shop sells"})
    pipeline.fail(8, "States.Timeout", "late")
    pipeline.leave("Task", "Load", 9)
    machines = (pipeline, train)
    execution, client = Execution(pipeline.arn), FakeStepFunctions(*machines)
    execution.refresh(client)
    file = tmp_path / "run.json"
    recording.write(client, execution, file, command="make demo", told={"Lists": ["a", "b"]})
    found = recording.read(file)
    assert drawn(steps.of_execution(found.execution(), now=NOW)) == drawn(
        steps.of_execution(execution, now=NOW)
    )
    assert (found.command, found.told) == ("make demo", {"Lists": ["a", "b"]})
    assert "what a shop sells" not in file.read_text() and "TaskScheduled" not in file.read_text()


def test_iterations_keep_their_names(tmp_path: Path) -> None:
    train = mapped(["personal", "related"])
    train.leave("Map", "Solutions", 5)
    train.end("SUCCEEDED")
    execution, client = Execution(train.arn), FakeStepFunctions(train)
    execution.refresh(client)
    file = tmp_path / "run.json"
    recording.write(client, execution, file, command="make demo", told={})
    assert [s.item for s in recording.read(file).execution().states if s.kind == "Iteration"] == [
        "personal",
        "related",
    ]


def test_a_recording_has_a_line_for_each_event(tmp_path: Path) -> None:
    pipeline, train = nested()
    execution, client = Execution(pipeline.arn), FakeStepFunctions(pipeline, train)
    execution.refresh(client)
    file = tmp_path / "run.json"
    recording.write(client, execution, file, command="make demo", told={})
    events = [json.loads(line.rstrip(",")) for line in file.read_text().splitlines() if '"id":' in line]
    assert [event["id"] for event in events] == [1, 2, 3, 4, 5, 6, 7, 1, 2]


def test_the_picture_is_an_image_that_asks_nobody_for_anything() -> None:
    text = picture.svg()
    root = ET.fromstring(text)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    addresses = {part for part in text.replace('"', " ").replace("(", " ").split() if "://" in part}
    assert addresses == {"http://www.w3.org/2000/svg", "https://www.textualize.io/"} & addresses
    assert "font-face" not in text and "url(http" not in text
    words = "".join(root.itertext()).replace("\xa0", " ")
    assert "✓ pipeline" in words and "new for you: never bought" in words


def test_the_picture_is_of_the_kept_run_s_own_states() -> None:
    run = recording.read(recording.FILE)
    words = "".join(ET.fromstring(picture.svg()).itertext()).replace("\xa0", " ")
    outer = {state.name for state in run.execution().states if not state.item and state.kind == "Task"}
    assert len(outer) > 5
    assert {name for name in outer if name not in words} == set()


def test_the_kept_run_holds_no_address_or_path_of_a_machine() -> None:
    text = recording.FILE.read_text()
    assert not any(part in text for part in ("localhost", "127.0.0.1", "/tmp", "/home", "/root", "://"))
