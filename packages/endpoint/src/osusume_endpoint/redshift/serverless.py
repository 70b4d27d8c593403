"""Redshift Serverless: namespaces and workgroups, kept in <state folder>/redshift/state.json."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from osusume_endpoint import paths
from osusume_endpoint.errors import ApiError
from osusume_endpoint.redshift.warehouse import NameTaken, Warehouse
from osusume_endpoint.service import Operation, RequestContext

Parameters = dict[str, Any]
Resource = dict[str, Any]

# Stored for our own use, never answered.
_PRIVATE = ("adminUserPassword", "tags")


class Serverless:
    def __init__(self, *, file: Path, region: str, account: str, warehouse: Warehouse) -> None:
        self._file = file
        self._arn = f"arn:aws:redshift-serverless:{region}:{account}:"
        self._warehouse = warehouse
        self._lock = threading.RLock()
        stored = json.loads(file.read_text()) if file.exists() else {}
        self.namespaces: dict[str, Resource] = stored.get("namespaces", {})
        self.workgroups: dict[str, Resource] = stored.get("workgroups", {})

    def operations(self) -> dict[str, Operation]:
        simple: dict[str, Callable[[Parameters], dict[str, Any]]] = {
            "CreateNamespace": self.create_namespace,
            "GetNamespace": lambda p: {"namespace": shown_namespace(self.namespace(p["namespaceName"]))},
            "ListNamespaces": lambda p: {
                "namespaces": [shown_namespace(n) for n in self.namespaces.values()]
            },
            "UpdateNamespace": self.update_namespace,
            "DeleteNamespace": self.delete_namespace,
            "CreateWorkgroup": self.create_workgroup,
            "GetWorkgroup": lambda p: {"workgroup": self.shown_workgroup(self.workgroup(p["workgroupName"]))},
            "ListWorkgroups": lambda p: {
                "workgroups": [self.shown_workgroup(w) for w in self.workgroups.values()]
            },
            "UpdateWorkgroup": self.update_workgroup,
            "DeleteWorkgroup": self.delete_workgroup,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "ListTagsForResource": lambda p: {"tags": self._tagged(p["resourceArn"]).get("tags", [])},
        }
        operations: dict[str, Operation] = {name: _without_context(f) for name, f in simple.items()}
        return {**operations, "GetCredentials": self.get_credentials}

    def resource_arn(self, operation: str, parameters: Parameters) -> str:
        """Policies name resources by id: a name that is unknown yet matches `*`."""
        if parameters.get("resourceArn"):
            return str(parameters["resourceArn"])
        workgroup = self.workgroups.get(parameters.get("workgroupName", ""))
        if workgroup:
            return str(workgroup["workgroupArn"])
        namespace = self.namespaces.get(parameters.get("namespaceName", ""))
        kind = "workgroup" if "Workgroup" in operation or "workgroupName" in parameters else "namespace"
        return str(namespace["namespaceArn"]) if namespace and kind == "namespace" else f"{self._arn}{kind}/*"

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        content = {"namespaces": self.namespaces, "workgroups": self.workgroups}
        paths.write_whole(self._file, json.dumps(content))

    # Namespaces

    def namespace(self, name: str) -> Resource:
        if name not in self.namespaces:
            raise ApiError("ResourceNotFoundException", f"Namespace {name} doesn't exist.")
        return self.namespaces[name]

    def create_namespace(self, parameters: Parameters) -> dict[str, Any]:
        name = parameters["namespaceName"]
        with self._lock:
            if name in self.namespaces:
                raise ApiError("ConflictException", f"Namespace {name} already exists.")
            identifier = str(uuid.uuid4())
            namespace = {
                **{k: v for k, v in parameters.items() if k != "manageAdminPassword"},
                "dbName": parameters.get("dbName") or "dev",
                "adminUsername": parameters.get("adminUsername") or "admin",
                "namespaceId": identifier,
                "namespaceArn": f"{self._arn}namespace/{identifier}",
                "status": "AVAILABLE",
                "creationDate": datetime.now(UTC).timestamp(),
            }
            namespace |= self._admin_secret(
                name, namespace, managed=bool(parameters.get("manageAdminPassword"))
            )
            self._provide(namespace)
            self.namespaces[name] = namespace
            self._save()
        return {"namespace": shown_namespace(namespace)}

    def _admin_secret(self, name: str, namespace: Resource, *, managed: bool) -> Resource:
        derived = self._warehouse.password(namespace["adminUsername"])
        if not managed:
            return {"adminUserPassword": namespace.get("adminUserPassword") or derived}
        value = {"username": namespace["adminUsername"], "password": derived}
        arn = create_secret(f"redshift!{name}-{namespace['adminUsername']}", value)
        return {"adminUserPassword": derived, "adminPasswordSecretArn": arn}

    def _provide(self, namespace: Resource) -> None:
        try:
            self._warehouse.create_namespace(
                name=namespace["namespaceName"],
                database=namespace["dbName"],
                admin=namespace["adminUsername"],
                password=namespace["adminUserPassword"],
            )
        except NameTaken as error:
            raise ApiError("ConflictException", str(error)) from None

    def update_namespace(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            namespace = self.namespace(parameters["namespaceName"])
            if parameters.get("adminUsername", namespace["adminUsername"]) != namespace["adminUsername"]:
                raise ApiError("ValidationException", "Changing adminUsername is not emulated locally")
            namespace |= {k: v for k, v in parameters.items() if v is not None and k != "manageAdminPassword"}
            if parameters.get("adminUserPassword"):
                admin, password = namespace["adminUsername"], namespace["adminUserPassword"]
                self._warehouse.set_admin(admin=admin, password=password)
            self._save()
        return {"namespace": shown_namespace(namespace)}

    def delete_namespace(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            namespace = self.namespace(parameters["namespaceName"])
            name = namespace["namespaceName"]
            if any(w["namespaceName"] == name for w in self.workgroups.values()):
                message = f"Namespace {name} is associated with a workgroup: delete the workgroup first."
                raise ApiError("ConflictException", message)
            self._warehouse.drop_namespace(database=namespace["dbName"], admin=namespace["adminUsername"])
            if namespace.get("adminPasswordSecretArn"):
                delete_secret(namespace["adminPasswordSecretArn"])
            del self.namespaces[name]
            self._save()
        return {"namespace": {**shown_namespace(namespace), "status": "DELETING"}}

    # Workgroups

    def workgroup(self, name: str) -> Resource:
        """The workgroup by its name, or by its ARN as the Data API allows."""
        found = self.workgroups.get(name) or next(
            (w for w in self.workgroups.values() if w["workgroupArn"] == name), None
        )
        if found is None:
            raise ApiError("ResourceNotFoundException", f"Workgroup {name} doesn't exist.")
        return found

    def create_workgroup(self, parameters: Parameters) -> dict[str, Any]:
        name = parameters["workgroupName"]
        with self._lock:
            if name in self.workgroups:
                raise ApiError("ConflictException", f"Workgroup {name} already exists.")
            self.namespace(parameters["namespaceName"])
            if any(w["namespaceName"] == parameters["namespaceName"] for w in self.workgroups.values()):
                message = f"Namespace {parameters['namespaceName']} already has a workgroup."
                raise ApiError("ConflictException", message)
            identifier = str(uuid.uuid4())
            self.workgroups[name] = {
                "baseCapacity": 128,
                "publiclyAccessible": False,
                "enhancedVpcRouting": False,
                **parameters,
                "workgroupId": identifier,
                "workgroupArn": f"{self._arn}workgroup/{identifier}",
                "status": "AVAILABLE",
                "creationDate": datetime.now(UTC).timestamp(),
            }
            self._save()
        return {"workgroup": self.shown_workgroup(self.workgroups[name])}

    def update_workgroup(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            workgroup = self.workgroup(parameters["workgroupName"])
            workgroup |= {k: v for k, v in parameters.items() if v is not None}
            self._save()
        return {"workgroup": self.shown_workgroup(workgroup)}

    def delete_workgroup(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            workgroup = self.workgroups.pop(self.workgroup(parameters["workgroupName"])["workgroupName"])
            self._save()
        return {"workgroup": {**self.shown_workgroup(workgroup), "status": "DELETING"}}

    def shown_workgroup(self, workgroup: Resource) -> Resource:
        """The endpoint is PostgreSQL's: a client of the Redshift port (5439) finds the same tables there."""
        address = self._warehouse.server.address
        endpoint = {"address": address.host, "port": address.port, "vpcEndpoints": []}
        shown = {k: v for k, v in workgroup.items() if k not in _PRIVATE}
        return {**shown, "endpoint": endpoint, "port": address.port}

    def namespace_of(self, workgroup: Mapping[str, Any]) -> Resource:
        return self.namespace(workgroup["namespaceName"])

    def get_credentials(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        self.workgroup(parameters.get("workgroupName", ""))
        user = database_user(context.caller_arn)
        seconds = int(parameters.get("durationSeconds") or 900)
        now = datetime.now(UTC)
        return {
            "dbUser": user,
            "dbPassword": self._warehouse.ensure_user(user),
            "expiration": now + timedelta(seconds=seconds),
            "nextRefreshTime": now + timedelta(seconds=seconds),
        }

    # Tags

    def _tagged(self, arn: str) -> Resource:
        for resource in (*self.namespaces.values(), *self.workgroups.values()):
            if arn in (resource.get("namespaceArn"), resource.get("workgroupArn")):
                return resource
        raise ApiError("ResourceNotFoundException", f"Resource {arn} doesn't exist.")

    def tag(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            resource = self._tagged(parameters["resourceArn"])
            new = {tag["key"]: tag["value"] for tag in parameters["tags"]}
            kept = [tag for tag in resource.get("tags", []) if tag["key"] not in new]
            resource["tags"] = [*kept, *({"key": k, "value": v} for k, v in new.items())]
            self._save()
        return {}

    def untag(self, parameters: Parameters) -> dict[str, Any]:
        with self._lock:
            resource = self._tagged(parameters["resourceArn"])
            resource["tags"] = [t for t in resource.get("tags", []) if t["key"] not in parameters["tagKeys"]]
            self._save()
        return {}


def shown_namespace(namespace: Resource) -> Resource:
    shown = {k: v for k, v in namespace.items() if k not in _PRIVATE}
    roles = [f"IamRole(applyStatus=in-sync, iamRoleArn={arn})" for arn in namespace.get("iamRoles", [])]
    return {**shown, "iamRoles": roles}


def _without_context(function: Callable[[Parameters], dict[str, Any]]) -> Operation:
    return lambda context, parameters: function(parameters)


def database_user(caller_arn: str) -> str:
    """The database user of an IAM identity: IAMR:<role> or IAM:<user>."""
    kind, _, name = caller_arn.split(":", 5)[5].partition("/")
    return (
        f"IAMR:{name.split('/')[0]}" if kind == "assumed-role" else f"IAM:{name.rsplit('/', 1)[-1] or kind}"
    )


def create_secret(name: str, value: Mapping[str, str]) -> str:
    """Creates it in this process: CloudFormation handlers run where a call to the endpoint could wait for itself."""
    from ministack.services import secretsmanager

    status, _, body = secretsmanager._create_secret({"Name": name, "SecretString": json.dumps(value)})
    if status >= 400:
        raise ApiError("ConflictException", f"Secret {name}: {body!r}")
    return str(json.loads(body)["ARN"])


def delete_secret(arn: str) -> None:
    from ministack.services import secretsmanager

    secretsmanager._delete_secret({"SecretId": arn, "ForceDeleteWithoutRecovery": True})
