"""Reads the recommendations table: one attempt, short time-outs, one immediate retry where that helps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError

from lambdas.get_recommendations.breaker import Breaker
from lambdas.get_recommendations.patience import Patience

RETRIED = (ConnectionClosedError, EndpointConnectionError)

Item = dict[str, dict[str, str]]


class StoreUnavailable(Exception):
    """DynamoDB did not answer, or not with an item: callers fall back."""


class Table:
    def __init__(self, *, client: Any, name: str, breaker: Breaker, patience: Patience) -> None:
        self._client, self._name, self._breaker, self._patience = client, name, breaker, patience

    def get(self, *, pk: str, sk: str) -> Item | None:
        """Raises StoreUnavailable for whatever goes wrong."""
        if not self._breaker.allows():
            raise StoreUnavailable("the breaker is open")
        try:
            waited_for = self._patience.still()
            answer = self._patience.wait_for(lambda: self._ask(pk, sk, waited_for))
        except Exception as error:  # garbled answers raise parsers' own errors: no reader may ever see one
            self._breaker.failed()
            raise StoreUnavailable(f"{type(error).__name__}: {error}") from error
        self._breaker.succeeded()
        return answer

    def _ask(self, pk: str, sk: str, waited_for: Callable[[], bool]) -> Item | None:
        try:
            return self._call(pk, sk)
        except RETRIED:
            if not waited_for():
                raise
            return self._call(pk, sk)
        except ClientError as error:
            # A throttle gets worse by retrying; a time-out has spent the reader's patience.
            if error.response["ResponseMetadata"].get("HTTPStatusCode", 0) < 500 or not waited_for():
                raise
            return self._call(pk, sk)

    def _call(self, pk: str, sk: str) -> Item | None:
        answer = self._client.get_item(
            TableName=self._name, Key={"pk": {"S": pk}, "sk": {"S": sk}}, ReturnConsumedCapacity="TOTAL"
        )
        # botocore takes an empty or foreign body for an answer without an item; a real one says what it cost.
        if "ConsumedCapacity" not in answer:
            raise StoreUnavailable("the answer is not DynamoDB's")
        item: Item | None = answer.get("Item")
        return item


def make_client(*, timeout_ms: int) -> Any:
    """botocore without boto3: a quarter less to import."""
    import botocore.session
    from botocore.config import Config

    seconds = timeout_ms / 1000
    config = Config(
        connect_timeout=seconds,
        read_timeout=seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},
        parameter_validation=False,
        tcp_keepalive=True,
    )
    return botocore.session.get_session().create_client("dynamodb", config=config)
