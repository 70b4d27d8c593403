"""Published lists, through caches that outlive the table's failures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from lambdas.get_recommendations.ranking import CorruptList, Ranked, decode
from lambdas.get_recommendations.table import StoreUnavailable, Table

Value = TypeVar("Value")

FRESH_SECONDS = 30.0  # how long a publish or a rollback takes to reach every reader


@dataclass(frozen=True)
class Found(Generic[Value]):
    """`stale` where the table could not be asked and an older answer stands in."""

    value: Value
    stale: bool = False


class Memory(Generic[Value]):
    """Values that are fresh for 30 s and stand in, however old, when reading fails."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: dict[str, tuple[float, Value]] = {}

    def get(self, key: str, read: Callable[[], Value]) -> Found[Value]:
        known = self._entries.get(key)
        now = self._clock()
        if known and now - known[0] < FRESH_SECONDS:
            return Found(known[1])
        try:
            value = read()
        except (StoreUnavailable, CorruptList):
            if known is None:
                raise
            return Found(known[1], stale=True)
        self._entries[key] = (now, value)
        return Found(value)


@dataclass(frozen=True)
class VersionedList:
    items: tuple[Ranked, ...]
    version: str


class Store:
    def __init__(self, *, table: Table, clock: Callable[[], float]) -> None:
        self._table = table
        self._pointers: Memory[str | None] = Memory(clock)
        self._everyone: Memory[VersionedList | None] = Memory(clock)

    def find(self, name: str, key: str) -> Found[VersionedList | None]:
        """The published list of a key; None where it has none. Raises StoreUnavailable, CorruptList."""
        pointer = self._pointer(name)
        if pointer.value is None:
            return Found(None, pointer.stale)
        return Found(self._read_list(name, key, pointer.value), pointer.stale)

    def find_everyones(self, name: str, key: str) -> Found[VersionedList | None]:
        """The same list as `find` gives, kept in memory: it is the same for every reader."""
        return self._everyone.get(name, lambda: self._fresh(name, key))

    def _fresh(self, name: str, key: str) -> VersionedList | None:
        """Raises CorruptList too where a version is published and has no list for everyone: it is lost."""
        version = self._pointer(name).value
        if version is None:
            return None
        found = self._read_list(name, key, version)
        if found is None:
            raise CorruptList(f"the published version of {name} has no list")
        return found

    def _pointer(self, name: str) -> Found[str | None]:
        return self._pointers.get(name, lambda: self._read_pointer(name))

    def _read_pointer(self, name: str) -> str | None:
        item = self._table.get(pk=f"pointer#{name}", sk="pointer")
        if item is None:
            return None
        try:
            return item["current"]["S"]
        except (KeyError, TypeError) as error:
            raise CorruptList(f"pointer#{name} has no current version: {error!r}") from None

    def _read_list(self, name: str, key: str, version: str) -> VersionedList | None:
        item = self._table.get(pk=f"{name}#{key}", sk=version)
        if item is None:
            return None
        try:
            text = item["items"]["S"]
        except (KeyError, TypeError) as error:
            raise CorruptList(f"a list of {name} {version} has no items: {error!r}") from None
        return VersionedList(decode(text), version)
