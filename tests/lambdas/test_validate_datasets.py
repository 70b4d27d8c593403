from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from config import layout
from lambdas.shared.events import InvalidEvent
from lambdas.validate_datasets.environment import Environment
from lambdas.validate_datasets.handler import ReportMissing, run
from lambdas.validate_datasets.quality import DataQualityFailed
from tests.lambdas.fakes import S3

RUN = "20261124T030000Z"
SETTINGS = Environment(
    "datasets", 0.05, 0.8, 50_000_000, {"users": 2, "items": 1, "everyone": 1}, 10, "Osusume/test"
)


def counts(kept: int, quarantined: int = 0, ignored: int = 0) -> dict[str, Any]:
    return {
        "read": kept + quarantined + ignored,
        "kept": kept,
        "ignored": {"unknown_event_type": ignored} if ignored else {},
        "quarantined": {"future_timestamp": quarantined} if quarantined else {},
    }


GOOD: dict[str, Any] = {
    "run_id": RUN,
    "datasets": {"interactions": counts(1000), "users": counts(100), "items": counts(50)},
    "previous": {"run_id": "20261123T030000Z", "rows": {"interactions": 1250, "users": 100, "items": 50}},
    "users_with_two_interactions": 25,
}


def validated(**changes: Any) -> Any:
    report = copy.deepcopy(GOOD)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target = report
        for parent in parents:
            target = target[parent]
        target[last] = value
    s3 = S3({f"datasets/runs/{RUN}/report.json": json.dumps(report).encode()})
    return run({"run_id": RUN}, s3=s3, settings=SETTINGS)


def test_data_at_every_threshold_passes() -> None:
    rows = {"interactions": 1000, "users": 100, "items": 50}
    assert validated() == {"passed": True, "rows": rows, "parts": {}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"datasets__users": counts(94, quarantined=6)},
            r"users: 6.0% of the rows are quarantined \(future_timestamp 6\), at most 5.0% may be",
        ),
        (
            {"datasets__interactions": counts(999), "previous": None},
            "interactions: 999 rows, Personalize trains on at least 1000",
        ),
        (
            {"previous__rows__interactions": 1251},
            "interactions: 1000 rows against 1251 of run 20261123T030000Z",
        ),
        ({"datasets__items": counts(39)}, "items: 39 rows against 50 of run 20261123T030000Z, at least 80%"),
        ({"users_with_two_interactions": 24}, "24 users have two or more, Personalize trains on at least 25"),
        (
            {"datasets__users": counts(0), "previous": None},
            "users: no row, Personalize refuses an empty import",
        ),
    ],
)
def test_each_fault_stops_the_run_with_dataset_figure_and_threshold(changes: Any, said: str) -> None:
    with pytest.raises(DataQualityFailed, match=said) as raised:
        validated(**changes)
    assert len(str(raised.value).splitlines()) == 2, "no other fault is reported"


def figure(value: float, low: Any = None, high: Any = None) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high}


CLICKS = "rows.application_log.click"


def quality(accepted: Any = (), **figures: Any) -> Any:
    named = {name.replace("__", "."): value for name, value in figures.items()}
    return {"figures": named, "history": [{}, {}, {}], "accepted": list(accepted)}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (figure(80, low=80), None),
        (figure(79, low=80), "is 79, below 80 "),
        (figure(2, high=2), None),
        (figure(2.5, high=2), "is 2.5, above 2 "),
        (figure(0), None),
    ],
)
def test_a_figure_that_leaves_its_bounds_stops_the_run_and_says_how_to_accept_it(
    value: Any, said: Any
) -> None:
    report = quality(**{CLICKS.replace(".", "__"): value})
    if said is None:
        assert validated(quality=report)["passed"]
        return
    with pytest.raises(DataQualityFailed) as raised:
        validated(quality=report)
    message = str(raised.value)
    assert f"{CLICKS} {said}" in message and "learned from 3 earlier runs" in message
    assert """{"mode": "auto", "accept": ["rows.application_log.click"]}""" in message
    assert validated(quality={**report, "accepted": [CLICKS]})["passed"]


def test_each_fault_is_accepted_by_the_name_that_its_message_gives() -> None:
    changes: dict[str, Any] = {
        "previous__rows__interactions": 9999,
        "datasets__users": counts(94, quarantined=6),
    }
    with pytest.raises(DataQualityFailed) as raised:
        validated(**changes)
    message = str(raised.value)
    names = re.findall(r'"accept": \["([^"]+)"\]', message)
    assert sorted(names) == ["quarantined_share.users", "rows.interactions"]
    assert validated(**changes, quality=quality(names))["passed"]


class Large(S3):
    """Interactions of a size that no test writes."""

    def __init__(self, gigabytes: float, **quality: Any) -> None:
        super().__init__({f"datasets/runs/{RUN}/report.json": json.dumps(GOOD | quality).encode()})
        self.gigabytes = gigabytes

    def paginate(self, *, Bucket: str, Prefix: str) -> list[dict[str, Any]]:
        assert (Bucket, Prefix) == ("datasets", layout.DATASET.of(run_id=RUN, dataset="interactions"))
        return [{"Contents": [{"Size": int(self.gigabytes * 1024**3 / 2)}] * 2}]


