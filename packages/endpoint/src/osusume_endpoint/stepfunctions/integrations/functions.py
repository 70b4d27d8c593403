"""Lambda functions: the optimized `lambda:invoke` and a function's ARN as the Resource itself.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

from __future__ import annotations

import json
from typing import Any

from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.integrations import shapes
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients

UNKNOWN_ERROR = "Lambda.Unknown"


def invoke(clients: Clients, arguments: dict[str, Any]) -> dict[str, Any]:
    """The answer with its Payload parsed; a function that raised fails the task with the error's type."""
    if not isinstance(arguments, dict):
        raise StateError(RUNTIME, f"The Parameters '{dumps(arguments)}' are no object with a FunctionName")
    call = Call("lambda", "invoke", prefix="Lambda", fallback="AWSLambdaException")
    payload = dumps(arguments.get("Payload", {})).encode()
    parameters = shapes.request(
        call.model.input_shape, {k: v for k, v in arguments.items() if k != "Payload"}
    )
    answer = call.raw(clients, {**parameters, "Payload": payload})
    body = answer["Payload"].read().decode() if "Payload" in answer else ""
    if answer.get("FunctionError"):
        raise StateError(_error_type(body), body)
    return _result(answer, body)


def invoke_arn(clients: Clients, arn: str, payload: Any) -> Any:
    return invoke(clients, {"FunctionName": arn, "Payload": payload})["Payload"]


def _result(answer: dict[str, Any], body: str) -> dict[str, Any]:
    metadata = answer.get("ResponseMetadata", {})
    return {
        "ExecutedVersion": answer.get("ExecutedVersion", "$LATEST"),
        "Payload": _parsed(body),
        "SdkHttpMetadata": {"HttpStatusCode": metadata.get("HTTPStatusCode", 200)},
        "SdkResponseMetadata": {"RequestId": metadata.get("RequestId", "")},
        "StatusCode": answer["StatusCode"],
    }


def _parsed(body: str) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        return body


def _error_type(body: str) -> str:
    parsed = _parsed(body)
    return str(parsed.get("errorType") or UNKNOWN_ERROR) if isinstance(parsed, dict) else UNKNOWN_ERROR
