"""Map: the same states for every item.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osusume_endpoint.stepfunctions import machine, workers
from osusume_endpoint.stepfunctions.errors import Aborted, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.scope import Scope
from osusume_endpoint.stepfunctions.states import distributed_map
from osusume_endpoint.stepfunctions.states.map_items import FAILED, Item, concurrency, items_of, processor
from osusume_endpoint.stepfunctions.states.siblings import join


def run(frame: Frame) -> Outcome:
    if processor(frame).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        return frame.flow.completed(distributed_map.results(frame))
    return frame.flow.completed(_results(frame))


def _results(frame: Frame) -> list[Any]:
    items, limit = items_of(frame), concurrency(frame)
    frame.scope.event("MapStateStarted", {"length": len(items)})
    stop = frame.scope.stop.child()
    scopes = [frame.scope.fork(stop=stop, context=_context(frame, item)) for item in items]
    done = Done()
    jobs = [_iteration(frame, item, scope, done) for item, scope in zip(items, scopes, strict=True)]
    outcomes = workers.run_all(jobs, limit=limit, stop=stop)
    join(outcomes, frame, scopes, FAILED)
    frame.scope.note("MapStateSucceeded")
    return outcomes.values


@dataclass
class Done:
    """Where iterations that ran one at a time ended: the next follows on the last state of the one before.

    Recorded in localstack's test_base_scenarios.py::test_map_state.
    """

    last: int = 0


def _context(frame: Frame, item: Item) -> dict[str, Any]:
    return {**frame.scope.context, "Map": item.context}


def _iteration(frame: Frame, item: Item, scope: Scope, done: Done) -> Callable[[], Any]:
    details, is_serial = {"name": frame.name, "index": item.index}, concurrency(frame) == 1

    def run_iteration() -> Any:
        scope.stop.check()
        if is_serial and done.last:
            scope.trail.previous = done.last
        scope.event("MapIterationStarted", details)
        try:
            output = machine.run(processor(frame), item.value, scope)
        except Aborted:
            scope.note("MapIterationAborted", details)
            raise
        except StateError:
            scope.note("MapIterationFailed", details)
            raise
        done.last = scope.trail.previous
        scope.event("MapIterationSucceeded", details)
        return output

    return run_iteration
