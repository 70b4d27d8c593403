"""Parallel: branches side by side; the first failure stops the others.

https://docs.aws.amazon.com/step-functions/latest/dg/state-parallel.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.stepfunctions import machine, workers
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.scope import Scope
from osusume_endpoint.stepfunctions.states.siblings import join


def run(frame: Frame) -> Outcome:
    arguments = frame.flow.arguments()
    frame.scope.event("ParallelStateStarted")
    stop = frame.scope.stop.child()
    branches = frame.state["Branches"]
    scopes = [frame.scope.fork(stop=stop, is_branch=True) for _ in branches]
    jobs = [_job(branch, arguments, scope) for branch, scope in zip(branches, scopes, strict=True)]
    outcomes = workers.run_all(jobs, limit=len(jobs), stop=stop)
    join(outcomes, frame, scopes, "ParallelStateFailed")
    frame.scope.note("ParallelStateSucceeded")
    return frame.flow.completed(outcomes.values)


def _job(branch: Mapping[str, Any], arguments: Any, scope: Scope) -> Callable[[], Any]:
    return lambda: machine.run(branch, arguments, scope)
