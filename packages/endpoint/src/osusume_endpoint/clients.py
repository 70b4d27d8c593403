"""boto3 clients of the endpoint, one per service and caller: building one costs tens of milliseconds."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from typing import Any

import boto3
from botocore.config import Config

from osusume_endpoint import wire
from osusume_endpoint.credentials import Credentials

SERVICE_ATTEMPTS = 6  # of what AWS's services read and write by themselves: their callers see no hiccup of S3
_ATTEMPTS = 2
_KEPT = 256
_clients: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_lock = threading.Lock()


def make_client(
    service: str, *, url: str, region: str, credentials: Credentials, attempts: int = _ATTEMPTS
) -> Any:
    key = (service, url, region, credentials, attempts)
    with _lock:
        if key in _clients:
            _clients.move_to_end(key)
            return _clients[key]
        client = _session().client(
            service, region_name=region, endpoint_url=url, config=_config(attempts), **credentials.boto3()
        )
        _clients[key] = client
        while len(_clients) > _KEPT:
            _clients.popitem(last=False)
        return client


@functools.cache
def _session() -> Any:
    return boto3.session.Session(botocore_session=wire.session())


def _config(attempts: int) -> Config:
    return Config(
        retries={"total_max_attempts": attempts, "mode": "standard"},
        connect_timeout=5,
        read_timeout=900,
        max_pool_connections=64,
        inject_host_prefix=False,
        s3={"addressing_style": "path"},
    )
