"""The endpoint's faults, set from another process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials as Signer

from osusume_endpoint import signed
from osusume_endpoint.endpoint import Credentials
from osusume_endpoint.faults.plan import Plan

PATH = "/_osusume/faults"


@dataclass(frozen=True)
class Faults:
    """Raises RequestRefused, with what is wrong with the plan, or without osusume:InjectFaults."""

    url: str
    region: str
    credentials: Credentials

    def use(self, plan: Plan | str) -> dict[str, Any]:
        """A plan, or its text. It replaces the one before, and counts from nothing."""
        text = plan if isinstance(plan, str) else plan.text()
        return self._send("PUT", text.encode())

    def report(self) -> dict[str, Any]:
        """{plan, seen: {fault: calls}, fired: [{fault, kind, what, number, caller, time}]}."""
        return self._send("GET", None)

    def clear(self) -> dict[str, Any]:
        """The last report of the plan that ends."""
        return self._send("DELETE", None)

    def _send(self, method: str, body: bytes | None) -> dict[str, Any]:
        answer = signed.send(
            method,
            self.url.rstrip("/") + PATH,
            service="osusume",
            region=self.region,
            credentials=Signer(*self.credentials),
            body=body,
        )
        return dict(json.loads(answer))
