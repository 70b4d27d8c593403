"""Published segments of users, page by page. Nothing stands in for one: who mails a segment must not mail another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lambdas.get_recommendations import answers, routes
from lambdas.get_recommendations.store import Store
from lambdas.get_recommendations.table import StoreUnavailable
from lambdas.shared.problems import BadRequest, Refusal


@dataclass(frozen=True)
class Members:
    """A page of a segment: `first` is the place of its first user, from 1."""

    solution: str
    version: str
    users: tuple[str, ...]
    first: int
    next_page: int | None


@lru_cache(maxsize=1)
def reader(store: Store, solutions: tuple[str, ...]) -> Segments:
    """Its pointers are remembered as long as the store is."""
    return Segments(store.of(solutions), solutions)


@dataclass(frozen=True)
class Segments:
    """`store` has the pointers of `solutions`."""

    store: Store
    solutions: tuple[str, ...]

    def page(self, segment: str, *, solution: str | None, cursor: str | None) -> Members:
        """Raises BadRequest, and Refusal: 404 without such a segment, 410 for a run that gave way, 503 for a store
        that doesn't answer.
        """
        name = self._named(solution)
        run, number = answers.opened(cursor) if cursor is not None else (None, 1)
        try:
            return self._page(segment, solution=name, run=run, number=number)
        except StoreUnavailable as error:
            raise Refusal("unavailable", "segments can't be read now: send the request again") from error

    def _named(self, solution: str | None) -> str:
        if not self.solutions:
            raise Refusal("not-configured", "no solution makes segments of users")
        if solution is None and len(self.solutions) == 1:
            return self.solutions[0]
        if solution not in self.solutions:
            what = "not given" if solution is None else repr(solution[:80])
            raise BadRequest(f"solution is {what}: give one of {', '.join(self.solutions)}")
        return solution

    def _page(self, segment: str, *, solution: str, run: str | None, number: int) -> Members:
        version = self._version(solution, run)
        item = self.store.get(f"segment#{solution}#{segment}", f"{version}#{number:05}") if version else None
        if run is not None and (item is None or version != run):
            raise Refusal(
                "cursor-expired", "the run that cursor is of can't be read any more: begin without cursor"
            )
        if version is None or item is None:
            # Without the names of others: segments of items are named by ids.
            raise Refusal("no-such-segment", "no such segment is published")
        users, pages = _users(item), _pages(item)
        more = number + 1 if number < pages else None
        return Members(solution, version, users, (number - 1) * routes.MAX_MEMBERS + 1, more)

    def _version(self, solution: str, run: str | None) -> str | None:
        versions = self.store.versions(run)
        if solution in versions.corrupt:
            raise StoreUnavailable(f"the pointer of {solution} has no current version")
        return versions.of.get(solution)


def _users(item: Mapping[str, Any]) -> tuple[str, ...]:
    try:
        users = json.loads(item["items"]["S"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise StoreUnavailable(f"a page of a segment is no list: {error!r}") from None
    if not isinstance(users, list) or not users or not all(isinstance(user, str) for user in users):
        raise StoreUnavailable("a page of a segment has what is no user")
    return tuple(users)


def _pages(item: Mapping[str, Any]) -> int:
    try:
        return int(item["pages"]["N"])
    except (KeyError, TypeError, ValueError) as error:
        raise StoreUnavailable(f"a page of a segment doesn't say how many there are: {error!r}") from None


def body(segment: str, found: Members) -> dict[str, Any]:
    more = answers.cursor(found.version, found.next_page) if found.next_page else None
    return {
        "segment": segment,
        "solution": found.solution,
        "version": found.version,
        "members": _members(found.users, first=found.first),
        "nextCursor": more,
    }


def _members(users: Sequence[str], *, first: int) -> list[dict[str, Any]]:
    return [{"userId": user, "position": place} for place, user in enumerate(users, start=first)]
