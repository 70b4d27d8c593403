"""A request's destination in ministack, worked out before ministack sees it: by path and Host, as it routes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from osusume_endpoint import local_routes
from osusume_endpoint.gate.incoming import Incoming

HEALTH = frozenset({"/_ministack/health", "/_ministack/ready", "/_localstack/health", "/health"})
# Path segments at the start that no service of AWS's has: ministack's administration, message stores, detours.
_RESERVED = frozenset({"_ministack", "_localstack", "_aws", "_alb", "_osusume"})
# A random token in the path is the permission, as in the presigned URLs of S3 that CloudFormation gives on AWS.
_CAPABILITIES = ("/_ministack/cfn-response/", "/_ministack/cfn-signal/")


@dataclass(frozen=True)
class Api:
    """A deployed API or function URL, which has its own authorization and its own CORS configuration."""

    kind: str  # "rest", "http", "websocket", "function"
    id: str
    account: str
    region: str
    authorization: str  # "AWS_IAM", "NONE", "JWT", ...; "" when no method or route is there
    stage: str = ""
    path: str = "/"
    cors: Any = None  # as the API's record has it, of "http" and "function"


@dataclass(frozen=True)
class Destination:
    kind: str  # "health", "capability", "administration", "local", "api", "closed", "service"
    service: str = ""  # ministack's name of who answers
    signing_names: frozenset[str] = frozenset()  # of the credential scope; empty: those of the service
    api: Api | None = None
    bucket: str = ""  # of S3's own requests, by path or by virtual host


_ADMINISTRATION = Destination("administration")


def of(request: Incoming) -> Destination:
    """Raises nothing: what can't be told goes to a service, and is refused there unless it is signed for it."""
    if request.path in HEALTH and request.method in ("GET", "HEAD"):
        return Destination("health")
    if request.method == "PUT" and request.path.startswith(_CAPABILITIES):
        return Destination("capability")
    if route := local_routes.routes.get((request.method, request.path)):
        return Destination("local", "osusume", frozenset({route.signing_name}))
    if _is_administration(request.path):
        return _ADMINISTRATION
    api = _api(request)
    if api is not None:
        service, name = ("lambda", "lambda") if api.kind == "function" else ("apigateway", "execute-api")
        return Destination("api", service, frozenset({name}), api)
    return _service(request)


def _is_administration(path: str) -> bool:
    first, _, rest = path.lstrip("/").partition("/")
    if path.startswith("/_aws/") and rest.startswith(("execute-api/", "lambda-url/")):
        return False
    return first.lower() in _RESERVED


def _api(request: Incoming) -> Api | None:
    from ministack import app

    if parsed := app._parse_execute_api_url(request.host, request.path):
        return _gateway_api(request, *parsed)
    if parsed_url := app._parse_lambda_url(request.host, request.path):
        return _function_url(parsed_url[0])
    if domain := app._resolve_custom_domain_request(request.host, request.path):
        return _gateway_api(request, *_of_domain(*domain))
    return None


def _of_domain(api_id: str, stage: str, path: str) -> tuple[str, str, str]:
    """A mapping without a stage leaves it to the first segment of the path."""
    if stage:
        return api_id, stage, path
    first, _, rest = path.lstrip("/").partition("/")
    return api_id, first, f"/{rest}"


def _gateway_api(request: Incoming, api_id: str, tentative_stage: str, path: str) -> Api:
    from ministack import app
    from ministack.services import apigateway, apigateway_v1

    stage, path = app._resolve_stage_and_path(api_id, tentative_stage, path)
    asked = (api_id, stage, request.method, path)
    if scope := apigateway_v1.find_api_scope(api_id):
        account, region = scope
        wanted = apigateway_v1.method_authorization_type(*asked) or ""
        return Api("rest", api_id, account, region, wanted, stage, path)
    scope = apigateway.find_api_scope(api_id)
    if scope is None:
        return Api("none", api_id, "", "", "")
    account, region = scope
    record = apigateway._apis.get_scoped(account, region, api_id) or {}
    kind = str(record.get("protocolType", "HTTP")).lower()
    wanted = apigateway.route_authorization_type(*asked) or ""
    return Api(kind, api_id, account, region, wanted, stage, path, record.get("corsConfiguration"))


def _function_url(url_id: str) -> Api:
    from ministack.services import lambda_svc

    found = lambda_svc.resolve_function_url(url_id)
    if found is None:
        return Api("none", url_id, "", "", "")
    account, region, _, _, settings = found
    return Api(
        "function", url_id, account, region, settings.get("AuthType", "AWS_IAM"), cors=settings.get("Cors")
    )


def _service(request: Incoming) -> Destination:
    """A service's own API, by what ministack looks at before the signature's scope, then by that."""
    from ministack import app

    if _is_closed(request):
        return Destination("closed")
    if by_path := _by_path(request.path):
        return by_path
    if bucket := bucket_of_host(request.host):
        names = frozenset({"s3", "s3express", "s3-object-lambda"})
        return Destination("service", "s3", names, bucket=bucket)
    routing = app._routing_params(request.method, request.path, request.headers, request.body, request.query)
    service = app.detect_service(request.method, request.path, request.headers, routing)
    bucket = request.path.lstrip("/").partition("/")[0] if service == "s3" else ""
    return Destination("service", service, bucket=bucket)


def _by_path(path: str) -> Destination | None:
    """Services that ministack knows by the path alone, whatever Host and signature say."""
    from ministack import app

    if path.startswith("/iceberg"):
        return Destination("service", "s3tables", frozenset({"s3tables", "glue"}))
    if path.startswith(app._S3_CONTROL_PREFIX):
        return Destination("service", "s3", frozenset({"s3", "s3-outposts", "s3express"}))
    if path.startswith(app._SES_V2_PREFIX):
        return Destination("service", "ses", frozenset({"ses"}))
    if path in app._RDS_DATA_PATHS:
        return Destination("service", "rds-data", frozenset({"rds-data"}))
    return None


def _is_closed(request: Incoming) -> bool:
    """Data planes with a door of their own that nothing here guards: they are not served."""
    from ministack import app

    return bool(
        app._is_ecr_registry_path(request.path)
        or app._is_potential_alb_request(request.host, request.path)
        or app._parse_cloudfront_dataplane_host(request.host)
        or app._AOSS_COLLECTION_HOST_RE.match(request.host)
        or (request.path == "/WriteGetObjectResponse" and request.headers.get("x-amz-request-route"))
    )


def bucket_of_host(host: str) -> str | None:
    """The bucket of a virtual host of S3; None when the Host names none."""
    from ministack import app

    bucket = app._extract_s3_vhost_bucket(host)
    if not bucket or app._S3_VHOST_EXCLUDE_RE.search(host) or bucket in app._NON_S3_VHOST_NAMES:
        return None
    return str(bucket)
