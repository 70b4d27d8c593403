"""The API's function that takes requests to forget. No log of it holds an id of a user."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from lambdas.request_forgetting.environment import Environment
from lambdas.request_forgetting.requested import Forgetting
from lambdas.request_forgetting.routes import DELETION, ROUTES
from lambdas.shared import environment
from lambdas.shared.clients import client
from lambdas.shared.forgetting import Requests
from lambdas.shared.identifiers import identifier
from lambdas.shared.problems import CONTENT_TYPE, KINDS, BadRequest, body
from lambdas.shared.telemetry import logger

Answer = dict[str, Any]
_DELETION_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)


@cache
def settings() -> Environment:
    return environment.read(Environment)


@cache
def _secret() -> str:
    answer = client("secretsmanager").get_secret_value(SecretId=settings().forgetting_secret)
    return str(answer["SecretString"])


def handler(event: dict[str, Any], context: object) -> Answer:
    given = settings()
    forgetting = Forgetting(
        requests=Requests(client("dynamodb"), client("kms"), given.control_table, given.key_arn),
        workflows=client("stepfunctions"),
        workflow_arn=given.workflow_arn,
        secret=_secret,
    )
    return run(event, forgetting=forgetting)


def run(event: Mapping[str, Any], *, forgetting: Forgetting) -> Answer:
    """The answer to an API Gateway proxy event; errors are problems (RFC 9457)."""
    resource, method = str(event.get("resource")), str(event.get("httpMethod", "")).upper()
    allowed = [route.method for route in ROUTES if route.path == resource]
    if method not in allowed:
        detail = f"{method} is not allowed: use {', '.join(allowed)}"
        return _problem("method-not-allowed", detail, Allow=", ".join(allowed))
    try:
        return OPERATIONS[method, resource](event.get("pathParameters") or {}, forgetting)
    except BadRequest as error:
        return _problem(error.kind, str(error))
    except Exception as error:
        # The error's own text may quote what was sent; its class says where to look.
        logger().error("failed", extra={"fault": type(error).__name__, "operation": f"{method} {resource}"})
        return _problem("internal-error", "The request failed on our side; it may be sent again")


def _forget(parameters: Mapping[str, str], forgetting: Forgetting) -> Answer:
    user = identifier("userId", parameters.get("userId"))
    told = forgetting.forget(user)
    where = DELETION.format(deletionId=told["deletionId"])
    return _answer(202, told, Location=where)


def _state(parameters: Mapping[str, str], forgetting: Forgetting) -> Answer:
    deletion = identifier("deletionId", parameters.get("deletionId"))
    told = forgetting.told(deletion) if _DELETION_ID.fullmatch(deletion) else None
    return _answer(200, told) if told else _problem("no-such-deletion", "There is no such deletion")


OPERATIONS: Mapping[tuple[str, str], Callable[[Mapping[str, str], Forgetting], Answer]] = {
    (route.method, route.path): operation for route, operation in zip(ROUTES, (_forget, _state), strict=True)
}


def _answer(status: int, content: Mapping[str, Any], **headers: str) -> Answer:
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json", "Cache-Control": "private, no-store", **headers},
        "body": json.dumps(content, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def _problem(kind: str, detail: str, **headers: str) -> Answer:
    """The problem without the path, which has the user's id."""
    return {
        "statusCode": KINDS[kind].status,
        "headers": {"Content-Type": CONTENT_TYPE, **headers},
        "body": body(kind, detail=detail, instance="/v1/deletions"),
        "isBase64Encoded": False,
    }
