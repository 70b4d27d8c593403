"""botocore without boto3, a quarter less to import; one session, since each reads the whole list of endpoints."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

_making = threading.Lock()


@cache
def session() -> Any:
    import botocore.session

    return botocore.session.get_session()


def client(service: str, **configured: Any) -> Any:
    """`configured`: of botocore's Config. A session makes one client at a time (boto3 guide, "Multithreading")."""
    from botocore.config import Config

    with _making:
        return session().create_client(service, config=Config(**configured))
