"""The way of a request through ministack, with our services, the gate and the notes of each call on it."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any

from osusume_endpoint import calls, depth, local_routes, patterns, replacements, requests, wire
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.registry import RegisteredService, registered
from osusume_endpoint.replacements import Table, replaces

Handler = Callable[..., Awaitable[wire.Response]]
Answer = Callable[[RegisteredService, str, wire.Request], wire.Response]

SERVICE_HANDLERS = Table("ministack.app:SERVICE_HANDLERS")
IAM_NAMESPACES = Table("ministack.core.iam_actions:SERVICE_TO_IAM_NAMESPACE")


def serve(service: RegisteredService, answer: Answer) -> None:
    """Routes the service's requests to `answer`, after ministack's authentication and IAM decision."""
    from ministack import app

    install()
    name = wire.MINISTACK_NAMES.get(service.name, service.name)
    if service.falls_through:
        inner = app.SERVICE_HANDLERS[name]
        SERVICE_HANDLERS.put(name, _handler(service, answer, getattr(inner, "osusume_inner", inner)))
        return
    IAM_NAMESPACES.put(name, service.iam_namespace)
    SERVICE_HANDLERS.put(name, _handler(service, answer, None))


def _handler(service: RegisteredService, answer: Answer, inner: Handler | None) -> Handler:
    from ministack.core.concurrency import run_reentrant

    async def handle(method: str, path: str, headers: dict, body: bytes, query: dict) -> wire.Response:
        request = wire.Request(method, path, headers, body, query)
        operation = wire.operation_name(service.name, request)
        if inner is not None and operation not in service.operations:
            return await inner(method, path, headers, body, query)
        if operation is None:
            return wire.respond_error(service.name, wire.unknown_operation(service.name, request))
        return await run_reentrant(answer, service, operation, request)

    handle.osusume_inner = inner  # type: ignore[attr-defined]
    return handle


@functools.cache
def install() -> None:
    """Wraps ministack's routing and IAM look-ups once, behind the gate."""
    from osusume_endpoint import endpoint as endpoints
    from osusume_endpoint.gate import door

    depth.install()
    patterns.install()
    door.install(endpoints.current())
    replacements.apply(__name__)
    replacements.apply(local_routes.__name__)


@replaces("ministack.app:SERVICE_HANDLERS", holds=dict)
def _intercepted(inner: dict[str, Handler]) -> calls.Handlers:
    return calls.Handlers(inner)


@replaces("ministack.app:pin_request_origin", takes="source_ip, secure_transport")
def _over_tls(inner: Callable[[str, bool], None]) -> Callable[[str, bool], None]:
    """Every request has come over TLS, as on AWS: here it is plain http on the loopback.

    Policies that refuse aws:SecureTransport=false (the CDK bootstrap bucket has one) must see TLS.
    """
    return lambda source_ip, secure_transport: inner(source_ip, True)


def signing_name(headers: dict) -> str:
    found = re.search(
        r"Credential=[^/]{1,256}/[^/]{1,64}/[^/]{1,64}/([^/]{1,64})/", headers.get("authorization", "")
    )
    return found.group(1) if found else ""


def claimed_by(method: str, path: str, headers: dict, query: dict) -> RegisteredService | None:
    """The service of ours that answers this request whole."""
    request, scope = wire.Request(method, path, headers, b"", query), signing_name(headers)
    if not scope and not headers.get("x-amz-target"):
        return None  # unsigned: not a call of an SDK
    candidates = [s for s in registered.values() if not s.falls_through and scope in ("", s.signing_name)]
    if not candidates:
        return None
    return next((s for s in candidates if s.claims(request, scope)), candidates[0] if scope else None)


@replaces("ministack.app:detect_service", takes="method, path, headers, query_params")
def _detecting(inner: Callable[..., str]) -> Callable[..., str]:
    def detect_service(method: str, path: str, headers: dict, query_params: dict) -> str:
        ours = claimed_by(method, path, headers, query_params)
        return ours.name if ours else inner(method, path, headers, query_params)

    return detect_service


# What policies are matched against, from body and query of a call to a service that is ministack's; None
# leaves it to ministack.
resources: dict[str, Callable[[bytes, dict], str | None]] = {}


def _ours(name: str) -> RegisteredService | None:
    found = registered.get(name)
    return found if found and not found.falls_through else None


@replaces(
    "ministack.core.iam_actions:extract_iam_action",
    takes="service, method, path, headers, body, query_params",
)
def _naming_action(inner: Callable[..., str | None]) -> Callable[..., str | None]:
    def extract_iam_action(
        service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict
    ) -> str | None:
        action = name_action(service, method, path, headers, body, query_params)
        calls.note(service=service, action=action or "")
        return action

    def name_action(
        service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict
    ) -> str | None:
        ours = _ours(service)
        if ours is None:
            return inner(service, method, path, headers, body, query_params)
        operation = wire.operation_name(service, wire.Request(method, path, headers, body, query_params))
        return f"{ours.iam_namespace}:{operation}" if operation else None

    return extract_iam_action


