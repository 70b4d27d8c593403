"""Copies of config/layout.py that the jobs hold, which ship without it; others are in tests/config."""

from __future__ import annotations

import pytest

pytest.importorskip("pyspark")

from config import layout
from config.layout import Form
from glue_jobs import build_datasets, postprocess_recommendations, report, session
from glue_jobs.transforms import exposures, segments

RUN = "20261124T030000Z"


def s3(bucket: str, form: Form, **values: str) -> str:
    return f"s3://{bucket}/{form.of(run_id=RUN, **values)}"


def test_the_jobs_read_and_write_where_the_layout_says() -> None:
    assert session.raw_table("raw", RUN, "users") == s3("raw", layout.RAW_TABLE, table="users")
    assert session.raw_events("raw", RUN) == s3("raw", layout.RAW_EVENTS)
    assert session.run_folder("any", RUN, "x") == s3("any", layout.RUN_FOLDER) + "x/"
    assert report.key(RUN) == layout.REPORT.of(run_id=RUN)
    assert f"{layout.EXPOSURES.top}/" == exposures.PREFIX


def test_the_job_that_builds_datasets_writes_where_the_layout_says() -> None:
    job = build_datasets.Job(
        spark=None,  # type: ignore[arg-type]
        raw_bucket="raw",
        datasets_bucket="datasets",
        results_bucket="results",
        datasets={},
        run_id=RUN,
        mode="full",
        export_prefix="none",
        previous_run_id="none",
        log=build_datasets.LogTable(ttl=None, keep_expired_days=0),
    )
    for dataset in (*layout.DATASETS, *layout.ACTION_DATASETS):
        assert job.dataset(dataset) == s3("datasets", layout.DATASET, dataset=dataset)
        assert job.quarantine(dataset) == s3("datasets", layout.QUARANTINE, dataset=dataset)
    for audience in layout.AUDIENCES.values():
        assert job.batch_input(audience) == s3("datasets", layout.BATCH_INPUT, audience=audience)
        part = s3("datasets", layout.BATCH_PART, audience=audience, part="b")
        assert job.batch_part(audience, "b") == part
    for table in layout.WAREHOUSE_TABLES:
        assert job.warehouse(table) == s3("results", layout.WAREHOUSE, table=table)


def test_the_job_that_makes_lists_reads_and_writes_where_the_layout_says() -> None:
    job = postprocess_recommendations.Job(
        spark=None,  # type: ignore[arg-type]
        results_bucket="results",
        run_id=RUN,
        solutions=[],
        publishing={},
    )
    assert job.batch_output("personal") == s3("results", layout.BATCH_OUTPUT, solution="personal")
    part = layout.BATCH_OUTPUT_PART.of(run_id=RUN, solution="personal", part="b")
    assert part.startswith(layout.BATCH_OUTPUT.of(run_id=RUN, solution="personal")), "read with the folder"
    assert job.published("personal") == s3("results", layout.PUBLISH, solution="personal")
    assert job.folder("segments/fans") == s3("results", layout.SEGMENTS, solution="fans")
    assert layout.SEGMENT_PAGE == segments.PAGE
    assert job.warehouse("orders") == s3("results", layout.WAREHOUSE, table="orders")
