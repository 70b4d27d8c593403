"""The JSON of a request's body, as API Gateway hands it over."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from lambdas.shared.problems import BadBody


def content(event: Mapping[str, Any]) -> Any:
    """The value that the body is. Raises BadBody, also for NaN and infinity, which JSON has not."""
    text = event.get("body") or ""
    try:
        raw = base64.b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
        return json.loads(raw.decode(), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadBody("the body is not JSON: send a JSON object in UTF-8") from None


def _no_number(constant: str) -> float:
    raise ValueError(constant)
