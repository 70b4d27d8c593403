"""Fail: ends the execution with an error. https://docs.aws.amazon.com/step-functions/latest/dg/state-fail.html"""

from __future__ import annotations

from typing import NoReturn

from osusume_endpoint.stepfunctions.errors import DeclaredError
from osusume_endpoint.stepfunctions.frame import Frame


def run(frame: Frame) -> NoReturn:
    raise DeclaredError(_text(frame, "Error"), _text(frame, "Cause"))


def _text(frame: Frame, key: str) -> str | None:
    value = frame.flow.value(key)
    if value is not None and not isinstance(value, str):
        raise frame.unexpected(key, "string", value)
    return value
