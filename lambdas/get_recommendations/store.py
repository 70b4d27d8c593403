"""Published lists, through memories that outlive the table's failures; all of one answer are of one run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lambdas.get_recommendations.ranking import CorruptList, Listed, listed
from lambdas.get_recommendations.table import Key, StoreUnavailable, Table
from lambdas.shared.user_state import CorruptState, UserState, decode

FRESH_SECONDS = 30.0  # how long a publish or a rollback takes to reach every reader
EVERYONE = "everyone"
KEPT_VERSIONS = 4  # of a list for everyone that a process remembers


@dataclass(frozen=True)
class Pointer:
    """Versions of a list that may be read."""

    current: str
    previous: str | None = None

    def has(self, version: str) -> bool:
        return version in (self.current, self.previous)


@dataclass(frozen=True)
class Versions:
    """The version to read of each list; `stale` where the table could not be asked and an older answer stands in.

    A list that never was published has none. `corrupt`: lists whose pointer could not be understood.
    """

    of: Mapping[str, str]
    stale: bool = False
    corrupt: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Found:
    """Lists by (name, key), those that are there; `versions` are the ones that were read.

    A state that makes no sense is `state_fault` and otherwise as if there were none.
    """

    lists: Mapping[tuple[str, str], Listed]
    versions: Versions
    state: UserState
    state_fault: CorruptState | None = None


class Store:
    """`names` are the lists of which all are read of one run."""

    def __init__(
        self,
        *,
        table: Table,
        clock: Callable[[], float],
        recommendations: str,
        user_state: str,
        names: Sequence[str],
    ) -> None:
        self._table, self._clock = table, clock
        self._recommendations, self._user_state, self._names = recommendations, user_state, tuple(names)
        self._read_at: float | None = None
        self._pointers: dict[str, Pointer] = {}
        self._corrupt: frozenset[str] = frozenset()
        self._everyones: dict[str, dict[str, Listed]] = {}

    def of(self, names: Sequence[str]) -> Store:
        """One of the same tables for other lists."""
        return Store(
            table=self._table,
            clock=self._clock,
            recommendations=self._recommendations,
            user_state=self._user_state,
            names=names,
        )

    def get(self, pk: str, sk: str) -> Mapping[str, Any] | None:
        """Another item of the recommendations table. Raises StoreUnavailable."""
        key = Key(self._recommendations, pk, sk)
        return self._table.get([key]).get(key)

    def versions(self, run: str | None = None) -> Versions:
        """Raises StoreUnavailable where the pointers never could be read. `run` is read where it still may be.

        Of one that is newer than all that this process knows another process has answered: its pointers are read again
        at once, or the pages of one list would be of two runs for as long as pointers are kept.
        """
        stale = self._refresh(at_once=run is not None and run > self._newest())
        return Versions(chosen(self._pointers, run), stale=stale, corrupt=self._corrupt)

    def _newest(self) -> str:
        """Run ids are times, so they order as their texts do."""
        known = self._pointers.values()
        return max((version for one in known for version in (one.current, one.previous or "")), default="")

    def _refresh(self, *, at_once: bool) -> bool:
        now = self._clock()
        if not at_once and self._read_at is not None and now - self._read_at < FRESH_SECONDS:
            return False
        keys = [Key(self._recommendations, f"pointer#{name}", "pointer") for name in self._names]
        try:
            found = self._table.get(keys)
        except StoreUnavailable:
            if self._read_at is None:
                raise
            return True
        self._take({name: found.get(key) for name, key in zip(self._names, keys, strict=True)})
        self._read_at = now
        return False

    def _take(self, found: Mapping[str, Mapping[str, Any] | None]) -> None:
        """A pointer that makes no sense leaves the one that was known before it."""
        corrupt = set()
        for name, item in found.items():
            try:
                pointer = _pointer(item)
            except (KeyError, TypeError):
                corrupt.add(name)
                continue
            if pointer is None:
                self._pointers.pop(name, None)
            else:
                self._pointers[name] = pointer
        self._corrupt = frozenset(corrupt)

    def find(
        self, wanted: Sequence[tuple[str, str]], *, run: str | None = None, user: str | None = None
    ) -> Found:
        """Lists of (name, key), and the state of `user` if one is given, in one call of the table.

        Raises StoreUnavailable, and CorruptList for what is there and makes no sense.
        """
        versions = self.versions(run)
        keys = {(n, k): self._list_key(n, k, versions.of[n]) for n, k in wanted if n in versions.of}
        state = Key(self._user_state, user, None) if user is not None else None
        asked = [*keys.values(), *([state] if state else [])]
        items = self._table.get(asked) if asked else {}
        lists = {which: listed(items[key]) for which, key in keys.items() if key in items}
        return Found(lists, versions, *_state(items.get(state) if state else None))

    def find_everyones(self, name: str, *, run: str | None = None) -> tuple[Listed | None, str | None, bool]:
        """(list, its version, stale), the list kept in memory: it is the same for every reader, and never changes.

        Raises StoreUnavailable, and CorruptList too where a version is published and has no list: it is lost.
        """
        versions = self.versions(run)
        version = versions.of.get(name)
        if version is None:
            return None, None, name in versions.corrupt
        known = self._everyones.setdefault(name, {})
        if version in known:
            return known[version], version, versions.stale or name in versions.corrupt
        try:
            found = self._fresh(name, version)
        except (StoreUnavailable, CorruptList):
            if not known:
                raise
            last = next(reversed(known))
            return known[last], last, True
        known[version] = found
        while len(known) > KEPT_VERSIONS:
            del known[next(iter(known))]
        return found, version, versions.stale

    def _fresh(self, name: str, version: str) -> Listed:
        key = self._list_key(name, EVERYONE, version)
        item = self._table.get([key]).get(key)
        if item is None:
            raise CorruptList(f"the published version of {name} has no list")
        return listed(item)

    def _list_key(self, name: str, key: str, version: str) -> Key:
        return Key(self._recommendations, f"{name}#{key}", version)


def chosen(pointers: Mapping[str, Pointer], run: str | None = None) -> Mapping[str, str]:
    """The version of each list to read: one run's for all, where all have it.

    While a run is published its pointers move one after the other. A moved one still names what it had before, so the
    oldest of the current versions is what all have; so is the version that one list alone was rolled back to.
    """
    current = {name: pointer.current for name, pointer in pointers.items()}
    wanted = [run] if run else []
    for version in [*wanted, min(current.values(), default="")]:
        if pointers and all(pointer.has(version) for pointer in pointers.values()):
            return dict.fromkeys(current, version)
    return {name: run if run and pointers[name].has(run) else own for name, own in current.items()}


def _pointer(item: Mapping[str, Any] | None) -> Pointer | None:
    if item is None:
        return None
    previous = item["previous"]["S"] if "previous" in item else None
    return Pointer(item["current"]["S"], previous)


def _state(item: Mapping[str, Any] | None) -> tuple[UserState, CorruptState | None]:
    try:
        return decode(item), None
    except CorruptState as error:
        return UserState(), error
