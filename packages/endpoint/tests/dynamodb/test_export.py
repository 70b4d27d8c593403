from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from osusume_endpoint.dynamodb import changes, export, plugin
from osusume_endpoint.dynamodb.changes import Change
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, caller, error_of, eventually, name


def make_table(cloud: Endpoint, *, recovery: bool = True) -> tuple[str, str]:
    """(name, ARN)."""
    table, dynamodb = name("table"), cloud.client("dynamodb")
    dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    if recovery:
        dynamodb.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    return table, f"arn:aws:dynamodb:{cloud.region}:{cloud.account}:table/{table}"


@pytest.fixture(scope="module")
def bucket(cloud: Endpoint) -> str:
    bucket = name("exports")
    cloud.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": cloud.region}
    )
    return bucket


def item(key: str, value: int) -> dict[str, Any]:
    return {"pk": {"S": key}, "v": {"N": str(value)}}


def put(cloud: Endpoint, table: str, key: str, value: int) -> None:
    cloud.client("dynamodb").put_item(TableName=table, Item=item(key, value))


def run(client: Any, **request: Any) -> dict[str, Any]:
    """The finished export's description."""
    arn = client.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"]

    def ended() -> dict[str, Any] | None:
        described: dict[str, Any] = client.describe_export(ExportArn=arn)["ExportDescription"]
        return described if described["ExportStatus"] != "IN_PROGRESS" else None

    return eventually(ended)  # type: ignore[no-any-return]


def lines(cloud: Endpoint, bucket: str, description: dict[str, Any]) -> list[dict[str, Any]]:
    """What a reader finds by following the manifests."""
    s3 = cloud.client("s3")

    def read(key: str) -> bytes:
        return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    summary = json.loads(read(description["ExportManifest"]))
    files = [json.loads(line) for line in read(summary["manifestFilesS3Key"]).splitlines()]
    assert summary["itemCount"] == sum(f["itemCount"] for f in files) == description["ItemCount"]
    return [
        json.loads(line) for f in files for line in gzip.decompress(read(f["dataFileS3Key"])).splitlines()
    ]


def test_a_full_export_holds_every_item_under_the_documented_layout(cloud: Endpoint, bucket: str) -> None:
    table, arn = make_table(cloud)
    for number in range(3):
        put(cloud, table, f"k{number}", number)
    done = run(cloud.client("dynamodb"), TableArn=arn, S3Bucket=bucket, S3Prefix="raw")
    assert done["ExportStatus"] == "COMPLETED"
    identity = done["ExportArn"].rpartition("/")[2]
    assert done["ExportManifest"] == f"raw/AWSDynamoDB/{identity}/manifest-summary.json"
    found = sorted((line["Item"] for line in lines(cloud, bucket, done)), key=lambda i: i["pk"]["S"])
    assert found == [item(f"k{number}", number) for number in range(3)]


def test_a_full_export_of_the_past_undoes_later_writes(cloud: Endpoint, bucket: str) -> None:
    table, arn = make_table(cloud)
    put(cloud, table, "a", 1)
    time.sleep(1.1)
    then = datetime.now(UTC)
    time.sleep(1.1)
    put(cloud, table, "a", 2)
    put(cloud, table, "b", 3)
    done = run(cloud.client("dynamodb"), TableArn=arn, S3Bucket=bucket, ExportTime=then)
    assert [line["Item"] for line in lines(cloud, bucket, done)] == [item("a", 1)]


def test_an_incremental_export_holds_what_changed_in_its_window(cloud: Endpoint, bucket: str) -> None:
    table, arn = make_table(cloud)
    put(cloud, table, "changed", 1)
    put(cloud, table, "deleted", 1)
    put(cloud, table, "untouched", 1)
    time.sleep(1.1)
    since = datetime.now(UTC)
    time.sleep(0.1)
    put(cloud, table, "changed", 2)
    put(cloud, table, "changed", 3)
    put(cloud, table, "new", 4)
    cloud.client("dynamodb").delete_item(TableName=table, Key={"pk": {"S": "deleted"}})
    time.sleep(9.5)  # the 15 minutes of the shortest window, at the wait scale of these tests
    done = run(
        cloud.client("dynamodb"),
        TableArn=arn,
        S3Bucket=bucket,
        ExportType="INCREMENTAL_EXPORT",
        IncrementalExportSpecification={"ExportFromTime": since, "ExportToTime": datetime.now(UTC)},
    )
    found = {line["Keys"]["pk"]["S"]: line for line in lines(cloud, bucket, done)}
    assert set(found) == {"changed", "deleted", "new"}
    assert found["changed"]["OldImage"] == item("changed", 1)
    assert found["changed"]["NewImage"] == item("changed", 3)
    assert "OldImage" not in found["new"]
    assert "NewImage" not in found["deleted"]
    assert int(found["new"]["Metadata"]["WriteTimestampMicros"]["N"]) >= since.timestamp() * 1e6


