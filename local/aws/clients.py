"""boto3 clients of the endpoint, one per service and caller: building one costs tens of milliseconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from local.aws.endpoint import Credentials

_CONFIG = Config(
    retries={"max_attempts": 1, "mode": "standard"},
    connect_timeout=5,
    read_timeout=900,
    max_pool_connections=64,
    inject_host_prefix=False,
    s3={"addressing_style": "path"},
)
_KEPT = 256
_clients: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
_lock = threading.Lock()


def make_client(service: str, *, url: str, region: str, credentials: Credentials) -> Any:
    key = (service, url, region, credentials)
    with _lock:
        if key in _clients:
            _clients.move_to_end(key)
            return _clients[key]
        session: Any = boto3.session.Session()
        client = session.client(
            service, region_name=region, endpoint_url=url, config=_CONFIG, **credentials.boto3()
        )
        _clients[key] = client
        while len(_clients) > _KEPT:
            _clients.popitem(last=False)
        return client
