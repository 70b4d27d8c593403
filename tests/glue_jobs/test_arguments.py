"""`main` of each job: the arguments of its run, as the templates and workflows give them, reach the job."""

from __future__ import annotations

import io
import json
import sys
from typing import Any

import pytest

pytest.importorskip("pyspark")

from glue_jobs import session

RUN = "20261124T030000Z"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_arguments(**arguments: str) -> None:
        parts = [part for name, value in arguments.items() for part in (f"--{name}", value)]
        monkeypatch.setattr(sys, "argv", ["job.py", "--JOB_NAME", "j", *parts, "--enable-metrics", ""])
        monkeypatch.setattr(session, "start", lambda name: f"session of {name}")

    return set_arguments


class Log:
    """What DynamoDB says of the log's table."""

    def describe_table(self, *, TableName: str) -> Any:
        assert TableName == "shop-events"
        return {"Table": {"KeySchema": [{"AttributeName": "customer"}, {"AttributeName": "at"}]}}

    def describe_time_to_live(self, *, TableName: str) -> Any:
        return {"TimeToLiveDescription": {"AttributeName": "gone"}}

    def get_paginator(self, name: str) -> Any:
        return Scan()

    def get_secret_value(self, *, SecretId: str) -> Any:
        assert SecretId == "osusume-dev/forgetting"
        return {"SecretString": "secret"}


class Scan:
    """The control table, which names one forgotten user."""

    def paginate(self, *, TableName: str, **_: Any) -> Any:
        assert TableName == "osusume-dev-control"
        return [{"Items": [{"pk": {"S": "forgotten#abc"}}]}]


FORGOTTEN = {"control_table": "osusume-dev-control", "forgetting_secret": "osusume-dev/forgetting"}


def test_build_datasets_takes_its_arguments(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_jobs import build_datasets

    seen: list[Any] = []
    monkeypatch.setattr(build_datasets, "run", lambda job, s3: seen.append(job))
    monkeypatch.setattr(build_datasets.boto3, "client", lambda service: Log())
    log = {
        "table": "shop-events",
        "keep_expired_days": 7,
        "attributes": {"USER_ID": "customer"},
        "timestamp_format": "iso",
    }
    given(
        raw_bucket="raw",
        datasets_bucket="datasets",
        results_bucket="results",
        datasets=json.dumps({"interactions": {"events": [{"type": "buy", "source": "orders"}]}}),
        application_log=json.dumps(log),
        batch_inputs='[{"folder": "users", "lines": "users"}]',
        batch_records="1000",
        accept='["rows.items"]',
        streamed='{"buy": 1798761600}',
        **FORGOTTEN,
        run_id=RUN,
        run_mode="incremental",
        export_prefix="none",
        previous_run_id="20261123T030000Z",
    )
    build_datasets.main()
    (job,) = seen
    assert (job.spark, job.raw_bucket, job.mode) == ("session of build-datasets", "raw", "incremental")
    assert (job.exported, job.event_types, job.previous_run_id) == (False, ["buy"], "20261123T030000Z")
    assert (job.log.keys, job.log.ttl, job.log.keep_expired_days) == (["customer", "at"], "gone", 7)
    assert (job.log.attributes, job.log.timestamp_format) == ({"USER_ID": "customer"}, "iso")
    assert job.accepted == ["rows.items"]
    assert job.streamed == {"buy": 1798761600}
    assert job.batch_inputs == [{"folder": "users", "lines": "users"}]
    assert job.batch_records == 1000
    assert (job.left_out.secret, job.left_out.digests) == (b"secret", {"abc"})
    assert job.dataset("users") == f"s3://datasets/runs/{RUN}/users/"
    assert job.warehouse("users") == f"s3://results/runs/{RUN}/warehouse/users/"


def test_postprocess_recommendations_takes_its_arguments(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_jobs import postprocess_recommendations

    seen: list[Any] = []
    monkeypatch.setattr(postprocess_recommendations, "run", seen.append)
    given(
        datasets_bucket="datasets",
        results_bucket="results",
        solutions=json.dumps([{"name": "personal", "for_each": "user"}]),
        publishing=json.dumps({"exclude_bought_within_days": 3}),
        run_id=RUN,
        versions=json.dumps({"personal": "arn"}),
    )
    postprocess_recommendations.main()
    assert seen[0].folder("batch/personal") == f"s3://results/runs/{RUN}/batch/personal/"
    assert seen[0].publishing == {"exclude_bought_within_days": 3}


def test_extract_aurora_reads_the_secret_it_is_told(given: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from glue_jobs import extract_aurora

    secret = {"host": "db", "port": 5432, "dbname": "shop", "username": "u", "password": "p"}

    class SecretsManager:
        def get_secret_value(self, *, SecretId: str) -> Any:
            known = {"osusume-dev/aurora": json.dumps(secret), "osusume-dev/forgetting": "secret"}
            return {"SecretString": known[SecretId]}

        def get_paginator(self, name: str) -> Any:
            return Scan()

    seen: list[Any] = []
    monkeypatch.setattr(extract_aurora, "run", lambda **named: seen.append(named))
    monkeypatch.setattr(extract_aurora.boto3, "client", lambda service: SecretsManager())
    given(
        raw_bucket="raw",
        secret_name="osusume-dev/aurora",
        address="{}",
        certificate_file='"/certs/own.pem"',
        reading='{"connections": 4, "rows": 1000}',
        tables='{"users": "public.users"}',
        columns='{"users": ["user_id"]}',
        user_columns='{"users": "user_id"}',
        **FORGOTTEN,
        run_id=RUN,
    )
    extract_aurora.main()
    verified = "sslmode=verify-full&sslrootcert=/certs/own.pem"
    assert seen[0]["source"].url == f"jdbc:postgresql://db:5432/shop?{verified}"
    assert (seen[0]["reading"].connections, seen[0]["reading"].rows) == (4, 1000)
    assert seen[0]["target"]("users") == f"s3://raw/aurora/run={RUN}/users/"
    assert seen[0]["tables"] == {"users": "public.users"}
    assert seen[0]["user_columns"] == {"users": "user_id"} and seen[0]["left_out"].digests == {"abc"}


def test_a_report_that_is_not_there_is_none() -> None:
    from glue_jobs import report

    class S3:
        class exceptions:
            class NoSuchKey(Exception):
                pass

        def get_object(self, *, Bucket: str, Key: str) -> Any:
            if Key == f"runs/{RUN}/report.json":
                return {"Body": io.BytesIO(b'{"run_id": "x"}')}
            raise self.exceptions.NoSuchKey

    assert report.read(S3(), bucket="b", run_id=RUN) == {"run_id": "x"}
    assert report.read(S3(), bucket="b", run_id="other") is None
