"""What AWS's JSON parser says about a text that isn't JSON.

Recorded in localstack's test_sfn_api_validation.py (definitions) and
test_sfn_api.py::test_invalid_start_execution_input (inputs).
"""

from __future__ import annotations

import json
import re

from osusume_endpoint.stepfunctions.validation.report import INVALID_JSON, Problem

TOKEN = re.compile(r"[A-Za-z_$][\w$]*")
LITERALS = ("null", "true", "false")
NO_KEY = "Expecting property name enclosed in double quotes"


def not_json(text: str, error: json.JSONDecodeError) -> Problem:
    """The problem of a definition, with the place after the token that isn't expected."""
    found = _token(text, error)
    column = error.colno + (len(found) if found else 1)
    where = f'[Source: (String)"{text}"; line: {error.lineno}, column: {column}]'
    return Problem(INVALID_JSON, f"{reason(text, error)}\n at {where}", path=where)


def reason(text: str, error: json.JSONDecodeError) -> str:
    """The reason in the words of AWS's parser; Python's where we know none."""
    found = _token(text, error)
    if found:
        expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        return f"Unrecognized token '{found}': was expecting {expected}"
    if error.msg.startswith(NO_KEY) and error.pos < len(text):
        character = f"Unexpected character ('{text[error.pos]}' (code {ord(text[error.pos])}))"
        return f"{character}: was expecting double-quote to start field name"
    return str(error)


def _token(text: str, error: json.JSONDecodeError) -> str | None:
    found = TOKEN.match(text, error.pos)
    is_word = found is not None and found[0] not in LITERALS and not error.msg.startswith(NO_KEY)
    return found[0] if found and is_word else None
