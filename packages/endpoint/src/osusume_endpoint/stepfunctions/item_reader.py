"""ItemReader: the items of a Distributed Map that lie in S3.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itemreader.html
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import ITEM_READER_FAILED, StateError
from osusume_endpoint.stepfunctions.frame import Frame

DELIMITERS = {"COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "SPACE": " ", "TAB": "\t"}
LIST_OBJECTS = "s3:listObjectsV2"


def read(frame: Frame, reader: Mapping[str, Any]) -> tuple[list[Any], str]:
    """The items and their source, as `Map.Item.Source` names it."""
    location = frame.flow.template(reader.get("Arguments", reader.get("Parameters")), "ItemReader")
    config = reader.get("ReaderConfig", {})
    if (most_items(frame) or 0) < 0:
        raise StateError(ITEM_READER_FAILED, "field MaxItems must be positive")
    try:
        items = _items(frame, reader, config, location)
    except (ClientError, BotoCoreError) as error:
        raise StateError(ITEM_READER_FAILED, str(error)) from error
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(ITEM_READER_FAILED, f"Attempting to read {location} failed: {error}") from error
    return items[: most_items(frame) or None], _source(location)


def most_items(frame: Frame) -> int | None:
    return frame.integer("MaxItems", holder=frame.state["ItemReader"].get("ReaderConfig", {}))


def _source(location: Mapping[str, Any]) -> str:
    return "S3://" + "/".join(str(location[key]) for key in ("Bucket", "Key") if key in location)


def _items(
    frame: Frame, reader: Mapping[str, Any], config: Mapping[str, Any], location: Mapping[str, Any]
) -> list[Any]:
    s3 = frame.scope.world.clients("s3")
    if reader["Resource"].endswith(LIST_OBJECTS):
        return _listed(s3, location)
    text = s3.get_object(**location)["Body"].read().decode("utf-8-sig")
    kind = config.get("InputType")
    if kind == "CSV":
        return _csv(text, config)
    if kind == "JSONL":
        return [depth.loads(line) for line in text.splitlines() if line.strip()]
    return _json(text, config)


def _listed(s3: Any, location: Mapping[str, Any]) -> list[dict[str, Any]]:
    pages = s3.get_paginator("list_objects_v2").paginate(**location)
    return [_object(entry) for page in pages for entry in page.get("Contents", [])]


def _object(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "Etag": entry["ETag"],
        "Key": entry["Key"],
        "LastModified": int(entry["LastModified"].timestamp()),
        "Size": entry["Size"],
        "StorageClass": entry.get("StorageClass", "STANDARD"),
    }


def _csv(text: str, config: Mapping[str, Any]) -> list[dict[str, str]]:
    delimiter = DELIMITERS[config.get("CSVDelimiter", "COMMA")]
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=delimiter) if row]
    if config["CSVHeaderLocation"] == "FIRST_ROW":
        headers, rows = rows[0], rows[1:]
    else:
        headers = config["CSVHeaders"]
    if len(set(headers)) < len(headers):  # recorded in localstack's test_base_scenarios.py
        raise StateError(ITEM_READER_FAILED, "CSV headers cannot contain duplicates.")
    return [dict(zip(headers, [*row, *[""] * (len(headers) - len(row))], strict=False)) for row in rows]


def _json(text: str, config: Mapping[str, Any]) -> list[Any]:
    document = depth.loads(text)
    for part in config.get("ItemsPointer", "").split("/")[1:]:
        document = document[part.replace("~1", "/").replace("~0", "~")]
    if isinstance(document, dict):
        return [{"Key": key, "Value": value} for key, value in document.items()]
    if not isinstance(document, list):
        raise ValueError("the document is neither an array nor an object")
    return document
