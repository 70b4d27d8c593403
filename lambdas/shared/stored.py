"""How much lies in a bucket."""

from __future__ import annotations

from typing import Any


def size(s3: Any, *, bucket: str, prefix: str) -> int:
    """Bytes of the objects whose keys begin so, as they are stored."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return sum(one["Size"] for page in pages for one in page.get("Contents", []))
