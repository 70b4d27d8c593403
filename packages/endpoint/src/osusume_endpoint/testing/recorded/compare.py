"""What AWS answered against what was answered here, leaf by leaf."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

# What a recording puts in the place of something of its own run.
PLACEHOLDER = re.compile(r"<[^<>]{1,80}>|1{12}")
# Members whose recorded value says only that there was one.
VARIABLE_KEYS = re.compile(r"(?i)(date|timestamp|time|requestid|revisionid|headers|nexttoken|traceid)\Z")
TEXTS = ("cause", "message", "Message", "Cause", "exception_value")
# Members that AWS has added since older recordings were made; newer ones have them.
ADDED = (
    "encryptionConfiguration",
    "failuresNotRedrivable",
    "pendingRedrive",
    "redriveCount",
    "redriveStatus",
    "redriveStatusReason",
    "RedriveCount",
)
# Ordering the events of branches drops these from recordings.
JOINS = ("ParallelStateSucceeded", "ParallelStateFailed")
WORDS = {"datetime", "timestamp", "date"}


@dataclass(frozen=True)
class Difference:
    """`path` leads from the answer's name to the leaf."""

    path: tuple[str, ...]
    recorded: Any
    found: Any

    @property
    def is_text(self) -> bool:
        return any(part in TEXTS for part in self.path) and isinstance(self.found, str)

    def __str__(self) -> str:
        return f"{'.'.join(self.path)}: recorded {self.recorded!r}, found {self.found!r}"


@dataclass
class Comparison:
    """`replaced` are patterns and their replacements, `words` what recordings say instead of a run's own value."""

    replaced: list[tuple[str, str]] = field(default_factory=list)
    words: set[str] = field(default_factory=set)

    def differences(self, name: str, recorded: Any, found: Any) -> list[Difference]:
        return list(self._compare((name,), _opened(recorded), _opened(plain(found))))

    def _compare(self, path: tuple[str, ...], recorded: Any, found: Any) -> Iterator[Difference]:
        if path[-1] == "ResponseMetadata" or self._is_variable(path, recorded):
            return
        if isinstance(recorded, dict) and isinstance(found, dict):
            yield from self._members(path, recorded, found)
        elif isinstance(recorded, list) and isinstance(found, list):
            yield from self._items(path, recorded, found)
        elif not self._same(recorded, found):
            yield Difference(path, recorded, found)

    def _is_variable(self, path: tuple[str, ...], recorded: Any) -> bool:
        return VARIABLE_KEYS.search(path[-1]) is not None and (
            isinstance(recorded, str) or "eaders" in path[-1]
        )

    def _members(
        self, path: tuple[str, ...], recorded: dict[str, Any], found: dict[str, Any]
    ) -> Iterator[Difference]:
        renamed = {self._replaced(key): value for key, value in found.items()}
        for key in {**recorded, **renamed}:
            if key not in renamed:
                yield Difference((*path, key), recorded[key], "(missing)")
            elif key not in recorded and key in ADDED:
                continue
            elif key not in recorded:
                yield Difference((*path, key), "(missing)", renamed[key])
            else:
                yield from self._compare((*path, key), recorded[key], renamed[key])

    def _items(self, path: tuple[str, ...], recorded: list[Any], found: list[Any]) -> Iterator[Difference]:
        if path[-1] == "events" and any(_unordered(event) for event in recorded):
            recorded, found = _by_content(recorded), _by_content(found)
            found = [event for event in found if event["type"] not in JOINS]
            recorded = [event for event in recorded if event["type"] not in JOINS]
        if len(recorded) != len(found):
            yield Difference((*path, "length"), _summary(recorded), _summary(found))
            return
        for place, (one, other) in enumerate(zip(recorded, found, strict=True)):
            yield from self._compare((*path, str(place)), one, other)

    def _same(self, recorded: Any, found: Any) -> bool:
        if not isinstance(recorded, str):
            return bool(recorded == found and isinstance(recorded, bool) == isinstance(found, bool))
        if recorded in WORDS | self.words:
            return found not in (None, "(missing)")
        text = found if isinstance(found, str) else json.dumps(found)
        pattern = ".*?".join(map(re.escape, PLACEHOLDER.split(recorded)))
        # Recordings of before a test replaced a value have a placeholder where it now has a word.
        both = (self._replaced(text), text)
        return recorded in both or any(re.fullmatch(pattern, each, re.DOTALL) for each in both)

    def _replaced(self, text: str) -> str:
        for pattern, replacement in self.replaced:
            text = re.sub(pattern, replacement.replace("\\", r"\\"), text)
        return text


def _unordered(event: Any) -> bool:
    """Recordings of branches that ran side by side have lost their order, and with it the ids."""
    return isinstance(event, dict) and event.get("id") in (
        [0],
        [
            0,
        ],
    )


def _by_content(events: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    bare = [
        {k: v for k, v in event.items() if k not in ("id", "previousEventId", "timestamp")}
        for event in events
    ]
    return sorted(bare, key=lambda event: json.dumps(event, sort_keys=True))


def _summary(items: list[Any]) -> Any:
    return [item.get("type", "?") if isinstance(item, dict) else item for item in items]


def plain(value: Any) -> Any:
    """An answer of boto3 as JSON has it; an exception as its text."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return "datetime"
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _opened(value: Any) -> Any:
    """JSON texts inside of an answer are compared by what they hold."""
    if isinstance(value, dict):
        return {key: _opened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_opened(item) for item in value]
    if isinstance(value, str) and value[:1] in "{[" and value:
        try:
            return _opened(json.loads(value))
        except ValueError:
            return value
    return value


def ending(answers: dict[str, Any]) -> list[Any]:
    """How each history ended: the last event's type and error."""
    found = []
    for answer in answers.values():
        events = answer.get("events") if isinstance(answer, dict) else None
        for event in events[-1:] if isinstance(events, list) else ():
            errors = [value.get("error") for value in event.values() if isinstance(value, dict)]
            found.append([event.get("type"), errors])
    return found
