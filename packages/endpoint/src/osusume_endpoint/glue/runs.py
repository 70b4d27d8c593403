"""The life of a job run: STARTING, RUNNING, then SUCCEEDED, FAILED, TIMEOUT or STOPPED."""

from __future__ import annotations

import contextvars
import logging
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osusume_endpoint import paths, permissions
from osusume_endpoint.endpoint import Credentials, Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.glue import arguments
from osusume_endpoint.glue.workers import Pool, Worker, WorkerFailed
from osusume_endpoint.network import placed, policies
from osusume_endpoint.network.model import Place

log = logging.getLogger("osusume.glue")

ACTIVE = ("STARTING", "RUNNING", "STOPPING", "WAITING")
PRINCIPAL = "glue.amazonaws.com"


@dataclass
class Execution:
    """A run being executed. `record` is what GetJobRun answers."""

    record: dict[str, Any]
    job: Mapping[str, Any]
    given: Mapping[str, str]
    worker: Worker | None = None
    ending: str = ""  # TIMEOUT or STOPPED once that was decided
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end_early(self, state: str) -> None:
        """Kills the worker; the run then ends in `state`."""
        with self.lock:
            if self.record["JobRunState"] not in ACTIVE or self.ending:
                return
            self.ending = state
            if self.worker is not None:
                self.worker.kill()

    def kill(self) -> bool:
        """Ends the run as the operating system does when memory runs out: the run fails. False: it has ended."""
        with self.lock:
            if self.worker is None:
                return False
            self.worker.kill()
            return True

    @property
    def session_name(self) -> str:
        """The name of the session of the job's role, which the script's calls carry."""
        return f"GlueJobRunnerSession-{self.record['Id'][:24]}"


# Each is told of a run whose script was just given to Spark.
watchers: list[Callable[[Execution], None]] = []


class Runs:
    """Starts and stops runs. `records(job name)` is the list that the emulator keeps per job."""

    def __init__(
        self, *, endpoint: Endpoint, pool: Pool, records: Callable[[str], list[dict[str, Any]]]
    ) -> None:
        self._endpoint = endpoint
        self._pool = pool
        self._records = records
        self._executions: dict[str, Execution] = {}
        self._lock = threading.Lock()

    def start(self, job: Mapping[str, Any], request: Mapping[str, Any]) -> str:
        given = request.get("Arguments") or {}
        arguments.check_job(job)
        arguments.check_arguments(job, arguments.merge(job, given, run_id=""))
        with self._lock:
            self._check_concurrency(job)
            record = new_record(job, request, run_id="jr_" + secrets.token_hex(32))
            execution = self._add(job, given, record)
        self._launch(execution)
        return str(record["Id"])

    def _check_concurrency(self, job: Mapping[str, Any]) -> None:
        limit = int((job.get("ExecutionProperty") or {}).get("MaxConcurrentRuns", 1))
        active = sum(1 for record in self._records(job["Name"]) if record["JobRunState"] in ACTIVE)
        if active >= limit:
            message = f"Concurrent runs exceeded for {job['Name']}"
            raise ApiError("ConcurrentRunsExceededException", message)

    def _add(self, job: Mapping[str, Any], given: Mapping[str, str], record: dict[str, Any]) -> Execution:
        execution = Execution(record=record, job=dict(job), given=given)
        self._records(job["Name"]).append(record)
        self._executions[record["Id"]] = execution
        return execution

    def _launch(self, execution: Execution) -> None:
        # The emulator's stores look up account and region in the context of the request.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, execution), daemon=True).start()

    def stop(self, job_name: str, run_id: str) -> ApiError | None:
        record = next((r for r in self._records(job_name) if r["Id"] == run_id), None)
        if record is None:
            return ApiError("EntityNotFoundException", f"Job run {run_id} not found")
        execution = self._executions.get(run_id)
        if record["JobRunState"] not in ACTIVE or execution is None:
            return ApiError("InvalidInputException", f"Job run {run_id} is in state {record['JobRunState']}")
        execution.end_early("STOPPED")
        return None

    def _run(self, execution: Execution) -> None:
        record = execution.record
        try:
            state, error = self._execute(execution)
        except (ApiError, WorkerFailed) as problem:
            state, error = "FAILED", getattr(problem, "message", str(problem))
        except Exception as problem:
            log.exception("Glue run %s", record["Id"])
            state, error = "FAILED", f"{type(problem).__name__}: {problem}"
        with execution.lock:
            finish(record, state=execution.ending or state, error=error)
        self._executions.pop(record["Id"], None)
        self._retry(execution)

    def _execute(self, execution: Execution) -> tuple[str, str]:
        record, job = execution.record, execution.job
        merged = arguments.merge(job, execution.given, run_id=record["Id"])
        resolved = arguments.resolve(job, merged)
        # Before a worker is taken: a missing script or a wrong role needs no Spark.
        folder = paths.inside(self._endpoint.home, "glue", record["Id"])
        try:
            order = self._order(execution, resolved, folder)
            return self._execute_order(execution, order, resolved.static_conf)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _execute_order(
        self, execution: Execution, order: Mapping[str, Any], conf: Mapping[str, str]
    ) -> tuple[str, str]:
        record = execution.record
        with self._pool.worker(conf=conf, python=arguments.python_of(execution.job)) as worker:
            with execution.lock:
                if execution.ending:
                    return execution.ending, ""
                execution.worker = worker
                record["JobRunState"], record["_started"] = "RUNNING", time.time()
            timer = self._timer(execution)
            try:
                worker.give(order, log=paths.inside(worker.log.parent, f"{record['Id']}.log"))
                for watch in watchers:
                    watch(execution)
                result = worker.result()
            except BrokenPipeError:
                result = None
            finally:
                timer.cancel()
                with execution.lock:
                    execution.worker = None
        if execution.ending:
            return execution.ending, ENDINGS[execution.ending].format(**record)
        if result is None:
            return "FAILED", f"The Spark worker was killed before the script ended. Log: {worker.log}"
        return result["state"], result.get("error", "")

    def _timer(self, execution: Execution) -> threading.Timer:
        minutes = float(execution.record["Timeout"])
        timer = threading.Timer(minutes * 60, execution.end_early, args=("TIMEOUT",))
        timer.daemon = True
        timer.start()
        return timer

    def _order(self, execution: Execution, resolved: arguments.Resolved, folder: Path) -> dict[str, Any]:
        """Everything the worker needs; the script and its modules are read with the job role's session."""
        credentials, place = self._session(execution), self._place(execution.job)
        policies.settle(credentials, place)
        fetch = Fetch(self._endpoint.service_client("s3", credentials), folder)
        return {
            "script": fetch(execution.job["Command"]["ScriptLocation"]),
            "modules": [fetch(path) for path in resolved.modules],
            "files": [fetch(path) for path in resolved.files],
            "arguments": resolved.script,
            "conf": resolved.runtime_conf,
            "environment": self._environment(credentials),
            "cut_off": placed.databases_cut_off(self._endpoint, place),
        }

    def _place(self, job: Mapping[str, Any]) -> Place | None:
        connections = (job.get("Connections") or {}).get("Connections") or []
        return placed.of_connections(self._endpoint, connections, job=job["Name"])

    def _session(self, execution: Execution) -> Credentials:
        role = str(execution.job["Role"])
        if not role.startswith("arn:"):
            role = f"arn:aws:iam::{self._endpoint.account}:role/{role}"
        return permissions.role_session(
            self._endpoint, role, session_name=execution.session_name, service=PRINCIPAL
        )

    def _environment(self, credentials: Credentials) -> dict[str, str]:
        values = {
            "AWS_ACCESS_KEY_ID": credentials.access_key,
            "AWS_SECRET_ACCESS_KEY": credentials.secret_key,
            "AWS_REGION": self._endpoint.region,
            "AWS_DEFAULT_REGION": self._endpoint.region,
            "AWS_ENDPOINT_URL": self._endpoint.url,
        }
        return {**values, "AWS_SESSION_TOKEN": credentials.token} if credentials.token else values

    def _retry(self, execution: Execution) -> None:
        """Glue retries a failed run as a new run with Attempt + 1."""
        record = execution.record
        attempt = int(record.get("Attempt", 0)) + 1
        failed = record["JobRunState"] in ("FAILED", "TIMEOUT")
        if not failed or attempt > int(execution.job.get("MaxRetries") or 0):
            return
        first = record["Id"].split("_attempt_")[0]
        again = new_record(execution.job, {"Arguments": execution.given}, run_id=f"{first}_attempt_{attempt}")
        again |= {"Attempt": attempt, "PreviousRunId": record["Id"], "Timeout": record["Timeout"]}
        with self._lock:
            retried = self._add(execution.job, execution.given, again)
        self._launch(retried)


