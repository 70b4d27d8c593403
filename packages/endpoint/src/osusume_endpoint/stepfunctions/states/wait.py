"""Wait: for seconds or until a timestamp. https://docs.aws.amazon.com/step-functions/latest/dg/state-wait.html"""

from __future__ import annotations

from typing import Any

from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.flows import Outcome
from osusume_endpoint.stepfunctions.frame import Frame, shown
from osusume_endpoint.stepfunctions.payloads import now, parse_timestamp

MAX_SECONDS = 99_999_999
# Recorded in localstack's base/test_wait.py, as are the causes below.
MAX_DELAY_SECONDS = 2**31 - 1
FORMAT = "ISO-8601 extended offset date-time format string"


def run(frame: Frame) -> Outcome:
    frame.scope.sleep(_seconds(frame))
    return frame.flow.passed()


def _seconds(frame: Frame) -> float:
    if "Timestamp" in frame.state or "TimestampPath" in frame.state:
        return _until(frame)
    path = frame.state.get("SecondsPath")
    seconds = frame.number("Seconds") if path is None else _by_path(frame, path)
    if seconds is None or not 0 <= seconds <= MAX_SECONDS:
        raise frame.unexpected("Seconds", f"number from 0 to {MAX_SECONDS}", seconds)
    return seconds


def _by_path(frame: Frame, path: str) -> float:
    value = frame.flow.value("Seconds")
    told = f"{path} == {shown(value)}"
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise StateError(RUNTIME, f"The SecondsPath parameter cannot be parsed as a long value: {told}")
    if value < 0:
        raise StateError(RUNTIME, f"The SecondsPath parameter references a negative value: {told}")
    return value


def _until(frame: Frame) -> float:
    value = frame.flow.value("Timestamp")
    try:
        seconds = (parse_timestamp(value) - now()).total_seconds()
    except (TypeError, ValueError):
        raise _no_timestamp(frame, value) from None
    if seconds > MAX_DELAY_SECONDS:
        raise StateError(RUNTIME, "Wait state delay is too long.")
    return seconds


def _no_timestamp(frame: Frame, value: Any) -> StateError:
    if "TimestampPath" not in frame.state:
        return frame.invalid(
            "Timestamp", f"The Timestamp field cannot be parsed as an {FORMAT}: {shown(value)}"
        )
    told = f"{frame.state['TimestampPath']} == {shown(value)}"
    return StateError(RUNTIME, f"The TimestampPath parameter does not reference a valid {FORMAT}: {told}")
