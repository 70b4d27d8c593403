"""What is kept of a user goes from every store, and nothing of anybody else; moto answers for AWS."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from lambdas.forget_users import contents, handler, objects, rewriting, tables
from lambdas.forget_users.contents import Names
from lambdas.forget_users.environment import Environment
from lambdas.forget_users.steps import MOST, Steps
from lambdas.forget_users.warehouse import Warehouse, WarehouseRefused
from lambdas.request_forgetting.requested import Forgetting
from lambdas.shared import forgetting
from lambdas.shared.events import InvalidEvent
from lambdas.shared.forgetting import Requests, digest

REGION = "ap-northeast-1"
RUN = "20261124T030000Z"
NAMES = Names({"users": "user_id", "orders": "user_id", "log": "user_id"}, ["related", "popular"])
# Ids that differ in each format that has to be read: plain, quoted, escaped, of other scripts, a number, a prefix.
IDS = ["u1", 'o"Brien, jr', "ユーザー/1", "a\\b", "12", "<x>&'y'", "user#1"]


def lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def spark_lines(*records: Any) -> bytes:
    """As Spark writes them: nothing but quotes, backslashes and controls is escaped."""
    return b"".join(
        json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for record in records
    )


def table(*records: dict[str, Any]) -> bytes:
    target = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(records)), target, use_deprecated_int96_timestamps=True)
    return target.getvalue()


def comma_separated(header: list[str], *rows: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([header, *rows])
    return text.getvalue().encode()


def event(user: str, key: str = "e") -> dict[str, Any]:
    return {"user_id": {"S": user}, "event_id": {"S": key}}


# Of each kind of file: (zone, key, its content of a user and another, what the other's alone reads as).
Kind = tuple[str, str, Callable[[str], bytes]]
KINDS: list[Kind] = [
    ("raw", f"aurora/run={RUN}/users/part-0.snappy.parquet", lambda u: table({"user_id": u, "age": "4"})),
    ("raw", f"aurora/run={RUN}/orders/part-0.parquet", lambda u: table({"order_id": "o", "user_id": u})),
    (
        "raw",
        f"events/run={RUN}/part-0.parquet",
        lambda u: table({"user_id": u, "event_key": json.dumps(event(u)), "impression": ["a"]}),
    ),
    (
        "raw",
        f"application_log/run={RUN}/AWSDynamoDB/0/data/x.json.gz",
        lambda u: gzip.compress(lines({"Item": event(u)})),
    ),
    (
        "raw",
        f"application_log/run={RUN}/AWSDynamoDB/data/y.json.gz",
        lambda u: gzip.compress(lines({"Metadata": {}, "Keys": event(u)})),
    ),
    ("raw", "exposures/day=2026-12-01/a.json", lambda u: spark_lines({"unit_id": u, "variant": "control"})),
    (
        "results",
        f"runs/{RUN}/warehouse/exposures/part-0.json.gz",
        lambda u: gzip.compress(spark_lines({"unit_id": u, "run_id": RUN})),
    ),
    (
        "datasets",
        f"runs/{RUN}/interactions/part-0.csv",
        lambda u: comma_separated(["USER_ID", "ITEM_ID"], [u, "i1"]),
    ),
    ("datasets", f"runs/{RUN}/users/part-0.csv", lambda u: comma_separated(["USER_ID", "AGE"], [u, "4"])),
    (
        "datasets",
        f"runs/{RUN}/action_interactions/part-0.csv",
        lambda u: comma_separated(["USER_ID", "ACTION_ID"], [u, "a1"]),
    ),
    (
        "results",
        f"runs/{RUN}/segments/fans/part-0.csv",
        lambda u: comma_separated(["segment", "rank", "user_id"], ["i1", "1", u]),
    ),
    ("datasets", f"runs/{RUN}/batch_input/users/part-0.json", lambda u: spark_lines({"userId": u})),
    ("datasets", f"runs/{RUN}/batch_parts/users/b/part-0.json", lambda u: spark_lines({"userId": u})),
    (
        "datasets",
        f"runs/{RUN}/quarantine/interactions/part-0.json.gz",
        lambda u: gzip.compress(spark_lines({"USER_ID": u, "ITEM_ID": "i1", "reason": "x"})),
    ),
    (
        "datasets",
        f"runs/{RUN}/quarantine/users/part-0.json.gz",
        lambda u: gzip.compress(spark_lines({"source_key": u, "reason": "missing_age"})),
    ),
    (
        "results",
        f"runs/{RUN}/batch/personal/b/users.json.out",
        lambda u: lines({"input": {"userId": u}, "output": {"recommendedItems": ["i1"]}, "error": None}),
    ),
    (
        "results",
        f"runs/{RUN}/batch/personal/users.json.out",
        lambda u: lines({"input": {"userId": u}, "output": {"recommendedItems": ["i1"]}, "error": None}),
    ),
    (
        "results",
        f"publish/{RUN}/personal/part-0.txt.gz",
        lambda u: gzip.compress(spark_lines({"list": "personal", "key": u, "items": [["i1", 0.1]]})),
    ),
    *(
        (
            "results",
            f"runs/{RUN}/warehouse/{name}/part-0.json.gz",
            lambda u: gzip.compress(spark_lines({"user_id": u, "run_id": RUN})),
        )
        for name in ("users", "orders", "interactions", "events", "segments")
    ),
    (
        "results",
        f"runs/{RUN}/warehouse/recommendations/part-0.json.gz",
        lambda u: gzip.compress(spark_lines({"solution": "personal", "entity_id": u})),
    ),
    (
        "results",
        f"runs/{RUN}/warehouse/quarantine/part-0.json.gz",
        lambda u: gzip.compress(spark_lines({"dataset": "interactions", "source_key": json.dumps(event(u))})),
    ),
]


def of_kind(kind: Kind, *users: str) -> bytes:
    """One file with a row of each user."""
    _, key, make = kind
    parts = [make(user) for user in users]
    if key.endswith(".parquet"):
        return _parquet([pq.read_table(io.BytesIO(part)) for part in parts])
    if key.endswith(".csv"):
        return parts[0] + b"".join(part.split(b"\n", 1)[1] for part in parts[1:])
    return b"".join(parts)


def _parquet(read: list[pa.Table]) -> bytes:
    target = io.BytesIO()
    with pq.ParquetWriter(target, read[0].schema) as writer:
        for one in read:  # a row group each
            writer.write_table(one)
    return target.getvalue()


def text_of(content: bytes) -> str:
    if content[:2] == b"\x1f\x8b":
        return gzip.decompress(content).decode()
    if content[:4] == b"PAR1":
        return str(pq.read_table(io.BytesIO(content)).to_pylist())
    return content.decode()


@pytest.mark.parametrize("user", IDS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
def test_a_file_keeps_the_rows_of_others_as_they_were(kind: Kind, user: str, tmp_path: Path) -> None:
    others = [f"{user}x", "u", "someone", "1"]
    source, target = tmp_path / "old", tmp_path / "new"
    source.write_bytes(of_kind(kind, others[0], user, *others[1:], user))
    content = contents.content_of(kind[0], kind[1], names=NAMES)
    assert content is not None
    assert rewriting.rewrite(source, target, content=content, users=[user]) == 2
    assert text_of(target.read_bytes()) == text_of(of_kind(kind, *others))
    assert rewriting.rewrite(target, tmp_path / "again", content=content, users=[user]) == 0
    assert not (tmp_path / "again").exists()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind[1])
def test_several_users_go_at_once(kind: Kind, tmp_path: Path) -> None:
    source, target = tmp_path / "old", tmp_path / "new"
    source.write_bytes(of_kind(kind, *IDS, "stays"))
    content = contents.content_of(kind[0], kind[1], names=NAMES)
    assert content is not None
    assert rewriting.rewrite(source, target, content=content, users=IDS) == len(IDS)
    assert text_of(target.read_bytes()) == text_of(of_kind(kind, "stays"))


FORMER = [kind for kind in KINDS if kind[0] == "raw"]


@pytest.mark.parametrize("kind", FORMER, ids=lambda kind: kind[1])
def test_files_of_a_source_that_is_there_no_more_lose_the_user_too(kind: Kind, tmp_path: Path) -> None:
    """Nobody says any more which column or attribute was the user's."""
    source, target = tmp_path / "old", tmp_path / "new"
    source.write_bytes(of_kind(kind, *IDS, "stays"))
    content = contents.content_of(kind[0], kind[1], names=Names({}, []))
    assert content is not None
    assert rewriting.rewrite(source, target, content=content, users=IDS) == len(IDS)
    assert text_of(target.read_bytes()) == text_of(of_kind(kind, "stays"))


