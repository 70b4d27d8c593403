"""What the local endpoint runs of CodeBuild; everything else is refused by its name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from osusume_endpoint.errors import ApiError

CODE = "InvalidInputException"
Members = Mapping[str, Any]

PROJECT = frozenset(
    "name description source secondarySources artifacts environment serviceRole timeoutInMinutes "
    "queuedTimeoutInMinutes encryptionKey tags vpcConfig logsConfig concurrentBuildLimit".split()
)
START = frozenset(
    "projectName environmentVariablesOverride timeoutInMinutesOverride queuedTimeoutInMinutesOverride "
    "buildspecOverride".split()
)
SOURCE = frozenset("type location buildspec sourceIdentifier".split())
ENVIRONMENT = frozenset(
    "type image computeType environmentVariables privilegedMode imagePullCredentialsType".split()
)
ENVIRONMENTS = ("ARM_CONTAINER", "LINUX_CONTAINER")
# Values that ask for nothing, so that leaving them out would mean the same.
_NOTHING: tuple[Any, ...] = (None, "", [], {}, False)


def check_project(project: Members) -> None:
    """Raises ApiError for a project that could not run here as it would on AWS."""
    _refuse("a project's", _unknown(project, PROJECT))
    _check_type("artifacts.type", project["artifacts"]["type"], ("NO_ARTIFACTS",))
    _check_sources(project)
    _check_environment(project["environment"])
    if (project.get("logsConfig") or {}).get("s3Logs", {}).get("status") == "ENABLED":
        _refuse("a project's", ["logsConfig.s3Logs"])


def check_start(request: Members) -> None:
    """Raises ApiError for what a build would have to ignore."""
    _refuse("StartBuild's", _unknown(request, START))
    check_variables(request.get("environmentVariablesOverride") or [])


def check_variables(variables: Iterable[Members]) -> None:
    for variable in variables:
        _check_type(
            f"environment variable {variable['name']} of type",
            variable.get("type") or "PLAINTEXT",
            ("PLAINTEXT",),
        )


def refused(what: str, supported: str) -> ApiError:
    return ApiError(CODE, f"{what} is not emulated by the local endpoint; it runs {supported}")


def _check_sources(project: Members) -> None:
    for source in [project["source"], *(project.get("secondarySources") or [])]:
        _refuse("a source's", _unknown(source, SOURCE))
        _check_type("source.type", source["type"], ("S3", "NO_SOURCE"))
    for source in project.get("secondarySources") or []:
        if not source.get("sourceIdentifier"):
            raise ApiError(
                CODE, "Invalid project source: source identifier is required for secondary sources"
            )


def _check_environment(environment: Members) -> None:
    _refuse("environment's", _unknown(environment, ENVIRONMENT))
    _check_type("environment.type", environment["type"], ENVIRONMENTS)
    if environment.get("privilegedMode"):
        raise refused("environment.privilegedMode", "builds without it")
    if not str(environment["image"]).startswith("aws/codebuild/"):
        raise refused(f"environment.image {environment['image']}", "what it takes for CodeBuild's own images")
    check_variables(environment.get("environmentVariables") or [])


def _check_type(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise refused(f"{what} {value}", ", ".join(known))


def _unknown(given: Members, known: frozenset[str]) -> Iterator[str]:
    return (name for name, value in given.items() if name not in known and value not in _NOTHING)


def _refuse(whose: str, names: Iterable[str]) -> None:
    listed = sorted(names)
    if listed:
        raise ApiError(CODE, f"{whose} {', '.join(listed)}: not emulated by the local endpoint")