def test_without_point_in_time_recovery_there_is_no_export(cloud: Endpoint, bucket: str) -> None:
    _, arn = make_table(cloud, recovery=False)
    call = cloud.client("dynamodb").export_table_to_point_in_time
    code, _ = error_of(lambda: call(TableArn=arn, S3Bucket=bucket))
    assert code == "PointInTimeRecoveryUnavailableException"


def test_the_callers_bucket_permission_decides(cloud: Endpoint, bucket: str) -> None:
    table, arn = make_table(cloud)
    put(cloud, table, "a", 1)
    export_only = [allow("dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport")]
    refused = run(caller(cloud, *export_only)("dynamodb"), TableArn=arn, S3Bucket=bucket)
    assert (refused["ExportStatus"], refused["FailureCode"]) == ("FAILED", "S3AccessDenied")
    writer = caller(cloud, *export_only, allow("s3:PutObject", resource=f"arn:aws:s3:::{bucket}/*"))
    done = run(writer("dynamodb"), TableArn=arn, S3Bucket=bucket)
    assert done["ExportStatus"] == "COMPLETED"


def test_one_client_token_makes_one_export(cloud: Endpoint, bucket: str) -> None:
    _, arn = make_table(cloud)
    client = cloud.client("dynamodb")
    request = {"TableArn": arn, "S3Bucket": bucket, "ClientToken": name("token")}
    first = client.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"]
    assert client.export_table_to_point_in_time(**request)["ExportDescription"]["ExportArn"] == first
    listed = client.list_exports(TableArn=arn)["ExportSummaries"]
    assert [e["ExportArn"] for e in listed] == [first]


def test_an_export_that_a_killed_endpoint_left_has_failed_and_its_token_makes_another(tmp_path: Path) -> None:
    endpoint = Endpoint(url="", port=0, region="eu-central-1", account="1" * 12, home=tmp_path)
    left = {"ExportArn": "arn", "ExportStatus": "IN_PROGRESS", "ClientToken": "t", "TableArn": "table"}
    done = {**left, "ExportArn": "done", "ExportStatus": "COMPLETED", "ClientToken": "u"}
    (tmp_path / "dynamodb").mkdir()
    (tmp_path / "dynamodb" / "exports.json").write_text(json.dumps({"arn": left, "done": done}))
    exports: Any = plugin.Exports(
        endpoint, changes.ChangeLog(tmp_path / "dynamodb"), plugin.Recovery(endpoint)
    )
    described = exports._exports["arn"]
    assert (described["ExportStatus"], "export again" in described["FailureMessage"]) == ("FAILED", True)
    assert exports._by_token("t") is None
    assert exports._by_token("u")["ExportArn"] == "done"


NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("minutes_ago", "minutes_long", "code"),
    [
        (60, 14, "ValidationException"),
        (60 * 30, 60 * 25, "ValidationException"),
        (60 * 48, 60, "InvalidExportTimeException"),
        (10, 20, "InvalidExportTimeException"),
    ],
)
def test_a_window_that_dynamodb_refuses_is_refused(minutes_ago: int, minutes_long: int, code: str) -> None:
    since = NOW - timedelta(minutes=minutes_ago)
    wanted = {"ExportFromTime": since, "ExportToTime": since + timedelta(minutes=minutes_long)}
    with pytest.raises(export.ApiError) as raised:
        export.window(wanted, earliest=NOW - timedelta(hours=40), now=NOW, scale=1)
    assert raised.value.code == code


def test_a_window_of_a_quarter_of_an_hour_is_accepted() -> None:
    since = NOW - timedelta(minutes=15)
    window = export.window({"ExportFromTime": since}, earliest=since, now=NOW, scale=1)
    assert (window.since, window.until, window.view) == (since, NOW, "NEW_AND_OLD_IMAGES")


def test_an_item_inserted_and_deleted_in_the_window_is_not_in_it() -> None:
    """DynamoDB developer guide, "DynamoDB table export output format": insert and delete give no output."""
    window = export.Window(NOW, NOW + timedelta(hours=1), "NEW_AND_OLD_IMAGES")
    start = export.micros_of(NOW)
    log = [Change(start + 1, None, item("a", 1)), Change(start + 2, item("a", 1), None)]
    assert list(export.changed_between(log, keys=["pk"], window=window)) == []
    longer = [*log, Change(start + 3, None, item("b", 1))]
    (line,) = export.changed_between(longer, keys=["pk"], window=window)
    assert line["Keys"] == {"pk": {"S": "b"}}
