"""Whose key it is; and ministack's own look-ups, which take account numbers, "test" and nothing for root.

ministack's checks of signatures are left out: the gate has made them when a request reaches ministack.
"""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Callable
from typing import Any

from osusume_endpoint.administrator import Key
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.gate.signatures import Claim, Refused

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
    from ministack import app
    from ministack.core import iam_evaluator

    resolve, enforce = iam_evaluator.resolve_credential, iam_evaluator.enforce
    _replace("is_root_access_key", lambda access_key: access_key == key.access_key)
    _replace("resolve_credential", _resolving(resolve, endpoint, key))
    _replace("enforce", _enforcing(enforce))
    app.pin_signed_request = _pinning


def _replace(name: str, new: Callable[..., Any]) -> None:
    """Also where a module of ministack's has imported it by name."""
    from ministack.core import iam_evaluator

    old = getattr(iam_evaluator, name)
    setattr(iam_evaluator, name, new)
    for module in [m for n, m in list(sys.modules.items()) if n.startswith("ministack.")]:
        if vars(module).get(name) is old:
            setattr(module, name, new)


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


def _enforcing(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Nobody's key may what AWS lets everybody try: S3 and APIs then decide by their own policies."""
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


def _pinning(*_: Any, **__: Any) -> None:
    """Stands in place of ministack's note of what it still has to verify."""
    from ministack.core import iam_evaluator

    iam_evaluator._signed_request.set(None)
    iam_evaluator._verified_key.set(verified.get())
    iam_evaluator._anonymous.set(not verified.get())
