"""Fault injection: PUT, GET and DELETE /_osusume/faults, for the operator; or $OSUSUME_FAULTS at the start.

docs/chaos.md tells how to use it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from osusume_endpoint import calls, local_routes, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults import connections, disk, injection, kills, plan, resources

PATH = "/_osusume/faults"
ACTION = "osusume:InjectFaults"


def install(endpoint: Endpoint) -> None:
    connections.install()
    disk.install()
    resources.install()
    _watch()
    calls.around.append(injection.around)
    for method, answer in (("PUT", _put), ("GET", _get), ("DELETE", _delete)):
        local_routes.routes[(method, PATH)] = local_routes.LocalRoute(ACTION, answer)
    if file := os.environ.get("OSUSUME_FAULTS"):
        injection.use(plan.read(Path(file)))


def _watch() -> None:
    from osusume_endpoint.glue import runs
    from osusume_endpoint.lambda_ import worker
    from osusume_endpoint.personalize import workers
    from osusume_endpoint.stepfunctions import machine

    worker.watchers.append(lambda w: kills.invoked(injection.current(), w))
    runs.watchers.append(lambda execution: kills.began(injection.current(), execution))
    workers.watchers.append(lambda w, task: kills.took(injection.current(), w, task))
    machine.watchers.append(lambda workflow, state: kills.entered(injection.current(), workflow, state))


def _put(request: wire.Request) -> wire.Response:
    try:
        wanted = plan.parse(request.body.decode(errors="replace"))
    except plan.PlanRefused as refusal:
        return _answer(400, {"message": str(refusal)})
    return _answer(200, injection.use(wanted).report())


def _get(request: wire.Request) -> wire.Response:
    injector = injection.current()
    return _answer(200, injector.report() if injector else NOTHING)


def _delete(request: wire.Request) -> wire.Response:
    """The last report of the plan that ends."""
    answer = _get(request)
    injection.clear()
    return answer


NOTHING: dict[str, Any] = {"plan": None, "seen": {}, "fired": []}


def _answer(status: int, body: Any) -> wire.Response:
    return status, {"Content-Type": "application/json"}, json.dumps(body).encode()
