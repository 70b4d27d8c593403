"""What a visitor of the shop would see: places filled from the lists that the API gives, with the shop's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from rich.cells import cell_len, set_cell_size

from local.demo.api import Api
from local.demo.catalogue import Catalogue, Named

BESIDE = "goes with"  # the place of a related list
LIST = 25  # entries of a list that is asked for
SHOWN = 6  # of a place
RELATED = 3  # items whose related list is shown
TITLE, SECOND = 46, 34  # cells of a terminal; a Japanese character takes two
Past = list[tuple[str, str]]  # (item, day), the newest first
Events = Callable[[str], Past]


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A user with what they have had already: bought, or met where the shop sells nothing."""

    user: str
    past: Past
    buys: bool

    @property
    def had(self) -> frozenset[str]:
        return frozenset(item for item, _ in self.past)

    @property
    def words(self) -> tuple[str, str, str, str, str]:
        """(what was last, place of what they had, what that is, place of the rest, what that is)."""
        if self.buys:
            return "bought last", "buy again", "bought before", "new for you", "never bought"
        return "had last", "once more", "had before", "new for you", "never had"


def visitor(catalogue: Catalogue, events: Events) -> Visitor | None:
    """`events` gives what a user did beside buying, which counts where nobody buys. None: there is no user."""
    user = catalogue.regular_user()
    if user is None:
        return None
    buys = catalogue.has_orders()
    return Visitor(user=user, past=catalogue.purchases(user) if buys else events(user), buys=buys)


def path_of(catalogue: Catalogue) -> str:
    """The path of a request that a person may send themselves."""
    user = catalogue.regular_user()
    return (
        f"/v1/users/{_escaped(user)}/recommendations?numResults=10" if user else "/v1/popular?numResults=10"
    )


def filled(api: Api, catalogue: Catalogue, events: Events) -> Iterator[str]:
    found = visitor(catalogue, events)
    popular = api.get(f"/v1/popular?numResults={SHOWN}")
    asked: list[str] = []
    if found is not None:
        personal = api.get(f"/v1/users/{_escaped(found.user)}/recommendations?numResults={LIST}")
        yield from personal_places(found, personal, catalogue)
        asked = catalogue.telling([item for item, _ in found.past[: 2 * SHOWN]], count=RELATED)
    for item in asked or _ids(popular)[:1]:
        related = api.get(f"/v1/items/{_escaped(item)}/related?numResults={SHOWN}")
        yield from goes_with(item, related, catalogue)
    yield f"popular ({origin(popular)})"
    yield from _named(_ids(popular), catalogue)


def personal_places(visitor: Visitor, answer: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    """The list, in two places: what the visitor had, and the rest. Both in the list's order."""
    last, again, had, new, never = visitor.words
    past = visitor.past[:SHOWN]
    yield f"User {visitor.user}: {last}" if past else f"User {visitor.user}: nothing {last}"
    yield from _named([item for item, _ in past], catalogue, before=[day for _, day in past])
    items = _ids(answer)
    familiar = [item for item in items if item in visitor.had]
    others = [item for item in items if item not in visitor.had]
    yield ""
    yield f"{again}: {had}, {len(familiar)} of the {len(items)} in the list ({origin(answer)})"
    yield from _named(familiar[:SHOWN], catalogue)
    yield ""
    yield f"{new}: {never}, {len(others)} of the {len(items)}"
    yield from _named(others[:SHOWN], catalogue)
    if not others:
        yield "  none: publishing.min_never_bought keeps places for such items"
    yield ""


def goes_with(item: str, answer: Mapping[str, Any], catalogue: Catalogue) -> Iterator[str]:
    name = catalogue.named([item])[item]
    yield f"{BESIDE} {' · '.join(part for part in (name.title, name.second) if part)} ({origin(answer)})"
    yield from _named(_ids(answer), catalogue)
    yield ""


def origin(answer: Mapping[str, Any]) -> str:
    degraded = ", DEGRADED" if answer.get("degraded") else ""
    return f"source {answer['source']}, version {answer['version']}{degraded}"


def _ids(answer: Mapping[str, Any]) -> list[str]:
    return [each["itemId"] for each in answer["items"]]


def _escaped(identifier: str) -> str:
    return quote(identifier, safe="")


def _named(items: Sequence[str], catalogue: Catalogue, *, before: Sequence[str] = ()) -> Iterator[str]:
    names = catalogue.named(items)
    second = SECOND if any(name.second for name in names.values()) else 0
    for n, item in enumerate(items):
        first = f"{before[n]}  " if before else ""
        yield f"  {first}{_line(names[item], second=second)}".rstrip()


def _line(name: Named, *, second: int) -> str:
    columns = [_cell(name.title, TITLE)] + ([_cell(name.second, second)] if second else [])
    return "  ".join([*columns, name.category])


def _cell(text: str, width: int) -> str:
    """The text in so many cells, with a mark where it was cut."""
    if cell_len(text) <= width:
        return set_cell_size(text, width)
    return set_cell_size(set_cell_size(text, width - 1).rstrip() + "…", width)
