"""CORS of the API: what API Gateway itself tells browsers, before a function runs and in place of one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam

from config.cors import Cors
from lambdas.shared.cors import ALLOWED_HEADERS, EXPOSED_HEADERS


def add_preflight(resource: apigateway.IResource, cors: Cors, *, methods: Sequence[str]) -> None:
    """OPTIONS, which browsers send without any credentials: a mock answers it, and no function runs.

    An origin that is not allowed is told the first one that is, which its browser compares and refuses.
    """
    resource.add_cors_preflight(
        allow_origins=list(cors.origins),
        allow_methods=list(methods),
        allow_headers=list(ALLOWED_HEADERS),
        max_age=Duration.seconds(cors.max_age_seconds) if cors.max_age_seconds else None,
        disable_cache=True if cors.max_age_seconds == 0 else None,
    )


def refusal_headers(origins: Sequence[str]) -> dict[str, str]:
    """Headers of API Gateway's own refusals.

    Their mapping can't choose (developer guide, "Gateway responses": a constant or a parameter of the request), so with
    several origins every page may read a refusal: it names status and request, and nothing that is anybody's.
    """
    if not origins:
        return {}
    told = {
        "Access-Control-Allow-Origin": origins[0] if len(origins) == 1 else "*",
        "Access-Control-Expose-Headers": ",".join(EXPOSED_HEADERS),
        "Vary": "Origin",
    }
    return {name: f"'{value}'" for name, value in told.items()}


def anybodys_preflights(paths: Iterable[str], *, stage: str) -> iam.PolicyStatement:
    """Where the API has a policy it must let OPTIONS in by name: a preflight is nobody's (developer guide,
    "How API Gateway resource policies affect authorization workflow")."""
    return iam.PolicyStatement(
        principals=[iam.AnyPrincipal()],
        actions=["execute-api:Invoke"],
        resources=[f"execute-api:/{stage}/OPTIONS{path}" for path in paths],
    )
