"""Items of DynamoDB: what the application logged of users, and the lists that were published for them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from lambdas.forget_users.contents import Users

BATCH = 25  # BatchWriteItem takes no more
# DynamoDB developer guide, "Condition and filter expressions, operators, and functions": values of one IN.
MOST_COMPARED = 100
ATTEMPTS = 10
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)

Item = Mapping[str, Any]


class DeletesUnprocessed(RuntimeError):
    """DynamoDB did not take the deletions in time; the workflow tries again."""


def remove_lists(dynamodb: Any, *, table: str, lists: Iterable[str], users: Users) -> int:
    """Every version of every list of the users; how many."""
    found = (
        item
        for name in lists
        for user in users
        for item in _query(dynamodb, table, keys=("pk", "sk"), value={"S": f"{name}#{user}"})
    )
    return _delete(dynamodb, table, found)


def remove_from_segments(dynamodb: Any, *, table: str, users: Users) -> int:
    """The users out of every page of every segment, which stay as they are for others; how many pages.

    A page that only had them goes with its place: readers take a missing page for an empty one.
    """
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="begins_with(pk, :segment)",
        ExpressionAttributeValues={":segment": {"S": "segment#"}},
        ConsistentRead=True,
    )
    found = (item for page in pages for item in page["Items"])
    return _write(dynamodb, table, (request for item in found if (request := _without(item, users))))


def _without(item: Item, users: Users) -> Item | None:
    """The request that writes the page again, or takes it away; None for one that has none of the users."""
    members = json.loads(item["items"]["S"])
    left = [member for member in members if member not in users]
    if len(left) == len(members):
        return None
    if not left:
        return {"DeleteRequest": {"Key": {key: item[key] for key in ("pk", "sk")}}}
    text = json.dumps(left, separators=(",", ":"), ensure_ascii=False)
    return {"PutRequest": {"Item": {**item, "items": {"S": text}}}}


def remove_state(dynamodb: Any, *, table: str, users: Users) -> None:
    """What the users did lately, as rules at read time know it; it comes back with an event that is sent after this."""
    _delete(dynamodb, table, [{"pk": {"S": user}} for user in users])


def lists_served(dynamodb: Any, *, control_table: str) -> set[str]:
    """Solutions that ever served: one that is configured no more may have lists still."""
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=control_table,
        FilterExpression="begins_with(pk, :serving)",
        ExpressionAttributeValues={":serving": {"S": "serving#"}},
    )
    return {item["pk"]["S"].partition("#")[2] for page in pages for item in page["Items"]}


def remove_log(dynamodb: Any, *, table: str, attribute: str, users: Users) -> int:
    """Every event of the users; how many. A table whose key does not begin with the user is read whole."""
    described = dynamodb.describe_table(TableName=table)["Table"]
    schema = sorted(described["KeySchema"], key=lambda key: str(key["KeyType"]))  # HASH before RANGE
    keys = [str(key["AttributeName"]) for key in schema]
    kinds = {one["AttributeName"]: one["AttributeType"] for one in described["AttributeDefinitions"]}
    found: Iterator[Item]
    if keys[0] == attribute:
        values = [value for user in users for value in _values(user) if kinds[attribute] in value]
        found = (item for value in values for item in _query(dynamodb, table, keys=keys, value=value))
    else:
        found = _scan(dynamodb, table, keys=keys, attribute=attribute, users=users)
    return _delete(dynamodb, table, found)


def _values(user: str) -> list[dict[str, str]]:
    """An id as DynamoDB may hold it."""
    return [{"S": user}, *([{"N": user}] if _NUMBER.fullmatch(user) else [])]


def _query(dynamodb: Any, table: str, *, keys: Sequence[str], value: dict[str, str]) -> Iterator[Item]:
    names = {f"#k{number}": key for number, key in enumerate(keys)}
    pages = dynamodb.get_paginator("query").paginate(
        TableName=table,
        KeyConditionExpression="#k0 = :value",
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues={":value": value},
        ConsistentRead=True,
    )
    return (item for page in pages for item in page["Items"])


def _scan(dynamodb: Any, table: str, *, keys: Sequence[str], attribute: str, users: Users) -> Iterator[Item]:
    names = {f"#k{number}": key for number, key in enumerate(keys)}
    values = {f":v{n}": value for n, value in enumerate(v for user in users for v in _values(user))}
    pages = dynamodb.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression=" OR ".join(
            f"#user IN ({', '.join(some)})" for some in _batched(values, MOST_COMPARED)
        ),
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames={**names, "#user": attribute},
        ExpressionAttributeValues=values,
        ConsistentRead=True,
    )
    return (item for page in pages for item in page["Items"])


def _batched(values: Iterable[Any], size: int) -> Iterator[list[Any]]:
    left = iter(values)
    while batch := list(islice(left, size)):
        yield batch


def _delete(dynamodb: Any, table: str, keys: Iterable[Item]) -> int:
    """Raises DeletesUnprocessed."""
    return _write(dynamodb, table, ({"DeleteRequest": {"Key": dict(key)}} for key in keys))


def _write(dynamodb: Any, table: str, asked: Iterable[Item]) -> int:
    """Raises DeletesUnprocessed."""
    count = 0
    for batch in _batched(asked, BATCH):
        requests: Sequence[Item] = batch
        for _ in range(ATTEMPTS):
            answer = dynamodb.batch_write_item(RequestItems={table: requests})
            requests = answer.get("UnprocessedItems", {}).get(table, [])
            if not requests:
                break
        if requests:
            raise DeletesUnprocessed(f"{table}: {len(requests)} deletions were not taken {ATTEMPTS} times")
        count += len(batch)
    return count
