"""AWS::Lambda::Function keeps its VpcConfig, which ministack's CloudFormation forgets, and has 4 KB of variables."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

MOST_VARIABLES = 4_096  # bytes of all variables, as JSON; Lambda developer guide, "Lambda quotas"


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.provisioners:_RESOURCE_HANDLERS[AWS::Lambda::Function]", holds=dict
)
def _with_network(inner: dict[str, Any]) -> dict[str, Any]:
    kept = {"create": _keeping(inner["create"], at=1), "update": _keeping(inner["update"], at=2)}
    return {**inner, **kept}


def _keeping(inner: Callable[..., Any], *, at: int) -> Callable[..., Any]:
    """`at` is the position of the (new) properties among the handler's arguments."""

    def handle(*arguments: Any, **named: Any) -> Any:
        _check_variables(arguments[at])
        answer = inner(*arguments, **named)
        keep(answer[0], arguments[at])
        return answer

    return handle


def _check_variables(properties: dict[str, Any]) -> None:
    """Raises ValueError in the service's words."""
    given = (properties.get("Environment") or {}).get("Variables") or {}
    measured = json.dumps({name: str(value) for name, value in given.items()}, separators=(",", ":"))
    if len(measured) > MOST_VARIABLES:
        raise ValueError(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            f"provided exceeded the 4KB limit. String measured: {measured[:200]}"
        )


def keep(name: str, properties: dict[str, Any]) -> None:
    from ministack.services import lambda_svc

    config = lambda_svc._functions[name]["config"]
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(properties.get("VpcConfig"))