@pytest.mark.parametrize(
    ("zone", "key"),
    [
        ("raw", f"aurora/run={RUN}/items/part-0.parquet"),
        ("datasets", f"runs/{RUN}/items/part-0.csv"),
        ("datasets", f"runs/{RUN}/batch_input/items/part-0.json"),
        ("datasets", f"runs/{RUN}/quarantine/items/part-0.json.gz"),
        ("datasets", f"runs/{RUN}/report.json"),
        ("results", f"runs/{RUN}/warehouse/items/part-0.json.gz"),
        ("results", "forget/0123456789abcdef.json"),
    ],
)
def test_what_is_of_items_is_not_looked_at(zone: str, key: str) -> None:
    """An item may have the id of a user."""
    assert contents.content_of(zone, key, names=NAMES) is None


def test_output_for_an_item_with_the_users_id_stays_and_a_segment_with_the_user_goes(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"input": {"itemId": "12"}, "output": {"recommendedItems": ["12"]}},
        {"input": {"itemId": "i1"}, "output": {"recommendedUsers": ["u2", "12"]}},
        {"input": {"itemId": "i2"}, "output": {"recommendedUsers": ["u2"]}},
    ]
    (tmp_path / "old").write_bytes(lines(*rows))
    content = contents.content_of("results", f"runs/{RUN}/batch/related/items.json.out", names=NAMES)
    assert content is not None
    assert rewriting.rewrite(tmp_path / "old", tmp_path / "new", content=content, users=["12"]) == 1
    assert (tmp_path / "new").read_bytes() == lines(rows[0], rows[2])


