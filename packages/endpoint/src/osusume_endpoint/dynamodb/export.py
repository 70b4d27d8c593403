"""ExportTableToPointInTime: full and incremental exports in DYNAMODB_JSON, written as the caller.

Layout: "DynamoDB table export output format" of the DynamoDB developer guide. Windows last 15 minutes to 24
hours (the lower bound shrinks with the endpoint's wait scale).
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import secrets
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from osusume_endpoint.dynamodb.changes import Change, ChangeLog
from osusume_endpoint.errors import ApiError

Item = dict[str, Any]

WINDOW_MIN_SECONDS = 15 * 60
WINDOW_MAX_SECONDS = 24 * 3600
ITEMS_PER_FILE = 50_000


@dataclass(frozen=True)
class Window:
    since: datetime
    until: datetime
    view: str  # NEW_AND_OLD_IMAGES or NEW_IMAGE


def check_time(moment: datetime, *, earliest: datetime, now: datetime) -> None:
    if not earliest <= moment <= now:
        raise ApiError(
            "InvalidExportTimeException",
            f"The export time {moment.isoformat()} is not from {earliest.isoformat()} to {now.isoformat()}",
        )


def window(specification: dict[str, Any], *, earliest: datetime, now: datetime, scale: float) -> Window:
    """Raises InvalidExportTimeException or ValidationException on a window that DynamoDB refuses."""
    if "ExportFromTime" not in specification:
        raise ApiError("ValidationException", "IncrementalExportSpecification needs ExportFromTime")
    since = specification["ExportFromTime"]
    until = specification.get("ExportToTime") or now
    check_time(since, earliest=earliest, now=now)
    check_time(until, earliest=earliest, now=now)
    seconds = (until - since).total_seconds()
    if seconds < WINDOW_MIN_SECONDS * scale:
        raise ApiError(
            "ValidationException",
            f"The export period of {seconds:.0f} s is shorter than 15 minutes (x {scale:g} here)",
        )
    if seconds > WINDOW_MAX_SECONDS:
        raise ApiError("ValidationException", f"The export period of {seconds:.0f} s is longer than 24 hours")
    return Window(since, until, specification.get("ExportViewType", "NEW_AND_OLD_IMAGES"))


def items_at(current: Iterable[Item], *, keys: list[str], changes: list[Change], micros: int) -> list[Item]:
    """The table as it was: later changes undone, newest first."""
    table = {key_of(item, keys): item for item in current}
    for change in reversed([c for c in changes if c.micros > micros]):
        key = key_of(change.new or change.old or {}, keys)
        if change.old is None:
            table.pop(key, None)
        else:
            table[key] = change.old
    return list(table.values())


def changed_between(
    changes: Iterable[Change], *, keys: list[str], window: Window
) -> Iterator[dict[str, Any]]:
    """One line per item changed: its image before the window and after it.

    What was made and deleted within the window is not in it ("DynamoDB table export output format").
    """
    since, until = micros_of(window.since), micros_of(window.until)
    first: dict[str, Change] = {}
    last: dict[str, Change] = {}
    for change in changes:
        if since <= change.micros < until:
            key = key_of(change.new or change.old or {}, keys)
            first.setdefault(key, change)
            last[key] = change
    for key, newest in last.items():
        if first[key].old is None and newest.new is None:
            continue
        image = newest.new or newest.old or {}
        line: dict[str, Any] = {
            "Metadata": {"WriteTimestampMicros": {"N": str(newest.micros)}},
            "Keys": {name: image[name] for name in keys},
        }
        if first[key].old is not None and window.view == "NEW_AND_OLD_IMAGES":
            line["OldImage"] = first[key].old
        if newest.new is not None:
            line["NewImage"] = newest.new
        yield line


def key_of(item: Item, keys: list[str]) -> str:
    return json.dumps([item.get(name) for name in keys])


def micros_of(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000)


def export_id() -> str:
    return f"{int(time.time() * 1000):014d}-{secrets.token_hex(4)}"


@dataclass(frozen=True)
class Destination:
    s3: Any  # the caller's client
    bucket: str
    prefix: str
    encryption: dict[str, str]  # put_object's ServerSideEncryption, SSEKMSKeyId

    def put(self, name: str, body: bytes) -> str:
        """Returns the ETag."""
        result = self.s3.put_object(
            Bucket=self.bucket, Key=self.key(name), Body=body, ContentMD5=_md5(body), **self.encryption
        )
        return str(result["ETag"]).strip('"')

    def key(self, name: str) -> str:
        return f"{self.prefix.rstrip('/')}/{name}".lstrip("/")


def _md5(body: bytes) -> str:
    return base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()


def write(
    lines: Iterable[dict[str, Any]], *, to: Destination, identity: str, summary: dict[str, Any]
) -> dict[str, Any]:
    """Writes data files, then the manifests. Returns ItemCount, BilledSizeBytes and ExportManifest."""
    folder = f"AWSDynamoDB/{identity}"
    to.put(f"{folder}/_started", b"")
    files, count, size = [], 0, 0
    for chunk in _chunks(lines, ITEMS_PER_FILE):
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in chunk).encode()
        body = gzip.compress(text, compresslevel=3)
        name = f"{folder}/data/{secrets.token_hex(13)}.json.gz"
        etag = to.put(name, body)
        count, size = count + len(chunk), size + len(text)
        files.append(
            {
                "itemCount": len(chunk),
                "md5Checksum": _md5(body),
                "etag": etag,
                "dataFileS3Key": to.key(name),
            }
        )
    listing = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in files).encode()
    _put_manifest(to, f"{folder}/manifest-files", listing)
    full = {
        **summary,
        "endTime": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "s3Bucket": to.bucket,
        "s3Prefix": to.prefix or None,
        "manifestFilesS3Key": to.key(f"{folder}/manifest-files.json"),
        "billedSizeBytes": size,
        "itemCount": count,
        "outputFormat": "DYNAMODB_JSON",
    }
    _put_manifest(to, f"{folder}/manifest-summary", json.dumps(full).encode())
    manifest = to.key(f"{folder}/manifest-summary.json")
    return {"ItemCount": count, "BilledSizeBytes": size, "ExportManifest": manifest}


def _put_manifest(to: Destination, name: str, body: bytes) -> None:
    to.put(f"{name}.json", body)
    to.put(f"{name}.md5", _md5(body).encode())


def _chunks(lines: Iterable[dict[str, Any]], size: int) -> Iterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def full_lines(
    table: dict[str, Any], *, log: ChangeLog, keys: list[str], at: datetime, now: datetime
) -> Iterator[dict[str, Any]]:
    current = [item for rows in list(table["items"].values()) for item in list(rows.values())]
    if at < now:
        changes = list(log.read(table["TableId"]))
        current = items_at(current, keys=keys, changes=changes, micros=micros_of(at))
    return ({"Item": item} for item in current)
