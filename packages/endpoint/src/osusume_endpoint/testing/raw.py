"""HTTP as an attacker writes it, and botocore's signer beside it: the oracle of what AWS's clients send."""

from __future__ import annotations

import functools
import http.client
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple
from unittest import mock

import botocore.auth
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningCredentials

from osusume_endpoint.endpoint import Credentials, Endpoint


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


def send(
    endpoint: Endpoint,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None,
    body: bytes = b"",
) -> Answer:
    """Exactly these header lines, but for Host and Content-Length where they are not given."""
    lines = list(headers.items() if isinstance(headers, Mapping) else headers or [])
    try:
        return _send(endpoint, method, target, lines, body)
    except (ConnectionError, http.client.RemoteDisconnected):
        # The endpoint closes what was idle for long; the next connection is new.
        return _send(endpoint, method, target, lines, body)


def _send(endpoint: Endpoint, method: str, target: str, lines: list[tuple[str, str]], body: bytes) -> Answer:
    names = {name.lower() for name, _ in lines}
    connection = _connection(endpoint.port)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        if "host" not in names:
            connection.putheader("Host", f"127.0.0.1:{endpoint.port}")
        if "content-length" not in names and (body or method in ("POST", "PUT")):
            connection.putheader("Content-Length", str(len(body)))
        for name, value in lines:
            connection.putheader(name, value.encode())
        connection.endheaders(body or None)
        response = connection.getresponse()
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, response.read())
    except OSError:
        _connection.cache_clear()
        raise


@functools.cache
def _connection(port: int) -> http.client.HTTPConnection:
    """One for all requests: it opens itself again when the endpoint has closed it."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=60)


@contextmanager
def clock(moment: datetime) -> Iterator[None]:
    """botocore's signers take the time for `moment` (UTC, without a zone)."""
    aware = mock.patch.object(botocore.auth, "get_current_datetime", lambda remove_tzinfo=True: moment)
    with aware:
        yield


def sign(
    endpoint: Endpoint,
    service: str,
    method: str,
    target: str,
    *,
    credentials: Credentials | None = None,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    region: str = "",
    signer: Any = SigV4Auth,
    **options: Any,
) -> AWSRequest:
    """The request as botocore signs it: its `headers`, and its `url` where the signature is in the query."""
    request = AWSRequest(method=method, url=f"{endpoint.url}{target}", data=body, headers=dict(headers or {}))
    # Not the object that http.client would make of it: the signer takes Host from the URL.
    keys = SigningCredentials(*(credentials or endpoint.administrator))
    signer(keys, service, region or endpoint.region, **options).add_auth(request)
    return request


def lines(request: AWSRequest, endpoint: Endpoint) -> dict[str, str]:
    return {"Host": f"127.0.0.1:{endpoint.port}", **{k: str(v) for k, v in request.headers.items()}}


def effects(endpoint: Endpoint) -> dict[str, list[str]]:
    """What attacks try to make, or to wipe."""
    names = {
        "roles": [r["RoleName"] for r in endpoint.client("iam").list_roles()["Roles"]],
        "users": [u["UserName"] for u in endpoint.client("iam").list_users()["Users"]],
        "functions": [f["FunctionName"] for f in endpoint.client("lambda").list_functions()["Functions"]],
        "buckets": [b["Name"] for b in endpoint.client("s3").list_buckets()["Buckets"]],
        "tables": endpoint.client("dynamodb").list_tables()["TableNames"],
        "queues": endpoint.client("sqs").list_queues().get("QueueUrls", []),
    }
    return {kind: sorted(found) for kind, found in names.items()}
