"""Fires the deployed schedule at once: its own target, with its own input and role."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from botocore.credentials import Credentials

from osusume_endpoint import signed

PATH = "/_osusume/scheduler/fire"


def fire(*, url: str, region: str, credentials: Credentials, schedule: str) -> str:
    """ARN of the execution that it started. Raises RequestRefused with what the target answered."""
    answer = signed.send(
        "POST",
        f"{url.rstrip('/')}{PATH}?{urlencode({'name': schedule})}",
        service="scheduler",
        region=region,
        credentials=credentials,
        body=b"",
    )
    return str(json.loads(answer)["response"]["executionArn"])
