"""AWS::Lambda::Function keeps its VpcConfig, which ministack's CloudFormation forgets."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces


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
        answer = inner(*arguments, **named)
        keep(answer[0], arguments[at])
        return answer

    return handle


def keep(name: str, properties: dict[str, Any]) -> None:
    from ministack.services import lambda_svc

    config = lambda_svc._functions[name]["config"]
    config["VpcConfig"] = lambda_svc._vpc_config_with_id(properties.get("VpcConfig"))
