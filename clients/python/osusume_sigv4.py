"""Signs the client's requests for IAM: `Client(url, httpx_args={"auth": SigV4("ap-northeast-1")})`."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import get_session


class SigV4(httpx.Auth):
    """`credentials` of botocore, which renew themselves; none: those that every AWS client finds.

    Raises ValueError where there are none.
    """

    requires_request_body = True

    def __init__(self, region: str, credentials: Any = None) -> None:
        self._region = region
        found = credentials or get_session().get_credentials()
        if found is None:
            raise ValueError("no AWS credentials were found: set AWS_PROFILE, or give credentials")
        self._credentials: Any = found

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        signed = AWSRequest(method=request.method, url=str(request.url), data=request.content)
        SigV4Auth(self._credentials, "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers))
        yield request
