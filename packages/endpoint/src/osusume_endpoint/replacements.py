"""Replacements of ministack's parts (and two of other libraries'): each one a decorated function, none elsewhere.

A replacement is declared where its behaviour lives, and put in place when its plug-in is installed:

    @replaces("ministack.services.s3:_dispatch", takes="method, bucket, key, headers, body, query_params")
    def refusing_long_keys(inner): ...  # gives what stands there instead

    def install(endpoint):
        replacements.apply(__name__, endpoint=endpoint)

The decorated function asks by name for what it needs: `inner` is the part that it replaces, the rest is what
`apply` was given. tests/test_hooks.py holds every entry against ministack, so that a version which renames or
changes a part fails there with the name of the replacement.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

Make = TypeVar("Make", bound=Callable[..., Any])
_STEP = re.compile(r"\.?(?P<attribute>\w+)|\[(?P<key>[^\]]+)\]")
_NOTHING = object()
_MARKS: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}


class Place(NamedTuple):
    """Where a part stands: an attribute of a module or class, or an entry of a table."""

    holder: Any
    name: str
    is_entry: bool

    def get(self) -> Any:
        """Raises AttributeError or KeyError where there is no such part."""
        return self.holder[self.name] if self.is_entry else getattr(self.holder, self.name)

    def put(self, part: Any) -> None:
        if not self.is_entry:
            setattr(self.holder, self.name, part)
        elif part is _NOTHING:
            self.holder.pop(self.name, None)
        else:
            self.holder[self.name] = part


@dataclass(frozen=True)
class Replacement:
    """`make` gives what stands at `target` from then on."""

    target: str  # "module:attribute", "module:Class.method" or "module:TABLE[key]"
    make: Callable[..., Any]
    takes: str | None  # all parameters of the part, in its order; None for a part that nobody calls
    holds: type  # what the part is an instance of
    everywhere: bool  # also where modules of the library have imported it by name

    @property
    def owner(self) -> str:
        """The module of ours that declares it."""
        return self.make.__module__

    @property
    def name(self) -> str:
        return f"{self.owner}.{self.make.__name__}"


@dataclass(frozen=True)
class Table:
    """A table of ministack's to which plug-ins add entries, or whose entries they set."""

    target: str

    def put(self, key: str, entry: Any) -> None:
        """Sets the entry."""
        _put(self.target, Place(place(self.target).get(), key, is_entry=True), entry)


class Applied(NamedTuple):
    """One part that was put in place; `old` is what stood there."""

    target: str
    place: Place
    old: Any
    new: Any


declared: list[Replacement] = []
applied: list[Applied] = []


def replaces(
    target: str, *, takes: str | None = None, holds: type = object, everywhere: bool = False
) -> Callable[[Make], Make]:
    """Declares the decorated function as the replacement of `target`; nothing is imported or changed yet."""

    def declare(make: Make) -> Make:
        declared.append(Replacement(target, make, takes, holds, everywhere))
        return make

    return declare


def apply(owner: str, **given: Any) -> None:
    """Puts the replacements that the module `owner` declares in place, in their order.

    Raises TypeError when one asks for what was not given, or none asks for something that was.
    """
    mine = [replacement for replacement in declared if replacement.owner == owner]
    unwanted = set(given) - {name for replacement in mine for name in _asked(replacement)}
    if unwanted:
        raise TypeError(f"no replacement of {owner} asks for {', '.join(sorted(unwanted))}")
    for replacement in mine:
        _apply(replacement, given)


def place(target: str) -> Place:
    """Where the part stands. Raises ImportError, AttributeError or KeyError when a step on the way is missing."""
    module, _, path = target.partition(":")
    *outer, last = [_step(match) for match in _STEP.finditer(path)]
    holder: Any = importlib.import_module(module)
    for name, is_entry in outer:
        holder = Place(holder, name, is_entry).get()
    return Place(holder, *last)


def parameters(function: Callable[..., Any]) -> str:
    """A function's parameters as `takes` has them: "async a, *, b, **rest"."""
    found, keyword_only = [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword_only:
            found.append("*")
        keyword_only |= parameter.kind in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        found.append(_MARKS.get(parameter.kind, "") + parameter.name)
    return ("async " if inspect.iscoroutinefunction(function) else "") + ", ".join(found)


def _step(match: re.Match[str]) -> tuple[str, bool]:
    key = match["key"]
    return (match["attribute"], False) if key is None else (key, True)


@functools.cache
def _asked(replacement: Replacement) -> tuple[str, ...]:
    return tuple(inspect.signature(replacement.make).parameters)


def _apply(replacement: Replacement, given: dict[str, Any]) -> None:
    where = place(replacement.target)
    old = where.get()
    available = {"inner": old, **given}
    missing = [name for name in _asked(replacement) if name not in available]
    if missing:
        raise TypeError(f"{replacement.name} asks for {', '.join(missing)}, which apply was not given")
    new = replacement.make(**{name: available[name] for name in _asked(replacement)})
    for each in [where, *(_copies(where, old) if replacement.everywhere else [])]:
        _put(replacement.target, each, new)


def _copies(where: Place, old: Any) -> list[Place]:
    """The modules of ministack that imported the part by its name."""
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("ministack.")]
    copies = [Place(module, where.name, is_entry=False) for module in modules if module is not where.holder]
    return [copy for copy in copies if vars(copy.holder).get(copy.name) is old]


def _put(target: str, where: Place, new: Any) -> None:
    old = _NOTHING if where.is_entry and where.name not in where.holder else where.get()
    where.put(new)
    applied.append(Applied(target, where, old, new))
