"""The edges of the function that builds: what it takes, and files that are objects of S3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lambdas.build_datasets import engine
from lambdas.build_datasets.engine import SourcesTooLarge
from lambdas.build_datasets.environment import Environment
from lambdas.build_datasets.objects import NotAPath, Objects

RUN, EARLIER = "20261124T030000Z", "20261123T030000Z"


class Bucket:
    """The calls of S3 that the function makes, on a mapping of s3:// paths."""

    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self, **objects: bytes) -> None:
        self.objects = dict(objects)

    def get_paginator(self, name: str) -> Bucket:
        assert name == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        """A key a page; S3 gives a page without contents too."""
        yield {}
        for path, body in sorted(self.objects.items()):
            if path.startswith(f"{Bucket}/{Prefix}"):
                yield {"Contents": [{"Key": path.removeprefix(f"{Bucket}/"), "Size": len(body)}]}

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        if f"{Bucket}/{Key}" not in self.objects:
            raise self.exceptions.NoSuchKey(Key)
        body = self.objects[f"{Bucket}/{Key}"]
        return {"Body": type("Body", (), {"read": lambda self: body})()}

    def download_file(self, bucket: str, key: str, file: str) -> None:
        Path(file).write_bytes(self.objects[f"{bucket}/{key}"])

    def upload_file(self, file: str, bucket: str, key: str) -> None:
        self.objects[f"{bucket}/{key}"] = Path(file).read_bytes()

    def delete_object(self, *, Bucket: str, Key: str) -> None:
        del self.objects[f"{Bucket}/{Key}"]


def given(**changes: str) -> dict[str, str]:
    return {
        "raw_bucket": "raw",
        "datasets_bucket": "datasets",
        "run_id": RUN,
        "export_prefix": f"application_log/run={RUN}",
        "previous_run_id": EARLIER,
    } | changes


def test_the_size_is_of_this_runs_tables_and_export_and_of_the_events_that_are_read_again() -> None:
    report = json.dumps({"event_runs": ["20261122T030000Z", EARLIER]}).encode()
    s3 = Bucket(
        **{
            f"raw/aurora/run={RUN}/users/part-0": b"x" * 1_000_000,
            f"raw/aurora/run={EARLIER}/users/part-0": b"x" * 9_000_000,
            f"raw/application_log/run={RUN}/AWSDynamoDB/a.json.gz": b"x" * 200_000,
            f"raw/events/run={EARLIER}/part-0": b"x" * 30_000,
            "raw/events/run=20261122T030000Z/part-0": b"x" * 4_000,
            "raw/events/run=20261101T030000Z/part-0": b"x" * 9_000_000,
            f"datasets/runs/{EARLIER}/report.json": report,
        }
    )
    assert engine.size(given(), s3=s3) == 1.234
    assert engine.size(given(previous_run_id="none", export_prefix="none"), s3=s3) == 1.0
    assert engine.size(given(previous_run_id="20261001T030000Z"), s3=s3) == 1.2


def test_what_is_too_large_is_left_to_spark_or_refused_with_the_keys() -> None:
    auto, alone = Environment("auto", 200, 3008), Environment("lambda", 200, 3008)
    assert [engine.check(200.0, one) for one in (auto, alone)] == [True, True]
    assert engine.check(200.1, auto) is False
    with pytest.raises(
        SourcesTooLarge, match=r"reads 251 MB, and etl\.small_megabytes is 200: set etl\.engine to auto"
    ):
        engine.check(250.6, alone)


def test_duckdb_gets_a_share_of_the_functions_memory_and_its_processors() -> None:
    found = {memory: engine.resources(memory) for memory in (1769, 3008, 10240)}
    assert [one["memory_limit"] for one in found.values()] == ["1238MB", "2105MB", "7168MB"]
    assert [one["threads"] for one in found.values()] == [1, 2, 6]


def test_objects_are_fetched_under_their_keys_and_markers_are_no_data(tmp_path: Path) -> None:
    s3 = Bucket(
        **{"b/p/x/1.json": b"1", "b/p/_SUCCESS": b"", "b/p/": b"", "b/p2/2.json": b"2", "b/p/.tmp": b""}
    )
    [file] = Objects(s3, stage=tmp_path).read("s3://b/p/")
    assert (str(file.relative_to(tmp_path)), file.read_bytes()) == ("b/p/x/1.json", b"1")


def test_what_is_written_takes_the_place_of_an_earlier_attempt_and_is_read_from_here(tmp_path: Path) -> None:
    s3 = Bucket(**{"b/p/part-9.csv": b"old", "b/p/part-0.csv": b"old", "b/p2/part-9.csv": b"other"})
    objects = Objects(s3, stage=tmp_path)
    with objects.written("s3://b/p/") as folder:
        (folder / "part-0.csv").write_bytes(b"new")
        assert s3.objects["b/p/part-9.csv"] == b"old", "nothing is removed before there is something new"
    assert s3.objects == {"b/p/part-0.csv": b"new", "b/p2/part-9.csv": b"other"}
    s3.objects.clear()
    assert [file.read_bytes() for file in objects.read("s3://b/p/")] == [b"new"]


def test_a_build_that_fails_uploads_nothing_of_the_folder(tmp_path: Path) -> None:
    s3 = Bucket(**{"b/p/part-9.csv": b"old"})
    with pytest.raises(ZeroDivisionError), Objects(s3, stage=tmp_path).written("s3://b/p/") as folder:
        (folder / "part-0.csv").write_bytes(b"half")
        raise ZeroDivisionError
    assert s3.objects == {"b/p/part-9.csv": b"old"}


@pytest.mark.parametrize("key", ["p/../../x", "p/../x"])
def test_a_key_that_leads_out_of_its_bucket_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotAPath, match="names no file below its bucket"):
        Objects(Bucket(**{f"b/{key}": b"x"}), stage=tmp_path / "stage").read("s3://b/p/")


def test_the_handler_builds_what_is_small_with_the_fixed_arguments_and_those_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lambdas.build_datasets import handler

    built: list[Any] = []
    fixed = {"--raw_bucket": "raw", "--datasets_bucket": "datasets", "--datasets": "{}"}
    (tmp_path / "arguments.json").write_text(json.dumps(fixed))
    monkeypatch.setattr(engine, "ARGUMENTS", tmp_path / "arguments.json")
    monkeypatch.setattr(engine, "on_path", lambda: None)
    monkeypatch.setattr(engine, "build", lambda of, s3, memory: built.append((of, memory)))
    monkeypatch.setattr(
        handler, "client", lambda name: Bucket(**{f"raw/aurora/run={RUN}/users/a": b"x" * 2_000_000})
    )
    event = {
        "run_id": RUN,
        "run_mode": "full",
        "export_prefix": "none",
        "previous_run_id": "none",
        "accept": "[]",
        "streamed": "{}",
    }
    answers = []
    for limit in ("2", "1"):
        for name, value in {
            "ENGINE": "auto",
            "SMALL_MEGABYTES": limit,
            "FUNCTION_MEMORY": "3008",
        }.items():
            monkeypatch.setenv(name, value)
        handler.settings.cache_clear()
        answers.append(handler.handler(event, None))
    handler.settings.cache_clear()
    assert answers == [{"built": True, "megabytes": 2.0}, {"built": False, "megabytes": 2.0}]
    assert built == [({"raw_bucket": "raw", "datasets_bucket": "datasets", "datasets": "{}", **event}, 3008)]
