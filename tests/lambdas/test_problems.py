"""The types of problems: all documented, each raised or answered by somebody, none twice."""

from __future__ import annotations

import re
from pathlib import Path

from lambdas.shared import problems
from stacks.parts import api

ROOT = Path(__file__).parents[2]


def documented() -> dict[str, set[int]]:
    """Statuses by type, of the page's table."""
    table = (ROOT / "docs" / "api.md").read_text().partition("## Errors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?) \| ([\d, ]+) \|", table, re.MULTILINE)
    return {
        name: {int(status) for status in statuses.split(", ")}
        for names, statuses in rows
        for name in re.findall(r"`([a-z-]+)`", names)
    }


def test_the_page_lists_every_type_with_its_status() -> None:
    found = documented()
    assert set(found) == set(problems.KINDS)
    assert all(problems.KINDS[name].status in statuses for name, statuses in found.items())


def test_every_type_is_somebodys_answer() -> None:
    gateway = {kind for _, kind in api.REFUSALS.values()}
    texts = [file.read_text() for file in (ROOT / "lambdas").rglob("*.py") if file.name != "problems.py"]
    ours = {
        *(kind for kind in problems.KINDS if any(f'"{kind}"' in text for text in texts)),
        *(one.kind for one in (problems.BadRequest, problems.BadBody, problems.BadCursor)),
    }
    assert gateway | ours == set(problems.KINDS)


def test_the_gateways_statuses_are_those_of_its_types() -> None:
    """API Gateway's developer guide, "Gateway response types": the statuses that it gives by itself."""
    own = {"UNAUTHORIZED": 401, "ACCESS_DENIED": 403, "THROTTLED": 429, "REQUEST_TOO_LARGE": 413,
           "UNSUPPORTED_MEDIA_TYPE": 415, "INTEGRATION_TIMEOUT": 504, "RESOURCE_NOT_FOUND": 404,
           "BAD_REQUEST_BODY": 400, "EXPIRED_TOKEN": 403, "AUTHORIZER_FAILURE": 500}  # fmt: skip
    given = {answered.response_type: problems.KINDS[kind].status for answered, kind in api.REFUSALS.values()}
    assert {name: given[name] for name in own} == own


def test_a_problem_has_the_fields_of_its_kind() -> None:
    assert problems.known("cursor-expired") == {
        "type": "urn:problem-type:recommendations:cursor-expired",
        "title": "The run that the cursor is of is gone",
        "status": 410,
    }
