"""What must hold after every run, whatever failed in it."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from config import layout
from local.chaos.line import KILLED, Line, Outcome
from osusume_endpoint.signed import RequestRefused

# A call that was done and whose answer was lost is done again: what it finds then.
_TWICE = r"AlreadyExists|ConcurrentRuns|ConditionalCheckFailed|AlreadyRunning"
# How a fault shows in the error or the cause of a failed run.
TRACES = {
    "throttle": r"[Tt]hrottl|Rate exceeded|SlowDown|request rate|TooManyRequests|ThroughputExceeded",
    "internal_error": r"[Ii]nternal|ServiceException",
    "unavailable": r"[Uu]navailable|unable to handle request",
    "expired_credentials": r"ExpiredToken|token.* expired",
    "access_denied": r"AccessDenied|not authorized",
    "timeout": rf"[Tt]imed? ?out|[Cc]onnection|SdkClientException|{_TWICE}",
    "reset": rf"[Cc]onnection|SdkClientException|{_TWICE}",
    "kill": (
        r"Runtime\.ExitError|worker was killed|[Cc]onnection|server closed|refused|starting up|shut|ended early"
    ),
    "full disk": r"InternalError|internal error",
}


@dataclass(frozen=True)
class Before:
    """What served before the run."""

    pointers: dict[str, str]
    served: dict[str, Any]

    @classmethod
    def of(cls, line: Line) -> Before:
        return cls(line.pointers(), line.served())


def broken(
    line: Line,
    before: Before,
    outcome: Outcome,
    report: dict[str, Any],
    *,
    expected: bool = False,
    leaving: Collection[str] = (),
) -> list[str]:
    """Sentences; none when all holds. `report` is that of the faults; `expected`: it was to fail as it did.

    `leaving` are users whose deletion did not come to its end: what is left of them is in one place and not in another.
    """
    return [
        *_ended(outcome),
        *(_explained(outcome, report) if not expected else ()),
        *_pointers(line, before, outcome),
        *_complete(line, frozenset(leaving)),
        *_served(line, before),
        *_whole_objects(line, outcome),
        # A run that died with the endpoint could release nothing: the next one takes its lock over.
        *(_lock(line) if outcome.status != KILLED else ()),
    ]


def _ended(outcome: Outcome) -> Iterator[str]:
    if outcome.status not in ("SUCCEEDED", "FAILED", KILLED):
        yield f"the execution is {outcome.status} after {outcome.seconds:.0f} s, not SUCCEEDED or FAILED"


def _explained(outcome: Outcome, report: dict[str, Any]) -> Iterator[str]:
    failure = outcome.failure
    if failure is None:
        return
    text = f"{failure.error} {failure.cause}"
    traces = [TRACES[kind] for kind in {fired["kind"] for fired in report["fired"]}]
    if not any(re.search(trace, text) for trace in traces):
        yield f"the run failed of {failure.error} ({failure.cause[:300]}), which names no fault that was set"


def _pointers(line: Line, before: Before, outcome: Outcome) -> Iterator[str]:
    now = line.pointers()
    for name in sorted(set(before.pointers) | set(now)):
        old, new = before.pointers.get(name), now.get(name)
        if new not in (old, outcome.run_id):
            yield f"the list {name} serves {new}, neither {old} from before nor {outcome.run_id} of this run"
        elif outcome.publishes and new != outcome.run_id:
            yield f"the run {outcome.run_id} succeeded, and the list {name} still serves {new}"


def _complete(line: Line, leaving: frozenset[str]) -> Iterator[str]:
    for name, version in line.pointers().items():
        expected = line.published_keys(name, version) - leaving
        stored = line.stored_keys(name, version) - leaving
        if stored != expected:
            missing, more = len(expected - stored), len(stored - expected)
            yield f"the list {name} serves version {version}: {missing} keys are missing, {more} are too many"
        elif not stored:
            yield f"the list {name} serves version {version}, which is empty"


def _served(line: Line, before: Before) -> Iterator[str]:
    """Readers keep a pointer for half a minute: the version from before is right too, with its own items."""
    try:
        after, pointers = line.served(), line.pointers()
    except RequestRefused as refusal:
        yield f"the API refuses: {refusal}"
        return
    for name, answer in after.items():
        old: Mapping[str, Any] = before.served.get(name, {})
        versions = {pointers[name], old.get("version")}
        if not answer["items"] or answer["source"] != name or answer["version"] not in versions:
            yield f"the API answers for {name} with {answer}, the pointer says {pointers[name]}"
        elif answer["version"] == old.get("version") and answer["items"] != old["items"]:
            yield f"the API's answer for {name} changed though its version {answer['version']} did not"


def _whole_objects(line: Line, outcome: Outcome) -> Iterator[str]:
    names = line.settings.names
    for bucket in (names.datasets_bucket, names.results_bucket):
        folder = layout.RUN_FOLDER.of(run_id=outcome.run_id)
        for key, body in line.objects(bucket, folder) if outcome.run_id else ():
            if key.endswith(".gz") and not _unpacks(body):
                yield f"s3://{bucket}/{key} is cut off"
    for path in (line.endpoint.home / "s3").glob("**/*.tmp"):
        yield f"{path} is half an object"


def _unpacks(body: bytes) -> bool:
    try:
        gzip.decompress(body)
    except (EOFError, OSError, zlib.error):
        return False
    return True


def _lock(line: Line) -> Iterator[str]:
    if line.locked():
        yield "the run ended and holds its lock: no run can start before the lock expires"
