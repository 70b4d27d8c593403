"""The life of a build: SUBMITTED, QUEUED, PROVISIONING, DOWNLOAD_SOURCE, the buildspec's phases, COMPLETED."""

from __future__ import annotations

import contextvars
import logging
import shutil
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from osusume_endpoint import paths, permissions
from osusume_endpoint.codebuild import supported
from osusume_endpoint.codebuild.log import BuildLog
from osusume_endpoint.codebuild.preparation import PRINCIPAL, Refused, place_of, prepare
from osusume_endpoint.codebuild.process import Process
from osusume_endpoint.codebuild.projects import Record, Store
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError, AssumeRoleRefused
from osusume_endpoint.network import policies

log = logging.getLogger("osusume.codebuild")

MINUTE = 60.0  # seconds
SLOTS = 2  # builds at a time, whatever their projects: others are queued


@dataclass
class Execution:
    """A build being executed. `build` is what BatchGetBuilds answers."""

    build: Record
    project: Record
    log: BuildLog | None = None
    process: Process | None = None
    ending: str = ""  # TIMED_OUT or STOPPED once that was decided
    lock: threading.Lock = field(default_factory=threading.Lock)

    def end_early(self, status: str) -> None:
        with self.lock:
            if self.build["buildComplete"] or self.ending:
                return
            self.ending = status
            if self.process is not None:
                self.process.kill()

    def begin(self, phase: str) -> None:
        """Ends the phase before it, if nothing else did."""
        self.end("SUCCEEDED")
        self.build["phases"].append({"phaseType": phase, "startTime": time.time()})
        self.build["currentPhase"] = phase

    def end(self, status: str, *, code: str = "", message: str = "") -> None:
        phase = self.build["phases"][-1] if self.build["phases"] else {}
        if phase and "phaseStatus" not in phase:
            now = time.time()
            seconds = round(now - phase["startTime"])
            contexts = [{"statusCode": code, "message": message}]
            phase |= {
                "phaseStatus": status,
                "endTime": now,
                "durationInSeconds": seconds,
                "contexts": contexts,
            }


class Builds:
    def __init__(self, *, endpoint: Endpoint, store: Store) -> None:
        self._endpoint = endpoint
        self._store = store
        self._executions: dict[str, Execution] = {}
        self._slots = threading.Semaphore(SLOTS)

    def start(self, request: Mapping[str, Any], *, initiator: str) -> Record:
        supported.check_start(request)
        with self._store.lock:
            project = dict(self._store.project(request["projectName"]))
            self._check_limit(project)
            build = new_build(self._store, project, request, initiator=initiator)
            self._store.add_build(build)
        execution = Execution(build=build, project=project)
        execution.begin("SUBMITTED")
        self._executions[build["id"]] = execution
        # The emulator's stores look up account and region in the context of the request.
        context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(self._run, execution), daemon=True).start()
        return build

    def _check_limit(self, project: Record) -> None:
        """CodeBuild API reference, Project: builds beyond concurrentBuildLimit are throttled and are not run."""
        limit = project.get("concurrentBuildLimit")
        running = [one for one in self._store.builds_of(project["name"]) if not one["buildComplete"]]
        if limit and 0 < limit <= len(running):
            message = f"Cannot have more than {limit} active builds for the project"
            raise ApiError("AccountLimitExceededException", message)

    def stop(self, identifier: str) -> Record:
        build = self._store.build(identifier)
        execution = self._executions.get(build["id"])
        if execution is not None:
            execution.end_early("STOPPED")
        return build

    def _run(self, execution: Execution) -> None:
        build = execution.build
        try:
            status = self._queued(execution)
        except Exception as problem:
            log.exception("build %s", build["id"])
            execution.end(
                "FAULT", code="INTERNAL_SERVICE_ERROR", message=f"{type(problem).__name__}: {problem}"
            )
            status = "FAULT"
        with execution.lock:
            _complete(execution, execution.ending or status)
        self._executions.pop(build["id"], None)
        self._store.save()

    def _queued(self, execution: Execution) -> str:
        execution.begin("QUEUED")
        if not self._slots.acquire(timeout=execution.build["queuedTimeoutInMinutes"] * MINUTE):
            execution.end("TIMED_OUT", code="BUILD_TIMED_OUT", message="Build has timed out in the queue.")
            return "TIMED_OUT"
        timer = threading.Timer(
            execution.build["timeoutInMinutes"] * MINUTE, execution.end_early, args=("TIMED_OUT",)
        )
        timer.daemon = True
        timer.start()
        try:
            return self._execute(execution)
        finally:
            timer.cancel()
            self._slots.release()

    def _execute(self, execution: Execution) -> str:
        folder = paths.inside(self._endpoint.home, "codebuild", execution.build["id"].rpartition(":")[2])
        execution.begin("PROVISIONING")
        try:
            return self._in_folder(execution, folder)
        except Refused as refused:
            execution.end("FAILED", code=refused.code, message=refused.message)
            return "FAILED"
        finally:
            if execution.log is not None:
                execution.log.close()
            shutil.rmtree(folder, ignore_errors=True)

    def _in_folder(self, execution: Execution, folder: Any) -> str:
        try:
            credentials = permissions.role_session(
                self._endpoint,
                execution.project["serviceRole"],
                session_name=f"AWSCodeBuild-{execution.build['id'].rpartition(':')[2]}",
                service=PRINCIPAL,
                source_arn=execution.project["arn"],
            )
        except AssumeRoleRefused as refused:
            raise Refused(
                "CLIENT_ERROR", f"CodeBuild is not authorized to perform: sts:AssumeRole: {refused.message}"
            ) from None
        policies.settle(credentials, place_of(execution.project))
        prepared = prepare(self._endpoint, execution, credentials, folder)
        with execution.lock:
            if execution.ending:
                return execution.ending
            execution.process = Process.start(prepared)
        return self._follow(execution)

    def _follow(self, execution: Execution) -> str:
        """The script's reports become phases; what it prints goes into the log."""
        process, build_log = execution.process, execution.log
        assert process is not None
        status, done = "SUCCEEDED", False
        for report in process.reports(build_log):
            kind, _, rest = report.partition(" ")
            done = done or kind == "done"
            if kind == "begin":
                execution.begin(rest.upper())
            elif kind == "failed":
                code, _, command = rest.partition(" ")
                message = f"Error while executing command: {command}. Reason: exit status {code}"
                execution.end("FAILED", code="COMMAND_EXECUTION_ERROR", message=message)
                status = "FAILED"
        if done:
            execution.build["exportedEnvironmentVariables"] = process.exported()
            return status
        if not execution.ending:
            execution.end(
                "FAILED", code="COMMAND_EXECUTION_ERROR", message="The shell ended before its commands did"
            )
        return "FAILED"


