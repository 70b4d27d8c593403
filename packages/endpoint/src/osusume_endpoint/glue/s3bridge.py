"""Lets local Spark read and write s3:// without hadoop-aws: files pass through boto3 with the role's session.

Runs inside the Spark worker. Reads mirror the listed objects to <stage>/in/<bucket>/<key>; the mirror keeps
the folders of keys, so partition discovery, basePath and globs work as they do on S3; a key that is no path
(`a/../b`, `a//b`) is mirrored under an encoded name. Writes go to <stage>/out and are uploaded, `_SUCCESS` last.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from osusume_endpoint import paths

READS = ("parquet", "csv", "json", "text", "orc", "load")
WRITES = ("parquet", "csv", "json", "text", "orc", "save")
SCHEMES = ("s3://", "s3a://", "s3n://")
_GLOB = re.compile(r"[*?{\[]")
_PARALLEL = 8


def is_s3(path: object) -> bool:
    return isinstance(path, str) and path.startswith(SCHEMES)


def split(path: str) -> tuple[str, str]:
    """Bucket and key of an s3:// path, without slashes at the key's end."""
    bucket, _, key = path.split("://", 1)[1].partition("/")
    return bucket, key.rstrip("/")


class Bridge:
    """`client` makes the S3 client on first use: a job that never touches S3 needs none."""

    def __init__(self, *, client: Callable[[], Any], stage: Path) -> None:
        self._make_client = client
        self._stage = stage
        self._etags: dict[tuple[str, str], str] = {}
        self._numbers = itertools.count()

    @functools.cached_property
    def _s3(self) -> Any:
        return self._make_client()

    def local(self, path: str) -> str:
        """The place at which the mirror keeps this path."""
        bucket, key = split(path)
        return f"file://{self._mirror(bucket, key)}"

    def _mirror(self, bucket: str, key: str) -> Path:
        """Raises paths.Outside when the bucket's name is none, or the key is too long for a path."""
        return paths.inside(self._stage, "in", bucket, *([paths.mirrored(key)] if key else []))

    def fetch(self, path: str) -> str:
        """Mirror what the path names; raises AnalysisException as Spark does when nothing matches."""
        bucket, key = split(path)
        objects = list(self._objects(bucket, key))
        if not objects:
            raise _analysis("PATH_NOT_FOUND", f"Path does not exist: {path}.")
        self._forget_deleted(bucket, key, {name for name, _ in objects})
        with ThreadPoolExecutor(_PARALLEL) as pool:
            list(pool.map(lambda item: self._download(bucket, *item), objects))
        return self.local(path)

    def _objects(self, bucket: str, key: str) -> Iterator[tuple[str, str]]:
        """(key, etag) of the object itself, of the folder's objects, or of what the glob matches."""
        glob = _GLOB.search(key)
        if glob:
            prefix, wanted = key[: glob.start()], re.compile(_glob_pattern(key) + r"(/.*)?")
            yield from ((k, e) for k, e in self._list(bucket, prefix) if wanted.fullmatch(k))
            return
        single = self._head(bucket, key) if key else None
        yield from ([(key, single)] if single else self._list(bucket, f"{key}/" if key else ""))

    def _head(self, bucket: str, key: str) -> str | None:
        from botocore.exceptions import ClientError

        try:
            return str(self._s3.head_object(Bucket=bucket, Key=key)["ETag"])
        except ClientError as error:
            # Without s3:ListBucket a missing key is 403: the listing that follows says what is wrong.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in (403, 404):
                return None
            raise

    def _list(self, bucket: str, prefix: str) -> Iterator[tuple[str, str]]:
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for item in itertools.chain.from_iterable(page.get("Contents", []) for page in pages):
            if not item["Key"].endswith("/"):
                yield item["Key"], item["ETag"]

    def _download(self, bucket: str, key: str, etag: str) -> None:
        target = self._mirror(bucket, key)
        if self._etags.get((bucket, key)) == etag and target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{next(self._numbers)}")
        with partial.open("wb") as file:
            shutil.copyfileobj(self._s3.get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20)
        partial.rename(target)
        self._etags[bucket, key] = etag

    def _forget_deleted(self, bucket: str, key: str, present: set[str]) -> None:
        if _GLOB.search(key):
            return
        for known_bucket, known in list(self._etags):
            inside = known_bucket == bucket and known.startswith(f"{key}/")
            if inside and known not in present:
                self._mirror(bucket, known).unlink(missing_ok=True)
                del self._etags[known_bucket, known]

    def write(self, path: str, *, mode: str, partitions_only: bool, write: Callable[[str], Any]) -> None:
        """Run a Spark write against a local folder and upload it with the save mode's meaning.

        As on S3, `overwrite` deletes before the job computes: a failed job has already lost the old output.
        """
        bucket, key = split(path)
        exists = any(True for _ in self._list(bucket, f"{key}/")) if mode != "append" else False
        if exists and mode in ("error", "errorifexists", "default"):
            raise _analysis("PATH_ALREADY_EXISTS", f"Path {path} already exists.")
        if exists and mode == "ignore":
            return
        if exists and mode == "overwrite" and not partitions_only:
            self._delete(bucket, (k for k, _ in self._list(bucket, f"{key}/")))
        folder = self._stage / "out" / str(next(self._numbers))
        try:
            write(f"file://{folder}")
            if exists and mode == "overwrite" and partitions_only:
                self._delete_partitions(bucket, key, folder)
            self._upload(folder, bucket, key)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _delete_partitions(self, bucket: str, key: str, folder: Path) -> None:
        written = {file.parent.relative_to(folder).as_posix() for file in _data_files(folder)}
        for partition in written - {"."}:
            self._delete(bucket, (k for k, _ in self._list(bucket, f"{key}/{partition}/")))

    def _delete(self, bucket: str, keys: Iterable[str]) -> None:
        for key in keys:
            self._s3.delete_object(Bucket=bucket, Key=key)

    def _upload(self, folder: Path, bucket: str, key: str) -> None:
        files = sorted(_data_files(folder))
        with ThreadPoolExecutor(_PARALLEL) as pool:
            data = [file for file in files if file.name != "_SUCCESS"]
            list(pool.map(lambda file: self._put(folder, file, bucket, key), data))
        for file in files:
            if file.name == "_SUCCESS":
                self._put(folder, file, bucket, key)

    def _put(self, folder: Path, file: Path, bucket: str, key: str) -> None:
        name = "/".join(part for part in (key, file.relative_to(folder).as_posix()) if part)
        with file.open("rb") as body:
            self._s3.put_object(Bucket=bucket, Key=name, Body=body)