def test_lists_of_an_item_with_the_users_id_stay(tmp_path: Path) -> None:
    kind = ("results", f"runs/{RUN}/warehouse/recommendations/part-0.json.gz")
    rows = [{"solution": name, "entity_id": "12"} for name in ("related", "personal", "gone_since")]
    (tmp_path / "old").write_bytes(gzip.compress(spark_lines(*rows)))
    content = contents.content_of(*kind, names=NAMES)
    assert content is not None
    assert rewriting.rewrite(tmp_path / "old", tmp_path / "new", content=content, users=["12"]) == 2
    assert text_of((tmp_path / "new").read_bytes()) == spark_lines(rows[0]).decode()


def test_times_of_a_file_stay_what_spark_reads(tmp_path: Path) -> None:
    """INT96, with the day that the extraction makes of `infinity`, which nanoseconds do not reach."""
    from datetime import datetime

    stamps = pa.array([datetime(2026, 11, 24, 3, 0, 0, 123456), datetime(2026, 1, 1)], pa.timestamp("us"))
    rows = pa.table({"user_id": ["u1", "u2"], "at": stamps})
    pq.write_table(rows, tmp_path / "old", use_deprecated_int96_timestamps=True)
    content = contents.content_of("raw", f"aurora/run={RUN}/orders/p.parquet", names=NAMES)
    assert content is not None
    rewriting.rewrite(tmp_path / "old", tmp_path / "new", content=content, users=["u2"])
    left = pq.read_table(tmp_path / "new")
    assert left.schema.field("at").type == pa.timestamp("us", tz="UTC")
    assert left["at"].to_pylist()[0].replace(tzinfo=None) == datetime(2026, 11, 24, 3, 0, 0, 123456)


def test_a_line_that_is_no_json_stops_and_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b'{"userId": "u1"\n')
    content = contents.content_of("datasets", f"runs/{RUN}/batch_input/users/p.json", names=NAMES)
    assert content is not None
    with pytest.raises(rewriting.UnreadableRow) as caught:
        rewriting.rewrite(tmp_path / "old", tmp_path / "new", content=content, users=["u1"])
    assert "u1" not in str(caught.value)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield World()


