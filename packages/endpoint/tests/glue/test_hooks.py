"""What we rely on inside ministack: a new version that changes it fails here, by name."""

from __future__ import annotations

import inspect
from typing import Any

from ministack.services import glue
from ministack.services.cloudformation import provisioners

from osusume_endpoint.glue import plugin


def test_job_creation_of_api_and_templates_goes_through_the_functions_we_wrap() -> None:
    assert list(inspect.signature(glue._create_job).parameters) == ["data"]
    assert list(inspect.signature(glue._update_job).parameters) == ["data"]
    assert "_glue._create_job" in inspect.getsource(provisioners._glue_job_create)
    assert "_glue_job_fields" in inspect.getsource(provisioners._glue_job_create)
    assert "_glue._update_job" in inspect.getsource(provisioners._glue_job_update)


def test_the_stub_that_answers_succeeded_without_running_is_still_what_must_never_answer() -> None:
    # When this no longer holds, ministack runs jobs itself and our override should be looked at again.
    source = inspect.getsource(glue._start_job_run)
    assert 'elif _is_spark_job(job):\n            run["JobRunState"] = "SUCCEEDED"' in source


def test_saved_state_is_loaded_through_the_function_we_wrap() -> None:
    from ministack import app

    assert ".load_persisted_state(data)" in inspect.getsource(app._load_persisted_state)
    assert list(inspect.signature(glue.load_persisted_state).parameters) == ["data"]


def test_runs_left_by_a_stopped_endpoint_are_failed() -> None:
    class Store:
        def __init__(self) -> None:
            self._data: dict[Any, list[dict[str, Any]]] = {
                ("1", "eu-west-1", "j"): [{"JobRunState": "RUNNING"}, {"JobRunState": "SUCCEEDED"}]
            }

    store = Store()
    plugin.fail_interrupted(store)
    (runs,) = store._data.values()
    assert [run["JobRunState"] for run in runs] == ["FAILED", "SUCCEEDED"]
    assert "endpoint stopped" in runs[0]["ErrorMessage"]
    assert isinstance(glue._job_runs._data, dict)
