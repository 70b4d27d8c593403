"""Policies of VPC endpoints: a call that goes by such an endpoint needs its policy's leave, beside the caller's own.

Sources: AWS PrivateLink guide, "Control access to VPC endpoints using endpoint policies"; IAM user guide,
"Troubleshoot access denied error messages".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from osusume_endpoint import calls, requests, wire
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.iam import decisions
from osusume_endpoint.network import deployed, reach
from osusume_endpoint.network.model import Network, Place

# By the access key of a session whose process runs in a VPC of the account's.
_places: dict[str, Place] = {}


def settle(credentials: Credentials, place: Place | None) -> None:
    """Calls of this session come from the place; None: from no VPC of the account's."""
    if place is None:
        _places.pop(credentials.access_key, None)
    else:
        _places[credentials.access_key] = place


def intercept(call: calls.Call) -> wire.Response | None:
    place = _places.get(requests.current().access_key)
    if place is None:
        return None
    for policy in _on_the_way(place, call.service):
        decision = decisions.of_endpoint_policy(policy, action=call.action, resource=_resource())
        if decision != "Allow":
            return calls.deny(call, call.action, _message(call.action, is_explicit=decision == "Deny"))
    return None


def _resource() -> str:
    noted = calls.decision.get(None)
    return noted.resource if noted and noted.resource else "*"


def _message(action: str, *, is_explicit: bool) -> str:
    why = (
        "with an explicit deny in a VPC endpoint policy"
        if is_explicit
        else f"because no VPC endpoint policy allows the {action} action"
    )
    return f"User: {requests.current().arn} is not authorized to perform: {action} on resource: {_resource()} {why}"


def _on_the_way(place: Place, service: str) -> Iterator[Any]:
    """Policies of the endpoints that the place's calls of the service go by; one that was given none allows all."""
    from ministack.services import ec2

    given = [
        (endpoint, one["PolicyDocument"])
        for one in ec2._vpc_endpoints.values()
        if one.get("PolicyDocument") and (endpoint := deployed.service_endpoint(one)).service == service
    ]
    network = _network() if given else Network()
    for endpoint, policy in given:
        if reach.goes_by(network, place, endpoint):
            yield policy


def _network() -> Network:
    """What decides which endpoint is taken, of the emulator's own records: a call can't wait for other calls."""
    from ministack.services import ec2

    tables = list(ec2._route_tables.values())
    return Network(
        subnets={one["SubnetId"]: deployed.subnet(one, tables) for one in ec2._subnets.values()},
        endpoints=tuple(map(deployed.service_endpoint, ec2._vpc_endpoints.values())),
    )