class World:
    """The stores of an environment, as moto has them."""

    def __init__(self) -> None:
        self.made: dict[str, Any] = {}
        self.s3, self.dynamodb = self.client("s3"), self.client("dynamodb")
        for zone in ("raw", "datasets", "results"):
            self.s3.create_bucket(Bucket=zone, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.s3.put_bucket_versioning(Bucket=zone, VersioningConfiguration={"Status": "Enabled"})
        self.table("control", "pk")
        self.table("lists", "pk", "sk")
        self.table("log", "user_id", "event_id")
        self.table("state", "pk")
        self.key_arn = self.client("kms").create_key()["KeyMetadata"]["Arn"]
        self.is_late: Callable[[], bool] = lambda: False
        self.statements = FakeWarehouse()

    def client(self, service: str) -> Any:
        if service == "redshift-data":
            return self.statements
        return self.made.setdefault(service, boto3.client(service, region_name=REGION))  # type: ignore[call-overload]

    def table(self, name: str, *keys: str) -> None:
        self.dynamodb.create_table(
            TableName=name,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
        )

    def put(self, table: str, **attributes: str) -> None:
        self.dynamodb.put_item(TableName=table, Item={k: {"S": v} for k, v in attributes.items()})

    def items(self, table: str) -> list[dict[str, Any]]:
        return list(self.dynamodb.scan(TableName=table)["Items"])

    def versions(self, bucket: str) -> list[bytes]:
        found = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        return [
            self.s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
            for one in found
        ]

    @property
    def requests(self) -> Requests:
        return Requests(self.dynamodb, self.client("kms"), "control", self.key_arn)

    @property
    def steps(self) -> Steps:
        settings = Environment(
            control_table="control",
            recommendations_table="lists",
            user_state_table="state",
            application_log_table="log",
            raw_bucket="raw",
            datasets_bucket="datasets",
            results_bucket="results",
            key_arn=self.key_arn,
            warehouse_workgroup="w",
            warehouse_database="d",
            warehouse_secret_arn="s",
            log_retention_days=30,
            user_columns=dict(NAMES.user_columns),
            user_lists=["personal"],
            other_lists=["related", "popular"],
        )
        return Steps(
            clients=self.client, settings=settings, requests=self.requests, late=lambda: self.is_late()
        )

    def fill(self, *users: str, kinds: Sequence[Kind] = KINDS) -> None:
        """Two versions of a file of each kind, of all users; their events and lists."""
        for kind in kinds:
            for _ in range(2):
                self.s3.put_object(Bucket=kind[0], Key=kind[1], Body=of_kind(kind, *users))
        self.put("control", pk="serving#retired")
        self.put("control", pk="watermark", run_id=RUN)
        for user in users:
            self.put("state", pk=user, deeds="s|1|an-item")
            for version in ("v1", "v2"):
                for name in ("personal", "related", "retired"):
                    self.put("lists", pk=f"{name}#{user}", sk=version)
                self.put("log", user_id=user, event_id=version)

    def everything(self) -> str:
        """All that is kept, as text."""
        kept = [text_of(one) for bucket in ("raw", "datasets", "results") for one in self.versions(bucket)]
        return "\n".join([*kept, *(str(self.items(name)) for name in ("control", "lists", "log", "state"))])


class FakeWarehouse:
    """The Data API, of two tables."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.fails = ""

    def execute_statement(self, **given: Any) -> dict[str, str]:
        self.sent.append(given)
        return {"Id": str(len(self.sent))}

    def describe_statement(self, *, Id: str) -> dict[str, Any]:
        if self.fails:
            return {"Id": Id, "Status": "FAILED", "Error": self.fails}
        return {"Id": Id, "Status": "FINISHED", "ResultRows": 3}

    def get_paginator(self, name: str) -> Any:
        rows = [
            ("landing", "orders", "user_id"),
            ("landing", "recommendations", "entity_id"),
            ("landing", "quarantine", "source_key"),
        ]
        records = [[{"stringValue": value} for value in row] for row in rows]

        class Pages:
            @staticmethod
            def paginate(**_: Any) -> list[dict[str, Any]]:
                return [{"Records": records}]

        return Pages


def added(world: World, *users: str) -> list[str]:
    made = [f"{number:016x}" for number in range(len(users))]
    for request, user in zip(made, users, strict=True):
        world.requests.add(request, user=user, known_as=digest("secret", user))
    return made


def carried_out(world: World) -> dict[str, Any]:
    """What the workflow does, a step after another."""
    requests = handler.run({"step": "begin"}, steps=world.steps)["requests"]
    position: dict[str, str] = {"place": "application log"}
    for _ in range(500):
        answer = handler.run(
            {"step": "remove", "requests": requests, "position": position}, steps=world.steps
        )
        if answer["done"]:
            break
        position = answer["position"]
    else:
        raise AssertionError("it never ends")
    handler.run({"step": "list", "requests": requests}, steps=world.steps)
    return handler.run({"step": "end", "requests": requests}, steps=world.steps)


USER = "user-4711-never-an-item"


def test_nothing_is_left_of_a_user_and_all_of_others(world: World) -> None:
    world.fill(USER, "other")
    before = world.everything()
    added(world, USER)
    carried_out(world)
    left = world.everything().replace(f"related#{USER}", "")  # the list of an item of the same name
    assert USER in before and USER not in left
    assert left.count("'other'") >= before.count("'other'") - len(KINDS)
    for kind in KINDS:
        newest = world.s3.get_object(Bucket=kind[0], Key=kind[1])["Body"].read()
        assert text_of(newest) == text_of(of_kind(kind, "other"))


def test_versions_without_the_user_stay(world: World) -> None:
    key = f"runs/{RUN}/batch_input/users/p.json"
    for users in (["other"], ["other", USER], ["other", "third"]):
        world.s3.put_object(Bucket="datasets", Key=key, Body=spark_lines(*({"userId": u} for u in users)))
    added(world, USER)
    carried_out(world)
    assert [text_of(one).count("\n") for one in world.versions("datasets")] == [2, 1]


def test_a_file_that_was_deleted_gives_its_versions_too(world: World) -> None:
    key = f"runs/{RUN}/batch_input/users/p.json"
    world.s3.put_object(Bucket="datasets", Key=key, Body=spark_lines({"userId": USER}))
    world.s3.delete_object(Bucket="datasets", Key=key)
    added(world, USER)
    carried_out(world)
    assert world.versions("datasets") == []
    assert "Contents" not in world.s3.list_objects_v2(Bucket="datasets"), "what was deleted came back"


def test_what_stops_after_each_key_goes_on_where_it_was(world: World) -> None:
    world.fill(USER, "other", kinds=KINDS[:9])
    added(world, USER)
    world.is_late = lambda: True
    carried_out(world)
    assert USER not in world.everything().replace(f"related#{USER}", "")


class Killed(Exception):
    """The function's process ended."""


CALLS = ("BatchWriteItem", "PutObject", "DeleteObject", "UpdateItem")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_around_any_call_is_gone_on_from(world: World, call: str, when: str) -> None:
    """Each of the first calls of a kind ends the process once; what runs again ends the same."""
    world.fill(USER, "other", kinds=KINDS[::9])
    added(world, USER)
    for number in (1, 2):
        seen = [0]

        def kill(seen: list[int] = seen, number: int = number, **_: Any) -> None:
            seen[0] += 1
            if seen[0] == number:
                raise Killed

        service = "s3" if call.endswith("Object") else "dynamodb"
        events = world.client(service).meta.events
        event_name = f"{'before' if when == 'before' else 'after'}-call.{service}.{call}"
        events.register(event_name, kill)
        try:
            carried_out(world)
            break
        except Killed:
            continue
        finally:
            events.unregister(event_name, kill)
    if handler.run({"step": "begin"}, steps=world.steps)["requests"]:
        carried_out(world)
    assert USER not in world.everything().replace(f"related#{USER}", "")
    assert world.requests.pending() == []


def test_the_report_counts_and_tells_nobody(world: World) -> None:
    world.fill(USER, "other")
    [request] = added(world, USER)
    where = carried_out(world)["report"]
    assert where == f"s3://results/forget/{request}.json"
    text = world.s3.get_object(Bucket="results", Key=f"forget/{request}.json")["Body"].read().decode()
    report = json.loads(text)
    assert USER not in text and digest("secret", USER) not in text
    assert report["removed"]["application log: rows"] == 2
    assert report["removed"]["lists: rows"] == 4
    assert report["removed"]["warehouse: rows"] == 9
    in_zone = {zone: sum(kind[0] == zone for kind in KINDS) for zone in ("raw", "datasets", "results")}
    for zone, files in in_zone.items():
        assert report["removed"][f"{zone}: versions"] == 2 * files
    days = {one["where"]: one["until"] for one in report["stays"]}
    expected = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 35 * 86400))
    assert days["recovery period of the tables"] == expected
    item = world.requests.read(request)
    assert item and item["state"]["S"] == "done" and "user" not in item and "digest" not in item


