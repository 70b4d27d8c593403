"""Lambda functions: the optimized `lambda:invoke` and a function's ARN as the Resource itself.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

import json
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.integrations import shapes
from osusume_endpoint.stepfunctions.integrations.sdk import Call, sdk_metadata
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients

UNKNOWN_ERROR = "Lambda.Unknown"


def invoke(clients: Clients, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer with its Payload parsed; a function that raised fails the task with the error's type."""
    if not isinstance(arguments, dict):
        raise StateError(RUNTIME, f"The Parameters '{dumps(arguments)}' are no object with a FunctionName")
    return _invoked(clients, arguments, _payload(arguments.get("Payload")))


def _payload(given: Any) -> str:
    """Nothing is an empty object, and a text that is JSON goes as it is.

    Recorded in localstack's services/test_lambda_task_service.py: test_invoke, test_invoke_json_values.
    """
    if given is None:
        return "{}"
    return given if isinstance(given, str) and _is_json(given) else dumps(given)


def _is_json(text: str) -> bool:
    try:
        depth.loads(text)
    except json.JSONDecodeError:
        return False
    return True


def _invoked(clients: Clients, arguments: dict[str, Any], payload: str) -> dict[str, Any]:
    call = Call("lambda", "invoke", prefix="Lambda", fallback="AWSLambdaException")
    parameters = shapes.request(
        call.model.input_shape, {k: v for k, v in arguments.items() if k != "Payload"}
    )
    answer = call.raw(clients, {**parameters, "Payload": payload.encode()})
    body = answer["Payload"].read().decode() if "Payload" in answer else ""
    if answer.get("FunctionError"):
        raise StateError(_error_type(body), body)
    return _result(answer, body)


def invoke_arn(clients: Clients, arn: str, payload: Any) -> Any:
    return _invoked(clients, {"FunctionName": arn}, dumps(payload))["Payload"]


def _result(answer: dict[str, Any], body: str) -> dict[str, Any]:
    return {
        "ExecutedVersion": answer.get("ExecutedVersion", "$LATEST"),
        **({"LogResult": answer["LogResult"]} if "LogResult" in answer else {}),
        "Payload": _parsed(body),
        **sdk_metadata(answer),
        "StatusCode": answer["StatusCode"],
    }


def _parsed(body: str) -> Any:
    if not body:
        return None
    try:
        return depth.loads(body)
    except json.JSONDecodeError:
        return body


def _error_type(body: str) -> str:
    parsed = _parsed(body)
    return str(parsed.get("errorType") or UNKNOWN_ERROR) if isinstance(parsed, dict) else UNKNOWN_ERROR
