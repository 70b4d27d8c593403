from __future__ import annotations

from datetime import UTC, datetime

import pytest

from glue_jobs.run_id import started_at


def test_a_run_id_tells_when_the_run_started() -> None:
    assert started_at("20261124T030000Z") == datetime(2026, 11, 24, 3, tzinfo=UTC)


@pytest.mark.parametrize("wrong", ["", "2026-11-24", "20261124T030000", "20261324T030000Z"])
def test_what_is_no_run_id_is_refused_by_name(wrong: str) -> None:
    with pytest.raises(ValueError, match=f"run_id is '{wrong}'"):
        started_at(wrong)
