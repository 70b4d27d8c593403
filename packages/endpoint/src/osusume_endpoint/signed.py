"""HTTP requests signed with SigV4, as an application sends them."""

from __future__ import annotations

import urllib.error
import urllib.request

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class RequestRefused(RuntimeError):
    """An answer that is not 2xx, with its text."""


def send(
    method: str,
    url: str,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    body: bytes | None = None,
    seconds: float = 60,
) -> bytes:
    """The body of the answer. Raises RequestRefused."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(credentials, service, region).add_auth(request)
    signed = urllib.request.Request(url, data=body, headers=dict(request.headers), method=method)
    # The endpoint is on this machine: a proxy of the environment would not find it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(signed, timeout=seconds) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace")
        raise RequestRefused(f"{method} {url}: {error.code} {text}") from error
