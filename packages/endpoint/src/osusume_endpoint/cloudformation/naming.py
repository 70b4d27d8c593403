"""Names that CloudFormation makes up end in letters of the stack's own: another stack of its name has others.

Source: CloudFormation user guide, "Name type" (a unique physical id, of the stack's name, the logical id and a random
part). ministack's part is a digest of both names alone: what a deleted stack retained would have the name that the next
stack of that name makes up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from osusume_endpoint import replacements
from osusume_endpoint.replacements import replaces

LETTERS = 13


def install() -> None:
    replacements.apply(__name__)


@replaces(
    "ministack.services.cloudformation.provisioners:_physical_name",
    takes="stack_name, logical_id, *, lowercase, max_len, seeded",
    everywhere=True,
)
def _of_this_stack(inner: Callable[..., str]) -> Callable[..., str]:
    def physical_name(stack_name: str, logical_id: str, **options: bool | int) -> str:
        name = inner(stack_name, logical_id, **options)
        stack = _id(stack_name)
        if not stack or len(name) < LETTERS:
            return name
        suffix = hashlib.sha256(f"{name}:{stack}".encode()).hexdigest()[:LETTERS]
        return name[:-LETTERS] + (suffix if options.get("lowercase") else suffix.upper())

    return physical_name


def _id(stack_name: str) -> str:
    """The same for as long as the stack is updated."""
    from ministack.services import cloudformation

    stack = cloudformation._stacks.get(stack_name) or {}
    return str(stack.get("StackId", ""))
