"""What is answered without a signature, because AWS answers it so. Everything else needs one."""

from __future__ import annotations

from osusume_endpoint.gate.destinations import Destination
from osusume_endpoint.gate.incoming import Incoming

# Cognito's domain: sign-in pages, tokens for codes, the user pool's public keys.
_COGNITO_PATHS = frozenset(
    {
        "/login",
        "/logout",
        "/oauth2/authorize",
        "/oauth2/login",
        "/oauth2/token",
        "/oauth2/userInfo",
        "/oauth2/userinfo",
    }
)
_KEY_PATHS = ("/.well-known/jwks.json", "/.well-known/openid-configuration")


def is_served(request: Incoming, destination: Destination) -> bool:
    if destination.kind == "api":
        return destination.api is not None and destination.api.authorization != "AWS_IAM"
    if destination.kind != "service":
        return destination.kind in ("health", "capability")
    if request.headers.get("authorization"):
        return request.path in _COGNITO_PATHS  # an OAuth token
    return (
        _is_of_cognito(request)
        or _names_a_bucket(destination)
        or _is_unsigned_operation(request, destination)
    )


def _is_of_cognito(request: Incoming) -> bool:
    from ministack.services import cognito

    if request.path in _COGNITO_PATHS:
        return True
    pool = next(
        (request.path.removesuffix(end) for end in _KEY_PATHS if request.path.endswith(end)), ""
    ).lstrip("/")
    return bool(pool) and request.method == "GET" and cognito._get_pool_unscoped(pool) is not None


def _names_a_bucket(destination: Destination) -> bool:
    """S3 then asks the bucket's policy and its access control lists whether everybody may."""
    from ministack.services import s3

    return bool(destination.bucket) and s3._bucket_owner_account(destination.bucket) is not None


def _is_unsigned_operation(request: Incoming, destination: Destination) -> bool:
    """Operations whose model has no authentication: Cognito's sign-in, AssumeRoleWithWebIdentity."""
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator

    if destination.signing_names or _is_encoded(request):
        return False
    headers = dict(request.headers)
    routing = app._routing_params(request.method, request.path, headers, request.body, request.query)
    action = iam_actions.extract_iam_action(
        destination.service, request.method, request.path, headers, request.body, routing
    )
    return bool(action) and bool(iam_evaluator._served_unsigned(destination.service, action))


def _is_encoded(request: Incoming) -> bool:
    """A body that ministack decodes before it reads the operation's name in it."""
    streamed = request.headers.get("x-amz-content-sha256", "").startswith("STREAMING-")
    return (
        streamed or "content-encoding" in request.headers or "x-amz-decoded-content-length" in request.headers
    )
