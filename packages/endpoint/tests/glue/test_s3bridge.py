from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.glue.s3bridge import Bridge, _glob_pattern


class Objects:
    """The few S3 operations that the bridge calls."""

    def __init__(self, content: dict[str, bytes]) -> None:
        self.content = content
        self.log: list[str] = []

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, str]:
        from botocore.exceptions import ClientError

        if Key not in self.content:
            raise ClientError({"Error": {}, "ResponseMetadata": {"HTTPStatusCode": 404}}, "HeadObject")  # type: ignore[typeddict-item]
        return {"ETag": hashlib.md5(self.content[Key]).hexdigest()}

    def get_paginator(self, name: str) -> Any:
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        found = sorted(key for key in self.content if key.startswith(Prefix))
        yield {
            "Contents": [{"Key": key, "ETag": hashlib.md5(self.content[key]).hexdigest()} for key in found]
        }

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self.log.append(f"get {Key}")
        return {"Body": io.BytesIO(self.content[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: Any) -> None:
        self.log.append(f"put {Key}")
        self.content[Key] = Body.read()

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        self.log.append(f"delete {Key}")
        del self.content[Key]


def _bridge(tmp_path: Path, *keys: str) -> tuple[Bridge, Objects]:
    objects = Objects({key: key.encode() for key in keys})
    return Bridge(client=lambda: objects, stage=tmp_path), objects


def _files(folder: str) -> list[str]:
    root = Path(folder.removeprefix("file://"))
    return sorted(str(f.relative_to(root)) for f in root.rglob("*") if f.is_file())


def _spark_writes(*names: str) -> Any:
    def write(folder: str) -> None:
        for name in names:
            file = Path(folder.removeprefix("file://")) / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(name)

    return write


def test_a_folder_is_mirrored_with_its_partitions_and_neighbours_stay_out(tmp_path: Path) -> None:
    bridge, _ = _bridge(tmp_path, "t/d=1/a", "t/d=2/b", "table/c", "t/", "t")
    del bridge._s3.content["t"]
    assert _files(bridge.fetch("s3://b/t")) == ["d=1/a", "d=2/b"]


def test_one_object_can_be_named(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "t/a.csv", "t/a.csv.bak")
    path = bridge.fetch("s3://b/t/a.csv")
    assert Path(path.removeprefix("file://")).read_bytes() == b"t/a.csv"
    assert objects.log == ["get t/a.csv"]


def test_an_unchanged_object_is_read_once_and_a_changed_or_deleted_one_is_noticed(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "t/a", "t/b")
    bridge.fetch("s3://b/t/")
    objects.log.clear()
    objects.content["t/a"] = b"new"
    del objects.content["t/b"]
    folder = bridge.fetch("s3://b/t/")
    assert objects.log == ["get t/a"] and _files(folder) == ["a"]


def test_a_missing_path_fails_as_in_spark(tmp_path: Path) -> None:
    bridge, _ = _bridge(tmp_path, "other/a")
    with pytest.raises(Exception, match=r"PATH_NOT_FOUND.*s3://b/t") as caught:
        bridge.fetch("s3://b/t")
    assert type(caught.value).__name__ == "AnalysisException"


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("t/d=*/a", ["t/d=1/a", "t/d=2/a"]),
        ("t/{d=1,d=2}", ["t/d=1/a", "t/d=2/a", "t/d=2/b"]),
        ("t/d=[!1]/?", ["t/d=2/a", "t/d=2/b"]),
    ],
)
def test_globs_name_what_hadoops_do(tmp_path: Path, glob: str, expected: list[str]) -> None:
    bridge, objects = _bridge(tmp_path, "t/d=1/a", "t/d=2/a", "t/d=2/b", "t/other/x/y")
    bridge.fetch(f"s3://b/{glob}")
    assert sorted(line.removeprefix("get ") for line in objects.log) == expected
    assert _glob_pattern("a.b") == r"a\.b"


def test_overwrite_deletes_first_and_uploads_the_marker_last(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "out/old", "outer/kept")
    write = _spark_writes("part-0", "_SUCCESS", ".part-0.crc")
    bridge.write("s3://b/out/", mode="overwrite", partitions_only=False, write=write)
    assert objects.log == ["delete out/old", "put out/part-0", "put out/_SUCCESS"]
    assert sorted(objects.content) == ["out/_SUCCESS", "out/part-0", "outer/kept"]


def test_a_failed_overwrite_has_already_lost_the_old_output(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "out/old")

    def fail(folder: str) -> None:
        raise RuntimeError("task failed")

    with pytest.raises(RuntimeError, match="task failed"):
        bridge.write("s3://b/out", mode="overwrite", partitions_only=False, write=fail)
    assert objects.content == {}


def test_dynamic_overwrite_replaces_only_the_partitions_written(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "out/d=1/old", "out/d=2/old")
    bridge.write(
        "s3://b/out", mode="overwrite", partitions_only=True, write=_spark_writes("d=2/new", "_SUCCESS")
    )
    assert sorted(objects.content) == ["out/_SUCCESS", "out/d=1/old", "out/d=2/new"]


def test_the_save_modes_mean_what_they_mean_in_spark(tmp_path: Path) -> None:
    bridge, objects = _bridge(tmp_path, "out/old")
    with pytest.raises(Exception, match=r"PATH_ALREADY_EXISTS.*s3://b/out"):
        bridge.write("s3://b/out", mode="error", partitions_only=False, write=_spark_writes("new"))
    bridge.write("s3://b/out", mode="ignore", partitions_only=False, write=_spark_writes("new"))
    assert sorted(objects.content) == ["out/old"]
    bridge.write("s3://b/out", mode="append", partitions_only=False, write=_spark_writes("new"))
    assert sorted(objects.content) == ["out/new", "out/old"]
