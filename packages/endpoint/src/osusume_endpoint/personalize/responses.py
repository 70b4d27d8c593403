"""The operations of the three services, by their botocore names."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.personalize.errors import invalid
from osusume_endpoint.personalize.models import (
    attributions,
    batches,
    campaigns,
    dataset_groups,
    datasets,
    deletions,
    events,
    exports,
    filters,
    imports,
    recipes,
    recommenders,
    runtime,
    schemas,
    solution_versions,
    solutions,
    tags,
    trackers,
)
from osusume_endpoint.personalize.models.common import Operation
from osusume_endpoint.personalize.service import Personalize
from osusume_endpoint.service import Operation as Bound
from osusume_endpoint.service import RequestContext
from osusume_endpoint.wire import service_model

FAMILIES: tuple[ModuleType, ...] = (
    dataset_groups,
    schemas,
    datasets,
    imports,
    exports,
    deletions,
    recipes,
    solutions,
    solution_versions,
    campaigns,
    trackers,
    filters,
    batches,
    recommenders,
    attributions,
    tags,
)


def operations() -> dict[str, dict[str, Operation]]:
    """The operations by service, then by name."""
    control = {name: function for family in FAMILIES for name, function in family.OPERATIONS.items()}
    return {
        "personalize": control,
        "personalize-runtime": runtime.RUNTIME_OPERATIONS,
        "personalize-events": events.EVENT_OPERATIONS,
    }


def bound(service: Personalize, functions: Mapping[str, Operation]) -> dict[str, Bound]:
    return {name: functools.partial(_call, function, service) for name, function in functions.items()}


def _call(
    function: Operation, service: Personalize, context: RequestContext, parameters: dict[str, Any]
) -> dict[str, Any]:
    try:
        return function(service, context, parameters)
    except ApiError as error:
        raise _documented(error, context) from None


def _documented(error: ApiError, context: RequestContext) -> ApiError:
    """What is not ready is InvalidInputException of operations whose API reference knows no ResourceInUseException."""
    if error.code != "ResourceInUseException":
        return error
    operation = service_model(context.service).operation_model(context.operation)
    known = {shape.name for shape in operation.error_shapes}
    return error if error.code in known else invalid(error.message)


def register_jobs(service: Personalize) -> None:
    for family in FAMILIES:
        register = getattr(family, "register", None)
        if register is not None:
            register(service)
