"""Records put one by one (PutEvents, PutItems, PutUsers, ...): one JSON line each, in the order they came."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from osusume_endpoint import paths
from osusume_engine.data import ActionEvent, Event
from osusume_engine.impressions import Impressions

# Beside the schema's columns of an event: which session it belongs to.
SESSION = "_SESSION"
# And what the recommendation that it names showed, where the event lists no impression itself.
SHOWN = "_SHOWN"
# And the caller's id of the event: "any subsequent events after the first with the same event ID are not used in model
# training" (API reference, Event).
EVENT_ID = "_EVENT_ID"


class Streams:
    """Keyed by dataset ARN. Positions count lines, so a model knows which events came after its training."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._recent: dict[str, dict[str, list[tuple[int, Any]]]] = {}
        self._log: dict[str, list[tuple[str, str, str | None]]] = {}
        self._impressions: dict[str, Impressions] = {}
        self._ids: dict[str, set[str]] = {}

    def path(self, dataset_arn: str) -> Path:
        digest = hashlib.sha256(dataset_arn.encode()).hexdigest()[:16]
        name = f"{dataset_arn.rpartition('/')[2].lower()}-{digest}.jsonl"
        return paths.inside(self._folder, name)

    def append(self, dataset_arn: str, rows: Iterable[Mapping[str, Any]]) -> None:
        with self._lock:
            self._load(dataset_arn)
            path = self.path(dataset_arn)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as lines:
                for row in rows:
                    if row.get(EVENT_ID) in self._ids[dataset_arn]:
                        continue
                    lines.write(json.dumps(row) + "\n")
                    self._remember(dataset_arn, row)

    def count(self, dataset_arn: str) -> int:
        with self._lock:
            self._load(dataset_arn)
            return self._counts[dataset_arn]

    def recent(self, dataset_arn: str, user_id: str, *, after: int) -> list[Any]:
        """The user's Events (of actions: ActionEvents) from position `after` on, in the order they came."""
        with self._lock:
            self._load(dataset_arn)
            events = self._recent[dataset_arn].get(user_id, [])
        return [event for position, event in events if position >= after]

    def touched(self, dataset_arn: str, *, after: int) -> list[tuple[str, str, str | None]]:
        """(user, item or action, event type) of the events from position `after` on."""
        with self._lock:
            self._load(dataset_arn)
            return self._log[dataset_arn][after:]

    def impressions(self, dataset_arn: str) -> Impressions:
        """What was shown and chosen; it goes on counting."""
        with self._lock:
            self._load(dataset_arn)
            return self._impressions[dataset_arn]

    def remove(self, dataset_arn: str) -> None:
        with self._lock:
            self._counts.pop(dataset_arn, None)
            self._recent.pop(dataset_arn, None)
            self.path(dataset_arn).unlink(missing_ok=True)

    def delete_users(self, dataset_arn: str, users: set[str]) -> int:
        """How many records went. Their lines stay as empty ones: positions must not move."""
        with self._lock:
            rows = list(read_lines(self.path(dataset_arn)))
            owners = [row.get("USER_ID") for row in with_sessions_joined(rows)]
            kept = [{} if user in users else row for user, row in zip(owners, rows, strict=True)]
            deleted = sum(row != old for row, old in zip(kept, rows, strict=True))
            if deleted:
                lines = "".join(json.dumps(row) + "\n" for row in kept)
                paths.write_whole(self.path(dataset_arn), lines)
                self._counts.pop(dataset_arn, None)
            return deleted

    def _load(self, dataset_arn: str) -> None:
        if dataset_arn in self._counts:
            return
        self._counts[dataset_arn] = 0
        self._recent[dataset_arn] = defaultdict(list)
        self._log[dataset_arn] = []
        self._impressions[dataset_arn] = Impressions()
        self._ids[dataset_arn] = set()
        for row in read_lines(self.path(dataset_arn)):
            self._remember(dataset_arn, row)

    def _remember(self, dataset_arn: str, row: Mapping[str, Any]) -> None:
        position = self._counts[dataset_arn]
        self._counts[dataset_arn] = position + 1
        if EVENT_ID in row:
            self._ids[dataset_arn].add(row[EVENT_ID])
        self._join_session(dataset_arn, row)
        target = row.get("ITEM_ID") or row.get("ACTION_ID")
        self._log[dataset_arn].append((row.get("USER_ID", ""), target or "", row.get("EVENT_TYPE")))
        if "ACTION_ID" in row and "USER_ID" in row:
            self._recent[dataset_arn][row["USER_ID"]].append((position, _action_event(row)))
        if "ITEM_ID" in row and "USER_ID" in row:
            self._recent[dataset_arn][row["USER_ID"]].append((position, _event(row)))
            self._impressions[dataset_arn].record(
                user=row["USER_ID"], shown=_shown(row), chosen=row["ITEM_ID"]
            )

    def _join_session(self, dataset_arn: str, row: Mapping[str, Any]) -> None:
        """The events of a session before its user signed in become the user's."""
        session, user = row.get(SESSION), row.get("USER_ID")
        recent = self._recent[dataset_arn]
        if session is None or user is None or session == user or session not in recent:
            return
        recent[user] = sorted(recent[user] + recent.pop(session), key=lambda entry: entry[0])


def with_sessions_joined(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a session that a user signed in to are that user's."""
    listed = list(rows)
    signed_in = [row for row in listed if row.get(SESSION) not in (None, row.get("USER_ID"))]
    users = {row[SESSION]: row["USER_ID"] for row in signed_in}
    return [
        row | {"USER_ID": users[row["USER_ID"]]} if row.get("USER_ID") in users else row for row in listed
    ]


def _shown(row: Mapping[str, Any]) -> list[str]:
    """An explicit impression goes before the implicit one."""
    given = row.get("IMPRESSION")
    return given.split("|") if given else list(row.get(SHOWN, ()))


def _action_event(row: Mapping[str, Any]) -> ActionEvent:
    return ActionEvent(row["ACTION_ID"], int(row["TIMESTAMP"]), row["EVENT_TYPE"])


def _event(row: Mapping[str, Any]) -> Event:
    return Event(
        item_id=row["ITEM_ID"],
        timestamp=int(row["TIMESTAMP"]),
        event_type=row.get("EVENT_TYPE"),
        event_value=row.get("EVENT_VALUE"),
    )


def read_lines(path: Path) -> Iterable[dict[str, Any]]:
    """A last line that a killed process left half-written is not a record."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)