def _complete(execution: Execution, status: str) -> None:
    build = execution.build
    codes = {"TIMED_OUT": "BUILD_TIMED_OUT", "STOPPED": "BUILD_STOPPED"}
    if execution.ending:
        execution.end(status, code=codes[status], message=f"Build was ended: {status}")
    execution.begin("FINALIZING")
    execution.begin("COMPLETED")
    build["phases"][-1].pop("phaseStatus", None)
    build |= {"endTime": time.time(), "buildComplete": True, "buildStatus": status}


def new_build(store: Store, project: Record, request: Mapping[str, Any], *, initiator: str) -> Record:
    identifier = f"{project['name']}:{uuid.uuid4()}"
    source = dict(project["source"])
    if request.get("buildspecOverride"):
        source["buildspec"] = request["buildspecOverride"]
    build = {
        "id": identifier,
        "arn": store.build_arn(identifier),
        "startTime": time.time(),
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": project["name"],
        "phases": [],
        "source": source,
        "secondarySources": project.get("secondarySources") or [],
        "artifacts": {"location": ""},
        "environment": _environment(project["environment"], request),
        "serviceRole": project["serviceRole"],
        "logs": {},
        "timeoutInMinutes": request.get("timeoutInMinutesOverride") or project["timeoutInMinutes"],
        "queuedTimeoutInMinutes": request.get("queuedTimeoutInMinutesOverride")
        or project["queuedTimeoutInMinutes"],
        "initiator": initiator,
        "encryptionKey": project["encryptionKey"],
        "exportedEnvironmentVariables": [],
    }
    return {**build, **({"vpcConfig": project["vpcConfig"]} if project.get("vpcConfig") else {})}


def _environment(environment: Mapping[str, Any], request: Mapping[str, Any]) -> Record:
    """A variable of the request takes the place of the project's."""
    listed = [
        *(environment.get("environmentVariables") or []),
        *(request.get("environmentVariablesOverride") or []),
    ]
    variables = {one["name"]: {"type": "PLAINTEXT", **one} for one in listed}
    return {**environment, "environmentVariables": list(variables.values())}
