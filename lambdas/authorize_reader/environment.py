from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """`routes`: `METHOD /path/{with}/{names}` of what tokens open. `jwks_uri`: "" asks the issuer for it."""

    issuer: str
    audience: str
    user_claim: str
    leeway_seconds: int
    routes: list[str]
    powertools_metrics_namespace: str
    jwks_uri: str = ""
