"""EventBridge Scheduler. `fire_now` lets an operator fire a schedule's target with its real input."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as SigningCredentials

from osusume_endpoint.endpoint import Credentials, Endpoint


def fire_now(endpoint: Endpoint, *, name: str, group: str, credentials: Credentials) -> dict[str, Any]:
    """Fires over HTTP. Returns {"delivered": ..., "response" or "error"}; needs osusume:FireSchedule."""
    query = urllib.parse.urlencode({"name": name, "group": group})
    signed = AWSRequest(method="POST", url=f"{endpoint.url}/_osusume/scheduler/fire?{query}", data=b"")
    SigV4Auth(SigningCredentials(*credentials), "scheduler", endpoint.region).add_auth(signed)
    call = urllib.request.Request(str(signed.url), data=b"", method="POST", headers=dict(signed.headers))
    try:
        with urllib.request.urlopen(call, timeout=120) as response:
            return dict(json.load(response))
    except urllib.error.HTTPError as error:
        body = error.read().decode(errors="replace")
        if error.code == 502:
            return dict(json.loads(body))
        raise RuntimeError(f"The schedule {group}/{name} was not fired: {error.code} {body}") from None
