"""Distributed Map: every item or batch is a child execution of its own.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint.stepfunctions import execution as executions
from osusume_endpoint.stepfunctions import item_batcher, item_reader, result_writer, workers
from osusume_endpoint.stepfunctions.errors import Aborted, StateError
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.map_run import ChildExecution, MapRun, Tolerance, new_map_run
from osusume_endpoint.stepfunctions.results import ABORTED
from osusume_endpoint.stepfunctions.signals import StopSignal
from osusume_endpoint.stepfunctions.states.map_items import FAILED, concurrency, items_of, processor


def results(frame: Frame) -> Any:
    concurrency(frame)  # what doesn't serve fails the state before it starts
    is_read = "ItemReader" in frame.state
    work = [] if is_read else _work(frame)
    # What is read from a source is not counted yet, and read by the Map Run (recorded in localstack's
    # test_base_scenarios.py, as is the order of what may fail).
    frame.scope.event("MapStateStarted", {"length": len(work)})
    run = _map_run(frame)
    frame.scope.event("MapRunStarted", {"mapRunArn": run.arn})
    try:
        frame.scope.world.observer.map_run_started(run)
        work = _work(frame) if is_read else work
        run.total_items = sum(items for items, _ in work)
        _run_children(frame, run, work)
        written = result_writer.result(frame, run)
    except Aborted:
        run.end("ABORTED")
        frame.scope.event("MapRunAborted")
        raise
    except StateError as error:
        _fail(frame, run, error)
        raise
    finally:
        frame.scope.world.observer.map_run_finished(run)
    return written


def _work(frame: Frame) -> list[tuple[int, Any]]:
    """The input of each child and the number of items in it."""
    values = [item.value for item in items_of(frame)]
    if "ItemBatcher" in frame.state:
        return list(item_batcher.batches(frame, values))
    return [(1, value) for value in values]


def _map_run(frame: Frame) -> MapRun:
    if "ItemReader" in frame.state:
        item_reader.most_items(frame)
    return new_map_run(
        parent=frame.scope.world.identity,
        label=frame.state.get("Label", frame.name.replace(" ", "")),
        total_items=0,
        max_concurrency=frame.count("MaxConcurrency"),
        tolerance=_tolerance(frame),
    )


def _tolerance(frame: Frame) -> Tolerance:
    given = frame.integer("ToleratedFailureCount") is not None
    count = frame.count("ToleratedFailureCount") if given else None
    return Tolerance(count, frame.share("ToleratedFailurePercentage"))


def _run_children(frame: Frame, run: MapRun, work: list[tuple[int, Any]]) -> None:
    stop = frame.scope.stop.child()
    children = [_child(frame, run, items, value, stop) for items, value in work]
    outcomes = workers.run_all(
        [_job(frame, run, child) for child in children], limit=concurrency(frame), stop=stop
    )
    if outcomes.failures:
        frame.scope.stop.check()
        raise next(error for _, error in outcomes.failures if not isinstance(error, Aborted))
    run.end("SUCCEEDED")
    frame.scope.event("MapRunSucceeded")
    frame.scope.note("MapStateSucceeded")


def _child(frame: Frame, run: MapRun, items: int, value: Any, stop: StopSignal) -> ChildExecution:
    """A child sees no variables of its parent."""
    world = frame.scope.world
    definition = {"QueryLanguage": frame.scope.language, **processor(frame)}
    execution = executions.Execution(
        definition={key: value for key, value in definition.items() if key != "ProcessorConfig"},
        value=value,
        identity=run.child_identity(),
        clients=world.clients,
        wait_scale=world.wait_scale,
        tokens=world.tokens,
        observer=world.observer,
        stop=stop.child(),
    )
    child = ChildExecution(execution, items)
    run.add(child)
    return child


def _job(frame: Frame, run: MapRun, child: ChildExecution) -> Callable[[], None]:
    observer = frame.scope.world.observer

    def run_child() -> None:
        if child.execution.stop.is_set():
            child.execution.abort()
            raise Aborted
        observer.child_started(run, child)
        child.execution.run()
        try:
            run.finish(child)
        finally:
            observer.child_finished(run, child)
        if child.execution.result.status == ABORTED:
            raise Aborted

    return run_child


def _fail(frame: Frame, run: MapRun, error: StateError) -> None:
    run.end("FAILED")
    if run.children and "Resource" in frame.state.get("ResultWriter", {}):
        result_writer.export(frame, run)
    frame.scope.event("MapRunFailed", {"error": error.error, "cause": error.cause})
    frame.failure = FAILED
