"""Resources of stacks that a plan makes fail, one type at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from osusume_endpoint.faults import injection


class Failed(ValueError):
    """Fails the resource; the text is the reason in the stack's events."""


def install() -> None:
    from ministack.services.cloudformation import stacks

    # stacks imported each function by name. Arguments: (type, logical id, …), (type, physical id, …, logical id).
    stacks._provision_resource = _failing("create", stacks._provision_resource)
    stacks._update_resource = _failing("update", stacks._update_resource)
    stacks._delete_resource = _failing("delete", stacks._delete_resource)


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
