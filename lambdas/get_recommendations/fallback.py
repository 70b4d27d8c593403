"""Which list a reader gets: their own, else the popular one, else the one in this package."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from lambdas.get_recommendations.patience import Patience
from lambdas.get_recommendations.ranking import CorruptList, Ranking, Source
from lambdas.get_recommendations.store import Found, Store, VersionedList
from lambdas.get_recommendations.table import StoreUnavailable

EVERYONE = "everyone"
DEFAULT_ITEMS = Path(__file__).parent / "default_items.json"  # put there by the stack, from the configuration

Read = Callable[[], Found[VersionedList | None]]


@dataclass(frozen=True)
class Recommender:
    """`report` is told each fault that a fallback hid."""

    store: Store
    patience: Patience
    personal: str
    related: str
    popular: str
    report: Callable[[str, Exception], None]

    def for_user(self, user: str) -> Ranking:
        self.patience.begin()
        return self._own("personal", self.personal, user)

    def for_item(self, item: str) -> Ranking:
        self.patience.begin()
        return self._own("related", self.related, item)

    def for_everyone(self) -> Ranking:
        self.patience.begin()
        return self._everyones()

    def _everyones(self) -> Ranking:
        found = None
        if self.popular:
            found = self._try("popular", lambda: self.store.find_everyones(self.popular, EVERYONE))
        return found if found and found.items else default_ranking()

    def _own(self, source: Source, name: str, key: str) -> Ranking:
        found = self._try(source, lambda: self.store.find(name, key)) if name else None
        if found and found.items:
            return found
        failed = found is not None and found.degraded
        popular = self._everyones()
        return replace(popular, degraded=popular.degraded or failed)

    def _try(self, source: Source, read: Read) -> Ranking:
        """A ranking without items where there is no list; degraded where the reason is a fault."""
        try:
            found = read()
        except (StoreUnavailable, CorruptList) as error:
            self.report(source, error)
            return Ranking((), source, None, degraded=True)
        if found.value is None:
            return Ranking((), source, None, degraded=found.stale)
        return Ranking(found.value.items, source, found.value.version, degraded=found.stale)


@cache
def default_ranking() -> Ranking:
    """What stands in when nothing is published or readable: chosen by the shop, shipped with the function."""
    items = tuple((item, None) for item in json.loads(DEFAULT_ITEMS.read_text()))
    return Ranking(items, "default", None, degraded=True)
