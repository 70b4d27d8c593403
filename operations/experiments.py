"""`make experiments`: what the configuration says of experiments reaches readers, without a deployment.

What would divide users again is refused: a change of a running experiment that makes another version of it. A variant
that a guardrail stopped stays stopped until somebody says otherwise.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from config.experiments import delivered
from lambdas.shared.hosted import Hosted, NotDeployed, Profile
from operations.place import Place, Refused, say


def experiments(place: Place, *, resume: str = "") -> int:
    """Raises Refused, and then nothing has changed."""
    if not place.settings.experiments.live:
        raise Refused(
            "experiments.delivery is deployment: `make deploy` delivers them, or set it to appconfig"
        )
    hosted = found(place)
    live = hosted.live()
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
    version = _deliver(hosted, wanted)
    for line in _lines(wanted):
        say(f"  {line}")
    seconds = place.settings.experiments.poll_seconds
    say(f"  version {version} is delivered; readers have it within {seconds} seconds of their next read")
    return 0


def redeliver(place: Place) -> None:
    """Delivers after a deployment: else what was delivered hides what was just packaged. New versions are allowed."""
    if not place.settings.experiments.live:
        return
    hosted = found(place)
    live = hosted.live()
    if live.document is None:
        return
    wanted = _with_stops(_plain(delivered(place.settings.experiments)), live.document)
    if wanted != live.document:
        say(f"  experiments: version {_deliver(hosted, wanted)} is delivered")


def found(place: Place) -> Hosted:
    """Raises Refused where the environment has none."""
    name = place.names.parameter("serving/experiments")
    try:
        value = place.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    except ClientError as error:
        raise Refused(f"Parameter {name} could not be read ({error}): deploy the environment first") from None
    return Hosted(place.client("appconfig"), Profile.of(value))


def _deliver(hosted: Hosted, document: Mapping[str, Any]) -> int:
    """Raises Refused for what the validator refuses, or what did not come through."""
    try:
        return hosted.deliver(document)
    except (ClientError, NotDeployed) as error:
        raise Refused(f"AppConfig did not take the document, and nothing changed: {error}") from None


def _plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document as JSON has it, so that it compares with what was read."""
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


def _new_versions(wanted: Mapping[str, Any], live: Mapping[str, Any] | None, *, today: str) -> Iterator[str]:
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
