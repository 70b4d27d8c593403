"""docs/security.md says what each role is for, and names none that is gone."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stacks.conftest import Assembly

PAGE = Path(__file__).parents[2] / "docs" / "security.md"


def named() -> set[str]:
    table = PAGE.read_text().partition("\n## Who may do what\n")[2].partition("\n## ")[0]
    first = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([^`]+)`", cell)}


def program(logical_id: str) -> str:
    """`PrepareRole35546079` and `SchedulerRoleForTargetc3e8e0D8281568` without what CDK adds."""
    return re.split(r"(?:IAM)?Role", logical_id)[0]


def test_every_role_has_a_row_and_every_row_a_role(assembly: Assembly) -> None:
    roles = {program(name.rpartition("/")[2]) for name, _ in assembly.resources("AWS::IAM::Role")}
    assert len(roles) > 10
    assert named() == roles
