"""HTTP requests signed with SigV4, as an application sends them."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class RequestRefused(RuntimeError):
    """An answer that is not 2xx, with its text."""


@dataclass(frozen=True)
class Received:
    status: int
    body: bytes
    content_type: str


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
    answer = exchange(
        method, url, service=service, region=region, credentials=credentials, body=body, seconds=seconds
    )
    if not 200 <= answer.status < 300:
        raise RequestRefused(f"{method} {url}: {answer.status} {answer.body.decode(errors='replace')}")
    return answer.body


def exchange(
    method: str,
    url: str,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    body: bytes | None = None,
    seconds: float = 60,
) -> Received:
    """The answer, whatever its status. Raises OSError where nobody answers."""
    headers = {} if body is None else {"Content-Type": "application/json"}
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    SigV4Auth(credentials, service, region).add_auth(request)
    signed = urllib.request.Request(url, data=body, headers=dict(request.headers), method=method)
    # The endpoint is on this machine: a proxy of the environment would not find it.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(signed, timeout=seconds) as answer:
            return Received(answer.status, answer.read(), answer.headers.get_content_type())
    except urllib.error.HTTPError as error:
        return Received(error.code, error.read(), error.headers.get_content_type())
