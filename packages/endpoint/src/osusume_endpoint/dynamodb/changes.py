"""Every item change of tables under point-in-time recovery, as ministack's writes happen: what exports read.

One append-only file per table, <state folder>/dynamodb/<table id>.jsonl: [micros, old image, new image].
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from osusume_endpoint import paths
from osusume_endpoint.replacements import replaces

Item = dict[str, Any]


class Change(NamedTuple):
    micros: int
    old: Item | None
    new: Item | None


class ChangeLog:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, IO[str]] = {}
        self._lock = threading.Lock()
        self._clock = 0

    def path(self, table_id: str) -> Path:
        return paths.inside(self._folder, f"{table_id}.jsonl")

    def append(self, table_id: str, old: Item | None, new: Item | None) -> None:
        with self._lock:
            # Strictly increasing, so that the order of writes is the order of times.
            self._clock = max(self._clock + 1, time.time_ns() // 1000)
            line = json.dumps([self._clock, old, new], separators=(",", ":"))
            self._file(table_id).write(line + "\n")

    def _file(self, table_id: str) -> IO[str]:
        if table_id not in self._files:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._files[table_id] = self.path(table_id).open("a", buffering=1)
        return self._files[table_id]

    def read(self, table_id: str) -> Iterator[Change]:
        """The changes in the order of the writes."""
        path = self.path(table_id)
        if not path.exists():
            return
        with path.open() as lines:
            for line in lines:
                yield Change(*json.loads(line))


@replaces(
    "ministack.services.dynamodb:_emit_stream_event",
    takes="table_name, event_name, old_item, new_item, replicate",
)
def _logging(inner: Callable[..., None], log: ChangeLog) -> Callable[..., None]:
    """Every item write passes through it."""

    def emit_stream_event(
        table_name: str, event: str, old_item: Item | None, new_item: Item | None, *args: Any, **options: Any
    ) -> None:
        from ministack.services import dynamodb

        if dynamodb._pitr_settings.get(table_name) and old_item != new_item:
            log.append(dynamodb._tables[table_name]["TableId"], old_item, new_item)
        inner(table_name, event, old_item, new_item, *args, **options)

    return emit_stream_event
