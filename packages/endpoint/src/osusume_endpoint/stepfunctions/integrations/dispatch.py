"""Makes the call a Task's Resource names, and waits for the job behind it."""

from __future__ import annotations

from typing import Any

from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError, UnsupportedFeature
from osusume_endpoint.stepfunctions.integrations import events, functions, optimized
from osusume_endpoint.stepfunctions.integrations.resources import LAMBDA, OPTIMIZED, SDK, Resource
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.stepfunctions.integrations.services import UnknownService
from osusume_endpoint.stepfunctions.scope import Clients, Identity
from osusume_endpoint.stepfunctions.signals import StopSignal


def start(resource: Resource, *, clients: Clients, arguments: Any, identity: Identity) -> Any:
    if resource.kind == LAMBDA:
        return functions.invoke_arn(clients, resource.arn, arguments)
    if resource.kind == OPTIMIZED and resource.service == "events":
        arguments = events.with_resources(arguments, identity)
    if resource.kind == OPTIMIZED:
        return optimized.find(resource).call(clients, arguments)
    if resource.kind == SDK:
        return _sdk(resource)(clients, arguments)
    raise UnsupportedFeature(f"The resource {resource.arn}")


def wait(resource: Resource, *, clients: Clients, arguments: Any, started: Any, stop: StopSignal) -> Any:
    job = optimized.find(resource).jobs[str(resource.pattern)]
    return job.wait(clients, arguments=arguments, started=started, stop=stop)


def _sdk(resource: Resource) -> Call:
    try:
        return Call(resource.service, resource.action)
    except UnknownService as error:
        raise StateError(
            RUNTIME, f"The resource provided {resource.arn} is not recognized. {error}"
        ) from error
