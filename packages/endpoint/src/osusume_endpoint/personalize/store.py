"""Records of resources: one JSON file each, written atomically, so that a restart finds them all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from osusume_endpoint import paths
from osusume_endpoint.personalize.errors import not_found


@dataclass
class Record:
    """`fields` are members as the API shows them (times in seconds); `private` is the emulator's own."""

    kind: str
    arn: str
    fields: dict[str, Any]
    private: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.fields.get("status", "ACTIVE"))


class Store:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lock = threading.RLock()
        folder.mkdir(parents=True, exist_ok=True)
        self._records = {record.arn: record for record in _read_all(folder)}

    def add(self, record: Record) -> None:
        with self.lock:
            self._records[record.arn] = record
            self._write(record)

    def find(self, arn: str) -> Record | None:
        return self._records.get(arn)

    def get(self, arn: str, kind: str | None = None) -> Record:
        record = self._records.get(arn)
        if record is None or (kind is not None and record.kind != kind):
            raise not_found(arn)
        return record

    def of_kind(self, *kinds: str) -> list[Record]:
        """Records in the order of creation."""
        with self.lock:
            found = [record for record in self._records.values() if record.kind in kinds]
        return sorted(found, key=lambda record: (record.fields["creationDateTime"], record.arn))

    def where(self, kind: str, **fields: Any) -> list[Record]:
        return [
            record
            for record in self.of_kind(kind)
            if all(record.fields.get(name) == value for name, value in fields.items())
        ]

    def update(self, arn: str, **fields: Any) -> Record | None:
        """The changed record, or None when it was deleted meanwhile."""
        return self.change(arn, lambda record: record.fields.update(fields))

    def change(self, arn: str, edit: Callable[[Record], None]) -> Record | None:
        """`edit` works on a draft: who reads `fields` meanwhile, without the lock, sees all of it or nothing.

        A draft that cannot be written (a full disk) is dropped and the record stays as it was.
        """
        with self.lock:
            record = self._records.get(arn)
            if record is None:
                return None
            draft = deepcopy(record)
            edit(draft)
            draft.fields["lastUpdatedDateTime"] = time.time()
            self._write(draft)
            record.fields, record.private, record.tags = draft.fields, draft.private, draft.tags
            return record

    def remove(self, arn: str) -> None:
        with self.lock:
            record = self._records.get(arn)
            if record is not None:
                # The file first: who no longer finds the record is sure that no restart brings it back.
                self._path(record).unlink(missing_ok=True)
                del self._records[arn]

    def all(self) -> list[Record]:
        with self.lock:
            return list(self._records.values())

    def _path(self, record: Record) -> Path:
        # The whole ARN: two regions or accounts never share a file.
        return paths.inside(self.folder, f"{quote(record.arn, safe='')}.json")

    def _write(self, record: Record) -> None:
        paths.write_whole(self._path(record), json.dumps(asdict(record)))


def _read_all(folder: Path) -> Iterator[Record]:
    for path in sorted(folder.glob("*.json")):
        yield Record(**json.loads(path.read_text(encoding="utf-8")))
