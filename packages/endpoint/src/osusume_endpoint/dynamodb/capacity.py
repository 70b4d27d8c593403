"""BatchGetItem says what it cost, when it is asked to: ministack's answer leaves ConsumedCapacity out.

Amazon DynamoDB developer guide, "Read consistency" and "Capacity units": a unit reads 4 KB strongly consistently,
half a unit eventually; each item is rounded up by itself, and a key without an item costs the least.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from osusume_endpoint.replacements import replaces

Response = tuple[int, dict[str, str], bytes]
UNIT_BYTES = 4096


@replaces("ministack.services.dynamodb:_batch_get_item", takes="data")
def _costing(inner: Callable[[dict[str, Any]], Response]) -> Callable[[dict[str, Any]], Response]:
    def batch_get_item(data: dict[str, Any]) -> Response:
        status, headers, body = inner(data)
        if status >= 400 or data.get("ReturnConsumedCapacity", "NONE") == "NONE":
            return status, headers, body
        answer = json.loads(body)
        answer["ConsumedCapacity"] = [
            {"TableName": table, "CapacityUnits": _units(asked, answer["Responses"].get(table, []))}
            for table, asked in data["RequestItems"].items()
        ]
        return _answer(answer)

    return batch_get_item


def _answer(content: Mapping[str, Any]) -> Response:
    from ministack.services import dynamodb

    made: Response = dynamodb.json_response(content)
    return made


def _units(asked: Mapping[str, Any], items: list[Any]) -> float:
    sizes = [len(json.dumps(item)) for item in items]
    sizes += [0] * (len(asked.get("Keys", [])) - len(items))
    each = 1.0 if asked.get("ConsistentRead") else 0.5
    return sum(each * max(1, math.ceil(size / UNIT_BYTES)) for size in sizes)
