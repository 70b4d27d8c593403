"""In-memory stand-ins for AWS clients: the calls that the functions make, with real answers' shapes."""

from __future__ import annotations

import io
from typing import Any


class S3:
    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self, objects: dict[str, bytes] | None = None) -> None:
        self.objects = dict(objects or {})

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        try:
            return {"Body": io.BytesIO(self.objects[f"{Bucket}/{Key}"])}
        except KeyError:
            raise self.exceptions.NoSuchKey(Key) from None

    def get_paginator(self, operation: str) -> S3:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        beginning = f"{Bucket}/{Prefix}"
        found = [len(body) for key, body in self.objects.items() if key.startswith(beginning)]
        return [{"Contents": [{"Size": size}]} for size in found] or [{}]

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> dict[str, Any]:
        self.objects[f"{Bucket}/{Key}"] = Body
        return {}


class DynamoDB:
    """Tables of one item a (pk, sk); `refuse` BatchWriteItem calls leave their last item unprocessed."""

    def __init__(self, *items: dict[str, Any], refuse: int = 0) -> None:
        self.items = {self._key(item): item for item in items}
        self.refuse = refuse
        self.calls = 0

    @staticmethod
    def _key(item: dict[str, Any]) -> tuple[str, str]:
        return item["pk"]["S"], item.get("sk", {}).get("S", "")

    def get_item(
        self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool = False
    ) -> dict[str, Any]:
        self.calls += 1
        item = self.items.get(self._key(Key))
        return {"Item": item} if item else {}

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        self.items[self._key(Item)] = Item
        return {}

    def batch_write_item(self, *, RequestItems: dict[str, Any]) -> dict[str, Any]:
        self.calls += 1
        ((table, requests),) = RequestItems.items()
        assert 1 <= len(requests) <= 25
        keys = [self._key(request["PutRequest"]["Item"]) for request in requests]
        assert len(set(keys)) == len(keys), "BatchWriteItem refuses a key twice"
        left = requests[-1:] if self.calls <= self.refuse else []
        for request in requests[: len(requests) - len(left)]:
            item = request["PutRequest"]["Item"]
            self.items[self._key(item)] = item
        return {"UnprocessedItems": {table: left} if left else {}}


class SNS:
    """Keeps what is published; `refuses` are errors to raise instead."""

    def __init__(self, *refuses: Exception) -> None:
        self.published: list[dict[str, str]] = []
        self._refuses = list(refuses)

    def publish(self, *, TopicArn: str, Subject: str, Message: str) -> dict[str, Any]:
        if self._refuses:
            raise self._refuses.pop()
        self.published.append({"topic": TopicArn, "subject": Subject, "message": Message})
        return {}
