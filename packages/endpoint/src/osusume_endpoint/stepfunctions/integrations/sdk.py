"""One API call through boto3, with the arguments, results and errors of Step Functions.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from osusume_endpoint.stepfunctions.errors import RUNTIME, PassingError, StateError
from osusume_endpoint.stepfunctions.integrations import services, shapes
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients

THROTTLES = (
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
)


# The headers of an answer that optimized integrations hand on, in AWS's spelling; the wire's differs.
HEADERS = {
    "connection": "connection",
    "content-length": "Content-Length",
    "content-type": "Content-Type",
    "date": "Date",
    "x-amz-executed-version": "X-Amz-Executed-Version",
    "x-amzn-requestid": "x-amzn-RequestId",
    "x-amzn-trace-id": "X-Amzn-Trace-Id",
}
# Of these protocols the service itself finds a parameter missing; the others need it to make an address.
BODY_PROTOCOLS = ("json", "query")
MISSING = {"sqs": "The request must contain the parameter {name}."}
MISSING_ELSEWHERE = (
    "1 validation error detected: Value null at '{member}' failed to satisfy constraint: "
    "Member must not be null"
)


class Call:
    """Errors in the service's model become `prefix.CodeException`, all others `prefix.fallback`.

    `metadata` says whether the result has the answer's status, headers and request id, as those of optimized
    integrations have (recorded in localstack's services/: of EventBridge's it has not).
    """

    def __init__(
        self,
        service: str,
        action: str,
        *,
        prefix: str | None = None,
        fallback: str | None = None,
        millis: bool = False,
        metadata: bool = False,
    ) -> None:
        self.service = service
        self.model = services.operation_model(service, action)
        self.prefix = prefix or services.error_prefix(service)
        self.fallback = fallback or f"{self.prefix}Exception"
        self.millis = millis
        self.metadata = metadata

    def __call__(self, clients: Clients, arguments: Any) -> dict[str, Any]:
        if not isinstance(arguments, dict):
            raise StateError(RUNTIME, f"The Parameters '{dumps(arguments)}' are no object")
        answer = self.raw(clients, shapes.request(self.model.input_shape, arguments))
        body = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        result = shapes.response(self.model.output_shape, body, millis=self.millis)
        return {**result, **sdk_metadata(answer)} if self.metadata else dict(result)

    def raw(self, clients: Clients, parameters: dict[str, Any]) -> dict[str, Any]:
        self._check_required(parameters)
        client = clients(services.botocore_name(self.service))
        try:
            return getattr(client, xform_name(self.model.name))(**parameters)
        except (ParamValidationError, TypeError, ValueError) as error:
            # The S3 client looks at its parameters before it validates them.
            message = f"The Parameters '{dumps(parameters)}' could not be used to start the Task: [{error}]"
            raise StateError(RUNTIME, message) from error
        except ClientError as error:
            raise self.failure(error) from error
        except BotoCoreError as error:
            raise PassingError(f"{self.prefix}.SdkClientException", str(error)) from error

    def _check_required(self, parameters: Mapping[str, Any]) -> None:
        """A parameter that is missing fails as the service's own refusal, which can be caught.

        Recorded in localstack's error_handling/: test_dynamodb_invalid_param, test_send_message_empty_body.
        """
        required = self.model.input_shape.required_members if self.model.input_shape else []
        missing = next((name for name in required if name not in parameters), None)
        if missing is None or self.model.service_model.metadata["protocol"] not in BODY_PROTOCOLS:
            return
        wording = MISSING.get(self.service, MISSING_ELSEWHERE)
        text = wording.format(name=missing, member=missing[:1].lower() + missing[1:])
        place = f"(Service: {self.prefix}, Status Code: 400, Request ID: {uuid.uuid4()})"
        raise StateError(f"{self.prefix}.{self.fallback}", f"{text} {place}")

    def failure(self, error: ClientError) -> StateError:
        code = str(error.response.get("Error", {}).get("Code", ""))
        kind = PassingError if is_passing(error) else StateError
        return kind(f"{self.prefix}.{self._name(code)}", cause(error, service=self.prefix))

    def _name(self, code: str) -> str:
        """The SDK knows the errors in the service's model; anything else is the service's base exception."""
        code = code.rsplit("#", 1)[-1]
        known = self._known_errors().get(code)
        if known is None:
            return self.fallback
        return known if known.endswith("Exception") else f"{known}Exception"

    def _known_errors(self) -> dict[str, str]:
        shapes_ = self.model.service_model.error_shapes
        return {shape.metadata.get("error", {}).get("code", shape.name): shape.name for shape in shapes_} | {
            shape.name: shape.name for shape in shapes_
        }


def sdk_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    """Status, headers and request id of boto3's answer, as an optimized integration hands them on."""
    found = answer.get("ResponseMetadata", {})
    given = found.get("HTTPHeaders", {})
    headers = {HEADERS[name]: value for name, value in sorted(given.items()) if name in HEADERS}
    http = {
        "AllHttpHeaders": {name: [value] for name, value in headers.items()},
        "HttpHeaders": headers,
        "HttpStatusCode": found.get("HTTPStatusCode", 200),
    }
    return {"SdkHttpMetadata": http, "SdkResponseMetadata": {"RequestId": found.get("RequestId", "")}}


def is_passing(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status in (429, 500, 502, 503, 504) or error.response.get("Error", {}).get("Code") in THROTTLES


def cause(error: ClientError, *, service: str) -> str:
    metadata = error.response.get("ResponseMetadata", {})
    message = error.response.get("Error", {}).get("Message", "")
    status, request = metadata.get("HTTPStatusCode"), metadata.get("RequestId", "")
    return f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})"
