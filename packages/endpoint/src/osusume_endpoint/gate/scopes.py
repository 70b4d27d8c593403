"""The credential scope of a signature: it must name the region and the service that the request goes to."""

from __future__ import annotations

import functools

from osusume_endpoint import wire
from osusume_endpoint.gate.destinations import Destination
from osusume_endpoint.gate.signatures import Claim, Refused

# Services with one endpoint for all regions, whose requests are signed for us-east-1 (botocore's endpoints).
_GLOBAL = frozenset(
    {
        "account",
        "budgets",
        "ce",
        "cloudfront",
        "globalaccelerator",
        "iam",
        "organizations",
        "route53",
        "sts",
        "waf",
    }
)
_GLOBAL_REGION = "us-east-1"
# ministack's names of services that botocore calls otherwise.
_BOTOCORE_NAMES = {"states": "stepfunctions", "monitoring": "cloudwatch", "documentdb": "docdb"}


def check(claim: Claim, destination: Destination, *, region: str) -> None:
    """Raises Refused. `region` is the endpoint's."""
    wanted = destination.api.region if destination.api and destination.api.region else region
    everywhere = claim.service in _GLOBAL and claim.region == _GLOBAL_REGION
    if claim.region != wanted and not everywhere:
        raise Refused(
            "WrongRegion", f"Credential should be scoped to a valid region, not '{claim.region[:60]}'. "
        )
    names = destination.signing_names or signing_names(destination.service)
    if claim.service not in names and not (
        not destination.signing_names and _routed(claim) == destination.service
    ):
        named = ", ".join(f"'{name}'" for name in sorted(names)) or f"'{destination.service}'"
        raise Refused("SignatureDoesNotMatch", f"Credential should be scoped to correct service: {named}. ")


@functools.cache
def signing_names(service: str) -> frozenset[str]:
    """The signing names of a service of ministack's; empty when botocore has no model of it."""
    from ministack.core import iam_actions

    models = iam_actions._BOTOCORE_SERVICE_MAP.get(service) or [_BOTOCORE_NAMES.get(service, service)]
    return frozenset(name for model in models for name in _names_of_model(model))


def _names_of_model(model: str) -> set[str]:
    try:
        metadata = wire.service_model(model).metadata
    except Exception:  # botocore has no such model: only the scope itself tells
        return set()
    return {str(metadata.get("signingName") or metadata["endpointPrefix"])}


def _routed(claim: Claim) -> str:
    """The service that ministack takes the scope for when nothing else in the request names a service."""
    from ministack import app

    scope = f"AWS4-HMAC-SHA256 Credential=k/{claim.scope}"
    return str(app.detect_service("POST", "/", {"authorization": scope}, {}))
