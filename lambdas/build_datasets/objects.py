"""Objects of S3 as files on disk, for an engine that knows files alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lambdas.shared import stored

SCHEME = "s3://"
HIDDEN = ("_", ".")  # what Spark takes for no data


class NotAPath(RuntimeError):
    """A key that would lie outside of the folder of its bucket."""


class Objects:
    """What the engine's Files are: objects lie below `stage` under their buckets and keys."""

    def __init__(self, s3: Any, *, stage: Path) -> None:
        self._s3, self._stage = s3, stage
        self._own: dict[str, list[Path]] = {}

    def read(self, path: str) -> list[Path]:
        """The files of a path, fetched. What this process wrote is here already."""
        if path in self._own:
            return self._own[path]
        bucket, prefix = _split(path)
        keys = [key for key in self._keys(bucket, prefix) if not key.rpartition("/")[2].startswith(HIDDEN)]
        return [self._fetched(bucket, key) for key in keys]

    def _keys(self, bucket: str, prefix: str) -> Iterator[str]:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            yield from (one["Key"] for one in page.get("Contents", []) if not one["Key"].endswith("/"))

    def _fetched(self, bucket: str, key: str) -> Path:
        file = self._place(bucket, key)
        file.parent.mkdir(parents=True, exist_ok=True)
        self._s3.download_file(bucket, key, str(file))
        return file

    def _place(self, bucket: str, key: str) -> Path:
        """Raises NotAPath."""
        if ".." in key.split("/") or not key.strip("/"):
            raise NotAPath(f"s3://{bucket}/{key} names no file below its bucket")
        return self._stage.joinpath(bucket, *key.strip("/").split("/"))

    @contextmanager
    def written(self, path: str) -> Iterator[Path]:
        """A folder whose files become the path's objects; those of an earlier attempt are removed."""
        bucket, prefix = _split(path)
        folder = self._place(bucket, prefix.rstrip("/"))
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        yield folder
        files = sorted(folder.iterdir())
        for file in files:
            self._s3.upload_file(str(file), bucket, f"{prefix}{file.name}")
        self._remove_others(bucket, prefix, {f"{prefix}{file.name}" for file in files})
        self._own[path] = files

    def _remove_others(self, bucket: str, prefix: str, own: set[str]) -> None:
        for key in [key for key in self._keys(bucket, prefix) if key not in own]:
            self._s3.delete_object(Bucket=bucket, Key=key)


def _split(path: str) -> tuple[str, str]:
    """Bucket, and the key's beginning with a slash at its end."""
    bucket, _, key = path.removeprefix(SCHEME).partition("/")
    return bucket, f"{key.rstrip('/')}/"


def megabytes(s3: Any, paths: list[str]) -> float:
    """What lies below these paths, as it is stored."""
    found = (stored.size(s3, bucket=bucket, prefix=prefix) for bucket, prefix in map(_split, paths))
    return sum(found) / 1_000_000
