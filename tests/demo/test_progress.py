"""Following a run by its history: nested workflows, iterations, wait loops and failures."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.demo import progress
from local.demo.history import PAGE, Execution, Failure
from tests.demo.histories import FakeStepFunctions, Machine


def run(client: FakeStepFunctions, machine: Machine) -> tuple[progress.Run, list[str]]:
    out = io.StringIO()
    found = progress.follow(client, machine.arn, logs=Path("logs"), out=out, sleep=client.sleep)
    return found, out.getvalue().splitlines()


def test_states_of_nested_workflows_are_named_as_they_finish_with_their_time() -> None:
    pipeline, train = Machine("pipeline"), Machine("train")

    def script() -> Iterator[None]:
        pipeline.enter("Task", "PlanRun", 0)
        pipeline.leave("Task", "PlanRun", 1.5)
        pipeline.enter("Task", "RunTrain", 1.5)
        pipeline.call(train, 1.6)
        train.enter("Task", "Judge", 2)
        yield
        train.leave("Task", "Judge", 6)
        train.end("SUCCEEDED")
        pipeline.leave("Task", "RunTrain", 7)
        pipeline.end("SUCCEEDED")
        yield

    found, lines = run(FakeStepFunctions(pipeline, train, script=script()), pipeline)
    assert lines == [
        "     1.5 s  pipeline › PlanRun",
        "     4.0 s  train › Judge",
        "     5.5 s  pipeline › RunTrain",
    ]
    assert found.steps() == [
        ("pipeline › PlanRun", 1.5),
        ("pipeline › RunTrain", 5.5),
        ("train › Judge", 4.0),
    ]


def test_iterations_of_a_map_are_told_apart_by_what_they_work_on() -> None:
    train = Machine("train")
    outer = train.enter("Map", "Solutions", 0)
    started = train.add("MapStateStarted", 0, mapStateStartedEventDetails={"length": 2})
    tails = []
    for index, name in enumerate(["personal", "popular"]):
        begun = train.add(
            "MapIterationStarted", 1, after=started, mapIterationStartedEventDetails={"index": index}
        )
        entered = train.enter("Task", "Create", 1, after=begun, given={"name": name})
        left = train.leave("Task", "Create", 2 + index, after=entered)
        tails.append(train.add("MapIterationSucceeded", 4, after=left))
    train.add("MapStateSucceeded", 4, after=tails[-1])
    train.leave("Map", "Solutions", 4)
    train.end("SUCCEEDED")
    found, lines = run(FakeStepFunctions(train), train)
    assert outer == 1
    assert lines == [
        "     1.0 s  train › personal › Create",
        "     2.0 s  train › popular › Create",
        "     3.0 s  train › Solutions › personal",
        "     3.0 s  train › Solutions › popular",
        "     4.0 s  train › Solutions",
    ]
    assert found.steps() == [("train › Solutions", 4.0)]


def test_a_wait_loop_is_told_once_and_its_rounds_add_up() -> None:
    recommend = Machine("recommend")
    for round_ in range(150):
        recommend.enter("Task", "DescribeLoad", round_)
        recommend.leave("Task", "DescribeLoad", round_ + 0.25)
        recommend.enter("Wait", "WaitLoad", round_ + 0.25)
        recommend.leave("Wait", "WaitLoad", round_ + 1)
    recommend.end("SUCCEEDED")
    assert len(recommend.events) > PAGE
    found, lines = run(FakeStepFunctions(recommend), recommend)
    assert lines == ["     0.2 s  recommend › DescribeLoad"]
    assert dict(found.steps()) == {"recommend › DescribeLoad": 37.5, "recommend › WaitLoad": 112.5}


def test_a_long_history_is_not_read_again_at_every_poll() -> None:
    machine = Machine("train")
    for n in range(500):
        machine.enter("Task", f"S{n}", n)
        machine.leave("Task", f"S{n}", n + 1)
    client, execution = FakeStepFunctions(machine), Execution(machine.arn)
    execution.refresh(client)
    first = client.read
    execution.refresh(client)
    assert len(execution.states) == 500
    assert first == 1000
    assert client.read - first <= PAGE


def failing() -> tuple[Machine, Machine]:
    pipeline, train = Machine("pipeline"), Machine("train")
    pipeline.enter("Task", "RunTrain", 0)
    pipeline.call(train, 0)
    train.enter("Task", "CreateImportJob", 1)
    train.fail(1.5, "Personalize.InvalidInputException", "retried, then well")
    train.leave("Task", "CreateImportJob", 2)
    train.enter("Task", "CreateVersion", 2)
    train.fail(
        3, "Personalize.AccessDeniedException", "not authorized to perform: personalize:CreateSolutionVersion"
    )
    train.end("FAILED", error="Failed", cause="{}")
    pipeline.fail(3, "States.TaskFailed", "the child failed")
    pipeline.enter("Task", "NotifyFailure", 3)
    pipeline.leave("Task", "NotifyFailure", 4)
    pipeline.end("FAILED", error="Failed", cause="{}")
    return pipeline, train


def test_a_failed_run_names_the_innermost_state_error_cause_and_the_logs() -> None:
    pipeline, train = failing()
    with pytest.raises(progress.RunFailed) as caught:
        run(FakeStepFunctions(pipeline, train), pipeline)
    assert str(caught.value).splitlines() == [
        "The run failed in train › CreateVersion",
        "  error: Personalize.AccessDeniedException",
        "  cause: not authorized to perform: personalize:CreateSolutionVersion",
        "  logs:  logs",
    ]


def test_a_cause_that_was_handed_on_in_part_is_told_whole() -> None:
    train, why = Machine("train"), "why " * 1000
    train.enter("Task", "CreateVersion", 0)
    train.fail(1, "TooLong", why)
    train.enter("Task", "WindUp", 2)
    train.fail(3, "TooLong", "the lock is somebody else's")
    train.end("FAILED", error="TooLong", cause=json.dumps({"cause": why[:3000]}))
    execution = Execution(train.arn)
    execution.refresh(FakeStepFunctions(train))
    failure = execution.failure()
    assert (failure.state, failure.cause) == ("CreateVersion", why)


def test_a_fail_state_without_a_failed_task_gives_its_own_error() -> None:
    pipeline = Machine("pipeline")
    pipeline.enter("Fail", "AlreadyRunning", 0)
    pipeline.end("FAILED", error="AlreadyRunning", cause="Another run holds the lock.")
    with pytest.raises(
        progress.RunFailed, match=r"pipeline › AlreadyRunning\n  error: AlreadyRunning\n  cause: An"
    ):
        run(FakeStepFunctions(pipeline), pipeline)


def test_a_fail_state_inside_a_map_is_named_with_its_item_not_the_one_that_hands_it_on() -> None:
    recommend = Machine("recommend")
    recommend.enter("Task", "Load", 0)
    recommend.fail(0.5, "Lambda.TooManyRequestsException", "retried, then well")
    recommend.leave("Task", "Load", 1)
    recommend.enter("Map", "InferLists", 1)
    recommend.add("MapIterationStarted", 1, mapIterationStartedEventDetails={"index": 0})
    recommend.enter("Pass", "Name", 1, given={"name": "personal"})
    recommend.leave("Pass", "Name", 1)
    recommend.enter("Fail", "InferenceFailed", 2)
    recommend.add("MapIterationFailed", 2, mapIterationFailedEventDetails={"index": 0})
    recommend.enter("Fail", "Failed", 2)
    recommend.end("FAILED", error="InferenceFailed", cause='{"state": "InferLists", "cause": "no memory"}')
    with pytest.raises(progress.RunFailed) as caught:
        run(FakeStepFunctions(recommend), recommend)
    assert str(caught.value).splitlines()[:3] == [
        "The run failed in recommend › personal › InferenceFailed",
        "  error: InferenceFailed",
        "  cause: no memory",
    ]


def test_an_aborted_run_is_a_failed_run() -> None:
    pipeline = Machine("pipeline")
    pipeline.enter("Task", "RunTrain", 0)
    pipeline.end("ABORTED")
    with pytest.raises(progress.RunFailed, match=r"pipeline › RunTrain\n  error: ABORTED"):
        run(FakeStepFunctions(pipeline), pipeline)


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        ('{"JobRunState": "FAILED", "ErrorMessage": "no such table"}', "no such table"),
        ('{"errorType": "DbtBuildFailed", "errorMessage": "1 nodes failed"}', "1 nodes failed"),
        ('{"cause": "{\\"ErrorMessage\\": \\"deep\\"}"}', "deep"),
        ("plain words", "plain words"),
        ('["a list"]', '["a list"]'),
    ],
)
def test_a_cause_in_json_is_told_in_its_own_words(cause: str, words: str) -> None:
    error = progress.RunFailed.of(Failure("train", "Judge", "E", cause), logs=Path("logs"))
    assert f"cause: {words}\n" in str(error)


def test_what_runs_is_told_when_nothing_ends_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_SECONDS", -1.0)
    pipeline, train = Machine("pipeline"), Machine("train")
    pipeline.enter("Task", "RunTrain", 0)
    pipeline.call(train, 0)
    train.enter("Map", "TrainSolutions", 1)
    train.add("MapStateStarted", 1, mapStateStartedEventDetails={"length": 1})
    train.add("MapIterationStarted", 1, mapIterationStartedEventDetails={"index": 0})
    train.enter("Wait", "WaitVersion", 2, given={"name": "personal"})

    def script() -> Iterator[None]:
        train.end("SUCCEEDED")
        pipeline.end("SUCCEEDED")
        yield

    _, lines = run(FakeStepFunctions(pipeline, train, script=script()), pipeline)
    assert lines[0].split(" (")[0] == "   …  train › TrainSolutions › personal"
