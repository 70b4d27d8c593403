"""`make experiments`: what the configuration says of experiments reaches readers, without a deployment.

What would divide users anew is refused: a change of a running experiment that makes another version of it. A variant
that a guardrail stopped stays stopped until somebody says otherwise.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from config.experiments import delivered
from operations.place import Place, Refused, say

CONTENT_TYPE = "application/json"
ENDED = ("COMPLETE", "ROLLED_BACK", "REVERTED")
PATIENCE_SECONDS = 120


@dataclass(frozen=True)
class Profile:
    """Ids of AppConfig's things of the environment."""

    application: str
    environment: str
    profile: str
    strategy: str


@dataclass(frozen=True)
class Live:
    """The document that readers have and the version of it; None where nothing was delivered yet."""

    document: Mapping[str, Any] | None
    version: int = 0


def experiments(place: Place, *, resume: str = "") -> int:
    """Raises Refused, and then nothing has changed."""
    if not place.settings.experiments.live:
        raise Refused("experiments.delivery is deployment: `make deploy` delivers them, or set it to appconfig")
    profile = found(place)
    live = read(place, profile)
    wanted = _with_stops(_plain(delivered(place.settings.experiments)), live.document, resume=resume)
    changed = list(_new_versions(wanted, live.document, today=datetime.now(UTC).strftime("%Y-%m-%d")))
    if changed:
        raise Refused(
            f"{'; '.join(changed)}. Users would be divided anew: take the change back, or name the experiment "
            "otherwise, which starts a new one beside it"
        )
    if wanted == live.document:
        say(f"  version {live.version} says all of this already")
        return 0
    version = deliver(place, profile, wanted)
    for line in _lines(wanted):
        say(f"  {line}")
    seconds = place.settings.experiments.poll_seconds
    say(f"  version {version} is delivered; readers have it within {seconds} seconds of their next read")
    return 0


def redeliver(place: Place) -> None:
    """After a deployment: what was delivered before would hide what was just packaged. New versions are allowed."""
    if not place.settings.experiments.live:
        return
    profile = found(place)
    live = read(place, profile)
    if live.document is None:
        return
    wanted = _with_stops(_plain(delivered(place.settings.experiments)), live.document)
    if wanted != live.document:
        say(f"  experiments: version {deliver(place, profile, wanted)} is delivered")


def found(place: Place) -> Profile:
    """Raises Refused where the environment has none."""
    name = place.names.parameter("serving/experiments")
    try:
        value = place.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        raise Refused(f"Parameter {name} could not be read ({error}): deploy the environment first") from None
    return Profile(*value.split("/"))


def read(place: Place, profile: Profile) -> Live:
    """What the last deployment that came through delivered."""
    appconfig = place.client("appconfig")
    where = {"ApplicationId": profile.application, "EnvironmentId": profile.environment}
    for row in _deployments(appconfig, where):
        if row["State"] in ("COMPLETE", "BAKING"):
            version = int(row["ConfigurationVersion"])
            answer = appconfig.get_hosted_configuration_version(
                ApplicationId=profile.application,
                ConfigurationProfileId=profile.profile,
                VersionNumber=version,
            )
            return Live(json.loads(answer["Content"].read()), version)
    return Live(None)


def _deployments(appconfig: Any, where: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The newest first."""
    pages = appconfig.get_paginator("list_deployments").paginate(**where)
    rows = [row for page in pages for row in page["Items"]]
    yield from sorted(rows, key=lambda row: int(row["DeploymentNumber"]), reverse=True)


def deliver(place: Place, profile: Profile, document: Mapping[str, Any]) -> int:
    """The new version's number. Raises Refused for what the validator refuses; no trace of it is left."""
    appconfig = place.client("appconfig")
    where = {"ApplicationId": profile.application, "ConfigurationProfileId": profile.profile}
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    made = appconfig.create_hosted_configuration_version(Content=text, ContentType=CONTENT_TYPE, **where)
    number = int(made["VersionNumber"])
    try:
        _deploy(appconfig, profile, number)
    except ClientError as error:
        appconfig.delete_hosted_configuration_version(VersionNumber=number, **where)
        raise Refused(f"AppConfig refused the document, and nothing changed: {error}") from None
    return number


def _deploy(appconfig: Any, profile: Profile, number: int) -> None:
    """Raises what AppConfig refuses, and Refused where the deployment doesn't come through."""
    where = {"ApplicationId": profile.application, "EnvironmentId": profile.environment}
    started = appconfig.start_deployment(
        DeploymentStrategyId=profile.strategy,
        ConfigurationProfileId=profile.profile,
        ConfigurationVersion=str(number),
        **where,
    )
    ends = time.monotonic() + PATIENCE_SECONDS
    state = started["State"]
    while state not in ENDED and time.monotonic() < ends:
        time.sleep(1)
        answer = appconfig.get_deployment(DeploymentNumber=started["DeploymentNumber"], **where)
        state = answer["State"]
    if state != "COMPLETE":
        raise Refused(f"Deployment {started['DeploymentNumber']} of version {number} is {state}: look at it in AppConfig")


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON has it, so that it compares with what was read."""
    plain: dict[str, Any] = json.loads(json.dumps(document))
    return plain


def _by_name(document: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    return {one["name"]: one for one in document["experiments"]} if document else {}


def _with_stops(
    wanted: dict[str, Any], live: Mapping[str, Any] | None, *, resume: str = ""
) -> dict[str, Any]:
    """What was stopped of the same version stays so. Raises Refused for a name to resume that nothing stopped."""
    before = _by_name(live)
    if resume and not before.get(resume, {}).get("stopped"):
        raise Refused(f"RESUME={resume!r}: no variant of such an experiment is stopped")
    for one in wanted["experiments"]:
        old = before.get(one["name"], {})
        if old.get("version") == one["version"] and one["name"] != resume:
            one["stopped"] = sorted({*one["stopped"], *old.get("stopped", ())})
    return wanted


def _new_versions(
    wanted: Mapping[str, Any], live: Mapping[str, Any] | None, *, today: str
) -> Iterator[str]:
    """Why, for each experiment that runs and would be another version."""
    new = _by_name(wanted)
    for name, old in _by_name(live).items():
        runs = old["starts"] <= today and (old["ends"] is None or today <= old["ends"])
        if runs and name in new and new[name]["version"] != old["version"]:
            yield f"{name} runs as version {old['version']} and would be {new[name]['version']}"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    for one in document["experiments"]:
        stopped = f", stopped: {', '.join(one['stopped'])}" if one["stopped"] else ""
        steps = ", ".join(f"{percent:g}% from {day}" for day, percent in one["ramp"])
        yield f"{one['name']}, version {one['version']}: {steps}{stopped}"
