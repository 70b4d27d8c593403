"""calls.jsonl: every API call that reached the endpoint, for tests and checks of what code really calls."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

MAX_BYTES = 64 * 1024 * 1024


class CallLog:
    """Appends one JSON object per call; starts a new file (keeping the one before) past MAX_BYTES."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._file = self._open()

    def _open(self) -> IO[str]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self._path.open("a", buffering=1)

    def write(self, **call: Any) -> None:
        line = json.dumps({"time": round(time.time(), 3), **call}, separators=(",", ":"))
        with self._lock:
            self._file.write(line + "\n")
            if self._file.tell() > MAX_BYTES:
                self._file.close()
                self._path.replace(self._path.with_suffix(".old.jsonl"))
                self._file = self._open()


def read(path: Path) -> Iterator[dict[str, Any]]:
    """Calls as written: time, service, action, caller, resource, status, code, stub; of a refusal (403), message."""
    if path.exists():
        with path.open() as lines:
            yield from (json.loads(line) for line in lines)
