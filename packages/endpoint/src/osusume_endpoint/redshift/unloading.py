"""UNLOAD: the rows of a query as objects of S3, written with the attached role."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from osusume_endpoint.redshift import columnar
from osusume_endpoint.redshift.errors import NotTranslatable
from osusume_endpoint.redshift.options import Options, Unload
from osusume_endpoint.redshift.results import type_name

Rows = Sequence[Sequence[Any]]


class UnloadFailed(Exception):
    """A refused UNLOAD, worded as Redshift words it."""


def unload(statement: Unload, *, description: Sequence[Any], rows: Rows, s3: Any) -> int:
    """Rows written. The prefix must be empty unless ALLOWOVERWRITE or CLEANPATH is given."""
    options = statement.options
    bucket, _, prefix = statement.target.removeprefix("s3://").partition("/")
    _make_room(s3, bucket, prefix, options)
    names = [column.name for column in description]
    kinds = [type_name(column.type_code) for column in description]
    keys = []
    for folder, part_names, part_kinds, part in _partitioned(names, kinds, rows, options.partitions):
        key = f"{prefix.rstrip('/') + '/' if folder else prefix}{folder}{_file_name(options)}"
        s3.put_object(Bucket=bucket, Key=key, Body=_encoded(part_names, part_kinds, part, options))
        keys.append(key)
    if options["manifest"]:
        entries = [{"url": f"s3://{bucket}/{key}"} for key in keys]
        s3.put_object(Bucket=bucket, Key=f"{prefix}manifest", Body=json.dumps({"entries": entries}).encode())
    return len(rows)


def _make_room(s3: Any, bucket: str, prefix: str, options: Options) -> None:
    if options["overwrite"]:
        return
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1000).get("Contents", [])
    if found and not options["clean"]:
        raise UnloadFailed(
            "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
            "manually removing the target files in S3, or using the ALLOWOVERWRITE option."
        )
    for item in found:
        s3.delete_object(Bucket=bucket, Key=item["Key"])


def _file_name(options: Options) -> str:
    ending = {"gzip": ".gz", "bz2": ".bz2", "zstd": ".zst"}.get(options["compression"] or "", "")
    if options["compression"] in ("bz2", "zstd"):
        raise NotTranslatable("UNLOAD with BZIP2 or ZSTD: use GZIP")
    if options.format == "PARQUET":
        ending = ".parquet"
    if options["extension"]:
        ending = f".{options['extension']}"
    stem = "000" if str(options["parallel"]).upper() in ("OFF", "FALSE") else "0000_part_00"
    return stem + ending


def _partitioned(
    names: list[str], kinds: list[str], rows: Rows, partitions: list[str]
) -> Iterator[tuple[str, list[str], list[str], Rows]]:
    """(folder, names, kinds, rows) per partition; partition columns are in the folder only."""
    if not partitions:
        yield "", names, kinds, rows
        return
    at = [names.index(name) for name in partitions]
    kept = [i for i in range(len(names)) if i not in at]
    groups: dict[str, list[list[Any]]] = defaultdict(list)
    for row in rows:
        folder = "".join(f"{names[i]}={_partition_value(row[i])}/" for i in at)
        groups[folder].append([row[i] for i in kept])
    for folder, group in groups.items():
        yield folder, [names[i] for i in kept], [kinds[i] for i in kept], group


def _partition_value(value: Any) -> str:
    return "__HIVE_DEFAULT_PARTITION__" if value is None else str(value)


def _encoded(names: list[str], kinds: list[str], rows: Rows, options: Options) -> bytes:
    if options.format == "PARQUET":
        return columnar.to_parquet(names, kinds, rows)
    text = _json(names, rows) if options.format == "JSON" else _delimited(names, rows, options)
    return gzip.compress(text.encode(), mtime=0) if options["compression"] == "gzip" else text.encode()


def _json(names: list[str], rows: Rows) -> str:
    return "".join(
        json.dumps({n: _json_value(v) for n, v in zip(names, row, strict=True)}, ensure_ascii=False) + "\n"
        for row in rows
    )


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value if isinstance(value, bool | int | float | str | None | dict | list) else _text(value)


def _delimited(names: list[str], rows: Rows, options: Options) -> str:
    is_csv = options.format == "CSV"
    delimiter = str(options["delimiter"] or ("," if is_csv else "|")).replace("\\t", "\t")
    sink = io.StringIO()
    quoting: Any = csv.QUOTE_MINIMAL if is_csv else csv.QUOTE_ALL if options["quotes"] else csv.QUOTE_NONE
    writer = csv.writer(sink, delimiter=delimiter, quoting=quoting, escapechar=None if is_csv else "\\",
                        lineterminator="\n")  # fmt: skip
    if options["header"]:
        writer.writerow(names)
    null = "" if options["null"] is None else options["null"]
    writer.writerows([null if value is None else _text(value) for value in row] for row in rows)
    return sink.getvalue()


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)
