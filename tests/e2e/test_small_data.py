"""docs/examples/small.yaml, deployed and run: a function builds the datasets, under the rights that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.line import Line
from tests.e2e.test_without_a_part import ran, report

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


def _builds_on_glue(line: Line) -> list[dict[str, Any]]:
    job = line.settings.names.job("build-datasets")
    found: list[dict[str, Any]] = line.client("glue").get_job_runs(JobName=job)["JobRuns"]
    return found


def test_a_small_shop_is_built_in_a_function_and_spark_is_not_asked(tmp_path: Path) -> None:
    with ran(tmp_path, "small.yaml") as (line, run):
        assert line.pointer("personal")["current"] == run
        counts = report(line, run)["datasets"]
        assert counts["interactions"]["kept"] > 1000
        assert counts["users"]["kept"] == line.shop.shop.users.user_id.nunique()
        assert set(line.published("personal", line.shop.held_out_user)[:10]) & line.shop.expected
        [[orders]] = line.warehouse("select count(*) from landing.orders")
        assert orders == len(line.shop.shop.orders)
        assert _builds_on_glue(line) == []
