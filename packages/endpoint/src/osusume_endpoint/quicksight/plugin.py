"""QuickSight's control plane as validated records: nothing is drawn (the local page shows the same marts)."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from osusume_endpoint import wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.quicksight.kinds import INGESTION_SECONDS, KINDS, Kind
from osusume_endpoint.service import ApiError, Operation, RequestContext, add_service

Record = dict[str, Any]


class Store:
    """Records by (kind, id), kept in one file of the state folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._records: dict[str, Record] = json.loads(path.read_text()) if path.exists() else {}

    def get(self, kind: Kind, identity: str) -> Record:
        record = self._records.get(f"{kind.name}/{identity}")
        if record is None:
            raise ApiError("ResourceNotFoundException", f"{kind.name} {identity} is not found", 404)
        return record

    def has(self, kind: Kind, identity: str) -> bool:
        return f"{kind.name}/{identity}" in self._records

    def put(self, kind: Kind, identity: str, record: Record) -> None:
        self._change(lambda: self._records.__setitem__(f"{kind.name}/{identity}", record))

    def delete(self, kind: Kind, identity: str) -> None:
        self.get(kind, identity)
        self._change(lambda: self._records.pop(f"{kind.name}/{identity}"))

    def all(self, kind: Kind) -> list[Record]:
        return [r for key, r in self._records.items() if key.startswith(f"{kind.name}/")]

    def _change(self, change: Any) -> None:
        with self._lock:
            change()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self._path.with_suffix(".new")
            temporary.write_text(json.dumps(self._records))
            temporary.replace(self._path)


def install(endpoint: Endpoint) -> None:
    store = Store(endpoint.home / "quicksight" / "records.json")
    operations: dict[str, Operation] = {}
    for kind in KINDS.values():
        operations |= KindOperations(kind, store).by_name()
    operations |= Ingestions(store, endpoint).by_name()
    add_service(
        name="quicksight", operations=operations, resource_arn=_resource_arn(endpoint), endpoint=endpoint
    )


@dataclass(frozen=True)
class KindOperations:
    """The operations of one kind of resource on its records."""

    kind: Kind
    store: Store

    def by_name(self) -> dict[str, Operation]:
        """The operations that QuickSight has for the kind."""
        name = self.kind.name
        verbs: dict[str, Operation] = {
            f"Create{name}": self.create,
            f"Describe{name}": self.describe,
            f"Update{name}": self.update,
            f"Delete{name}": self.delete,
            self.kind.list_operation: self.list_all,
            f"Describe{name}Permissions": self.permissions,
            f"Update{name}Permissions": self.permissions,
            f"Describe{name}Definition": self.definition,
        }
        known = set(wire.service_model("quicksight").operation_names)
        return {name: operation for name, operation in verbs.items() if name in known}

    def create(self, context: RequestContext, parameters: Record) -> Record:
        identity = self.kind.identity(parameters)
        if self.store.has(self.kind, identity):
            raise ApiError("ResourceExistsException", f"{self.kind.name} {identity} already exists", 409)
        for parent_kind, parent in self.kind.parents(parameters):
            self.store.get(parent_kind, parent)
        now = time.time()
        record = {
            **self.kind.described(parameters),
            "Arn": self.kind.arn(context.region, context.account, identity),
            "CreatedTime": now,
            "LastUpdatedTime": now,
            "Status": "CREATION_SUCCESSFUL",
            "_permissions": parameters.get("Permissions", []),
            "_definition": parameters.get("Definition"),
        }
        self.store.put(self.kind, identity, record)
        return _answer(self.kind, "Create", record, context)

    def describe(self, context: RequestContext, parameters: Record) -> Record:
        record = self.store.get(self.kind, self.kind.identity(parameters))
        return _status(context) | {self.kind.member: self.kind.output(record)}

    def update(self, context: RequestContext, parameters: Record) -> Record:
        identity = self.kind.identity(parameters)
        record = self.store.get(self.kind, identity)
        changed = {**record, **self.kind.described(parameters), "LastUpdatedTime": time.time()}
        if parameters.get("Definition"):
            changed["_definition"] = parameters["Definition"]
        self.store.put(self.kind, identity, changed)
        return _answer(self.kind, "Update", changed, context)

    def delete(self, context: RequestContext, parameters: Record) -> Record:
        identity = self.kind.identity(parameters)
        record = self.store.get(self.kind, identity)
        self.store.delete(self.kind, identity)
        return _answer(self.kind, "Delete", record, context)

    def list_all(self, context: RequestContext, parameters: Record) -> Record:
        summaries = [self.kind.summary(record) for record in self.store.all(self.kind)]
        return _status(context) | {self.kind.summaries: summaries}

    def permissions(self, context: RequestContext, parameters: Record) -> Record:
        identity = self.kind.identity(parameters)
        record = self.store.get(self.kind, identity)
        granted = {g["Principal"]: set(g["Actions"]) for g in record["_permissions"]}
        for grant in parameters.get("GrantPermissions", []):
            granted.setdefault(grant["Principal"], set()).update(grant["Actions"])
        for grant in parameters.get("RevokePermissions", []):
            granted.get(grant["Principal"], set()).difference_update(grant["Actions"])
        listed = [{"Principal": p, "Actions": sorted(actions)} for p, actions in granted.items() if actions]
        self.store.put(self.kind, identity, {**record, "_permissions": listed})
        named = {self.kind.arn_member: record["Arn"], self.kind.id_member: identity, "Permissions": listed}
        return _status(context) | named

    def definition(self, context: RequestContext, parameters: Record) -> Record:
        record = self.store.get(self.kind, self.kind.identity(parameters))
        content = {"Definition": record["_definition"]} if record["_definition"] else {}
        return _status(context, "ResourceStatus", record) | content | {"Name": record["Name"]}


