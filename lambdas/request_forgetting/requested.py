"""Takes a request to forget, and tells how far it is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lambdas.shared.forgetting import DONE, FAILED, REQUESTED, Item, Requests, digest

# The request's item -> the answer's field; each is there as soon as it is known.
_FIELDS = {"state": "state", "requested_at": "requestedAt", "finished_at": "finishedAt", "report": "report"}


@dataclass(frozen=True)
class Forgetting:
    requests: Requests
    workflows: Any
    workflow_arn: str
    secret: Callable[[], str]

    def forget(self, user: str) -> dict[str, Any]:
        """The deletion of a user. One that is not done yet is gone on with: asking twice makes no second one."""
        known_as = digest(self.secret(), user)
        request_id = self.requests.of_user(known_as) or _new_id()
        item = self.requests.read(request_id)
        if item and item["state"]["S"] != DONE:
            self._again(request_id, item)
        else:
            request_id = _new_id() if item else request_id
            self.requests.add(request_id, user=user, known_as=known_as)
        self._start(request_id)
        return self.told(request_id) or {}

    def _again(self, request_id: str, item: Item) -> None:
        if item["state"]["S"] == FAILED:
            self.requests.mark([request_id], REQUESTED)
        self.requests.await_turn(request_id)

    def told(self, request_id: str) -> dict[str, Any] | None:
        """How far a deletion is; None for an id that no deletion has."""
        item = self.requests.read(request_id)
        return None if item is None else {"deletionId": request_id, **_shown(item)}

    def _start(self, request_id: str) -> None:
        """While an execution runs, the same name starts nothing; after one that failed, another is started."""
        item = self.requests.read(request_id)
        attempt = int(item["attempts"]["N"]) if item else 1
        try:
            self._execute(request_id, attempt)
        except self.workflows.exceptions.ExecutionAlreadyExists:
            self._execute(request_id, self.requests.next_attempt(request_id))

    def _execute(self, request_id: str, attempt: int) -> None:
        self.workflows.start_execution(
            stateMachineArn=self.workflow_arn,
            name=f"{request_id}-{attempt}",
            input=json.dumps({"request": request_id}),
        )


def _new_id() -> str:
    return uuid.uuid4().hex[:16]


def _shown(item: Item) -> dict[str, Any]:
    return {name: item[key]["S"] for key, name in _FIELDS.items() if key in item}
