"""The errors of each kind of fault, with the code, status and serialisation of the service that is called.

Codes: the service's own model where it has one; else "Common errors" of its API reference.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from osusume_endpoint import requests, wire
from osusume_endpoint.calls import Call
from osusume_endpoint.faults.operations import service_of
from osusume_endpoint.faults.plan import Rule


class Problem(NamedTuple):
    code: str
    message: str
    status: int


# What no model says.
S3 = {
    "throttle": Problem("SlowDown", "Please reduce your request rate.", 503),
    "internal_error": Problem("InternalError", "We encountered an internal error. Please try again.", 500),
    "unavailable": Problem("ServiceUnavailable", "Service is unable to handle request.", 503),
}
MODELLED = {
    "throttle": r"^(ThrottlingException|TooManyRequestsException|ThrottledException|RequestThrottled)$",
    "internal_error": (
        r"^(Internal(Server|Service|Failure)?(Error|Exception|Fault)+|ServiceException|KMSInternalException)$"
    ),
    "unavailable": r"^ServiceUnavailable(Error|Exception)$",
}
MESSAGES = {
    "throttle": "Rate exceeded",
    "internal_error": "An internal error occurred while the request was processed.",
    "unavailable": "The service is temporarily unavailable.",
}
QUERY = ("query", "ec2")
STATUSES = {"throttle": 400, "internal_error": 500, "unavailable": 503}
PROVISIONED = Problem(
    "ProvisionedThroughputExceededException",
    "The level of configured provisioned throughput for the table was exceeded. "
    "Consider increasing your provisioning level with the UpdateTable API.",
    400,
)


def answer(call: Call, operation: str, rule: Rule) -> wire.Response:
    if rule.kind == "access_denied":
        message = (
            f"User: {requests.current().arn} is not authorized to perform: {call.action} because no "
            f"identity-based policy allows the {call.action} action"
        )
        return _changed(call, _rendered(call, code=rule.code or "", message=message), rule)
    if rule.kind == "expired_credentials":
        # ministack gives it each service's own code, status and words.
        message = "The security token included in the request is expired"
        return _changed(
            call, _rendered(call, code=rule.code or "ExpiredTokenException", message=message), rule
        )
    problem = problem_of(call, operation, rule)
    _, headers, body = _rendered(call, code=problem.code, message=problem.message)
    return problem.status, headers, body


def internal_error_of_s3() -> Problem:
    return S3["internal_error"]


def problem_of(call: Call, operation: str, rule: Rule) -> Problem:
    found = _problem(call, operation, rule.kind)
    return Problem(rule.code or found.code, found.message, rule.status or found.status)


def _problem(call: Call, operation: str, kind: str) -> Problem:
    service = service_of(call)
    if service in ("s3", "s3control"):
        return S3[kind]
    if service == "dynamodb" and kind == "throttle" and _is_provisioned(call):
        return PROVISIONED
    modelled = _modelled(service, operation, kind)
    return modelled or Problem(_common_code(service, kind), MESSAGES[kind], _status(service, kind))


def _modelled(service: str, operation: str, kind: str) -> Problem | None:
    model = wire.service_model(service)
    own = model.operation_model(operation).error_shapes if operation in model.operation_names else []
    # A service that models the error for some operations has the same code for the others; services with the
    # query protocol answer a common code there.
    others = [] if _protocol(service) in QUERY else model.error_shapes
    for shape in [*own, *others]:
        if re.match(MODELLED[kind], shape.name):
            error: dict[str, Any] = shape.metadata.get("error", {})
            status = error.get("httpStatusCode") or _status(service, kind)
            return Problem(str(error.get("code", shape.name)), MESSAGES[kind], int(status))
    return None


def _common_code(service: str, kind: str) -> str:
    if kind == "throttle":
        return "Throttling" if _protocol(service) in QUERY else "ThrottlingException"
    return {"internal_error": "InternalFailure", "unavailable": "ServiceUnavailable"}[kind]


def _status(service: str, kind: str) -> int:
    return 429 if kind == "throttle" and _protocol(service) == "rest-json" else STATUSES[kind]


def _protocol(service: str) -> str:
    metadata = wire.service_model(service).metadata
    # CloudWatch's codes are those of its older protocol.
    return "query" if "query" in metadata.get("protocols", []) else str(metadata["protocol"])


def _is_provisioned(call: Call) -> bool:
    """On-demand tables answer ThrottlingException ("Error handling with DynamoDB", developer guide)."""
    from ministack.services import dynamodb

    parameters = call.parameters()
    names = [parameters.get("TableName"), *(parameters.get("RequestItems") or {})]
    tables = [dynamodb._tables.get(str(name).rpartition("/")[2]) for name in names if name]
    return any(t and (t.get("BillingModeSummary") or {}).get("BillingMode") == "PROVISIONED" for t in tables)


def _rendered(call: Call, *, code: str, message: str) -> wire.Response:
    from ministack.core import iam_actions

    caller = requests.current()
    rendered: wire.Response = iam_actions.access_denied_response(
        call.service,
        call.action,
        caller.arn,
        caller.request_id,
        error_code=code,
        message=message,
        headers=dict(call.request.headers),
    )
    return rendered


def _changed(call: Call, response: wire.Response, rule: Rule) -> wire.Response:
    status, headers, body = response
    return rule.status or status, headers, body
