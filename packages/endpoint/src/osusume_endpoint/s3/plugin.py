"""What S3 does and ministack refuses: encryption with the account's own S3 key, which a writer needn't name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.endpoint import Endpoint

ALGORITHM = "x-amz-server-side-encryption"
KEY_ID = "x-amz-server-side-encryption-aws-kms-key-id"
AWS_MANAGED_KEY = "alias/aws/s3"


def install(endpoint: Endpoint) -> None:
    from ministack.services import s3

    s3._resolve_sse_write_headers = naming_key(s3._resolve_sse_write_headers, endpoint)


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
