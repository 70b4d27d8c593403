"""Empties buckets: every version, every delete marker, every upload that nobody ended."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from botocore.exceptions import ClientError

from operations.pages import each
from operations.place import Place, Refused, absent, say

BATCH = 1000  # DeleteObjects takes no more


def names(place: Place) -> list[str]:
    return [place.names.raw_bucket, place.names.datasets_bucket, place.names.results_bucket]


def empty(place: Place, bucket: str) -> None:
    """Raises Refused where an object can't be deleted."""
    count = 0
    versions = _versions(place, bucket)
    while batch := list(islice(versions, BATCH)):
        deleted = place.client("s3").delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        if errors := deleted.get("Errors"):
            first = errors[0]
            raise Refused(f"s3://{bucket}/{first['Key']} can't be deleted: {first.get('Message')}")
        count += len(batch)
    for upload in each(place, "s3", "list_multipart_uploads", "Uploads", Bucket=bucket):
        place.client("s3").abort_multipart_upload(
            Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"]
        )
    if count:
        say(f"  emptied {bucket}: {count:,} versions of objects")


def _versions(place: Place, bucket: str) -> Iterator[dict[str, str]]:
    client = place.client("s3")
    try:
        for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for one in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                yield {"Key": one["Key"], "VersionId": one["VersionId"]}
    except ClientError as error:
        if not absent(error):
            raise
