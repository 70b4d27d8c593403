"""boto3 clients whose calls end here: botocore's own parameter checks and error parsing stay in place."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

Handler = Callable[[dict[str, Any]], dict[str, Any]]


class ServiceError(Exception):
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(code, message)
        self.code, self.message, self.status = code, message, status


class Response:
    def __init__(self, status: int) -> None:
        self.status_code = status
        self.headers: dict[str, str] = {}


class Cloud:
    """`answers[(service, operation)]` serves a call; every call is recorded in `calls`."""

    _clients: dict[str, Any] = {}
    _current: Cloud
    _lock = threading.Lock()

    def __init__(self, answers: dict[tuple[str, str], Handler | dict[str, Any]] | None = None) -> None:
        self.answers = answers or {}
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        Cloud._current = self

    def __call__(self, service: str) -> Any:
        with Cloud._lock:
            if service not in Cloud._clients:
                Cloud._clients[service] = self._new_client(service)
            return Cloud._clients[service]

    @staticmethod
    def _new_client(service: str) -> Any:
        client = boto3.client(  # type: ignore[call-overload]
            service,
            region_name="eu-west-1",
            aws_access_key_id="a",
            aws_secret_access_key="b",
            config=Config(retries={"total_max_attempts": 1}),
        )

        def remember(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["test_params"] = params

        def respond(model: Any, context: dict[str, Any], **_: Any) -> tuple[Response, dict[str, Any]]:
            return Cloud._current.respond(service, model.name, context["test_params"])

        client.meta.events.register("provide-client-params.*.*", remember)
        client.meta.events.register("before-call.*.*", respond)
        return client

    def respond(
        self, service: str, operation: str, params: dict[str, Any]
    ) -> tuple[Response, dict[str, Any]]:
        self.calls.append((service, operation, params))
        answer = self.answers[(service, operation)]
        try:
            parsed = dict(answer(params) if callable(answer) else answer)
        except ServiceError as error:
            parsed = {"Error": {"Code": error.code, "Message": error.message}}
            parsed["ResponseMetadata"] = {"HTTPStatusCode": error.status, "RequestId": "req-1"}
            return Response(error.status), parsed
        parsed["ResponseMetadata"] = {"HTTPStatusCode": 200, "RequestId": "req-1"}
        return Response(200), parsed

    def operations(self) -> list[str]:
        return [operation for _, operation, _ in self.calls]
