"""Glue jobs of the embedded endpoint run the real scripts on local Spark.

ministack keeps the job definitions; without Docker it would answer SUCCEEDED for a job it never ran.
"""

from __future__ import annotations

import atexit
import contextlib
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from osusume_endpoint import replacements, service
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue import arguments, runtimes
from osusume_endpoint.glue.runs import PRINCIPAL, Runs
from osusume_endpoint.glue.workers import Pool
from osusume_endpoint.replacements import replaces
from osusume_endpoint.service import RequestContext

# Members of CreateJob and UpdateJob that ministack drops.
KEPT_MEMBERS = ("ExecutionProperty", "ExecutionClass", "NotificationProperty", "JobMode")


def install(endpoint: Endpoint) -> None:
    from ministack.services import glue

    pool = Pool(home=endpoint.home)
    atexit.register(pool.close)
    runs = Runs(endpoint=endpoint, pool=pool, records=lambda name: glue._job_runs.setdefault(name, []))
    replacements.apply(__name__, on_create=lambda job: _warm_up(pool, job))
    service.override_operations(name="glue", operations=operations(runs, glue), endpoint=endpoint)


def operations(runs: Runs, glue: Any) -> dict[str, service.Operation]:
    return {
        "CreateJob": lambda context, p: _create_job(context, p, glue),
        "StartJobRun": lambda context, p: {"JobRunId": runs.start(_job(glue, p["JobName"]), p)},
        "GetJobRun": lambda context, p: {"JobRun": _public(_find(glue, p["JobName"], p["RunId"]))},
        "GetJobRuns": lambda context, p: _list(glue, p),
        "BatchStopJobRun": lambda context, p: _batch_stop(runs, p),
    }


def _create_job(context: RequestContext, parameters: dict[str, Any], glue: Any) -> dict[str, Any]:
    role = parameters["Role"]
    arn = role if role.startswith("arn:") else f"arn:aws:iam::{context.account}:role/{role}"
    context.check_pass_role(arn, PRINCIPAL)
    status, _, _ = glue._create_job(parameters)
    if status >= 400:
        raise ApiError("AlreadyExistsException", f"Job {parameters['Name']} already submitted")
    return {"Name": parameters["Name"]}


def _warm_up(pool: Pool, job: Mapping[str, Any]) -> None:
    """A version that has no Spark here is refused when the job is started, with the cure."""
    with contextlib.suppress(KeyError, runtimes.NotInstalled):
        pool.prepare(runtimes.python_of(arguments.version_of(job)))


def _job(glue: Any, name: str) -> dict[str, Any]:
    job = glue._jobs.get(name)
    if job is None:
        raise ApiError("EntityNotFoundException", f"Failed to start job run due to missing metadata: {name}")
    return dict(job)


def _find(glue: Any, job_name: str, run_id: str) -> dict[str, Any]:
    for record in glue._job_runs.get(job_name, []):
        if record["Id"] == run_id:
            return dict(record)
    raise ApiError("EntityNotFoundException", f"Job run {run_id} not found for job {job_name}")


def _public(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if not name.startswith("_")}


def _list(glue: Any, parameters: dict[str, Any]) -> dict[str, Any]:
    """Newest first, as Glue lists them."""
    _job(glue, parameters["JobName"])
    records = list(reversed(glue._job_runs.get(parameters["JobName"], [])))
    start, size = int(parameters.get("NextToken") or 0), parameters.get("MaxResults") or 200
    page = {"JobRuns": [_public(record) for record in records[start : start + size]]}
    return {**page, "NextToken": str(start + size)} if start + size < len(records) else page


def _batch_stop(runs: Runs, parameters: dict[str, Any]) -> dict[str, Any]:
    name, stopped, errors = parameters["JobName"], [], []
    for run_id in parameters["JobRunIds"]:
        refused = runs.stop(name, run_id)
        entry: dict[str, Any] = {"JobName": name, "JobRunId": run_id}
        if refused is None:
            stopped.append(entry)
        else:
            detail = {"ErrorCode": refused.code, "ErrorMessage": refused.message}
            errors.append({**entry, "ErrorDetail": detail})
    return {"SuccessfulSubmissions": stopped, "Errors": errors}


@replaces("ministack.services.glue:_create_job", takes="data")
def _creating_job(
    inner: Callable[..., Any], on_create: Callable[[Mapping[str, Any]], None]
) -> Callable[..., Any]:
    """Stores what ministack drops, for the API and CloudFormation alike; a first job warms Spark up."""
    from ministack.services import glue

    def create_job(data: dict[str, Any]) -> Any:
        answer = inner(data)
        if answer[0] < 400:
            glue._jobs[data["Name"]] |= _members(data)
            on_create(data)
        return answer

    return create_job


@replaces("ministack.services.glue:_update_job", takes="data")
def _updating_job(inner: Callable[..., Any]) -> Callable[..., Any]:
    from ministack.services import glue

    def update_job(data: dict[str, Any]) -> Any:
        answer = inner(data)
        if answer[0] < 400:
            glue._jobs[data["JobName"]] |= _members(data.get("JobUpdate", {}))
        return answer

    return update_job


@replaces("ministack.services.cloudformation.provisioners:_glue_job_fields", takes="props")
def _fields_and_members(inner: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    return lambda props: {**inner(props), **_members(props)}


def _members(data: MutableMapping[str, Any]) -> dict[str, Any]:
    return {name: data[name] for name in KEPT_MEMBERS if data.get(name) is not None}


@replaces("ministack.services.glue:load_persisted_state", takes="data")
def _failing_interrupted(inner: Callable[..., Any]) -> Callable[..., Any]:
    """ministack loads what an earlier endpoint saved once it serves, after the plug-ins are in."""
    from ministack.services import glue

    def load_persisted_state(data: Any) -> Any:
        answer = inner(data)
        fail_interrupted(glue._job_runs)
        return answer

    return load_persisted_state


def fail_interrupted(job_runs: Any) -> None:
    """Runs that an earlier endpoint left unfinished have no process any more."""
    from osusume_endpoint.glue.runs import ACTIVE, finish

    for records in list(job_runs._data.values()):
        for record in records:
            if record["JobRunState"] in ACTIVE:
                finish(record, state="FAILED", error="The local endpoint stopped while this job ran")