ENDINGS = {
    "TIMEOUT": "Job timed out after {Timeout} minutes",
    "STOPPED": "Job run was stopped by BatchStopJobRun",
}


class Fetch:
    """Downloads s3:// files of a run into one folder each, so that equal names do not collide."""

    def __init__(self, client: Any, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._count = 0

    def __call__(self, location: str) -> str:
        from botocore.exceptions import ClientError

        bucket, _, key = location.removeprefix("s3://").partition("/")
        self._count += 1
        try:
            target = paths.inside(self._folder, str(self._count), key.rsplit("/", 1)[-1])
        except paths.Outside as error:
            raise ApiError("InvalidInputException", f"Cannot read {location}: {error}") from None
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.write_bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            raise ApiError("InvalidInputException", f"Cannot read {location}: {error}") from None
        return str(target)


# Glue developer guide, "Worker types": DPU of one worker.
_DPU = {"G.025X": 0.25, "G.1X": 1.0, "G.2X": 2.0, "G.4X": 4.0, "G.8X": 8.0, "G.12X": 12.0, "G.16X": 16.0}


def new_record(job: Mapping[str, Any], request: Mapping[str, Any], *, run_id: str) -> dict[str, Any]:
    now = time.time()
    worker = request.get("WorkerType") or job.get("WorkerType")
    workers = request.get("NumberOfWorkers") or job.get("NumberOfWorkers")
    record = {
        "Id": run_id,
        "Attempt": 0,
        "JobName": job["Name"],
        "StartedOn": now,
        "LastModifiedOn": now,
        "JobRunState": "STARTING",
        "Arguments": dict(request.get("Arguments") or {}),
        "ExecutionTime": 0,
        "PredecessorRuns": [],
        "Timeout": request.get("Timeout") or job.get("Timeout") or 2880,
        "GlueVersion": arguments.version_of(job),
        "WorkerType": worker,
        "NumberOfWorkers": workers,
        "MaxCapacity": _DPU[worker] * workers if worker in _DPU and workers else None,
        "SecurityConfiguration": job.get("SecurityConfiguration") or None,
        "LogGroupName": "/aws-glue/jobs",
        "ExecutionClass": job.get("ExecutionClass", "STANDARD"),
    }
    return {name: value for name, value in record.items() if value is not None}


def finish(record: dict[str, Any], *, state: str, error: str) -> None:
    now = time.time()
    started = record.pop("_started", now)
    record |= {"CompletedOn": now, "LastModifiedOn": now, "ExecutionTime": round(now - started)}
    if error:
        record["ErrorMessage"] = error
    record["JobRunState"] = state
