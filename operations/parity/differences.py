"""Where two answers differ, said as a path and both sides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """`path` is of the members on the way; `here` is the endpoint's side, `there` the account's."""

    probe: str
    path: str
    here: str
    there: str

    def __str__(self) -> str:
        return f"{self.probe} {self.path or '(all of it)'}: endpoint {self.here}, account {self.there}"


def differences(here: Mapping[str, Any], there: Mapping[str, Any]) -> list[Difference]:
    """The differences of two sets of answers by probe; a probe that only one side asked is one difference."""
    found: list[Difference] = []
    for probe in sorted({*here, *there}):
        sides = here.get(probe, NOTHING), there.get(probe, NOTHING)
        found += [Difference(probe, path, a, b) for path, a, b in _compared(*sides, path="")]
    return found


def _compared(here: Any, there: Any, *, path: str) -> Iterator[tuple[str, str, str]]:
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in sorted({*here, *there}):
            yield from _compared(
                here.get(key, NOTHING), there.get(key, NOTHING), path=f"{path}.{key}".strip(".")
            )
    elif isinstance(here, list) and isinstance(there, list):
        yield from _compared_lists(here, there, path=path)
    elif here != there:
        yield path, _said(here), _said(there)


def _compared_lists(here: list[Any], there: list[Any], *, path: str) -> Iterator[tuple[str, str, str]]:
    """An empty list says nothing about its elements: one place may have none yet."""
    if not here or not there:
        return
    if len(here) == len(there):
        for index, (a, b) in enumerate(zip(here, there, strict=True)):
            yield from _compared(a, b, path=f"{path}[{index}]")
    elif here != there:
        yield path, _said(here), _said(there)


def _said(value: Any) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= 120 else f"{text[:117]}..."
