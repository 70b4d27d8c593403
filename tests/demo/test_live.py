"""The run as a tree: nested executions, iterations, retries, failures; on a terminal, and never elsewhere."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from local.demo import live, progress, steps
from local.demo.history import Execution
from local.demo.steps import Outcome, Step
from tests.demo.histories import START, FakeStepFunctions, Machine

NOW = START + timedelta(seconds=60)
TERMINAL = {"TERM": "xterm-256color"}


def seen(*machines: Machine) -> Step:
    """The first machine's run, as far as it is."""
    execution, client = Execution(machines[0].arn), FakeStepFunctions(*machines)
    execution.refresh(client)
    return steps.of_execution(execution, now=NOW)


def drawn(step: Step, *, folded: bool = False) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=100).print(live.tree(step, folded=folded))
    return [line.rstrip() for line in out.getvalue().splitlines()]


def task(machine: Machine, name: str, start: float, end: float) -> None:
    machine.enter("Task", name, start)
    machine.leave("Task", name, end)


def nested() -> tuple[Machine, Machine]:
    pipeline, train = Machine("pipeline"), Machine("train")
    task(pipeline, "PlanRun", 0, 1.5)
    pipeline.enter("Task", "RunTrain", 1.5)
    pipeline.call(train, 1.6)
    task(train, "Judge", 2, 6)
    train.end("SUCCEEDED")
    pipeline.leave("Task", "RunTrain", 7)
    pipeline.enter("Choice", "Done", 7)
    pipeline.leave("Choice", "Done", 7)
    pipeline.end("SUCCEEDED")
    return pipeline, train


def test_an_execution_hangs_below_the_state_that_started_it() -> None:
    assert drawn(seen(*nested())) == [
        "✓ pipeline  7.0 s",
        "├── ✓ PlanRun  1.5 s",
        "└── ✓ RunTrain → train  5.5 s",
        "    └── ✓ Judge  4.0 s",
    ]


def test_while_it_runs_what_went_well_is_folded_up() -> None:
    assert drawn(seen(*nested()), folded=True) == [
        "✓ pipeline  7.0 s  3 steps inside",
        "├── ✓ PlanRun  1.5 s",
        "└── ✓ RunTrain → train  5.5 s  1 step inside",
    ]


def test_a_wait_belongs_to_the_state_before_it_and_rounds_add_up() -> None:
    machine = Machine("recommend")
    for round_ in range(3):
        machine.enter("Task", "Describe", 10 * round_)
        machine.leave("Task", "Describe", 10 * round_ + 1)
        machine.enter("Wait", "Pause", 10 * round_ + 1)
        machine.leave("Wait", "Pause", 10 * round_ + 10)
    machine.enter("Task", "Describe", 30)
    machine.leave("Task", "Describe", 31)
    machine.end("SUCCEEDED")
    assert drawn(seen(machine)) == ["✓ recommend  31.0 s", "└── ✓ Describe  31.0 s  4 times"]


def test_a_wait_that_lasts_is_the_state_s_that_waits() -> None:
    machine = Machine("recommend")
    task(machine, "Describe", 0, 1)
    machine.enter("Wait", "Pause", 1)
    assert drawn(seen(machine)) == ["… recommend  60.0 s", "└── … Describe  60.0 s"]


def mapped(names: list[str], *, ended: int | None = None, failed: str = "") -> Machine:
    train = Machine("train")
    train.enter("Map", "Solutions", 0)
    started = train.add("MapStateStarted", 0, mapStateStartedEventDetails={"length": len(names)})
    for index, name in enumerate(names):
        begun = train.add(
            "MapIterationStarted", 1, after=started, mapIterationStartedEventDetails={"index": index}
        )
        entered = train.enter("Task", "Create", 1, after=begun, given={"name": name})
        if ended is None or index < ended:
            kind = "MapIterationFailed" if name == failed else "MapIterationSucceeded"
            left = entered if name == failed else train.leave("Task", "Create", 2 + index, after=entered)
            train.add(kind, 2 + index, after=left)
    return train


def test_iterations_are_named_and_one_that_runs_says_where_it_is() -> None:
    train = mapped(["personal", "related"], ended=1)
    assert drawn(seen(train)) == [
        "… train  60.0 s",
        "└── … Solutions  60.0 s",
        "    ├── ✓ personal  1.0 s",
        "    └── … related  59.0 s  Create",
    ]


def test_many_iterations_are_summed_up() -> None:
    train = mapped([f"part-{n}" for n in range(20)], ended=15)
    assert drawn(seen(train)) == [
        "… train  60.0 s",
        "└── … Solutions  60.0 s  15 of 20 iterations, the slowest 59.0 s",
    ]


def test_a_failed_iteration_is_told_among_many() -> None:
    train = mapped([f"part-{n}" for n in range(20)], ended=15, failed="part-3")
    assert drawn(seen(train))[1].endswith("15 of 20 iterations, the slowest 59.0 s, 1 failed")


def test_a_failed_iteration_says_in_which_state() -> None:
    train = mapped(["personal", "related"], failed="related")
    train.end("FAILED", error="Failed")
    assert drawn(seen(train)) == [
        "✗ train  3.0 s",
        "└── ✗ Solutions  3.0 s",
        "    ├── ✓ personal  1.0 s",
        "    └── ✗ related  2.0 s  Create",
    ]


