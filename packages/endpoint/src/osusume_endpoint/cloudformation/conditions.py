"""Functions inside the Conditions section, of which ministack compares the unresolved text.

The bootstrap template of the CDK joins a list there, and would get no execution policy.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

FUNCTIONS = {"Fn::Join", "Fn::Sub", "Fn::FindInMap", "Fn::Split"}


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.engine:_evaluate_conditions", takes="template, params", everywhere=True
)
def _resolving(inner: Callable[..., dict[str, bool]]) -> Callable[..., dict[str, bool]]:
    def evaluate(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
        conditions = template.get("Conditions") or {}
        return inner({**template, "Conditions": resolved(conditions, template, params)}, params)

    return evaluate


def resolved(value: Any, template: dict[str, Any], params: dict[str, Any]) -> Any:
    """`value` with the functions and pseudo parameters in it replaced; conditions themselves stay."""
    if isinstance(value, list):
        return [resolved(item, template, params) for item in value]
    if not isinstance(value, dict):
        return value
    if _is_function(value):
        from ministack.services.cloudformation import engine

        mappings = template.get("Mappings") or {}
        return engine._resolve_refs(value, {}, params, {}, mappings, "", "")
    return {key: resolved(item, template, params) for key, item in value.items()}


def _is_function(value: dict[str, Any]) -> bool:
    if len(value) != 1:
        return False
    [(name, argument)] = value.items()
    return name in FUNCTIONS or (name == "Ref" and str(argument).startswith("AWS::"))
