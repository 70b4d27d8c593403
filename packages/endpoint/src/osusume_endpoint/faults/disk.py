"""A write of an object that finds no space left, by the plan or because the disk really is full.

The emulator logs such a write and keeps the object in memory, so that a reader sees what the next start of the
endpoint has lost. Here the write answers InternalError, and what was there before is there still.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from osusume_endpoint import replacements
from osusume_endpoint.faults import answers, injection
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.faults")

_failures = threading.local()


def install() -> None:
    replacements.apply(__name__)


@replaces("ministack.services.s3:_atomic_write", takes="fpath, data, *, text")
def _limited(inner: Callable[..., None]) -> Callable[..., None]:
    def atomic_write(path: str, data: bytes | str, *, text: bool = False) -> None:
        try:
            injector = injection.current()
            if injector and injector.disk_full(bucket_of(path), len(data)):
                _fill(path, data)
            inner(path, data, text=text)
        except OSError as error:
            _failures.error = error
            raise

    return atomic_write


def _fill(path: str, data: bytes | str) -> None:
    """Writes what fits, as the operating system does, and fails as it does."""
    part = Path(path + ".tmp")
    content = data if isinstance(data, bytes) else data.encode()
    try:
        part.write_bytes(content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        part.unlink(missing_ok=True)


def bucket_of(path: str) -> str:
    """The bucket of <data>/<account>/<bucket>/... and <data>/.versions/<account>/<bucket>/..."""
    from ministack.services import s3

    parts = Path(os.path.realpath(path)).relative_to(os.path.realpath(s3.DATA_DIR)).parts
    return parts[2] if parts[0] == s3._VERSIONS_DIR else parts[1]


@replaces("ministack.services.s3:_persist_object", takes="bucket, key, obj")
def _kept_whole(inner: Callable[..., None]) -> Callable[..., None]:
    """An object is two files: when the second can't be written, the first is as it was."""

    def persist_object(bucket: str, key: str, record: Any) -> None:
        from ministack.services import s3

        path = s3._object_disk_path(bucket, key)
        if path is None:
            inner(bucket, key, record)
            return
        before = getattr(_failures, "error", None)
        with _spares(Path(path), Path(path + ".meta.json")) as restore:
            inner(bucket, key, record)
            if getattr(_failures, "error", None) is not before:
                restore()

    return persist_object


@contextlib.contextmanager
def _spares(*files: Path) -> Iterator[Callable[[], None]]:
    """Second names of the files while they are replaced."""
    from ministack.services import s3

    folder = Path(s3.DATA_DIR).parent / "tmp"
    names = [folder / f"s3-{os.getpid()}-{threading.get_ident()}-{place}" for place in range(len(files))]
    for file, spare in zip(files, names, strict=True):
        spare.unlink(missing_ok=True)
        if file.exists():
            os.link(file, spare)

    def restore() -> None:
        for file, spare in zip(files, names, strict=True):
            if spare.exists():
                spare.replace(file)
            else:
                file.unlink(missing_ok=True)

    try:
        yield restore
    finally:
        for spare in names:
            spare.unlink(missing_ok=True)


@replaces("ministack.services.s3:_dispatch", takes="method, bucket, key, headers, body, query_params")
def _undoing(inner: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """S3 serves its requests one after the other, so nobody sees what is undone here."""

    def dispatch(
        method: str, bucket: str, key: str, headers: dict, body: bytes, query: dict
    ) -> tuple[Any, ...]:
        if method not in ("PUT", "POST") or not key:
            return inner(method, bucket, key, headers, body, query)
        from ministack.services import s3

        _failures.error = None
        before = Before.of(bucket, key, query)
        answer = inner(method, bucket, key, headers, body, query)
        if _failures.error is None:
            return answer
        before.restore()
        log.warning("s3://%s/%s was not written: %s", bucket, key, _failures.error)
        problem = answers.internal_error_of_s3()
        return s3._error(problem.code, problem.message, problem.status, f"/{bucket}/{key}")

    return dispatch


@dataclass(frozen=True)
class Before:
    """What the emulator knew of a key before a write."""

    bucket: str
    key: str
    upload_id: str
    record: Any
    versions: list[dict[str, Any]] | None
    upload: Any

    @classmethod
    def of(cls, bucket: str, key: str, query: dict[str, Any]) -> Before:
        from ministack.services import s3

        upload_id = s3._qp(query, "uploadId") if "uploadId" in query else ""
        versions = s3._object_versions.get((bucket, key))
        return cls(
            bucket=bucket,
            key=key,
            upload_id=upload_id,
            record=(s3._buckets.get(bucket) or {"objects": {}})["objects"].get(key),
            versions=None if versions is None else [dict(version) for version in versions],
            upload=s3._multipart_uploads.get(upload_id) if upload_id else None,
        )

    def restore(self) -> None:
        from ministack.services import s3

        objects = s3._buckets[self.bucket]["objects"]
        _put(objects, self.key, self.record)
        _put(s3._object_versions, (self.bucket, self.key), self.versions)
        if self.upload is not None:
            s3._completed_multipart_uploads.pop(self.upload_id, None)
            s3._multipart_uploads[self.upload_id] = self.upload


def _put(store: Any, key: Any, value: Any) -> None:
    if value is None:
        store.pop(key, None)
    else:
        store[key] = value
