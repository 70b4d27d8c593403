"""Aliases: names that lead to one or two versions of a state machine, by weight.

https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-alias.html; recorded in localstack's
test_sfn_api_aliasing.py.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import Operation
from osusume_endpoint.stepfunctions import arns
from osusume_endpoint.stepfunctions.api import pages
from osusume_endpoint.stepfunctions.api.store import Store, base, moment

Route = Mapping[str, Any]


def operations(store: Store) -> dict[str, Operation]:
    return {
        "CreateStateMachineAlias": lambda context, p: _create(p, store),
        "UpdateStateMachineAlias": lambda context, p: _update(p, store),
        "DescribeStateMachineAlias": lambda context, p: _describe(p, store),
        "ListStateMachineAliases": lambda context, p: _list(p, store),
        "DeleteStateMachineAlias": lambda context, p: _delete(p, store),
    }


def version_for(store: Store, arn: str) -> str | None:
    """The version that an execution started with this ARN runs: drawn by weight for an alias, None for none."""
    if arn in store.versions:
        return arn
    alias = store.aliases.get(arn)
    if alias is None:
        return None
    routes = alias["routingConfiguration"]
    weights = [route["weight"] for route in routes]
    drawn: str = random.choices(routes, weights=weights)[0]["stateMachineVersionArn"]
    return drawn


def _create(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    routes, name = parameters["routingConfiguration"], parameters["name"]
    machine_arn = _check_routes(store, routes)
    arn = f"{machine_arn}:{name}"
    known = store.aliases.get(arn)
    alias = {
        "stateMachineAliasArn": arn,
        "name": name,
        "description": parameters.get("description", ""),
        "routingConfiguration": [dict(route) for route in routes],
    }
    if known is None:
        now = store.ministack.now_iso()
        known = store.aliases[arn] = {**alias, "creationDate": now, "updateDate": now}
    if any(known[key] != value for key, value in alias.items()):
        message = (
            "Failed to create alias because an alias with the same name and a different routing configuration"
        )
        raise ApiError("ConflictException", f"{message} already exists.")
    return {"stateMachineAliasArn": arn, "creationDate": moment(known["creationDate"])}


def _check_routes(store: Store, routes: Sequence[Route]) -> str:
    """The state machine that all routes lead to. Raises ValidationException or ResourceNotFound."""
    given = [route["stateMachineVersionArn"] for route in routes]
    received = f"Received: [{', '.join(given)}]"
    for arn in given:
        arns.check(arn, kind="stateMachine")
    if not all(base(arn) in store.machines or _is_numbered(arn) for arn in given):
        raise _bad_routes(f"must contain state machine version ARNs. {received}")
    if len(set(given)) < len(given):
        raise _bad_routes(f"must contain distinct state machine version ARNs. {received}")
    if len({base(arn) for arn in given}) > 1:
        raise _bad_routes(f"must contain versions of one state machine. {received}")
    weights = [route["weight"] for route in routes]
    if sum(weights) != 100:
        message = f"Sum of routing configuration weights must equal 100. Received: {weights}"
        raise ApiError("ValidationException", message)
    if not all(arn in store.versions for arn in given):
        raise _not_found()
    return base(given[0])


def _is_numbered(arn: str) -> bool:
    return arn.count(":") > 6 and arn.rpartition(":")[2].isdigit()


def _bad_routes(what: str) -> ApiError:
    return ApiError("ValidationException", f"Routing configuration {what}")


def _not_found() -> ApiError:
    return ApiError("ResourceNotFound", "Request references a resource that does not exist.")


def _alias(store: Store, arn: str) -> dict[str, Any]:
    found: dict[str, Any] | None = store.aliases.get(arn)
    if found is None:
        raise _not_found()
    return found


def _update(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    alias = _alias(store, parameters["stateMachineAliasArn"])
    changes = {key: parameters[key] for key in ("description", "routingConfiguration") if key in parameters}
    if not changes:
        message = "Either the description or the routing configuration must be specified"
        raise ApiError("ValidationException", message)
    routes = changes.get("routingConfiguration")
    if routes is not None and _check_routes(store, routes) != base(alias["stateMachineAliasArn"]):
        given = ", ".join(route["stateMachineVersionArn"] for route in routes)
        raise _bad_routes(f"must contain versions of the alias's state machine. Received: [{given}]")
    alias.update(changes, updateDate=store.ministack.now_iso())
    return {"updateDate": moment(alias["updateDate"])}


def _describe(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    alias = _alias(store, parameters["stateMachineAliasArn"])
    dates = {key: moment(alias[key]) for key in ("creationDate", "updateDate")}
    return {key: value for key, value in {**alias, **dates}.items() if key != "description" or value}


def _list(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """The aliases of a state machine, or those that lead to one version of it."""
    arn = parameters["stateMachineArn"]
    aliases = store.aliases_of(store.machine_of(arn)["stateMachineArn"])
    if arn in store.versions:
        aliases = [alias for alias in aliases if arn in _versions(alias)]
    found, rest = pages.page(
        aliases, parameters, of="aliases", order=lambda alias: (alias["creationDate"], alias["name"])
    )
    listed = [
        {
            "stateMachineAliasArn": alias["stateMachineAliasArn"],
            "creationDate": moment(alias["creationDate"]),
        }
        for alias in found
    ]
    return {"stateMachineAliases": listed, **rest}


def _versions(alias: Mapping[str, Any]) -> list[str]:
    return [route["stateMachineVersionArn"] for route in alias["routingConfiguration"]]


def _delete(parameters: Mapping[str, Any], store: Store) -> dict[str, Any]:
    """One that doesn't exist is deleted already."""
    store.aliases.pop(parameters["stateMachineAliasArn"], None)
    return {}
