"""What isn't the ARN of a resource that the operation is about is refused before it is looked for.

Wording and order as AWS answered, recorded in localstack's tests (test_sfn_api*.snapshot.json).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from osusume_endpoint.errors import ApiError
from osusume_endpoint.replacements import replaces
from osusume_endpoint.stepfunctions.live import LiveExecutions

Response = tuple[int, dict[str, str], bytes]
Function = Callable[[dict[str, Any]], Response]
ARN = re.compile(r"arn:aws[a-z-]*:states:[a-z0-9-]+:\d{12}:(?P<kind>[A-Za-z]+):.+", re.DOTALL)


@replaces("ministack.services.stepfunctions:_describe_state_machine", takes="data")
def _describing_machine(inner: Function, live: LiveExecutions) -> Function:
    return _checked(inner, live, argument="stateMachineArn", kind="stateMachine")


@replaces("ministack.services.stepfunctions:_list_executions", takes="data")
def _listing_executions(inner: Function, live: LiveExecutions) -> Function:
    return _checked(inner, live, argument="stateMachineArn", kind="stateMachine")


@replaces("ministack.services.stepfunctions:_get_execution_history", takes="data")
def _reading_history(inner: Function, live: LiveExecutions) -> Function:
    return _checked(inner, live, argument="executionArn", kind="execution")


def _checked(inner: Function, live: LiveExecutions, *, argument: str, kind: str) -> Function:
    ministack = live.ministack

    def answer(data: dict[str, Any]) -> Response:
        try:
            check(data.get(argument), kind=kind)
        except ApiError as error:
            refused: Response = ministack.error_response_json(error.code, error.message, error.status)
            return refused
        return inner(data)

    return answer


def check(arn: Any, *, kind: str) -> None:
    """Raises InvalidArn. What isn't given at all is the other function's to refuse."""
    if arn is None:
        return
    match = ARN.fullmatch(str(arn))
    if match is None:
        raise ApiError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")
    if match["kind"] != kind:
        raise ApiError(
            "InvalidArn", f"Invalid Arn: 'Resource type not valid in this context: {match['kind']}'"
        )
