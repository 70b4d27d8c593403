"""Lambda has no /dev/shm, so multiprocessing can't make semaphores; dbt asks for them but uses only threads.

See dbt-labs/dbt-core#2992.
"""

from __future__ import annotations

import threading
from multiprocessing import context


def use_thread_locks() -> None:
    context.BaseContext.Lock = lambda self: threading.Lock()  # type: ignore[assignment, method-assign, return-value]
    context.BaseContext.RLock = lambda self: threading.RLock()  # type: ignore[assignment, method-assign, return-value]
