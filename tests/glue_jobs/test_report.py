from __future__ import annotations

import pytest

pytest.importorskip("pyspark")


def test_counts_tell_duplicates_by_what_is_missing_between_good_and_kept() -> None:
    from glue_jobs.report import Counts

    counts = Counts(by_reason={None: 10, "unknown_event_type": 3, "future_timestamp": 2}, kept=8)
    assert counts.as_dict() == {
        "read": 15,
        "kept": 8,
        "ignored": {"unknown_event_type": 3, "duplicate": 2},
        "quarantined": {"future_timestamp": 2},
        "newly_quarantined": {},
    }


def test_a_rerun_does_not_count_its_own_events_twice() -> None:
    from glue_jobs.report import event_runs

    previous = {"event_runs": ["a", "b"]}
    runs = event_runs(run_id="b", mode="incremental", exported=True, previous_run_id="a", previous=previous)
    assert runs == ["a", "b"]


def test_an_incremental_run_without_an_export_uses_the_events_of_the_runs_before() -> None:
    from glue_jobs.report import event_runs

    previous = {"event_runs": ["a"]}
    runs = event_runs(run_id="b", mode="incremental", exported=False, previous_run_id="a", previous=previous)
    assert runs == ["a"]


def test_a_full_run_keeps_the_runs_before_and_is_the_newest_full_one() -> None:
    from glue_jobs.report import event_runs, full_run

    previous = {"event_runs": ["a", "b"], "full_run": "a"}
    runs = event_runs(run_id="c", mode="full", exported=True, previous_run_id="b", previous=previous)
    assert runs == ["a", "b", "c"]
    given = {"run_id": "c", "event_runs": runs, "previous": previous}
    assert full_run(mode="full", exported=True, **given) == "c"
    assert full_run(mode="incremental", exported=True, **given) == "a"
    assert full_run(mode="full", exported=False, **given) == "a"
    # A report of before `full_run`: a full export was always the first of its runs.
    assert full_run(mode="incremental", exported=True, **given | {"previous": {"event_runs": ["a"]}}) == "a"
    assert full_run(mode="incremental", exported=True, run_id="c", event_runs=["c"], previous=None) == ""
