"""Resources of stacks that a plan makes fail, one type at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.faults import injection
from osusume_endpoint.replacements import replaces


class Failed(ValueError):
    """Fails the resource; the text is the reason in the stack's events."""


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.stacks:_provision_resource",
    takes="resource_type, logical_id, props, stack_name",
)
def _failing_create(inner: Callable[..., Any]) -> Callable[..., Any]:
    return _failing("create", inner)


@replaces(
    "ministack.services.cloudformation.stacks:_update_resource",
    takes="resource_type, physical_id, old_props, new_props, stack_name, logical_id, old_attrs",
)
def _failing_update(inner: Callable[..., Any]) -> Callable[..., Any]:
    return _failing("update", inner)


@replaces(
    "ministack.services.cloudformation.stacks:_delete_resource",
    takes="resource_type, physical_id, props, stack_name, logical_id",
)
def _failing_delete(inner: Callable[..., Any]) -> Callable[..., Any]:
    return _failing("delete", inner)


def _failing(on: str, inner: Callable[..., Any]) -> Callable[..., Any]:
    def change(kind: str, first: str, *more: Any) -> Any:
        name = first if on == "create" else _logical_id(on, more)
        injector = injection.current()
        if injector and injector.resource_fails(on, kind, name):
            raise Failed(f"Internal Failure (the plan of faults wants the {on} of {kind} {name} to fail)")
        return inner(kind, first, *more)

    return change


def _logical_id(on: str, more: tuple[Any, ...]) -> str:
    """The fourth of _update_resource's further arguments, the third of _delete_resource's."""
    place = {"update": 3, "delete": 2}[on]
    return str(more[place]) if len(more) > place and more[place] else ""
