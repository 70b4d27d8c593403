"""A full disk below S3: the write fails, and nobody sees half of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.testing.running import name, running

Client = Callable[..., Any]


@pytest.fixture(params=["unversioned", "versioned"])
def bucket(cloud: Endpoint, request: pytest.FixtureRequest) -> str:
    made, s3 = name("bucket"), cloud.client("s3")
    s3.create_bucket(Bucket=made, CreateBucketConfiguration={"LocationConstraint": cloud.region})
    if request.param == "versioned":
        s3.put_bucket_versioning(Bucket=made, VersioningConfiguration={"Status": "Enabled"})
    return made


def _versions(s3: Any, bucket: str) -> list[tuple[str, bool]]:
    found = s3.list_object_versions(Bucket=bucket).get("Versions", [])
    return [(version["VersionId"], version["IsLatest"]) for version in found]


def _files(home: Path, bucket: str) -> dict[str, bytes]:
    return {
        str(path): path.read_bytes()
        for path in home.glob("s3/**/*")
        if bucket in path.parts and path.is_file()
    }


def test_a_new_object_is_not_there_at_all(
    cloud: Endpoint, faults: Faults, client: Client, bucket: str
) -> None:
    s3 = client("s3")
    faults.use(f"disks: [{{bucket: {bucket}, full_after: 1000}}]")
    s3.put_object(Bucket=bucket, Key="fits", Body=b"x" * 10)
    with pytest.raises(ClientError) as raised:
        s3.put_object(Bucket=bucket, Key="large", Body=b"x" * 2000)
    answer = raised.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == ("InternalError", 500)
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["fits"]
    assert not [path for path in _files(cloud.home, bucket) if "large" in path or path.endswith(".tmp")]


def test_an_object_that_could_not_be_replaced_is_as_it_was(
    cloud: Endpoint, faults: Faults, client: Client, bucket: str
) -> None:
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"old", Metadata={"made": "before"})
    versions, files = _versions(s3, bucket), _files(cloud.home, bucket)
    faults.use(f"disks: [{{bucket: {bucket}, full_after: 0}}]")
    with pytest.raises(ClientError, match="InternalError"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    faults.clear()
    answer = s3.get_object(Bucket=bucket, Key="k")
    assert (answer["Body"].read(), answer["Metadata"]) == (b"old", {"made": "before"})
    assert _versions(s3, bucket) == versions
    assert files.items() <= _files(cloud.home, bucket).items()


def test_the_second_file_of_an_object_failing_restores_the_first(
    cloud: Endpoint, faults: Faults, client: Client, bucket: str
) -> None:
    """An object is its content and a file about it, which is larger here than what fits."""
    s3 = client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    files = _files(cloud.home, bucket)
    faults.use(f"disks: [{{bucket: {bucket}, full_after: 20}}]")
    with pytest.raises(ClientError, match="InternalError"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"old"
    assert files.items() <= _files(cloud.home, bucket).items()


def test_retries_get_past_a_disk_that_was_full_for_a_while(
    faults: Faults, client: Client, bucket: str
) -> None:
    faults.use(f"disks: [{{bucket: {bucket}, full_after: 0, count: 1}}]")
    s3 = client("s3", attempts=3)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"new"
    assert [fired["kind"] for fired in faults.report()["fired"]] == ["full disk"]


def test_an_upload_in_parts_can_be_completed_when_there_is_space_again(
    faults: Faults, client: Client, bucket: str
) -> None:
    s3 = client("s3")
    upload = {"Bucket": bucket, "Key": "k"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"parts")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    faults.use(f"disks: [{{bucket: {bucket}, full_after: 0, count: 1}}]")
    with pytest.raises(ClientError, match="InternalError"):
        s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"parts"


def test_what_was_acknowledged_is_there_after_a_start_and_what_was_not_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan of a start comes from a file."""
    plan = tmp_path / "plan.yaml"
    plan.write_text("disks: [{bucket: kept, full_after: 1000}]")
    home = tmp_path / "home"
    monkeypatch.setenv("OSUSUME_FAULTS", str(plan))
    with running(home, plugins="iam,faults") as cloud:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": cloud.region})
        s3.put_object(Bucket="kept", Key="fits", Body=b"fits")
        with pytest.raises(ClientError, match="InternalError"):
            s3.put_object(Bucket="kept", Key="large", Body=b"x" * 2000)
    monkeypatch.delenv("OSUSUME_FAULTS")
    with running(home, plugins="iam,faults") as cloud:
        s3 = cloud.client("s3")
        assert [o["Key"] for o in s3.list_objects_v2(Bucket="kept")["Contents"]] == ["fits"]
        assert s3.get_object(Bucket="kept", Key="fits")["Body"].read() == b"fits"