@pytest.mark.parametrize(
    ("absent", "place"),
    [({"warehouse_workgroup": ""}, "warehouse"), ({"application_log_table": ""}, "application log")],
)
def test_a_place_that_the_environment_has_not_is_neither_asked_nor_reported(
    world: World, absent: dict[str, str], place: str
) -> None:
    world.fill(USER, "other")
    [request] = added(world, USER)
    steps = replace(world.steps, settings=replace(world.steps.settings, **absent))
    first = "lists" if place == "application log" else "application log"
    assert steps.remove([request], {"place": first}) == {"done": True}
    steps.end([request])
    report = json.loads(world.s3.get_object(Bucket="results", Key=f"forget/{request}.json")["Body"].read())
    assert not [name for name in report["removed"] if name.startswith(place)]
    assert any("warehouse" in one["where"] for one in report["stays"]) == (place != "warehouse")
    assert report["removed"]["lists: rows"] == 4


def test_the_next_export_is_of_the_whole_log(world: World) -> None:
    world.fill(USER, kinds=[])
    added(world, USER)
    carried_out(world)
    [watermark] = [one for one in world.items("control") if one["pk"]["S"] == "watermark"]
    assert watermark["export_whole"] == {"BOOL": True} and watermark["run_id"]["S"] == RUN


