"""`python -m osusume_endpoint.personalize.coverage`: operation, implemented, tested; as Markdown.

Implemented: a function serves it. Tested: a test of this repository calls it through a boto3 client.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from botocore import xform_name

from osusume_endpoint.personalize.responses import operations
from osusume_endpoint.wire import service_model

TESTS = Path(__file__).resolve().parents[3] / "tests" / "personalize"


def called_names(folder: Path) -> frozenset[str]:
    """Names of attributes that the tests use: client methods are among them."""
    words: set[str] = set()
    for path in folder.glob("test_*.py"):
        words.update(re.findall(r"\.([a-z_]+)\b", path.read_text(encoding="utf-8")))
    for path in folder.glob("conftest.py"):
        words.update(re.findall(r"\.([a-z_]+)\b", path.read_text(encoding="utf-8")))
    return frozenset(words | _described(folder))


def _described(folder: Path) -> set[str]:
    """World.active("dataset", ...) and its like call describe_dataset."""
    pattern = r'world\.(?:active|settled|gone)\(\s*"([a-z_]+)"'
    found: set[str] = set()
    for path in folder.glob("*.py"):
        found.update(f"describe_{name}" for name in re.findall(pattern, path.read_text(encoding="utf-8")))
    return found


def rows(tests: Path = TESTS) -> Iterable[tuple[str, str, bool, bool]]:
    """(service, operation, implemented, tested)"""
    called, implemented = called_names(tests), operations()
    for service, functions in implemented.items():
        for operation in service_model(service).operation_names:
            yield service, operation, operation in functions, xform_name(operation) in called


def table(tests: Path = TESTS) -> str:
    found = list(rows(tests))
    mark = {True: "yes", False: "no"}
    lines = ["| service | operation | implemented | tested |", "|---|---|---|---|"]
    lines += [f"| {s} | {o} | {mark[implemented]} | {mark[tested]} |" for s, o, implemented, tested in found]
    done = sum(implemented for _, _, implemented, _ in found)
    tried = sum(tested for _, _, _, tested in found)
    return "\n".join([*lines, "", f"{len(found)} operations: {done} implemented, {tried} tested."])


if __name__ == "__main__":
    print(table())
