"""What an answer says: items with their places, where they come from, the next page, and what it is called."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.get_recommendations.fallback import Ranking
from lambdas.get_recommendations.ranking import Entry
from lambdas.get_recommendations.rules import Acted
from lambdas.shared.assignment import Assignment
from lambdas.shared.problems import BadCursor
from lambdas.shared.recommendation_ids import new_id as new_id

_CURSOR = re.compile(r"([0-9]{8}T[0-9]{6}Z|-)\.([0-9]{1,5})", re.ASCII)
_TAG = re.compile(r'"([0-9A-HJKMNP-TV-Z]{26})\.([0-9a-f]{32})"', re.ASCII)


@dataclass(frozen=True)
class Page:
    """Places of a ranking that are answered, from `start` on, and the run that they are of where one was asked for."""

    start: int
    count: int
    run: str | None = None


@dataclass(frozen=True)
class Told:
    """What an answer says of itself beside its items."""

    placement: str | None = None
    assignments: tuple[Assignment, ...] = ()
    revision: str = ""  # of the experiments, where AppConfig delivered them
    state: str | None = None  # of the user, where it was asked

    @property
    def assignment(self) -> Assignment | None:
        """The one that decides what is shown."""
        return self.assignments[-1] if self.assignments else None


def page(query: Mapping[str, Any], *, length: int) -> Page:
    """Raises BadCursor for a cursor that no answer gave."""
    count = query.get("numResults", length)
    if "cursor" not in query:
        return Page(0, count, query.get("runId"))
    run, start = opened(query["cursor"])
    return Page(start, count, run or query.get("runId"))


def opened(cursor: str) -> tuple[str | None, int]:
    """(run, place) of a cursor. Raises BadCursor."""
    try:
        text = base64.b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except ValueError:
        text = ""
    matched = _CURSOR.fullmatch(text)
    if matched is None:
        raise BadCursor(f"cursor is {cursor[:80]!r}: give nextCursor of an answer as it was, or leave it out")
    return (None if matched[1] == "-" else matched[1]), int(matched[2])


def cursor(version: str | None, start: int) -> str:
    return base64.urlsafe_b64encode(f"{version or '-'}.{start:04d}".encode()).decode()


def body(ranking: Ranking, at: Page, *, told: Told, fields: Sequence[str], explain: bool) -> dict[str, Any]:
    """All of an answer but its id, which differs each time."""
    entries = ranking.entries[at.start : at.start + at.count]
    more = len(ranking.entries) > at.start + at.count
    why = {"rules": [_explained(one) for one in ranking.acted], "userState": told.state}
    explained = why if explain else {}
    return {
        "items": [_item(entry, n, fields) for n, entry in enumerate(entries, start=at.start + 1)],
        "placement": told.placement,
        "source": ranking.source,
        "version": ranking.version,
        "degraded": ranking.degraded,
        "experiment": told.assignment.experiment if told.assignment else None,
        "variant": told.assignment.variant if told.assignment else None,
        "nextCursor": cursor(ranking.version, at.start + at.count) if more else None,
        **explained,
    }


def _item(entry: Entry, position: int, fields: Sequence[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "itemId": entry.item,
        "score": entry.score,
        "position": position,
        "source": entry.source,
    }
    if fields:
        told["metadata"] = {name: entry.facts.get(name) for name in fields}
    return told


def _explained(acted: Acted) -> dict[str, Any]:
    return {
        "rule": acted.rule,
        "kind": acted.kind,
        "removed": [{"itemId": i, "position": n, "score": score} for i, n, score in acted.removed],
        "moved": [{"itemId": item, "from": before, "to": after} for item, before, after in acted.moved],
        "added": list(acted.added),
    }


def text_of(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def called(name: str, text: str) -> str:
    """The JSON object `text` with its id in front, without writing it all again."""
    return f'{{"recommendationId":"{name}",{text[1:]}'


def digest(text: str, *, revision: str) -> str:
    """The same for the same content by the same rules, whatever the answer is called."""
    return hashlib.sha256(f"{revision}\0{text}".encode()).hexdigest()[:32]


def tag(name: str, digested: str) -> str:
    """An ETag that holds the answer's id, so that a reader who keeps the answer keeps its id."""
    return f'"{name}.{digested}"'


def kept(header: str | None, digested: str) -> str | None:
    """The id of an answer with this content that the reader holds already, by If-None-Match; else None."""
    for name, content in _TAG.findall(header or ""):
        if content == digested:
            return str(name)
    return None