def test_where_no_run_succeeded_no_watermark_is_made(world: World) -> None:
    added(world, USER)
    carried_out(world)
    assert "watermark" not in [one["pk"]["S"] for one in world.items("control")]


def test_personalizes_list_has_the_ids_and_is_gone_in_the_end(world: World) -> None:
    made = added(world, 'o"Brien, jr', "u2")
    steps = world.steps
    handler.run({"step": "begin"}, steps=steps)
    assert handler.run({"step": "list", "requests": made}, steps=steps) == {}
    found = world.s3.get_object(Bucket="datasets", Key=f"forget/{made[0]}/users.csv")
    assert found["ServerSideEncryption"] == "AES256"
    assert list(csv.reader(io.StringIO(found["Body"].read().decode()))) == [
        ["USER_ID"],
        ['o"Brien, jr'],
        ["u2"],
    ]
    handler.run({"step": "end", "requests": made}, steps=steps)
    assert world.versions("datasets") == []


def test_no_request_shows_whose_it_is(world: World) -> None:
    added(world, USER)
    assert USER not in str(world.items("control"))
    assert world.requests.users(world.requests.pending()) == [USER]


def test_a_failure_leaves_the_requests_for_the_next_execution(world: World) -> None:
    made = added(world, USER, "u2")
    steps = world.steps
    assert handler.run({"step": "begin"}, steps=steps) == {"requests": made}
    handler.run({"step": "fail", "requests": made}, steps=steps)
    states = [(world.requests.read(one) or {})["state"]["S"] for one in made]
    assert states == ["failed", "failed"]
    assert handler.run({"step": "begin"}, steps=steps) == {"requests": made}


def test_a_request_that_was_done_but_not_taken_off_the_list_is_not_done_again(world: World) -> None:
    """The function died between the two: there is no id any more, so nothing to ask Personalize for."""
    [request] = added(world, USER)
    carried_out(world)
    world.dynamodb.update_item(**world.requests._pending("ADD", [request]))
    assert handler.run({"step": "begin"}, steps=world.steps) == {"requests": []}
    assert world.requests.pending() == []
    assert (world.requests.read(request) or {})["state"]["S"] == "done"


def test_a_failure_of_what_nobody_asked_for_makes_no_request(world: World) -> None:
    handler.run({"step": "fail", "requests": ["0" * 16]}, steps=world.steps)
    assert world.items("control") == []


def test_a_log_whose_key_is_no_user_is_read_whole(world: World) -> None:
    world.table("other-log", "event_id")
    for number, user in enumerate([USER, "other", USER]):
        world.put("other-log", event_id=str(number), who=user)
    world.dynamodb.put_item(
        TableName="other-log", Item={"event_id": {"S": "n"}, "who": {"N": "12"}, "x": {"S": USER}}
    )
    assert tables.remove_log(world.dynamodb, table="other-log", attribute="who", users=[USER, "12"]) == 3
    assert [one["event_id"]["S"] for one in world.items("other-log")] == ["1"]


def test_a_log_that_is_read_whole_is_asked_for_a_hundred_values_at_a_time(world: World) -> None:
    """DynamoDB refuses an IN of more, and each numeric id of a full execution is two values."""
    world.table("other-log", "event_id")
    users = [str(number) for number in range(MOST)]
    for user in users:
        world.put("other-log", event_id=user, who=user)
    asked: list[str] = []
    world.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.Scan", lambda params, **_: asked.append(params["FilterExpression"])
    )
    assert tables.remove_log(world.dynamodb, table="other-log", attribute="who", users=users) == MOST
    sizes = [len(some.split(",")) for some in re.findall(r"IN \(([^)]*)\)", asked[0])]
    assert sum(sizes) == 2 * MOST and max(sizes) <= 100


def test_more_lists_than_one_call_takes_go(world: World) -> None:
    for number in range(60):
        world.put("lists", pk=f"personal#{USER}", sk=f"v{number:02}")
    removed = tables.remove_lists(world.dynamodb, table="lists", lists=["personal"], users=[USER])
    assert removed == 60 and world.items("lists") == []