def test_an_import_that_personalize_would_refuse_stops_before_it() -> None:
    assert run({"run_id": RUN}, s3=Large(100), settings=SETTINGS)["passed"]
    with pytest.raises(DataQualityFailed, match="interactions: 101 GB, Personalize imports at most 100 GB"):
        run({"run_id": RUN}, s3=Large(101), settings=SETTINGS)
    raised_quota = {"quality": {"figures": {}, "history": [], "accepted": ["import_gb.interactions"]}}
    assert run({"run_id": RUN}, s3=Large(101, **raised_quota), settings=SETTINGS)["passed"]


def test_the_parts_of_what_one_batch_job_does_not_take_are_handed_on() -> None:
    assert validated(batch_input={"users": 50_000_000}, batch_parts={})["parts"] == {}
    parts = {"users": ["a", "b"]}
    assert validated(batch_input={"users": 50_000_001, "items": 7}, batch_parts=parts)["parts"] == parts


def test_more_records_than_a_runs_batch_jobs_take_stop_the_run_before_it_trains() -> None:
    # Two solutions of users, four parts each, beside a job of items and one for everyone.
    four = {"users": list("abcd")}
    assert validated(batch_input={"users": 200_000_000, "items": 7, "everyone": 1}, batch_parts=four)[
        "passed"
    ]
    five = {"users": list("abcde")}
    asked = {"users": 200_000_001, "items": 7, "everyone": 1}
    with pytest.raises(DataQualityFailed) as raised:
        validated(batch_input=asked, batch_parts=five)
    [_, said] = str(raised.value).splitlines()
    assert said.startswith(
        "batch inference of 1 of batch_input/everyone, 7 of batch_input/items, 200,000,001 of batch_input/users "
        "records takes 12 jobs of at most 50,000,000 records (etl.batch_records) and 1 GB, a run may have 10: leave out"
    )


def test_what_was_left_whole_since_it_would_be_too_many_parts_stops_the_run() -> None:
    with pytest.raises(DataQualityFailed, match="takes 44 jobs of at most 50,000,000 records"):
        validated(batch_input={"users": 1_050_000_001}, batch_parts={})


def test_lines_that_are_long_need_more_jobs_than_their_number_says() -> None:
    asked = {"users": 40_000_000, "items": 7, "everyone": 1}
    size = {"users": 3_800_000_000, "items": 90, "everyone": 9}
    assert validated(batch_input=asked, batch_bytes=size, batch_parts={"users": list("abcd")})["passed"]
    with pytest.raises(DataQualityFailed, match="takes 12 jobs of at most 50,000,000 records"):
        validated(
            batch_input=asked, batch_bytes={"users": 4_000_000_001}, batch_parts={"users": list("abcde")}
        )


@pytest.mark.parametrize(("records", "size"), [(7, 6_000_000_000), (300_000_000, 6_000)])
def test_what_was_left_whole_stops_the_run_however_few_jobs_it_seems_to_take(records: int, size: int) -> None:
    """Six for items, three for the others: parts are of less than a job takes, and uneven."""
    asked = {"users": 1, "items": records, "everyone": 1}
    with pytest.raises(DataQualityFailed, match="a run may have 10"):
        validated(batch_input=asked, batch_bytes={"items": size}, batch_parts={})


def test_lines_that_only_segment_jobs_read_need_no_batch_inference() -> None:
    assert validated(batch_input={"for-fans": 10**10}, batch_parts={})["passed"]


def test_every_fault_of_a_run_is_reported_at_once() -> None:
    with pytest.raises(DataQualityFailed) as raised:
        validated(datasets__interactions=counts(10, quarantined=10), users_with_two_interactions=0)
    assert len(str(raised.value).splitlines()) == 5


def test_a_flood_of_other_events_does_not_hide_bad_rows() -> None:
    assert validated(datasets__interactions=counts(1900, quarantined=100, ignored=100_000))["passed"]
    with pytest.raises(DataQualityFailed, match=r"interactions: 5\.1% of the rows are quarantined"):
        validated(datasets__interactions=counts(1898, quarantined=102, ignored=100_000))


def test_a_first_run_is_compared_with_nothing() -> None:
    assert validated(previous=None)["passed"]


def test_a_run_without_a_report_names_the_job_to_run_again() -> None:
    with pytest.raises(ReportMissing, match=f"{RUN}/report.json is missing: build-datasets"):
        run({"run_id": RUN}, s3=S3(), settings=SETTINGS)


def test_a_run_id_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidEvent, match=r"run_id is '\.\./x'"):
        run({"run_id": "../x"}, s3=S3(), settings=SETTINGS)


def test_the_figures_go_to_cloudwatch_by_dataset(capsys: pytest.CaptureFixture[str]) -> None:
    validated(datasets__items=counts(49, quarantined=1))
    metrics = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = {
        metric["Dataset"]: metric["QuarantinedShare"] for metric in metrics if "QuarantinedShare" in metric
    }
    assert found == {"interactions": 0.0, "users": 0.0, "items": 0.02}
    assert {metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] for metric in metrics} == {"Osusume/test"}
