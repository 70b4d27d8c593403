"""Requests to forget users, as they stand in the control table.

A request is an item `forgetting#<id>`: {state, requested_at, attempts, digest, user}. `user` is encrypted with the
environment's key, for this request alone, and goes when the request is done. `forgotten#<digest>` keeps the user out
of later runs; the set `forgetting_pending` holds what is not done.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lambdas.shared import times

PENDING = "forgetting_pending"
# Of a request, in their order; what failed is taken up again by the next execution.
REQUESTED, RUNNING, FAILED, DONE = STATES = ("requested", "running", "failed", "done")

Item = Mapping[str, Any]


def digest(secret: str, user: str) -> str:
    """HMAC-SHA256, hex: without the secret nobody can try ids until one fits."""
    return hmac.new(secret.encode(), user.encode(), hashlib.sha256).hexdigest()


def key_of_request(request_id: str) -> dict[str, Any]:
    return {"pk": {"S": f"forgetting#{request_id}"}}


def key_of_digest(known_as: str) -> dict[str, Any]:
    return {"pk": {"S": f"forgotten#{known_as}"}}


def now() -> str:
    return times.iso(datetime.now(UTC))


@dataclass(frozen=True)
class Requests:
    dynamodb: Any
    kms: Any
    table: str
    key_arn: str = ""

    def read(self, request_id: str) -> Item | None:
        return self._item(key_of_request(request_id))

    def of_user(self, known_as: str) -> str | None:
        """The request that forgot a user last; None for one who is not left out."""
        item = self._item(key_of_digest(known_as))
        return item["request_id"]["S"] if item else None

    def add(self, request_id: str, *, user: str, known_as: str) -> None:
        """Runs leave the user out from the first write on. What a kill leaves half done, the same call does."""
        request = {
            **key_of_request(request_id),
            "state": {"S": REQUESTED},
            "requested_at": {"S": now()},
            "attempts": {"N": "1"},
            "digest": {"S": known_as},
            "user": {"B": self._encrypted(request_id, user)},
        }
        forgotten = {
            **key_of_digest(known_as),
            "request_id": {"S": request_id},
            "since": request["requested_at"],
        }
        # In this order: whoever is asked about the user finds the request's id, and with it what is missing.
        for item in (forgotten, request):
            self.dynamodb.put_item(TableName=self.table, Item=item)
        self.await_turn(request_id)

    def await_turn(self, request_id: str) -> None:
        """Twice is the same as once."""
        self.dynamodb.update_item(**self._pending("ADD", [request_id]))

    def next_attempt(self, request_id: str) -> int:
        """The number of the execution that tries again."""
        answer = self.dynamodb.update_item(
            TableName=self.table,
            Key=key_of_request(request_id),
            UpdateExpression="ADD attempts :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValues="UPDATED_NEW",
        )
        return int(answer["Attributes"]["attempts"]["N"])

    def pending(self) -> list[str]:
        item = self._item({"pk": {"S": PENDING}})
        return sorted(item["requests"]["SS"]) if item and "requests" in item else []

    def mark(self, request_ids: Iterable[str], state: str) -> None:
        """The marks of those that are not done; an id that no request has makes none."""
        for request_id in request_ids:
            with suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
                self.dynamodb.update_item(
                    TableName=self.table,
                    Key=key_of_request(request_id),
                    UpdateExpression="SET #state = :state",
                    ConditionExpression="attribute_exists(#user)",
                    ExpressionAttributeNames={"#state": "state", "#user": "user"},
                    ExpressionAttributeValues={":state": {"S": state}},
                )

    def drop_done(self, request_ids: Iterable[str]) -> list[str]:
        """Leaves those that still have a user; of others, which were done and not noted so, the note is made up for."""
        left = [one for one in request_ids if "user" in (self.read(one) or {})]
        done = sorted(set(request_ids) - set(left))
        if done:
            self.dynamodb.update_item(**self._pending("DELETE", done))
        return left

    def users(self, request_ids: Iterable[str]) -> list[str]:
        """Ids in clear, of those that are not done."""
        items = [(request_id, self.read(request_id)) for request_id in request_ids]
        return sorted(
            {self._decrypted(one, item["user"]["B"]) for one, item in items if item and "user" in item}
        )

    def finish(self, request_id: str, *, report: str) -> None:
        """The id goes for good. Twice is the same as once."""
        self.dynamodb.update_item(
            TableName=self.table,
            Key=key_of_request(request_id),
            UpdateExpression="SET #state = :done, finished_at = if_not_exists(finished_at, :now), report = :report "
            "REMOVE #user, digest",
            ExpressionAttributeNames={"#state": "state", "#user": "user"},
            ExpressionAttributeValues={
                ":done": {"S": DONE},
                ":now": {"S": now()},
                ":report": {"S": report},
            },
        )
        self.dynamodb.update_item(**self._pending("DELETE", [request_id]))

    def _item(self, key: dict[str, Any]) -> Item | None:
        answer = self.dynamodb.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        item: Item | None = answer.get("Item")
        return item

    def _pending(self, action: str, request_ids: list[str]) -> dict[str, Any]:
        return {
            "TableName": self.table,
            "Key": {"pk": {"S": PENDING}},
            "UpdateExpression": f"{action} requests :requests",
            "ExpressionAttributeValues": {":requests": {"SS": request_ids}},
        }

    def _encrypted(self, request_id: str, user: str) -> bytes:
        answer = self.kms.encrypt(
            KeyId=self.key_arn, Plaintext=user.encode(), EncryptionContext={"deletion": request_id}
        )
        blob: bytes = answer["CiphertextBlob"]
        return blob

    def _decrypted(self, request_id: str, blob: bytes) -> str:
        answer = self.kms.decrypt(
            KeyId=self.key_arn, CiphertextBlob=blob, EncryptionContext={"deletion": request_id}
        )
        plain: bytes = answer["Plaintext"]
        return plain.decode()
