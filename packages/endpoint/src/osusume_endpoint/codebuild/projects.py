"""Projects and builds, kept in <state folder>/codebuild/state.json."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from osusume_endpoint import paths
from osusume_endpoint.codebuild import supported
from osusume_endpoint.errors import ApiError

Record = dict[str, Any]
# What CodeBuild takes where a project says nothing.
DEFAULTS = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480}


class Store:
    """`builds` by id, in the order in which they were started."""

    def __init__(self, *, file: Path, region: str, account: str) -> None:
        self._file = file
        self._arn = f"arn:aws:codebuild:{region}:{account}:"
        self._key = f"arn:aws:kms:{region}:{account}:alias/aws/s3"
        self.lock = threading.RLock()
        stored = json.loads(file.read_text()) if file.exists() else {}
        self.projects: dict[str, Record] = stored.get("projects", {})
        self.builds: dict[str, Record] = stored.get("builds", {})
        self._numbers: dict[str, int] = stored.get("numbers", {})
        for build in self.builds.values():
            _fault(build)

    def save(self) -> None:
        with self.lock:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            content = {"projects": self.projects, "builds": self.builds, "numbers": self._numbers}
            paths.write_whole(self._file, json.dumps(content))

    def project_arn(self, name: str) -> str:
        return f"{self._arn}project/{name}"

    def build_arn(self, identifier: str) -> str:
        return f"{self._arn}build/{identifier}"

    def project(self, name: str) -> Record:
        found = self.projects.get(_name(name))
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Project cannot be found: {self.project_arn(name)}")
        return found

    def build(self, identifier: str) -> Record:
        found = self.builds.get(build_id(identifier))
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Build does not exist: {identifier}")
        return found

    def create(self, given: Mapping[str, Any]) -> Record:
        supported.check_project(given)
        with self.lock:
            if given["name"] in self.projects:
                arn = self.project_arn(given["name"])
                raise ApiError("ResourceAlreadyExistsException", f"Project already exists: {arn}")
            return self._put(given, created=time.time())

    def update(self, given: Mapping[str, Any]) -> Record:
        """The project with what is given in place of what it had (UpdateProject)."""
        with self.lock:
            known = self.project(given["name"])
            changed = {**{k: v for k, v in known.items() if k in supported.PROJECT}, **given}
            supported.check_project(changed)
            return self._put(changed, created=known["created"])

    def _put(self, given: Mapping[str, Any], *, created: float) -> Record:
        name = given["name"]
        project = {**DEFAULTS, "encryptionKey": self._key, **given, "arn": self.project_arn(name)}
        self.projects[name] = {**project, "created": created, "lastModified": time.time()}
        self.save()
        return self.projects[name]

    def delete(self, name: str) -> None:
        with self.lock:
            self.projects.pop(_name(name), None)  # deleting one that is not there succeeds, too
            self.save()

    def add_build(self, build: Record) -> None:
        """Gives it its number."""
        with self.lock:
            name = build["projectName"]
            self._numbers[name] = build["buildNumber"] = self._numbers.get(name, 0) + 1
            self.builds[build["id"]] = build
            self.save()

    def builds_of(self, name: str) -> list[Record]:
        with self.lock:
            return [build for build in self.builds.values() if build["projectName"] == name]


def _fault(build: Record) -> None:
    """A build that an earlier endpoint left unfinished has no process any more."""
    if not build["buildComplete"]:
        build |= {"buildStatus": "FAULT", "buildComplete": True, "currentPhase": "COMPLETED"}
        build.setdefault("endTime", time.time())


def _name(name_or_arn: str) -> str:
    return name_or_arn.rpartition("/")[2]


def build_id(identifier_or_arn: str) -> str:
    return identifier_or_arn.rpartition("/")[2]
