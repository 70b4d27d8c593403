"""CodeBuild of the embedded endpoint: projects with a buildspec of their own, whose builds run as processes here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from osusume_endpoint import service
from osusume_endpoint.codebuild import supported
from osusume_endpoint.codebuild.builds import Builds
from osusume_endpoint.codebuild.preparation import PRINCIPAL
from osusume_endpoint.codebuild.projects import Record, Store, build_id
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import ApiError
from osusume_endpoint.service import RequestContext

NAME = "codebuild"
PAGE = 100
Parameters = dict[str, Any]


def install(endpoint: Endpoint) -> None:
    file = endpoint.home / NAME / "state.json"
    store = Store(file=file, region=endpoint.region, account=endpoint.account)
    served = CodeBuild(store, Builds(endpoint=endpoint, store=store))
    service.add_service(
        name="codebuild",
        operations=served.operations(),
        resource_arn=served.resource_arn,
        endpoint=endpoint,
        validation_code=supported.CODE,
    )


class CodeBuild:
    def __init__(self, store: Store, builds: Builds) -> None:
        self.store = store
        self.builds = builds

    def operations(self) -> dict[str, service.Operation]:
        return {
            "CreateProject": lambda context, p: {"project": shown(self._written(context, p, "create"))},
            "UpdateProject": lambda context, p: {"project": shown(self._written(context, p, "update"))},
            "DeleteProject": self._delete,
            "BatchGetProjects": lambda context, p: self._projects(context, p),
            "ListProjects": lambda context, p: page("projects", sorted(self.store.projects), p),
            "StartBuild": self._start,
            "StopBuild": lambda context, p: {"build": shown(self.builds.stop(p["id"]))},
            "BatchGetBuilds": lambda context, p: self._described(context, p),
            "ListBuilds": lambda context, p: page("ids", _newest_first(self.store.builds.values(), p), p),
            "ListBuildsForProject": self._list_builds,
        }

    def _delete(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        self.store.delete(parameters["name"])
        return {}

    def resource_arn(self, operation: str, parameters: Parameters) -> str | None:
        """Service authorization reference: of builds it is the project, too."""
        names = [parameters.get("name"), parameters.get("projectName"), *(parameters.get("names") or [])]
        names += [project_of(one) for one in [parameters.get("id"), *(parameters.get("ids") or [])] if one]
        named = next((name for name in names if name), None)
        return self.store.project_arn(str(named).rpartition("/")[2]) if named else None

    def _written(self, context: RequestContext, parameters: Parameters, how: str) -> Record:
        if parameters.get("serviceRole"):
            context.check_pass_role(parameters["serviceRole"], PRINCIPAL)
        write: Callable[[Parameters], Record] = getattr(self.store, how)
        return write(parameters)

    def _start(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        initiator = context.caller_arn.split(":", 5)[5]
        return {"build": shown(self.builds.start(parameters, initiator=initiator))}

    def _projects(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        names = [str(name).rpartition("/")[2] for name in parameters["names"]]
        self._allow_each(context, names)
        found = [shown(self.store.projects[name]) for name in names if name in self.store.projects]
        return {"projects": found, "projectsNotFound": [n for n in names if n not in self.store.projects]}

    def _described(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        ids = [build_id(one) for one in parameters["ids"]]
        self._allow_each(context, [project_of(one) for one in ids])
        found = [shown(self.store.builds[one]) for one in ids if one in self.store.builds]
        return {"builds": found, "buildsNotFound": [one for one in ids if one not in self.store.builds]}

    def _allow_each(self, context: RequestContext, names: Iterable[str]) -> None:
        """The call itself was asked of the first."""
        for name in sorted(set(names)):
            action = f"{NAME}:{context.operation}"
            context.authorize(action=action, resource=self.store.project_arn(name))

    def _list_builds(self, context: RequestContext, parameters: Parameters) -> dict[str, Any]:
        project = self.store.project(parameters["projectName"])
        return page("ids", _newest_first(self.store.builds_of(project["name"]), parameters), parameters)


def project_of(identifier: str) -> str:
    return build_id(identifier).partition(":")[0]


def shown(record: Record) -> Record:
    return {name: value for name, value in record.items() if value is not None}


def _newest_first(builds: Iterable[Record], parameters: Mapping[str, Any]) -> list[str]:
    ids = [build["id"] for build in builds]
    return ids if parameters.get("sortOrder") == "ASCENDING" else ids[::-1]


def _start(token: str) -> int:
    if not (token.isascii() and token.isdecimal()):
        raise ApiError(
            supported.CODE, f"Invalid nextToken {token!r}: give the one of the page before, or none"
        )
    return int(token)


def page(key: str, found: list[str], parameters: Mapping[str, Any]) -> dict[str, Any]:
    if parameters.get("sortBy") not in (None, "NAME"):
        raise ApiError(supported.CODE, f"sortBy {parameters['sortBy']} is not emulated by the local endpoint")
    start = _start(parameters.get("nextToken") or "0")
    more = {"nextToken": str(start + PAGE)} if start + PAGE < len(found) else {}
    return {key: found[start : start + PAGE], **more}
