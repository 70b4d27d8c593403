"""One API call through boto3, with the arguments, results and errors of Step Functions.

https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
"""

from __future__ import annotations

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


class Call:
    """Errors in the service's model become `prefix.CodeException`, all others `prefix.fallback`."""

    def __init__(
        self,
        service: str,
        action: str,
        *,
        prefix: str | None = None,
        fallback: str | None = None,
        millis: bool = False,
    ) -> None:
        self.service = service
        self.model = services.operation_model(service, action)
        self.prefix = prefix or services.error_prefix(service)
        self.fallback = fallback or f"{self.prefix}Exception"
        self.millis = millis

    def __call__(self, clients: Clients, arguments: Any) -> dict[str, Any]:
        return shapes.response(self.model.output_shape, self.answer(clients, arguments), millis=self.millis)

    def answer(self, clients: Clients, arguments: Any) -> dict[str, Any]:
        """boto3's own answer, without ResponseMetadata."""
        if not isinstance(arguments, dict):
            raise StateError(RUNTIME, f"The Parameters '{dumps(arguments)}' are no object")
        answer = self.raw(clients, shapes.request(self.model.input_shape, arguments))
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}

    def raw(self, clients: Clients, parameters: dict[str, Any]) -> dict[str, Any]:
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


def is_passing(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status in (429, 500, 502, 503, 504) or error.response.get("Error", {}).get("Code") in THROTTLES


def cause(error: ClientError, *, service: str) -> str:
    metadata = error.response.get("ResponseMetadata", {})
    message = error.response.get("Error", {}).get("Message", "")
    status, request = metadata.get("HTTPStatusCode"), metadata.get("RequestId", "")
    return f"{message} (Service: {service}, Status Code: {status}, Request ID: {request})"
