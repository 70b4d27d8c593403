"""docs/examples/small.yaml, deployed and run: a function builds the datasets, under the rights that it has."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.line import Line
from tests.e2e.test_examples import keys
from tests.e2e.test_without_a_part import ran, report

RECORDS = 100  # of a batch job at most
pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.nightly]


def _builds_on_glue(line: Line) -> list[dict[str, Any]]:
    job = line.settings.names.job("build-datasets")
    found: list[dict[str, Any]] = line.client("glue").get_job_runs(JobName=job)["JobRuns"]
    return found


def _is_asked_for_in_parts(line: Line, run: str) -> None:
    """Of users, each part a job's; everybody is in one part, and has a list."""
    everybody, found = set(line.shop.shop.users.user_id), report(line, run)
    parts = {
        name: _asked(line, f"runs/{run}/batch_parts/users/{name}/") for name in found["batch_parts"]["users"]
    }
    assert len(parts) > 1 and max(map(len, parts.values())) <= RECORDS
    asked = list(chain(*parts.values()))
    assert len(asked) == len(set(asked)) == found["batch_input"]["users"] and everybody <= set(asked)
    jobs = line.client("personalize").list_batch_inference_jobs()["batchInferenceJobs"]
    names = {one["jobName"] for one in jobs if "-personal-" in one["jobName"]}
    assert names == {f"{line.settings.names.prefix}-personal-{run[:-1]}{name}" for name in parts}
    assert keys(line, "personal") == set(asked)


def _asked(line: Line, prefix: str) -> list[str]:
    s3, bucket = line.client("s3"), line.settings.names.datasets_bucket
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    bodies = [s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() for one in listed]
    return [json.loads(text)["userId"] for body in bodies for text in body.splitlines()]


def test_a_small_shop_is_built_in_a_function_and_spark_is_not_asked(tmp_path: Path) -> None:
    with ran(tmp_path, "small.yaml", etl={"batch_records": RECORDS}) as (line, run):
        assert line.pointer("personal")["current"] == run
        counts = report(line, run)["datasets"]
        assert counts["interactions"]["kept"] > 1000
        assert counts["users"]["kept"] == line.shop.shop.users.user_id.nunique()
        assert set(line.published("personal", line.shop.held_out_user)[:10]) & line.shop.expected
        [[orders]] = line.warehouse("select count(*) from landing.orders")
        assert orders == len(line.shop.shop.orders)
        assert _builds_on_glue(line) == []
        _is_asked_for_in_parts(line, run)
