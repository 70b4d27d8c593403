"""A new password for dbt while it runs: one of Redshift Serverless lives an hour, and dbt signs in for each model.

Open connections outlive the password that they were opened with.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lambdas.shared.telemetry import logger

SECONDS = 45 * 60.0
AGAIN_SECONDS = 60.0  # after a request for a password that failed


@contextmanager
def renewed(password: Callable[[], str], *, seconds: float = SECONDS) -> Iterator[None]:
    """Inside, dbt has a new password every so many seconds."""
    ended = threading.Event()
    arguments = (password, seconds, ended)
    thread = threading.Thread(target=_renew, args=arguments, name="renewal", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _renew(password: Callable[[], str], seconds: float, ended: threading.Event) -> None:
    wait = seconds
    while not ended.wait(wait):
        try:
            give(password())
            wait = seconds
        except Exception:
            # The password that dbt has is good for a while; what is never renewed fails dbt's own connection.
            logger().exception("no new password")
            wait = min(seconds, AGAIN_SECONDS)


def give(password: str) -> None:
    """Connections take what the adapter's credentials say when they are opened."""
    from dbt.adapters.factory import FACTORY

    for adapter in list(FACTORY.adapters.values()):
        adapter.config.credentials.password = password
