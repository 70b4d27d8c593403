"""Which names of a host are served: those that can only mean this machine.

A page of `evil.example` whose DNS points to 127.0.0.1 (DNS rebinding) is of the same origin as the endpoint to
its browser, but the browser sends its name as Host. `localhost` and everything below it never leaves the machine
(RFC 6761, section 6.3), so S3's and API Gateway's virtual hosts may lie there: `bucket.s3.localhost`.
"""

from __future__ import annotations

import re

from osusume_endpoint.gate.incoming import Incoming

_SERVED = re.compile(
    r"(127\.0\.0\.1|\[::1\]|([a-z0-9]([a-z0-9_-]*[a-z0-9])?\.)*localhost)(:\d{1,5})?", re.IGNORECASE
)


def served(host: str) -> bool:
    return _SERVED.fullmatch(host) is not None


def refusal(request: Incoming) -> str | None:
    """Why the Host is not served; None when it is."""
    if request.count("host") == 1 and served(request.host):
        return None
    return (
        f"Host {request.host[:200]!r} is not served: call this endpoint as 127.0.0.1, [::1], localhost or a name "
        "below localhost"
    )
