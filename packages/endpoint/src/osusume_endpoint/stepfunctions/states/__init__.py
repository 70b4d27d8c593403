"""One module per kind of state; `RUN` maps a state's Type to what runs it."""

from __future__ import annotations

from collections.abc import Callable

from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.states import (
    choice,
    fail,
    map_state,
    parallel,
    passing,
    succeed,
    task,
    wait,
)

RUN: dict[str, Callable[[Frame], Outcome]] = {
    "Choice": choice.run,
    "Fail": fail.run,
    "Map": map_state.run,
    "Parallel": parallel.run,
    "Pass": passing.run,
    "Succeed": succeed.run,
    "Task": task.run,
    "Wait": wait.run,
}
