from __future__ import annotations

from pathlib import Path

from osusume_endpoint.faults.plan import Disk, Kill, Rule

PAGE = Path(__file__).parents[2] / "docs" / "chaos.md"


def test_every_key_of_a_plan_is_documented() -> None:
    page = PAGE.read_text()
    keys = {key for part in (Rule, Kill, Disk) for key in part.model_fields}
    assert [key for key in sorted(keys) if f"`{key}`" not in page] == []
