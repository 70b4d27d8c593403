"""A run that was recorded is the run: the same tree, without its data; and the picture in docs is of the one kept."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest

from local.demo import picture, recording, steps
from local.demo.history import Execution
from tests.demo.histories import START, FakeStepFunctions, Machine
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


def test_of_the_polls_of_an_iteration_only_what_names_it_is_kept(tmp_path: Path) -> None:
    train = Machine("train")
    train.enter("Map", "Solutions", 0)
    for index, (name, ended) in enumerate({"personal": "Succeeded", "related": "Failed"}.items()):
        begun = train.add("MapIterationStarted", 1, after=1, mapIterationStartedEventDetails={"index": index})
        entered = train.enter("Task", "Create", 1, after=begun, given={"name": name})
        last = train.leave("Task", "Create", 2, after=entered)
        for _ in range(100):
            last = train.leave("Wait", "Pause", 3, after=train.enter("Wait", "Pause", 2, after=last))
        if ended == "Failed":
            last = train.enter("Fail", "NotTrained", 4, after=last)
        train.add(f"MapIteration{ended}", 4, after=last)
    train.end("FAILED", error="NotTrained")
    execution, client = Execution(train.arn), FakeStepFunctions(train)
    execution.refresh(client)
    file = tmp_path / "run.json"
    recording.write(client, execution, file, command="make demo", told={})
    found = recording.read(file)
    assert "Pause" not in file.read_text() and len(found.executions[0]["events"]) < 12
    lines = drawn(steps.of_execution(found.execution(), now=NOW))
    assert lines == drawn(steps.of_execution(execution, now=NOW))
    assert lines[-2:] == ["    ├── ✓ personal  3.0 s", "    └── ✗ related  3.0 s  NotTrained"]


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
    # The name space, and rich's own in a comment.
    assert addresses == {"http://www.w3.org/2000/svg", "https://www.textualize.io"}
    assert "font-face" not in text and "url(http" not in text
    words = "".join(root.itertext()).replace("\xa0", " ")
    assert "✓ pipeline" in words and "new for you: never bought" in words


def test_japanese_has_two_cells_a_letter_and_what_follows_begins_behind_it() -> None:
    texts = list(ET.fromstring(picture.svg()).iter("{http://www.w3.org/2000/svg}text"))
    rows: dict[str, list[ET.Element]] = {}
    for text in texts:
        rows.setdefault(text.attrib.get("y", ""), []).append(text)
    [row] = [row for row in rows.values() if any(text.text == "かわべ\xa0冷凍餃子" for text in row)]
    at = next(n for n, text in enumerate(row) if text.text == "かわべ\xa0冷凍餃子")
    assert float(row[at].attrib["textLength"]) == pytest.approx((7 * 2 + 1) * picture.CELL)
    ends = [float(text.attrib["x"]) + float(text.attrib["textLength"]) for text in row]
    assert ends[at] == pytest.approx(float(row[at + 1].attrib["x"]))
    assert ends[at - 1] == pytest.approx(float(row[at].attrib["x"]))


def test_the_picture_is_of_the_kept_run_s_own_states() -> None:
    run = recording.read(recording.FILE)
    words = "".join(ET.fromstring(picture.svg()).itertext()).replace("\xa0", " ")
    outer = {state.name for state in run.execution().states if not state.item and state.kind == "Task"}
    assert len(outer) > 5
    assert {name for name in outer if name not in words} == set()


def test_the_kept_run_holds_no_address_or_path_of_a_machine() -> None:
    text = recording.FILE.read_text()
    assert not any(part in text for part in ("localhost", "127.0.0.1", "/tmp", "/home", "/root", "://"))
