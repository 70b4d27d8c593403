"""Reads tables: one attempt, short time-outs, one immediate retry where that helps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.patience import Patience
from lambdas.shared.direct import Direct

RETRIED = (ConnectionClosedError, EndpointConnectionError)

Item = dict[str, Any]


class StoreUnavailable(Exception):
    """DynamoDB did not answer, or not with what was asked for: callers fall back."""


class Key(NamedTuple):
    """`sk` is None in a table without a sort key."""

    table: str
    pk: str
    sk: str | None

    def attributes(self) -> Item:
        sort = {} if self.sk is None else {"sk": {"S": self.sk}}
        return {"pk": {"S": self.pk}, **sort}


class Table:
    def __init__(self, *, client: Any, breaker: Breaker, patience: Patience) -> None:
        self._client, self._breaker, self._patience = client, breaker, patience

    def get(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        """The items that are there, in one call. Raises StoreUnavailable for whatever goes wrong, in part too."""
        if not self._breaker.allows():
            raise StoreUnavailable("the breaker is open")
        try:
            waited_for = self._patience.still()
            answer = self._patience.wait_for(lambda: self._ask(keys, waited_for))
        except Exception as error:  # garbled answers raise parsers' own errors: no reader may ever see one
            self._breaker.failed()
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        self._breaker.succeeded()
        return answer

    def _ask(self, keys: Sequence[Key], waited_for: Callable[[], bool]) -> Mapping[Key, Item]:
        try:
            return self._call(keys)
        except RETRIED:
            if not waited_for():
                raise
            return self._call(keys)
        except ClientError as error:
            # A throttle gets worse by retrying; a time-out has spent the reader's patience.
            if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) < 500 or not waited_for():
                raise
            return self._call(keys)

    def _call(self, keys: Sequence[Key]) -> Mapping[Key, Item]:
        asked: dict[str, dict[str, list[Item]]] = {}
        for key in keys:
            asked.setdefault(key.table, {"Keys": []})["Keys"].append(key.attributes())
        answer = self._client.batch_get_item(RequestItems=asked, ReturnConsumedCapacity="TOTAL")
        # botocore takes an empty or foreign body for an answer without an item; a real one says what it cost.
        if "ConsumedCapacity" not in answer:
            raise StoreUnavailable("the answer is not DynamoDB's")
        if answer.get("UnprocessedKeys"):
            raise StoreUnavailable("DynamoDB left keys out: it throttles")
        return dict(_found(answer["Responses"], keys))


def _found(responses: Mapping[str, Sequence[Item]], keys: Sequence[Key]) -> list[tuple[Key, Item]]:
    """Raises StoreUnavailable for an item that nobody asked for."""
    found = []
    for table, items in responses.items():
        for item in items:
            key = Key(table, item["pk"]["S"], item["sk"]["S"] if "sk" in item else None)
            if key not in keys:
                raise StoreUnavailable("the answer has an item that nobody asked for")
            found.append((key, item))
    return found


def make_client(*, timeout_ms: int) -> Direct:
    return Direct("dynamodb", timeout_ms=timeout_ms)
