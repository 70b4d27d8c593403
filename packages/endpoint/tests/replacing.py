"""Puts every replacement in place as the server does, and tells as JSON what of ministack is other than before.

`python -m tests.replacing HOME`, in a process of its own: ministack reads its settings when it is imported.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import pkgutil
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from osusume_endpoint import checkpoint, postgres, replacements, server
from osusume_endpoint import endpoint as endpoints
from osusume_endpoint.endpoint import Endpoint

ACCOUNT, REGION, PORT = "123456789012", "eu-west-1", 4799
CONSTANT = re.compile(r"_{0,2}[A-Z][A-Z0-9_]*")
Key = tuple[
    int, str
]  # whoever holds the part, by identity, since a table may have many names; and its name there
Parts = dict[Key, tuple[str, Any]]


def parts() -> Parts:
    """Every part of ministack, with a name to read: what modules and classes hold, and their tables' entries."""
    found: Parts = {}
    for name in sorted(n for n in sys.modules if n.startswith("ministack.")):
        for attribute, value in list(vars(sys.modules[name]).items()):
            if not attribute.startswith("__"):
                found |= _part(sys.modules[name], attribute, f"{name}:{attribute}", value)
    for held in (json.JSONDecoder, importlib.import_module("hypercorn.asyncio.tcp_server").TCPServer):
        found |= _class(held)
    return found


def _part(holder: Any, name: str, readable: str, value: Any) -> Parts:
    found = {(id(holder), name): (readable, value)}
    if isinstance(value, type) and value.__module__.startswith("ministack."):
        found |= _class(value)
    elif isinstance(value, dict) and CONSTANT.fullmatch(name):
        for key, entry in value.items():
            found |= _part(value, str(key), f"{readable}[{key}]", entry)
            found |= {} if not isinstance(entry, dict) else _entries(entry, f"{readable}[{key}]")
    return found


def _entries(table: dict[Any, Any], readable: str) -> Parts:
    return {(id(table), str(key)): (f"{readable}[{key}]", entry) for key, entry in table.items()}


def _class(kind: type) -> Parts:
    """Methods and the like, of which Python itself writes none."""
    readable = f"{kind.__module__}:{kind.__qualname__}"
    found = {(id(kind), name): (f"{readable}.{name}", part) for name, part in vars(kind).items()}
    return {key: part for key, part in found.items() if not key[1].startswith("__")}


def changed(before: Parts, after: Parts) -> dict[Key, str]:
    """What another part stands for, or is gone or new, where the holder is the same."""
    holders = {holder for holder, _ in before} & {holder for holder, _ in after}
    gone = ("", object())
    found = {}
    for key in before.keys() | after.keys():
        if key[0] in holders and before.get(key, gone)[1] is not after.get(key, gone)[1]:
            found[key] = (before.get(key) or after[key])[0]
    return found


def load_everything() -> None:
    import ministack

    for module in pkgutil.walk_packages(ministack.__path__, "ministack."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def install(home: Path) -> None:
    """As server.run does, without a database: its start replaces nothing."""
    address = SimpleNamespace(host="127.0.0.1", port=1)
    postgres.ensure = lambda *_, **__: SimpleNamespace(address=address, stop=lambda: None)  # type: ignore[assignment]
    endpoint = Endpoint(f"http://127.0.0.1:{PORT}", PORT, REGION, ACCOUNT, home)
    endpoints.activate(endpoint)
    server.install_plugins(endpoint)
    checkpoint.install()


def calls_of(part: Any) -> tuple[list[str], list[str]]:
    """The longest call that a function takes: how many arguments by place, and which by name."""
    given = inspect.signature(part).parameters.values()
    placed = [p.name for p in given if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return placed, [p.name for p in given if p.kind == p.KEYWORD_ONLY]


def problems_of(each: replacements.Applied, new: Any) -> list[str]:
    """Calls of the part that `new`, which stands there now, does not take."""
    if not inspect.isroutine(each.old) or isinstance(each.old, type):
        return []
    found = []
    placed, named = calls_of(each.old)
    for count in range(_needed(each.old), len(placed) + 1):
        try:
            inspect.signature(new).bind(*placed[:count], **dict.fromkeys(named))
        except TypeError as error:
            found.append(f"called with {', '.join(placed[:count])}: {error}")
    if inspect.iscoroutinefunction(each.old) and not _is_async(new):
        found.append("is not async")
    return found


def _needed(part: Any) -> int:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    given = inspect.signature(part).parameters.values()
    return sum(p.kind in kinds and p.default is p.empty for p in given)


def _is_async(part: Any) -> bool:
    return inspect.iscoroutinefunction(part) or inspect.iscoroutinefunction(type(part).__call__)


def still_held(each: replacements.Applied) -> list[str]:
    """Modules that go on calling the part that was replaced: all but the one that defines it."""
    if each.place.is_entry or not inspect.isroutine(each.old):
        return []
    modules = [m for n, m in sys.modules.items() if n.startswith("ministack.") and isinstance(m, ModuleType)]
    return [
        module.__name__
        for module in modules
        if vars(module).get(each.place.name) is each.old and module.__name__ != each.old.__module__
    ]


def undo() -> None:
    """Puts back everything that was replaced or added, the last first."""
    while replacements.applied:
        last = replacements.applied.pop()
        last.place.put(last.old)


def report(home: Path) -> dict[str, Any]:
    load_everything()
    before = parts()
    install(home)
    applied = list(replacements.applied)
    firsts = {(id(each.place.holder), each.place.name): each for each in reversed(applied)}
    lasts = {(id(each.place.holder), each.place.name): each for each in applied}
    different = changed(before, parts())
    answer = {
        "applied": [each.target for each in applied],
        "unregistered": sorted(name for key, name in different.items() if key not in lasts),
        "absent": sorted(each.target for each in lasts.values() if each.place.get() is not each.new),
        "problems": {each.target: problems_of(each, lasts[key].new) for key, each in firsts.items()},
        "held": {each.target: still_held(each) for each in firsts.values()},
    }
    undo()
    return {**answer, "left": sorted(changed(before, parts()).values())}


if __name__ == "__main__":
    place = Path(sys.argv[1])
    for folder in ("s3", "ministack", "log", "tmp"):
        (place / folder).mkdir(parents=True, exist_ok=True)
    os.environ.update(server.environment(home=place, port=PORT, region=REGION, account=ACCOUNT))
    json.dump(report(place), sys.stdout)
    sys.stdout.flush()
    os._exit(0)
