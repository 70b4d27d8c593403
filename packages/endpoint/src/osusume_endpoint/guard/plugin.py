"""Records every call and refuses those that only a stub would answer."""

from __future__ import annotations

import html
import json
import logging
import re

from osusume_endpoint import calls, requests, wire
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.errors import NotEmulated
from osusume_endpoint.guard import stubs
from osusume_endpoint.guard.calls import CallLog

log = logging.getLogger("osusume.guard")


def install(endpoint: Endpoint) -> None:
    written = CallLog(endpoint.home / "calls.jsonl")

    def record(caller: requests.Caller, decision: calls.Decision, response: wire.Response) -> None:
        written.write(
            service=decision.service,
            action=decision.action,
            caller=caller.arn,
            resource=decision.resource,
            status=response[0],
            code=error_code(response) if response[0] >= 400 else "",
            stub=decision.stub,
            **({"message": error_message(response)} if response[0] == 403 else {}),
        )

    calls.observers.append(record)
    calls.interceptors.append(refuse_stub)


def refuse_stub(call: calls.Call) -> wire.Response | None:
    if stubs.stub_of(call.action) is None:
        return None
    noted = calls.decision.get(None)
    if noted is not None:
        noted.stub = True
    log.warning("%s would be answered by a stub", call.action)
    service, _, operation = call.action.partition(":")
    error = NotEmulated(service=service, operation=operation)
    body = {"__type": error.code, "message": error.message}
    headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": error.code}
    return error.status, headers, json.dumps(body).encode()


def error_message(response: wire.Response) -> str:
    """What the body of an error says in any of AWS's protocols; "" of one without a body, as HEAD has."""
    body = response[2]
    text = body.decode(errors="replace") if isinstance(body, bytes) else ""
    if text.startswith("{"):
        said = json.loads(text)
        return str(said.get("message") or said.get("Message") or "")
    found = re.search(r"<Message>([^<]*)</Message>", text)
    return html.unescape(found.group(1)) if found else ""


def error_code(response: wire.Response) -> str:
    """The wire code of an error in any of AWS's protocols."""
    _, headers, body = response
    named = next((v for k, v in headers.items() if k.lower() == "x-amzn-errortype"), "")
    if named:
        return named.partition(":")[0]
    text = body.decode(errors="replace") if isinstance(body, bytes) else ""
    found = re.search(r'"__type"\s*:\s*"([^"]+)"|<Code>([^<]+)</Code>', text)
    return (found.group(1) or found.group(2)).rpartition("#")[2] if found else ""
