"""Thirty endpoints that are wrong in one place each: the questions of `make parity` tell every one from the real one.

Each is a copy of the endpoint with one text changed, started on its own, as an account would be another place.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import osusume_endpoint
from operations.parity.command import ask
from operations.parity.differences import differences
from operations.parity.probes import PROBES
from operations.place import Place
from osusume_endpoint.testing.running import running
from tests import example
from tests.operations.test_parity import ALL, Session

SOURCE = Path(osusume_endpoint.__file__).parent
BARE = [probe for probe in PROBES if not probe.needs]
ERRORS, REPORT = "personalize/errors.py", "stepfunctions/validation/report.py"
SINGLE, LIBRARY = "stepfunctions/single_state.py", "stepfunctions/jsonata_library.py"
TRANSITIONS, DEFINITION = "stepfunctions/validation/transitions.py", "stepfunctions/definition.py"
MUTANTS: tuple[tuple[str, str, str], ...] = (
    (ERRORS, '"ResourceNotFoundException", f"Resource', '"InvalidInputException", f"Resource'),
    (ERRORS, 'f"Resource Arn {arn} does not exist."', 'f"Resource Arn {arn} does not exist.", 404'),
    (
        ERRORS,
        'return ApiError("InvalidInputException", message)',
        'return ApiError("ValidationException", message)',
    ),
    ("redshift/data.py", '"ResourceNotFoundException", f"Query', '"ValidationException", f"Query'),
    (
        "redshift/serverless.py",
        '"ResourceNotFoundException", f"Workgroup',
        '"ValidationException", f"Workgroup',
    ),
    (
        "redshift/serverless.py",
        'f"Workgroup {name} doesn\'t exist.")',
        'f"Workgroup {name} doesn\'t exist.", 404)',
    ),
    ("service.py", 'validation_code: str = "ValidationException"', 'validation_code: str = "InvalidInput"'),
    (DEFINITION, '"severity": "ERROR"', '"severity": "WARNING"'),
    (DEFINITION, '"result": "FAIL" if found else "OK"', '"result": "OK"'),
    (DEFINITION, '"result": "FAIL" if found else "OK"', '"result": "FAIL"'),
    (DEFINITION, '"truncated": len(found) > most', '"truncated": "no"'),
    (DEFINITION, '        "truncated": len(found) > most,\n', ""),
    (DEFINITION, '"code": problem.code, ', ""),
    (DEFINITION, '{**found, "location": problem.path or "/"}', "found"),
    (TRANSITIONS, "report.expect(name in reached,", "report.expect(True,"),
    (TRANSITIONS, "report.expect(target in states,", "report.expect(True,"),
    (SINGLE, 'answer = {"status": status, "output": dumps(outcome.output)}', 'answer = {"status": status}'),
    (SINGLE, 'answer = {"status": status, "output": dumps(outcome.output)}', 'answer = {"output": "{}"}'),
    (SINGLE, '"cause": error.cause or ""}', '"cause": None}'),
    (SINGLE, '{"error": error.error or "",', '{"error": "States.TaskFailed",'),
    (SINGLE, '"status": "FAILED"}', '"status": "CAUGHT_ERROR"}'),
    (LIBRARY, "return int(value) if value.is_integer()", "return value if value.is_integer()"),
    (LIBRARY, "return [_plain(item) for item in value]", "return [_plain(item) for item in value][::-1]"),
    (LIBRARY, "return {str(key): _plain(item) for", "return {str(key).upper(): _plain(item) for"),
    (LIBRARY, "count = math.floor((last - first) / step) + 1", "count = math.floor((last - first) / step)"),
    (LIBRARY, "step = math.floor(size)", "step = math.floor(size) + 1"),
    (LIBRARY, "return digest(text, algorithm)", 'return digest(text, "SHA-1")'),
    (LIBRARY, "return None if text is None else _bound(json.loads(text))", "return text"),
    (LIBRARY, "return {} if value is None else", 'return {"is": None} if value is None else'),
    ("stepfunctions/payloads.py", "ensure_ascii=False", "ensure_ascii=True"),
)


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return _answers(tmp_path_factory.mktemp("right"))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy that a started endpoint imports instead of the one installed."""
    copy = tmp_path / "src" / "osusume_endpoint"
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    earlier = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(copy.parent), earlier])))
    yield copy


def _answers(home: Path) -> dict[str, Any]:
    home.mkdir(parents=True, exist_ok=True)
    with running(home, plugins=ALL) as endpoint:
        return ask(Place(example.settings(), Session(endpoint)), BARE)


def test_there_are_thirty_and_each_is_another() -> None:
    assert len(set(MUTANTS)) == 30
    for file, old, new in MUTANTS:
        assert old in (SOURCE / file).read_text(), (file, old)
        assert old != new


@pytest.mark.nightly
@pytest.mark.parametrize(("file", "old", "new"), MUTANTS, ids=[str(number) for number in range(len(MUTANTS))])
def test_the_questions_tell_it_from_the_real_one(
    file: str, old: str, new: str, package: Path, right: dict[str, Any], tmp_path: Path
) -> None:
    path = package / file
    path.write_text(path.read_text().replace(old, new))
    assert differences(right, _answers(tmp_path / "home"))