def test_members_leave_the_pages_of_segments_and_others_stay(world: World) -> None:
    pages = {"1": ["u1", USER, "u2"], "2": ["u1"], "3": [USER]}
    for page, members in pages.items():
        text = json.dumps(members)
        world.put("lists", pk="segment#s#i1", sk=f"v#0000{page}", items=text, pages="3")
    world.put("lists", pk=f"related#{USER}", sk="v", items=json.dumps([[USER, 1.0]]))
    assert tables.remove_from_segments(world.dynamodb, table="lists", users=[USER]) == 2
    left = {one["sk"]["S"]: json.loads(one["items"]["S"]) for one in world.items("lists")}
    assert left == {"v#00001": ["u1", "u2"], "v#00002": ["u1"], "v": [[USER, 1.0]]}


def test_pages_of_segments_that_wait_to_be_published_lose_the_user(tmp_path: Path) -> None:
    rows = [
        {"list": "related", "key": "i1", "page": 1, "pages": 1, "items": ["u1", "12"]},
        {"list": "related", "key": "i2", "page": 1, "pages": 1, "items": ["u1"]},
        {"list": "related", "key": "12", "items": [["12", 0.5]]},
    ]
    (tmp_path / "old").write_bytes(lines(*rows))
    content = contents.content_of("results", f"publish/{RUN}/related/part-0.json", names=NAMES)
    assert content is not None
    assert rewriting.rewrite(tmp_path / "old", tmp_path / "new", content=content, users=["12"]) == 1
    assert (tmp_path / "new").read_bytes() == lines(rows[1], rows[2])


def warehouse(statements: FakeWarehouse) -> Warehouse:
    return Warehouse(statements, {"WorkgroupName": "w", "Database": "d"}, ["related"], sleep=lambda _: None)


def test_statements_of_the_warehouse_hold_no_id() -> None:
    statements = FakeWarehouse()
    assert warehouse(statements).remove(["u'1", USER]) == 9
    deletes = {one["Sql"]: one["Parameters"] for one in statements.sent[1:]}
    assert not any(USER in sql or "u'1" in sql for sql in deletes)
    assert deletes['delete from "landing"."orders" where user_id in (:u0, :u1)'] == [
        {"name": "u0", "value": "u'1"},
        {"name": "u1", "value": USER},
    ]
    lists = next(sql for sql in deletes if "recommendations" in sql)
    assert lists.endswith("where entity_id in (:u0, :u1) and solution not in (:s0)")


def test_what_the_warehouse_says_against_a_statement_is_told_without_the_id() -> None:
    statements = FakeWarehouse()
    statements.fails = f"value {USER} is too long"
    with pytest.raises(WarehouseRefused) as caught:
        warehouse(statements)._run("delete from x where user_id = :u0", {"u0": USER})
    assert USER not in str(caught.value) and "is too long" in str(caught.value)


def test_a_step_that_there_is_not_is_refused(world: World) -> None:
    with pytest.raises(InvalidEvent, match="step is 'forget': pass one of begin, remove"):
        handler.run({"step": "forget"}, steps=world.steps)


def test_keys_are_swept_in_their_order_and_none_twice(world: World) -> None:
    for number in range(20):
        key = f"runs/{RUN}/batch_input/users/{number:03}.json"
        world.s3.put_object(Bucket="datasets", Key=key, Body=spark_lines({"userId": USER}))
    sweep = objects.Sweep(
        s3=world.s3,
        bucket="datasets",
        content=lambda key: contents.content_of("datasets", key, names=NAMES),
        users=[USER],
        late=lambda: True,
    )
    after, total, rounds = "", 0, 0
    while True:
        place, removed = sweep.run(after=after)
        total, rounds = total + removed["rows"], rounds + 1
        if place is None:
            break
        assert place > after
        after = place
    assert (total, rounds) == (20, 4)


SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ01"


class Workflows:
    """Step Functions' StartExecution: a name and an input that run start nothing twice."""

    class exceptions:
        class ExecutionAlreadyExists(Exception):
            pass

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.ended: set[str] = set()

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:
        if name in self.ended:
            raise self.exceptions.ExecutionAlreadyExists
        self.running.add(name)
        return {}

    def end(self) -> None:
        self.ended |= self.running
        self.running = set()


@pytest.fixture
def asked(world: World) -> Forgetting:
    return Forgetting(
        requests=world.requests, workflows=Workflows(), workflow_arn="arn", secret=lambda: SECRET
    )


def test_asking_twice_is_one_deletion_and_one_execution(asked: Forgetting) -> None:
    first, second = asked.forget(USER), asked.forget(USER)
    assert first == second and first["state"] == "requested"
    assert asked.workflows.running == {f"{first['deletionId']}-1"}


