"""Readers of the API while something happens: each goes through users, two pages at a time, and keeps what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from urllib.parse import quote

from osusume_endpoint.signed import RequestRefused
from tests.e2e.line import Line

READERS, PAUSE_SECONDS, PAGE = 8, 1.5, 5


@dataclass
class Seen:
    """What readers met: pairs of pages, versions, and sentences of what must not be."""

    users: set[str] = field(default_factory=set)
    versions: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@contextmanager
def reading(line: Line, users: Sequence[str]) -> Iterator[Seen]:
    seen, ended = Seen(), threading.Event()

    def read(mine: Iterator[str]) -> None:
        api = line.api
        while not ended.wait(PAUSE_SECONDS):
            user = next(mine)
            path = f"/v1/users/{quote(user, safe='')}/recommendations?numResults={PAGE}"
            try:
                first = api.get(path)
                second = api.get(f"{path}&cursor={first['nextCursor']}")
            except (RequestRefused, OSError, KeyError) as error:
                seen.wrong.append(f"{user}: {type(error).__name__} {error}")
                continue
            seen.users.add(user)
            seen.versions |= {first["version"], second["version"]}
            seen.wrong += _wrong(user, first, second)

    readers = [
        threading.Thread(target=read, args=(islice(cycle(users), number, None, READERS),), daemon=True)
        for number in range(READERS)
    ]
    for reader in readers:
        reader.start()
    try:
        yield seen
    finally:
        ended.set()
        for reader in readers:
            reader.join(60)


def _wrong(user: str, first: dict[str, object], second: dict[str, object]) -> Iterator[str]:
    pages = [[one["itemId"] for one in page["items"]] for page in (first, second)]  # type: ignore[attr-defined]
    if not all(pages):
        yield f"{user}: an empty page"
    if first["version"] != second["version"]:
        yield f"{user}: pages of {first['version']} and {second['version']}"
    if set(pages[0]) & set(pages[1]):
        yield f"{user}: {set(pages[0]) & set(pages[1])} on both pages of {first['version']}"
    if first["degraded"] or second["degraded"]:
        yield f"{user}: degraded"
