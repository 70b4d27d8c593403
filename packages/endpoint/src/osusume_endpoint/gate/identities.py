"""Whose key it is; and ministack's own look-ups, which take account numbers, "test" and nothing for root.

ministack's checks of signatures are left out: the gate has made them when a request reaches ministack.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.administrator import Key
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.gate.signatures import Claim, Refused
from osusume_endpoint.replacements import replaces

# The key whose signature this request passed; "" of a request that is served without one.
verified: contextvars.ContextVar[str] = contextvars.ContextVar("osusume_verified_key", default="")
_UNCHECKED = object()
_ANYBODY_MAY = frozenset({"execute-api:Invoke", "lambda:InvokeFunctionUrl"})


def account_of(access_key: str, *, default: str) -> str:
    from ministack.core import iam_evaluator, responses

    try:
        found = iam_evaluator.find_iam_access_key_account(access_key)
    except iam_evaluator.AmbiguousAccessKeyError:
        return default  # and there it is looked for
    return str(responses._account_from_sts_session(access_key) or found or default)


def secret_of(claim: Claim, *, account: str) -> str:
    """Raises Refused for a key that nobody has, that is switched off or expired, or whose token is another's."""
    from ministack.core import iam_evaluator

    owner = account_of(claim.access_key, default=account)
    found = iam_evaluator.resolve_credential(claim.access_key, owner, claim.token)
    if not isinstance(found, iam_evaluator.CredentialResolutionError):
        return str(found.secret_access_key)
    if found.code == "InvalidToken" and not claim.token:
        # AWS treats a session's key without its token as one that it does not know.
        raise Refused("UnrecognizedClientException", "The security token included in the request is invalid.")
    raise Refused(found.code, found.message)


def install(endpoint: Endpoint, key: Key) -> None:
    """Makes the administrator's key the only one of root's that ministack knows."""
    replacements.apply(__name__, endpoint=endpoint, key=key)


@replaces("ministack.core.iam_evaluator:is_root_access_key", takes="access_key_id", everywhere=True)
def _one_root_key(key: Key) -> Callable[[str], bool]:
    return lambda access_key_id: access_key_id == key.access_key


@replaces(
    "ministack.core.iam_evaluator:resolve_credential",
    takes="access_key_id, account_id, session_token",
    everywhere=True,
)
def _resolving(inner: Callable[..., Any], endpoint: Endpoint, key: Key) -> Callable[..., Any]:
    from ministack.core import iam_evaluator

    def resolve_credential(
        access_key_id: str, account_id: str | None = None, session_token: Any = _UNCHECKED
    ) -> Any:
        if access_key_id != key.access_key:
            unchecked = session_token is _UNCHECKED
            return inner(access_key_id, account_id, *(() if unchecked else (session_token,)))
        if session_token is not _UNCHECKED and session_token:
            return iam_evaluator._invalid_session_token()
        return iam_evaluator.ResolvedCredential(
            access_key_id=key.access_key,
            secret_access_key=key.secret_key,
            account_id=endpoint.account,
            principal_arn=f"arn:aws:iam::{endpoint.account}:root",
            principal_id=endpoint.account,
            principal_type="Root",
            source_access_key_id=key.access_key,
        )

    return resolve_credential


@replaces(
    "ministack.core.iam_evaluator:enforce",
    takes="access_key_id, iam_action, service, region, resource_arn, service_context",
    everywhere=True,
)
def _enforcing(inner: Callable[..., Any]) -> Callable[..., Any]:
    """A request without a key may do what AWS lets everybody try: S3 and APIs then decide by their own policies."""
    from ministack.core import iam_evaluator

    def enforce(access_key_id: str, iam_action: str, service: str, *args: Any, **options: Any) -> Any:
        if access_key_id:
            return inner(access_key_id, iam_action, service, *args, **options)
        if (
            service == "s3"
            or iam_action in _ANYBODY_MAY
            or iam_evaluator._served_unsigned(service, iam_action)
        ):
            return None
        return iam_evaluator.AuthError(
            "MissingAuthenticationToken", "Request is missing Authentication Token"
        )

    return enforce


@replaces("ministack.app:pin_signed_request", takes="method, raw_path, query_params, raw_headers, handshake")
def _noting_who_was_verified() -> Callable[..., None]:
    """ministack notes here what it still has to verify, and has nothing to verify."""
    from ministack.core import iam_evaluator

    def pin_signed_request(*_: Any, **__: Any) -> None:
        iam_evaluator._signed_request.set(None)
        iam_evaluator._verified_key.set(verified.get())
        iam_evaluator._anonymous.set(not verified.get())

    return pin_signed_request
