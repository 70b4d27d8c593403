"""What of the API's document breaks who was written for the released one: `python -m checks.contract [--release]`.

A change is harmless where what may be sent only grows and what may be answered only shrinks, as JSON Schema says it
(containment of sets of values); and where nothing that had a name is gone. Answers are open: one more field breaks
nobody.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from checks import containment
from checks.containment import Document, Schema

DOCS = Path(__file__).parents[1] / "docs"
CURRENT, RELEASED = DOCS / "openapi.json", DOCS / "openapi.released.json"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def breaks(released: Document, current: Document) -> list[str]:
    """What breaks, each a line that names operation and place; empty where nothing does."""
    return list(_breaks(released, current))


def _breaks(released: Document, current: Document) -> Iterator[str]:
    now = dict(_operations(current))
    for name, old in _operations(released):
        if name not in now:
            yield f"{name} is gone"
            continue
        compared = _Operation(name, released, current, old, now[name])
        yield from compared.breaks()


def _operations(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield f"{method.upper()} {path}", item[method]


class _Operation:
    def __init__(
        self,
        name: str,
        released: Document,
        current: Document,
        old: Mapping[str, Any],
        new: Mapping[str, Any],
    ) -> None:
        self._name, self._released, self._current = name, released, current
        self._old, self._new = old, new

    def breaks(self) -> Iterator[str]:
        parts = (self._named(), self._secured(), self._parameters(), self._body(), self._answers())
        return (f"{self._name}: {text}" for part in parts for text in part)

    def _named(self) -> Iterator[str]:
        """Generated clients name their functions by it."""
        before, after = self._old.get("operationId"), self._new.get("operationId")
        if before != after:
            yield f"operationId was {before!r} and is {after!r}"

    def _secured(self) -> Iterator[str]:
        before = self._old.get("security", self._released.get("security", []))
        after = self._new.get("security", self._current.get("security", []))
        if after and any(one not in after for one in before or [{}]):
            yield f"who may call by {before or 'nothing'} needs {after}"

    def _parameters(self) -> Iterator[str]:
        before, after = self._parameters_of(self._old), self._parameters_of(self._new)
        for key in after.keys() - before.keys():
            if after[key].get("required"):
                yield f"{key} is new and required"
        for key, old in before.items():
            if key not in after:
                yield f"{key} is gone: who sends it is refused"
                continue
            if after[key].get("required") and not old.get("required"):
                yield f"{key} is required now"
            if "default" in old["schema"] and after[key]["schema"].get("default") != old["schema"]["default"]:
                yield f"{key} has another default"
            yield from self._sent(key, old["schema"], after[key]["schema"])

    def _parameters_of(self, operation: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{one['in']} parameter {one['name']}": one for one in operation.get("parameters", [])}

    def _body(self) -> Iterator[str]:
        before, after = self._old.get("requestBody"), self._new.get("requestBody")
        if before is None:
            if after is not None and after.get("required"):
                yield "a body is new and required"
            return
        if after is None:
            yield "the body is gone"
            return
        if after.get("required") and not before.get("required"):
            yield "the body is required now"
        for kind, old in before["content"].items():
            if kind not in after["content"]:
                yield f"a body of {kind} is not taken any more"
            else:
                yield from self._sent("body", old["schema"], after["content"][kind]["schema"])

    def _answers(self) -> Iterator[str]:
        for status, given in self._old["responses"].items():
            if status not in self._new["responses"]:
                yield f"answer {status} is gone"
                continue
            old = containment.resolved(given, self._released)
            new = containment.resolved(self._new["responses"][status], self._current)
            for header in old.get("headers", {}).keys() - new.get("headers", {}).keys():
                yield f"answer {status}: header {header} is gone"
            yield from self._contents(f"answer {status}", old.get("content", {}), new.get("content", {}))

    def _contents(self, where: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
        for kind in old.keys() - new.keys():
            yield f"{where}: {kind} is gone"
        for kind in old.keys() & new.keys():
            yield from containment.beyond(
                new[kind]["schema"],
                old[kind]["schema"],
                where=where,
                documents=(self._current, self._released),
                older="outer",
            )

    def _sent(self, where: str, old: Schema, new: Schema) -> Iterator[str]:
        documents = (self._released, self._current)
        yield from containment.beyond(old, new, where=where, documents=documents, older="inner")


def major(document: Document) -> int:
    return int(document["info"]["version"].partition(".")[0])


def allowed(released: Document, current: Document) -> bool:
    """Another major version is another contract: the number before the first dot of `info.version`."""
    return major(current) > major(released)


def check(released: Document, current: Document) -> int:
    found = breaks(released, current)
    for line in found:
        print(line)
    if found and not allowed(released, current):
        print(
            f"{len(found)} changes break readers of version {released['info']['version']}: take them back, "
            "or see docs/changing.md"
        )
        return 1
    return 0


def release(released: Document, current: Document, *, file: Path) -> int:
    """Writes the current document as the released one, where its version says that it is another."""
    if check(released, current):
        return 1
    if current != released and current["info"]["version"] == released["info"]["version"]:
        print(f"version {current['info']['version']} is released: raise info.version in openapi.py first")
        return 1
    file.write_text(CURRENT.read_text())
    return 0


def main(arguments: Sequence[str]) -> int:
    released, current = json.loads(RELEASED.read_text()), json.loads(CURRENT.read_text())
    if list(arguments) == ["--release"]:
        return release(released, current, file=RELEASED)
    if arguments:
        print("usage: python -m checks.contract [--release]")
        return 2
    return check(released, current)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