def test_the_branches_of_a_parallel_state_hang_below_it() -> None:
    prepare = Machine("prepare")
    started = prepare.enter("Parallel", "Extract", 0)
    ends = []
    for name, seconds in (("Aurora", 5), ("Log", 8)):
        entered = prepare.enter("Task", name, 0, after=started)
        ends.append(prepare.leave("Task", name, seconds, after=entered))
    prepare.leave("Parallel", "Extract", 8, after=ends[-1])
    task(prepare, "Build", 8, 9)
    prepare.end("SUCCEEDED")
    assert drawn(seen(prepare)) == [
        "✓ prepare  9.0 s",
        "├── ✓ Extract  8.0 s",
        "│   ├── ✓ Aurora  5.0 s",
        "│   └── ✓ Log  8.0 s",
        "└── ✓ Build  1.0 s",
    ]


def test_an_error_that_was_caught_is_told_and_one_that_was_retried_well_is_not() -> None:
    machine = Machine("train")
    machine.enter("Task", "Import", 0)
    machine.fail(1, "Personalize.LimitExceededException", "busy")
    machine.add("TaskSucceeded", 2, taskSucceededEventDetails={"resource": "r", "resourceType": "t"})
    machine.leave("Task", "Import", 2)
    machine.enter("Task", "Create", 2)
    machine.fail(3, "Personalize.ResourceAlreadyExistsException", "there")
    machine.leave("Task", "Create", 3)
    machine.end("SUCCEEDED")
    step = seen(machine)
    assert [inner.outcome for inner in step.steps] == [Outcome.DONE, Outcome.CAUGHT]
    assert drawn(step)[1:] == [
        "├── ✓ Import  2.0 s",
        "└── ! Create  1.0 s  Personalize.ResourceAlreadyExistsException",
    ]


def test_a_failed_run_shows_each_state_that_did_not_end_and_its_error() -> None:
    pipeline, train = Machine("pipeline"), Machine("train")
    pipeline.enter("Task", "RunTrain", 0)
    pipeline.call(train, 0)
    train.enter("Task", "CreateVersion", 2)
    train.fail(3, "Personalize.AccessDeniedException", "not authorized")
    train.end("FAILED", error="Personalize.AccessDeniedException")
    pipeline.fail(3, "States.TaskFailed", "the child failed")
    pipeline.enter("Fail", "Failed", 4)
    pipeline.end("FAILED", error="Failed")
    assert drawn(seen(pipeline, train)) == [
        "✗ pipeline  4.0 s",
        "├── ✗ RunTrain → train  4.0 s  States.TaskFailed",
        "│   └── ✗ CreateVersion  1.0 s  Personalize.AccessDeniedException",
        "└── ✗ Failed  0.0 s",
    ]


@pytest.mark.parametrize(
    ("environment", "draws"),
    [
        (TERMINAL, True),
        ({**TERMINAL, "NO_COLOR": ""}, True),  # no-color.org: an empty one says nothing
        ({**TERMINAL, "NO_COLOR": "1"}, False),
        ({**TERMINAL, "CI": "true"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "unknown"}, False),
        ({}, False),
    ],
)
def test_a_tree_is_drawn_on_a_terminal_that_can(environment: dict[str, str], draws: bool) -> None:
    leader, follower = os.openpty()
    with closing(os.fdopen(leader, "rb")), closing(os.fdopen(follower, "w")) as terminal:
        assert live.is_for(terminal, environment) is draws
    assert live.is_for(io.StringIO(), environment) is False


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    for name, value in {"TERM": "xterm", "COLUMNS": "100", "LINES": "10"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "CI"):
        monkeypatch.delenv(name, raising=False)
    return Terminal()


def test_on_a_terminal_the_whole_tree_stays_at_the_end(terminal: Terminal) -> None:
    pipeline, train = nested()
    client = FakeStepFunctions(pipeline, train)
    progress.follow(client, pipeline.arn, logs=Path("logs"), out=terminal, sleep=client.sleep)
    plain = Console(file=io.StringIO()).render_str(terminal.getvalue()).plain
    assert plain.count("RunTrain → train") >= 1
    assert terminal.getvalue().rstrip().splitlines()[-1].count("Judge") == 1
    assert "\x1b[?25h" in terminal.getvalue(), "the cursor is there again"


def test_a_tree_longer_than_the_terminal_shows_its_end(terminal: Terminal) -> None:
    machine = Machine("train")
    for n in range(30):
        task(machine, f"State{n:02}", n, n + 1)

    def script() -> Iterator[None]:
        yield
        machine.end("SUCCEEDED")
        yield

    client = FakeStepFunctions(machine, script=script())
    progress.follow(client, machine.arn, logs=Path("logs"), out=terminal, sleep=client.sleep)
    first = terminal.getvalue().split("\x1b[2K")[0]
    assert "State29" in first and "State21" in first and "State20" not in first


def test_after_a_failure_the_tree_stays_and_the_error_is_whole(terminal: Terminal) -> None:
    machine = Machine("train")
    machine.enter("Task", "CreateVersion", 0)
    machine.fail(1, "Personalize.InvalidInputException", "why " * 100)
    machine.end("FAILED", error="Personalize.InvalidInputException", cause="why " * 100)
    client = FakeStepFunctions(machine)
    with pytest.raises(progress.RunFailed, match="train › CreateVersion") as caught:
        progress.follow(client, machine.arn, logs=Path("logs"), out=terminal)
    assert ("why " * 100).strip() in str(caught.value)
    assert "✗" in terminal.getvalue() and "\x1b[?25h" in terminal.getvalue()


def test_who_interrupts_gets_the_terminal_back(terminal: Terminal) -> None:
    machine = Machine("train")
    machine.enter("Task", "CreateVersion", 0)

    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    client = FakeStepFunctions(machine)
    with pytest.raises(KeyboardInterrupt):
        progress.follow(client, machine.arn, logs=Path("logs"), out=terminal, sleep=interrupted)
    assert terminal.getvalue().rindex("\x1b[?25h") > terminal.getvalue().rindex("\x1b[?25l")
