"""What S3 does and ministack refuses: encryption with the account's own S3 key, which a writer needn't name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.replacements import replaces

ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
AWS_MANAGED_KEY = "alias/aws/s3"
KEY_BYTES = 1024  # Amazon S3 user guide, "Naming Amazon S3 objects"


def install(endpoint: Endpoint) -> None:
    replacements.apply(__name__, endpoint=endpoint)


@replaces("ministack.services.s3:_dispatch", takes="method, bucket, key, headers, body, query_params")
def refusing_long_keys(inner: Callable[..., Any]) -> Callable[..., Any]:
    """KeyTooLongError, as S3's list of error responses words it, before anything is looked up."""

    def dispatch(method: str, bucket: str, key: str, *rest: Any) -> Any:
        from ministack.services import s3

        size = len(key.encode(errors="surrogatepass"))
        if size <= KEY_BYTES:
            return inner(method, bucket, key, *rest)
        extra = {"Size": str(size), "MaxSizeAllowed": str(KEY_BYTES)}
        return s3._error("KeyTooLongError", "Your key is too long", 400, f"/{bucket}/{key}", extra)

    return dispatch


@replaces("ministack.services.s3:_resolve_sse_write_headers", takes="headers, bucket_name")
def naming_key(inner: Callable[..., Any], endpoint: Endpoint) -> Callable[..., Any]:
    """`aws:kms` without a key id means the AWS managed key, whatever the bucket's default is.

    Source: the API reference of PutObject, x-amz-server-side-encryption-aws-kms-key-id. The CDK's command line
    uploads its assets in this way.
    """
    managed = f"arn:aws:kms:{endpoint.region}:{endpoint.account}:{AWS_MANAGED_KEY}"

    def resolve(headers: Mapping[str, str], bucket_name: str) -> Any:
        if headers.get(ALGORITHM) == "aws:kms" and not headers.get(KEY_ID):
            headers = {**headers, KEY_ID: managed}
        return inner(headers, bucket_name)

    return resolve