@pytest.mark.parametrize("call", ["PutItem", "UpdateItem"])
@pytest.mark.parametrize("at", [1, 2])
def test_a_request_that_was_cut_off_is_made_whole_by_the_next(
    asked: Forgetting, world: World, call: str, at: int
) -> None:
    """The function dies before one of its writes: no id of a user stays behind that nothing will remove."""
    seen: list[str] = []

    def kill(**_: Any) -> None:
        seen.append(call)
        if len(seen) == at:
            raise Killed

    world.dynamodb.meta.events.register(f"before-call.dynamodb.{call}", kill)
    with contextlib.suppress(Killed):
        asked.forget(USER)
    world.dynamodb.meta.events.unregister(f"before-call.dynamodb.{call}", kill)
    told = asked.forget(USER)
    assert world.requests.pending() == [told["deletionId"]]
    assert world.requests.users([told["deletionId"]]) == [USER]
    encrypted = [one for one in world.items("control") if "user" in one]
    assert len(encrypted) == 1


def test_a_deletion_that_failed_is_gone_on_with_by_another_execution(asked: Forgetting) -> None:
    first = asked.forget(USER)
    asked.requests.mark([first["deletionId"]], forgetting.FAILED)
    asked.workflows.end()
    assert asked.forget(USER) == first, "whoever follows the state must not see that of the execution before"
    assert asked.workflows.running == {f"{first['deletionId']}-2"}


def test_a_user_who_came_back_is_forgotten_by_a_new_deletion(asked: Forgetting, world: World) -> None:
    first = asked.forget(USER)
    carried_out(world)
    assert (asked.told(first["deletionId"]) or {})["state"] == forgetting.DONE
    assert asked.forget(USER)["deletionId"] != first["deletionId"]


def called(
    asked: Forgetting, method: str, resource: str, **parameters: str
) -> tuple[int, Any, dict[str, str]]:
    from lambdas.request_forgetting import handler as api

    event = {"resource": resource, "httpMethod": method, "pathParameters": parameters or None}
    answer = api.run(event, forgetting=asked)
    return answer["statusCode"], json.loads(answer["body"]), answer["headers"]


def test_the_api_answers_as_its_document_says(asked: Forgetting) -> None:
    from jsonschema import Draft202012Validator

    from lambdas.get_recommendations import openapi

    status, body, headers = called(asked, "DELETE", "/v1/users/{userId}", userId="%E3%83%A6%2F1")
    assert status == 202 and headers["Location"] == f"/v1/deletions/{body['deletionId']}"
    assert asked.requests.users([body["deletionId"]]) == ["ユ/1"]
    status, told, _ = called(asked, "GET", "/v1/deletions/{deletionId}", deletionId=body["deletionId"])
    assert (status, told) == (200, body)
    schema = openapi.document()["components"]["schemas"]["Deletion"]
    Draft202012Validator(schema).validate(told)


@pytest.mark.parametrize(
    ("method", "resource", "parameters", "status"),
    [
        ("GET", "/v1/users/{userId}", {"userId": "u1"}, 405),
        ("DELETE", "/v1/deletions/{deletionId}", {"deletionId": "0" * 16}, 405),
        ("GET", "/v1/deletions/{deletionId}", {"deletionId": "0" * 16}, 404),
        ("GET", "/v1/deletions/{deletionId}", {"deletionId": "lock"}, 404),
        ("DELETE", "/v1/users/{userId}", {"userId": "x" * 257}, 400),
        ("DELETE", "/v1/users/{userId}", {"userId": "%ff"}, 400),
        ("DELETE", "/v1/users/{userId}", {"userId": "a%0ab"}, 400),
    ],
)
def test_what_is_wrong_is_a_problem_and_changes_nothing(
    asked: Forgetting, method: str, resource: str, parameters: dict[str, str], status: int
) -> None:
    answered, problem, headers = called(asked, method, resource, **parameters)
    assert answered == status and headers["Content-Type"] == "application/problem+json"
    assert problem["status"] == status and asked.requests.pending() == []


def test_what_fails_tells_no_id(asked: Forgetting, world: World, capsys: pytest.CaptureFixture[str]) -> None:
    world.dynamodb.delete_table(TableName="control")
    status, problem, _ = called(asked, "DELETE", "/v1/users/{userId}", userId=USER)
    shown = capsys.readouterr()
    assert status == 500 and USER not in json.dumps(problem) and USER not in shown.out + shown.err


def test_the_hash_is_hmac_sha256_of_the_id() -> None:
    """By another implementation, with a key of the length that the template makes."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import hmac as other

    for user in IDS:
        made = other.HMAC(SECRET.encode(), hashes.SHA256())
        made.update(user.encode())
        assert digest(SECRET, user) == made.finalize().hex()
