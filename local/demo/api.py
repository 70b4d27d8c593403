"""The deployed API, read as an application would."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from osusume_endpoint import signed


@dataclass(frozen=True)
class Api:
    url: str
    region: str
    credentials: Credentials

    def get(self, path: str) -> Mapping[str, Any]:
        """`path` begins with /v1. Raises RequestRefused."""
        answer = signed.send(
            "GET",
            self.url.rstrip("/") + path,
            service="execute-api",
            region=self.region,
            credentials=self.credentials,
        )
        return dict(json.loads(answer))
