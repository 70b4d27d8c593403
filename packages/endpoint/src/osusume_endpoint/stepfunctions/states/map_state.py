"""Map: the same states for every item.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint.stepfunctions import machine, workers
from osusume_endpoint.stepfunctions.errors import Aborted, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.scope import Scope
from osusume_endpoint.stepfunctions.states import distributed_map
from osusume_endpoint.stepfunctions.states.map_items import Item, concurrency, items_of, processor
from osusume_endpoint.stepfunctions.states.siblings import join


def run(frame: Frame) -> Outcome:
    if processor(frame).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
        return frame.flow.completed(distributed_map.results(frame))
    return frame.flow.completed(_results(frame))


def _results(frame: Frame) -> list[Any]:
    items = items_of(frame)
    frame.scope.event("MapStateStarted", {"length": len(items)})
    stop = frame.scope.stop.child()
    scopes = [frame.scope.fork(stop=stop, context=_context(frame, item)) for item in items]
    jobs = [_iteration(frame, item, scope) for item, scope in zip(items, scopes, strict=True)]
    outcomes = workers.run_all(jobs, limit=concurrency(frame), stop=stop)
    join(outcomes, frame, scopes, "MapStateFailed")
    frame.scope.event("MapStateSucceeded")
    return outcomes.values


def _context(frame: Frame, item: Item) -> dict[str, Any]:
    return {**frame.scope.context, "Map": item.context}


def _iteration(frame: Frame, item: Item, scope: Scope) -> Callable[[], Any]:
    details = {"name": frame.name, "index": item.index}

    def run_iteration() -> Any:
        scope.stop.check()
        scope.event("MapIterationStarted", details)
        try:
            output = machine.run(processor(frame), item.value, scope)
        except Aborted:
            scope.event("MapIterationAborted", details)
            raise
        except StateError:
            scope.event("MapIterationFailed", details)
            raise
        scope.event("MapIterationSucceeded", details)
        return output

    return run_iteration
