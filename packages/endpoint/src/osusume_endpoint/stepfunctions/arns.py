"""What isn't the ARN of a resource that the operation is about is refused before it is looked for.

Wording and order as AWS answered, recorded in localstack's tests (test_sfn_api*.snapshot.json).
"""

from __future__ import annotations

import functools
import re
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import Operation, RequestContext

ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?P<kind>[A-Za-z]+):(?P<name>.+)", re.DOTALL)
# Parameter → the kind of resource whose ARN it must be, whichever operation has it.
KINDS = {
    "activityArn": "activity",
    "executionArn": "execution",
    "mapRunArn": "mapRun",
    "stateMachineAliasArn": "stateMachine",
    "stateMachineArn": "stateMachine",
    "stateMachineVersionArn": "stateMachine",
}


def checked(operation: Operation) -> Operation:
    """The operation, which refuses malformed ARNs first; those inside of lists are its own to check."""

    @functools.wraps(operation)
    def answer(context: RequestContext, parameters: dict[str, Any]) -> dict[str, Any]:
        for name, kind in KINDS.items():
            check(parameters.get(name), kind=kind)
        return operation(context, parameters)

    return answer


def check(arn: Any, *, kind: str) -> None:
    """Raises InvalidArn, or ValidationException for a Map state's label. None, which isn't given, is nobody's."""
    if arn is None:
        return
    match = ARN.fullmatch(str(arn))
    if match is None:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if match["kind"] != kind:
        raise ApiError(
            "InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {match['kind']}'"
        )
    if kind == "stateMachine" and "/" in match["name"]:
        raise ApiError(
            "ValidationException",
            f"Invalid Arn: '{arn}' refers to a Distributed Map state; give the state machine's ARN without label",
        )