def _status(context: RequestContext, member: str = "", record: Record | None = None) -> Record:
    answer: Record = {"Status": 200, "RequestId": context.request_id or "local"}
    return answer | {member: record["Status"]} if member and record else answer


def _answer(kind: Kind, verb: str, record: Record, context: RequestContext) -> Record:
    """The members among these that this operation's output has."""
    offered = {
        "Arn": record["Arn"],
        kind.id_member: record[kind.id_member],
        "CreationStatus": "CREATION_SUCCESSFUL",
        "UpdateStatus": "UPDATE_SUCCESSFUL",
        "VersionArn": f"{record['Arn']}/version/1",
        "ScheduleId": record.get("ScheduleId"),
        **_status(context),
    }
    output: Any = wire.service_model("quicksight").operation_model(f"{verb}{kind.name}").output_shape
    wanted = {n: v for n, v in offered.items() if n in output.members and v is not None}
    if output.members["Status"].serialization.get("location") != "statusCode":
        wanted["Status"] = 200
    return wanted


@dataclass(frozen=True)
class Ingestions:
    """SPICE refreshes: the data set must exist and be SPICE; they end after a moment. No rows are copied."""

    store: Store
    endpoint: Endpoint
    kind: Kind = field(default_factory=Kind.ingestion)

    def by_name(self) -> dict[str, Operation]:
        return {
            "CreateIngestion": self.create,
            "DescribeIngestion": self.describe,
            "ListIngestions": self.list_all,
        }

    def create(self, context: RequestContext, parameters: Record) -> Record:
        source = self.store.get(KINDS["DataSet"], parameters["DataSetId"])
        if source.get("ImportMode") != "SPICE":
            message = f"Data set {parameters['DataSetId']} is not SPICE"
            raise ApiError("InvalidParameterValueException", message)
        identity = f"{parameters['DataSetId']}/{parameters['IngestionId']}"
        if self.store.has(self.kind, identity):
            raise ApiError("ResourceExistsException", f"Ingestion {identity} already exists", 409)
        named = {
            "Arn": f"{source['Arn']}/ingestion/{parameters['IngestionId']}",
            "IngestionId": parameters["IngestionId"],
        }
        record = {
            **named,
            "CreatedTime": time.time(),
            "RequestSource": "MANUAL",
            "RequestType": parameters.get("IngestionType", "FULL_REFRESH"),
            "_data_set": parameters["DataSetId"],
        }
        self.store.put(self.kind, identity, record)
        return {**_status(context), **named, "IngestionStatus": "INITIALIZED"}

    def describe(self, context: RequestContext, parameters: Record) -> Record:
        record = self.store.get(self.kind, f"{parameters['DataSetId']}/{parameters['IngestionId']}")
        return _status(context) | {"Ingestion": self._view(record)}

    def list_all(self, context: RequestContext, parameters: Record) -> Record:
        wanted = [r for r in self.store.all(self.kind) if r["_data_set"] == parameters["DataSetId"]]
        newest_first = sorted(wanted, key=lambda r: -r["CreatedTime"])
        return _status(context) | {"Ingestions": [self._view(r) for r in newest_first]}

    def _view(self, record: Record) -> Record:
        age = time.time() - record["CreatedTime"]
        done = age >= INGESTION_SECONDS * self.endpoint.wait_scale
        shown = {k: v for k, v in record.items() if not k.startswith("_")}
        return {**shown, "IngestionStatus": "COMPLETED" if done else "RUNNING"}


def _resource_arn(endpoint: Endpoint) -> Any:
    prefix = f"arn:aws:quicksight:{endpoint.region}:{endpoint.account}:"

    def resource_arn(operation: str, parameters: Record) -> str | None:
        if parameters.get("IngestionId"):
            return f"{prefix}dataset/{parameters['DataSetId']}/ingestion/{parameters['IngestionId']}"
        for kind in reversed(KINDS.values()):
            if parameters.get(kind.id_member) and kind.name in operation:
                return prefix + kind.path + kind.identity(parameters)
        return f"{prefix}dataset/{parameters['DataSetId']}" if parameters.get("DataSetId") else None

    return resource_arn
