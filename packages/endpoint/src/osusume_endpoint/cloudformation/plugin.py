"""Resource types that ministack's CloudFormation lacks. A type in no table is still refused by its name."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.cloudformation import (
    attributes,
    buckets,
    conditions,
    functions,
    monitoring,
    naming,
    network,
    no_op,
    refusals,
    secret,
    security,
    service_role,
    tables,
    topics,
)
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import Table, replaces

Handler = Mapping[str, Any]

# Plug-ins that bring resource types of their own: each module exports HANDLERS, a mapping of type to
# {"create": (logical_id, properties, stack) -> (physical_id, attributes),
#  "update": (physical_id, old, new, stack) -> (physical_id, attributes), "delete": (physical_id, properties),
#  "replace_on": names of properties whose change replaces the resource,
#  "import": identifier -> (physical_id, attributes), which raises where there is none, and "import_by": the property
#  that identifies it (the type's primary identifier)}.
CONTRIBUTORS = (
    "osusume_endpoint.apigateway.cloudformation",
    "osusume_endpoint.codebuild.cloudformation",
    "osusume_endpoint.glue.cloudformation",
    "osusume_endpoint.personalize.cloudformation",
    "osusume_endpoint.quicksight.cloudformation",
    "osusume_endpoint.rds.cloudformation",
    "osusume_endpoint.redshift.cloudformation",
)

RESOURCE_HANDLERS = Table("ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS")
IMPORT_LOOKUPS = Table("ministack.services.cloudformation.changesets:_IMPORT_LOOKUPS")
REPLACING_PROPERTIES = Table("ministack.services.cloudformation.provisioners:_REPLACING_PROPERTIES")

worker_types: set[str] = set()


def install(endpoint: Endpoint) -> None:
    for handlers in (
        network.HANDLERS,
        monitoring.HANDLERS,
        security.HANDLERS,
        no_op.HANDLERS,
        *contributed(),
    ):
        register(handlers)
    naming.install()
    attributes.install()
    functions.install()
    secret.install()
    tables.install()
    buckets.install()
    topics.install()
    conditions.install()
    service_role.install()
    replacements.apply(network.__name__)
    refusals.install()  # last: it looks before the handlers do
    replacements.apply(__name__)


def contributed() -> list[Mapping[str, Handler]]:
    found = [name for name in CONTRIBUTORS if importlib.util.find_spec(name)]
    return [importlib.import_module(name).HANDLERS for name in found]


def register(handlers: Mapping[str, Handler]) -> None:
    for resource_type, handler in handlers.items():
        for verb in ("create", "delete"):
            if verb not in handler:
                raise ValueError(f"The handler of {resource_type} has no {verb!r}")
        kept = {k: v for k, v in handler.items() if k not in ("replace_on", "import_by")}
        RESOURCE_HANDLERS.put(resource_type, kept)
        if handler.get("replace_on"):
            REPLACING_PROPERTIES.put(resource_type, frozenset(handler["replace_on"]))
        if "import" in handler:
            IMPORT_LOOKUPS.put(resource_type, ((handler["import_by"],), _looking(resource_type, handler)))
        worker_types.add(resource_type)


def _looking(resource_type: str, handler: Handler) -> Callable[[str], str | None]:
    """Why what a change set would import can't be: there is none of that name."""

    def problem(value: str) -> str | None:
        try:
            handler["import"]({handler["import_by"]: value})
        except ValueError:
            return f"Resource of type '{resource_type}' with identifier '{value}' was not found."
        return None

    return problem


@replaces("ministack.services.cloudformation.stacks:_runs_on_worker_thread", takes="resource_type")
def _or_ours(inner: Callable[[str], bool]) -> Callable[[str], bool]:
    """Our handlers call the endpoint, and so must not run on the thread that serves it."""
    return lambda resource_type: resource_type in worker_types or inner(resource_type)
