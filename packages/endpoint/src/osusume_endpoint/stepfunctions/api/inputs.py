"""The name and the input that an execution is started with."""

from __future__ import annotations

import json

from osusume_endpoint import depth
from osusume_endpoint.errors import ApiError
from osusume_endpoint.stepfunctions.api.machines import NAME
from osusume_endpoint.stepfunctions.validation.json_text import reason

MOST_BYTES = 256 * 1024


def check(name: str, text: str) -> None:
    """Raises InvalidName or InvalidExecutionInput.

    The latter in the words of the service's JSON parser, as recorded in localstack's
    test_sfn_api.py::test_invalid_start_execution_input.
    """
    if not NAME.fullmatch(name):
        raise ApiError("InvalidName", f"Invalid Name: '{name}'")
    if len(text.encode()) > MOST_BYTES:
        raise _invalid(f"more than {MOST_BYTES} bytes")
    if not text.strip():
        raise _invalid("Invalid execution input.")
    try:
        depth.loads(text)
    except json.JSONDecodeError as error:
        raise _invalid(reason(text, error)) from error
    except ValueError as error:
        raise _invalid(str(error)) from error


def _invalid(why: str) -> ApiError:
    return ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{why}'")
