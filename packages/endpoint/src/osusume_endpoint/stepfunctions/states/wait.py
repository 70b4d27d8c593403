"""Wait: for seconds or until a timestamp. https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html"""

from __future__ import annotations

from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame
from osusume_endpoint.stepfunctions.payloads import now, parse_timestamp

MAX_SECONDS = 99_999_999


def run(frame: Frame) -> Outcome:
    frame.scope.sleep(_seconds(frame))
    return frame.flow.passed()


def _seconds(frame: Frame) -> float:
    if "Timestamp" in frame.state or "TimestampPath" in frame.state:
        return _until(frame)
    seconds = frame.number("Seconds")
    if seconds is None or not 0 <= seconds <= MAX_SECONDS:
        raise frame.unexpected("Seconds", f"number from 0 to {MAX_SECONDS}", seconds)
    return seconds


def _until(frame: Frame) -> float:
    value = frame.flow.value("Timestamp")
    try:
        return (parse_timestamp(value) - now()).total_seconds()
    except (TypeError, ValueError):
        raise frame.unexpected("Timestamp", "RFC 3339 timestamp", value) from None
