from __future__ import annotations

import gzip
import json
import time
from typing import Any

import pytest
from botocore.credentials import Credentials

from osusume_endpoint.dynamodb import expiry
from osusume_endpoint.dynamodb.changes import Change
from osusume_endpoint.dynamodb.export import Window, changed_between
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.signed import RequestRefused, send
from osusume_endpoint.testing.running import allow, eventually, make_role, name, session_of
from tests.dynamodb.test_export import make_table, run

DAY = 86_400


def put(cloud: Endpoint, table: str, key: str, **attributes: dict[str, str]) -> None:
    cloud.client("dynamodb").put_item(TableName=table, Item={"pk": {"S": key}, **attributes})


def keys(cloud: Endpoint, table: str) -> set[str]:
    return {item["pk"]["S"] for item in cloud.client("dynamodb").scan(TableName=table)["Items"]}


def expire(cloud: Endpoint, now: object, credentials: Any = None) -> int:
    body = send(
        "POST",
        f"{cloud.url}/_osusume/dynamodb/expire?now={now}",
        service="dynamodb",
        region=cloud.region,
        credentials=Credentials(*(credentials or cloud.administrator)),
        body=b"",
        seconds=30,
    )
    return int(json.loads(body)["expired"])


def enable(cloud: Endpoint, table: str) -> None:
    specification = {"Enabled": True, "AttributeName": "expires_at"}
    cloud.client("dynamodb").update_time_to_live(TableName=table, TimeToLiveSpecification=specification)


# "Using time to live (TTL)": a number in epoch seconds, not more than five years in the past.
@pytest.mark.parametrize(
    ("value", "gone"),
    [
        ({"N": "99"}, True),
        ({"N": "98.5"}, True),
        ({"N": "101"}, False),
        ({"S": "99"}, False),
        ({"N": str(99 - 5 * 365 * DAY)}, False),
        ({"NULL": True}, False),
        (None, False),
    ],
)
def test_what_expires_is_a_number_of_the_last_five_years(value: Any, gone: bool) -> None:
    item = {"pk": {"S": "a"}} | ({"expires_at": value} if value else {})
    assert expiry.expired(item, "expires_at", now=100.0) == gone


def test_expired_items_vanish_by_themselves_and_only_where_the_table_says_so(cloud: Endpoint) -> None:
    with_ttl, without = make_table(cloud)[0], make_table(cloud)[0]
    enable(cloud, with_ttl)
    past = {"expires_at": {"N": str(int(time.time()) - 10)}}
    for table in (with_ttl, without):
        put(cloud, table, "old", **past)
        put(cloud, table, "stays")
    eventually(lambda: keys(cloud, with_ttl) == {"stays"})
    assert keys(cloud, without) == {"old", "stays"}


def test_a_clock_of_the_test_shows_what_a_long_time_would_do(cloud: Endpoint) -> None:
    table, _ = make_table(cloud)
    enable(cloud, table)
    now = int(time.time())
    for day in (1, 30, 90):
        put(cloud, table, f"day {day}", expires_at={"N": str(now + day * DAY)})
    assert expire(cloud, now) == 0
    assert expire(cloud, now + 60 * DAY) == 2
    assert keys(cloud, table) == {"day 90"}
    with pytest.raises(RequestRefused, match="now is 'soon': give epoch seconds"):
        expire(cloud, "soon")


def test_whoever_may_not_is_refused_the_clock(cloud: Endpoint) -> None:
    reader = session_of(cloud, make_role(cloud, allow("dynamodb:*")))
    with pytest.raises(RequestRefused, match="osusume:ExpireItems is not allowed"):
        expire(cloud, 0, credentials=reader)


def test_an_export_shows_an_expiry_as_a_deletion_with_its_old_image(cloud: Endpoint) -> None:
    table, arn = make_table(cloud)
    enable(cloud, table)
    bucket = name("exports")
    cloud.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    soon = {"N": str(int(time.time()) + DAY)}
    put(cloud, table, "expires", expires_at=soon)
    time.sleep(1.1)
    since = time.time()
    expire(cloud, since + 2 * DAY)
    time.sleep(9.5)  # the 15 minutes of the shortest window, at the wait scale of these tests
    window = {"ExportFromTime": since, "ExportToTime": time.time(), "ExportViewType": "NEW_AND_OLD_IMAGES"}
    done = run(
        cloud.client("dynamodb"),
        TableArn=arn,
        S3Bucket=bucket,
        ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification=window,
    )
    assert done["ItemCount"] == 1
    listed = cloud.client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    (key,) = [one["Key"] for one in listed if one["Key"].endswith(".json.gz")]
    body = cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    line = json.loads(gzip.decompress(body))
    assert line["OldImage"] == {"pk": {"S": "expires"}, "expires_at": soon}
    assert "NewImage" not in line


# "DynamoDB table export output format", the table of operations: what each view type holds.
@pytest.mark.parametrize(
    ("images", "both", "new_only"),
    [
        ([(None, 1)], {"Keys", "NewImage"}, {"Keys", "NewImage"}),
        ([(1, 2)], {"Keys", "OldImage", "NewImage"}, {"Keys", "NewImage"}),
        ([(1, None)], {"Keys", "OldImage"}, {"Keys"}),
        ([(None, 1), (1, None)], None, None),
        ([(1, None), (None, 2)], {"Keys", "OldImage", "NewImage"}, {"Keys", "NewImage"}),
    ],
    ids=["insert", "update", "delete", "insert and delete", "delete and insert"],
)
def test_an_incremental_export_holds_the_images_that_the_guide_says(
    images: list[Any], both: set[str] | None, new_only: set[str] | None
) -> None:
    from datetime import UTC, datetime

    def image(value: int | None) -> dict[str, Any] | None:
        return None if value is None else {"pk": {"S": "a"}, "v": {"N": str(value)}}

    changes = [Change(n + 1, image(old), image(new)) for n, (old, new) in enumerate(images)]
    for view, expected in (("NEW_AND_OLD_IMAGES", both), ("NEW_IMAGE", new_only)):
        window = Window(datetime.fromtimestamp(0, UTC), datetime.fromtimestamp(1, UTC), view)
        lines = [set(line) - {"Metadata"} for line in changed_between(changes, keys=["pk"], window=window)]
        assert lines == ([expected] if expected else [])
