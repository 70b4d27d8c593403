"""The state of the emulated service: records, jobs, files, worker processes and loaded models."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from osusume_endpoint import paths
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.personalize import states
from osusume_endpoint.personalize.catalogue import Catalogue
from osusume_endpoint.personalize.errors import JobFailure, already_exists, in_use, invalid, limit_exceeded
from osusume_endpoint.personalize.jobs import Jobs, Stopped
from osusume_endpoint.personalize.kinds import KINDS
from osusume_endpoint.personalize.store import Record, Store
from osusume_endpoint.personalize.streams import Streams
from osusume_endpoint.personalize.workers import Worker, WorkerDied

Scope = Callable[[], AbstractContextManager[Any]]


@dataclass
class Personalize:
    endpoint: Endpoint
    scope: Scope = contextlib.nullcontext
    home: Path = field(init=False)
    store: Store = field(init=False)
    jobs: Jobs = field(init=False)
    streams: Streams = field(init=False)
    workers: dict[str, Worker] = field(init=False)
    catalogue: Catalogue = field(init=False)
    # recommendationId -> (campaign or recommender, what it showed), the newest last.
    recommendations: OrderedDict[str, tuple[str, tuple[str, ...]]] = field(default_factory=OrderedDict)

    ending: threading.Event = field(default_factory=threading.Event)

    RECOMMENDATIONS_KEPT: ClassVar[int] = 100_000

    def __post_init__(self) -> None:
        self.home = self.endpoint.home / "personalize"
        self.store = Store(self.home / "records")
        self.jobs = Jobs(self.store, wait_scale=self.endpoint.wait_scale, scope=self.scope)
        self.streams = Streams(self.home / "streams")
        self.catalogue = Catalogue(self)
        log = self.endpoint.home / "log"
        self.workers = {name: Worker(name=name, log=log) for name in ("training", "data")}

    def close(self) -> None:
        self.ending.set()
        self.jobs.close()
        for worker in self.workers.values():
            worker.close()

    def arn(self, path: str, name: str) -> str:
        return f"arn:aws:personalize:{self.endpoint.region}:{self.endpoint.account}:{path}/{name}"

    def named(self, kind: str, name: str) -> str:
        return self.arn(KINDS[kind].path, name)

    def folder(self, area: str, arn: str) -> Path:
        """The folder in which the files of a resource are, below `area` ("datasets", "models")."""
        name = arn.partition(f"{self.endpoint.account}:")[2].replace("/", "+")
        return paths.inside(self.home, area, name)

    def sweep_models(self) -> None:
        """Removes what a killed training had written of a model; whole ones have no dot before their name."""
        for path in (self.home / "models").glob(".*"):
            shutil.rmtree(path, ignore_errors=True)

    @contextlib.contextmanager
    def temporary(self) -> Any:
        folder = self.home / "temporary" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def work(self, lane: str, arn: str, action: str, **arguments: Any) -> dict[str, Any]:
        """The answer of a worker process to a job of the resource."""
        try:
            return self.workers[lane].run(arn, action, **arguments)
        except WorkerDied:
            if lane == "training":
                self.sweep_models()
            record = self.store.find(arn)
            if record is None or not record.private.get("job"):
                raise Stopped from None
            raise JobFailure("The process that worked on this ended early: out of memory?") from None

    def create(
        self,
        kind: str,
        arn: str,
        fields: Mapping[str, Any],
        *,
        private: Mapping[str, Any] | None = None,
        tags: Mapping[str, str] | None = None,
        status: str = states.PENDING,
    ) -> Record:
        """A new record in CREATE PENDING, its creation queued."""
        now = time.time()
        shown = {**fields, KINDS[kind].arn_field: arn, "status": status}
        shown |= {"creationDateTime": now, "lastUpdatedDateTime": now}
        record = Record(kind=kind, arn=arn, fields=shown, private=dict(private or {}), tags=dict(tags or {}))
        with self.store.lock:
            self.check_absent(arn)
            self.store.add(record)
            self.jobs.submit("create", record)
        return record

    def check_absent(self, arn: str) -> None:
        if self.store.find(arn) is not None:
            raise already_exists(arn)

    def active(self, arn: str, kind: str) -> Record:
        """The resource, which must be ready to be used."""
        record = self.store.get(arn, kind)
        if record.status != states.ACTIVE and record.private.get("job"):
            raise in_use(f"{kind} {arn} is in the state {record.status}: wait until it is ACTIVE.")
        if record.status != states.ACTIVE:
            raise invalid(f"{kind} {arn} is in the state {record.status}, not ACTIVE.")
        return record

    def check_settled(self, record: Record) -> None:
        """Nothing is deleted or updated while it is being created, updated or deleted."""
        if record.private.get("job") or record.status in states.DELETING:
            raise in_use(f"{record.kind} {record.arn} is in the state {record.status}: wait until that ends.")

    def check_quota(self, count: int, limit: int, message: str) -> None:
        if count >= limit:
            raise limit_exceeded(message)

    def delete(self, record: Record) -> None:
        self.check_settled(record)
        self.store.change(record.arn, lambda r: r.fields.update(status=states.DELETE_PENDING))
        self.jobs.submit("delete", record)