def _data_files(folder: Path) -> list[Path]:
    return [f for f in folder.rglob("*") if f.is_file() and not f.name.endswith(".crc")]


def _glob_pattern(key: str) -> str:
    """Hadoop's glob as a regular expression over keys."""
    parts = re.findall(r"\*|\?|\{[^}]*\}|\[[^\]]*\]|[^*?{\[]+|.", key)
    return "".join(_glob_part(part) for part in parts)


def _glob_part(part: str) -> str:
    if part == "*":
        return "[^/]*"
    if part == "?":
        return "[^/]"
    if part[0] == "{" and part[-1] == "}":
        return "(?:" + "|".join(_glob_pattern(choice) for choice in part[1:-1].split(",")) + ")"
    if part[0] == "[" and part[-1] == "]":
        return part.replace("[!", "[^")
    return re.escape(part)


def _analysis(error_class: str, message: str) -> Exception:
    from pyspark.errors import AnalysisException

    return AnalysisException(f"[{error_class}] {message}")


def install(bridge: Bridge) -> None:
    """Patch readers and writers of DataFrames. Elsewhere s3:// fails: "No FileSystem for scheme"."""
    from pyspark.sql.readwriter import DataFrameReader, DataFrameWriter

    for name in READS:
        setattr(DataFrameReader, name, _reading(bridge, getattr(DataFrameReader, name)))
    _rewrite_base_path(bridge, DataFrameReader)
    _remember_mode(DataFrameWriter)
    for name in WRITES:
        setattr(DataFrameWriter, name, _writing(bridge, getattr(DataFrameWriter, name)))


def _reading(bridge: Bridge, method: Callable[..., Any]) -> Callable[..., Any]:
    parameter = list(inspect.signature(method).parameters)[1]

    @functools.wraps(method)
    def read(self: Any, *args: Any, **options: Any) -> Any:
        if args:
            args = (_fetched(bridge, args[0]), *args[1:])
        elif parameter in options:
            options[parameter] = _fetched(bridge, options[parameter])
        # parquet(*paths, **options) and orc(path) take further paths positionally.
        args = tuple(_fetched(bridge, a) if is_s3(a) else a for a in args)
        return method(self, *args, **options)

    return read


def _fetched(bridge: Bridge, path: Any) -> Any:
    if isinstance(path, list | tuple):
        return [_fetched(bridge, part) for part in path]
    return bridge.fetch(path) if is_s3(path) else path


def _rewrite_base_path(bridge: Bridge, reader: Any) -> None:
    option, options = reader.option, reader.options

    def value_of(key: str, value: Any) -> Any:
        return bridge.local(value) if key.lower() == "basepath" and is_s3(value) else value

    reader.option = lambda self, key, value: option(self, key, value_of(key, value))
    reader.options = lambda self, **given: options(self, **{k: value_of(k, v) for k, v in given.items()})


def _remember_mode(writer: Any) -> None:
    mode = writer.mode

    def remember(self: Any, save_mode: str | None) -> Any:
        if save_mode is not None:
            self._osusume_mode = save_mode
        return mode(self, save_mode)

    writer.mode = remember


def _writing(bridge: Bridge, method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @functools.wraps(method)
    def write(self: Any, *args: Any, **options: Any) -> Any:
        bound = signature.bind(self, *args, **options)
        path: Any = bound.arguments.get("path")
        if not is_s3(path):
            return method(self, *args, **options)
        mode = str(bound.arguments.get("mode") or getattr(self, "_osusume_mode", "error"))
        overwrite = self._spark.conf.get("spark.sql.sources.partitionOverwriteMode", "static")

        def write_locally(folder: str) -> None:
            bound.arguments["path"] = folder
            method(*bound.args, **bound.kwargs)

        dynamic = overwrite.lower() == "dynamic"
        bridge.write(path, mode=mode.lower(), partitions_only=dynamic, write=write_locally)
        return None

    return write
