"""ItemBatcher: groups the items of a Distributed Map.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-itembatcher.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.payloads import LIMIT_BYTES, dumps


def batches(frame: Frame, items: Sequence[Any]) -> list[tuple[int, dict[str, Any]]]:
    """Each batch with the number of its items."""
    batcher = frame.state["ItemBatcher"]
    most_items = frame.count("MaxItemsPerBatch", holder=batcher) or len(items)
    most_bytes = frame.count("MaxInputBytesPerBatch", holder=batcher) or LIMIT_BYTES
    common = {}
    if "BatchInput" in batcher:
        common = {"BatchInput": frame.flow.template(batcher["BatchInput"], "ItemBatcher/BatchInput")}
    room = most_bytes - len(dumps({**common, "Items": []}).encode())
    return [(len(group), {**common, "Items": group}) for group in _groups(items, most_items, room)]


def _groups(items: Sequence[Any], most_items: int, most_bytes: int) -> Iterator[list[Any]]:
    group: list[Any] = []
    size = 0
    for item in items:
        length = len(dumps(item).encode()) + 1
        if group and (len(group) == most_items or size + length > most_bytes):
            yield group
            group, size = [], 0
        group.append(item)
        size += length
    if group:
        yield group
