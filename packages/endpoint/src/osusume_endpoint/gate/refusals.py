"""Refusals as the service that was called words them."""

from __future__ import annotations

import json
import uuid
from types import SimpleNamespace

from osusume_endpoint import wire
from osusume_endpoint.gate.destinations import Api, Destination
from osusume_endpoint.gate.incoming import Incoming
from osusume_endpoint.gate.signatures import Refused

_JSON = {"Content-Type": "application/json"}
_NAMES = {"WrongRegion": "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch": "SignatureDoesNotMatch"}


def plain(status: int, message: str) -> wire.Response:
    return status, dict(_JSON), json.dumps({"message": message}).encode()


def missing() -> Refused:
    return Refused("MissingAuthenticationToken", "Request is missing Authentication Token")


def answer(request: Incoming, destination: Destination, refused: Refused, *, region: str) -> wire.Response:
    if destination.kind == "local":
        return plain(403, refused.message)
    if destination.api is not None:
        return _of_api(request, destination.api, refused)
    if destination.service == "s3" and refused.code in ("WrongRegion", "XAmzContentSHA256Mismatch"):
        return _of_s3(request, refused, region=region)
    return _of_service(request, destination.service, refused)


def _of_service(request: Incoming, service: str, refused: Refused) -> wire.Response:
    from ministack import app

    code = _NAMES.get(refused.code, refused.code)
    failure = SimpleNamespace(code=code, message=refused.message)
    identifier = str(uuid.uuid4())
    status, headers, body = app._credential_failure(service, "", identifier, failure, dict(request.headers))
    return status, {**headers, "x-amzn-RequestId": identifier, "x-amz-request-id": identifier}, body


def _of_api(request: Incoming, api: Api, refused: Refused) -> wire.Response:
    """API Gateway's own: a gateway response of the stage for REST APIs, else 403 Forbidden."""
    from ministack.services import apigateway_v1

    code = _NAMES.get(refused.code, refused.code)
    message = "Missing Authentication Token" if code == "MissingAuthenticationToken" else refused.message
    failure = SimpleNamespace(code=code, message=message)
    if api.kind == "rest":
        made = apigateway_v1.authentication_error_response(
            api.id, api.stage, failure, dict(request.headers), request.query
        )
        return made or plain(403, message)
    return plain(403, "Forbidden")


def _of_s3(request: Incoming, refused: Refused, *, region: str) -> wire.Response:
    from ministack.services import s3

    if refused.code == "WrongRegion":
        presigned = "X-Amz-Credential" in request.query
        code = "AuthorizationQueryParametersError" if presigned else "AuthorizationHeaderMalformed"
        where = (
            "Error parsing the X-Amz-Credential parameter"
            if presigned
            else "The authorization header is malformed"
        )
        signed = refused.message.partition("'")[2].partition("'")[0]
        message = f"{where}; the region '{signed}' is wrong; expecting '{region}'"
        return s3._error(code, message, 400, request.path, extra={"Region": region})
    return s3._error(refused.code, refused.message, 400, request.path)