@replaces(
    "ministack.core.iam_actions:extract_resource_arn",
    takes="service, method, path, headers, body, query_params, region, account_id",
)
def _naming_resource(inner: Callable[..., str]) -> Callable[..., str]:
    def extract_resource_arn(
        service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict, *where: str
    ) -> str:
        resource = name_resource(service, method, path, headers, body, query_params, *where)
        calls.note(resource=resource)
        return resource

    def name_resource(
        service: str, method: str, path: str, headers: dict, body: bytes, query_params: dict, *where: str
    ) -> str:
        named = resources[service](body, query_params) if service in resources else None
        if named:
            return named
        ours = registered.get(service)
        if ours is None or ours.resource_arn is None:
            return inner(service, method, path, headers, body, query_params, *where)
        request = wire.Request(method, path, headers, body, query_params)
        operation = wire.operation_name(service, request)
        named = _named(ours, operation, request) if operation else None
        if named is None and ours.falls_through:
            return inner(service, method, path, headers, body, query_params, *where)
        return named or "*"

    return extract_resource_arn


def _named(ours: RegisteredService, operation: str, request: wire.Request) -> str | None:
    try:
        return (
            ours.resource_arn(operation, wire.parse(ours.name, operation, request))
            if ours.resource_arn
            else None
        )
    except Exception:
        return None  # malformed parameters: the operation itself answers what is wrong


@replaces(
    "ministack.core.iam_actions:access_denied_response",
    takes="service, action, principal_arn, request_id, *, "
    "error_code, message, headers, resource_arn, explicit_deny, resource_policy_arn",
)
def _identified(inner: Callable[..., wire.Response]) -> Callable[..., wire.Response]:
    """Denials carry the request id, and name the resource, as AWS's do."""
    from ministack.core import iam_actions

    @functools.wraps(inner)
    def access_denied_response(
        service: str, action: str, principal_arn: str, request_id: str, **options: Any
    ) -> wire.Response:
        plain = not options.get("error_code") and not options.get("message")
        if plain and not options.get("resource_policy_arn"):
            options["message"] = iam_actions.identity_denial_message(
                action, principal_arn, options.get("resource_arn", "*"), options.get("explicit_deny", False)
            )
        status, headers, body = inner(service, action, principal_arn, request_id, **options)
        headers.setdefault("x-amzn-RequestId", request_id)
        return status, headers, body

    return access_denied_response


@replaces(
    "ministack.app:_handle_special_data_plane_request",
    takes="async method, path, headers, body, query_params, request_id, raw_path, raw_query_string, client_ip",
)
def _unless_ours(inner: Handler) -> Callable[..., Awaitable[Any]]:
    """ministack answers some paths before it looks at the signature's service (rds-data)."""

    async def special(
        method: str, path: str, headers: dict, body: bytes, query: dict, *args: Any, **kw: Any
    ) -> Any:
        if claimed_by(method, path, headers, query):
            return None
        requests.note_raw_path(kw.get("raw_path") or path)
        return await inner(method, path, headers, body, query, *args, **kw)

    return special


@replaces(
    "ministack.app:_dispatch_service_request",
    takes="async method, path, headers, body, query_params, request_id",
)
def _pinning_caller(inner: Handler) -> Handler:
    async def dispatch(
        method: str, path: str, headers: dict, body: bytes, query: dict, request_id: str
    ) -> wire.Response:
        if refused := depth.refusal(headers, query, body, signing_name(headers)):
            return refused
        caller = caller_of(headers, query, request_id)
        token, noted = requests.pin(caller), calls.Decision()
        noting = calls.decision.set(noted)
        try:
            response = await inner(method, path, headers, body, query, request_id)
            for observe in calls.observers:
                observe(caller, noted, response)
            return response
        finally:
            calls.decision.reset(noting)
            requests.unpin(token)

    return dispatch


def caller_of(headers: dict, query: dict, request_id: str) -> requests.Caller:
    from ministack.core import iam_evaluator, responses, router

    access_key, account = router.extract_access_key_id(headers, query) or "", responses.get_account_id()
    caller = requests.Caller(
        access_key=access_key,
        account=account,
        region=responses.get_region(),
        request_id=request_id,
        arn=requests.ANONYMOUS,
    )
    if not access_key:
        return caller
    found = iam_evaluator.resolve_credential(access_key, account)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return caller
    credentials = Credentials(access_key, found.secret_access_key, found.session_token)
    return dataclasses.replace(caller, arn=found.principal_arn, credentials=credentials)
