"""EventBridge: the optimized `events:putEvents`.

https://docs.aws.amazon.com/step-functions/latest/dg/connect-eventbridge.html; what becomes of entries that can't be
put is recorded in localstack's services/test_events_task_service.py.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from osusume_endpoint import depth
from osusume_endpoint.stepfunctions.errors import RUNTIME, StateError
from osusume_endpoint.stepfunctions.integrations.sdk import Call
from osusume_endpoint.stepfunctions.payloads import dumps
from osusume_endpoint.stepfunctions.scope import Clients, Identity

REQUIRED = ("Source", "DetailType", "Detail")

Json = dict[str, Any]


def with_resources(arguments: Any, identity: Identity) -> Any:
    """Every event names the state machine and the execution that put it, whatever else it names."""
    if not isinstance(arguments, dict) or not isinstance(arguments.get("Entries"), list):
        return arguments
    own = [identity.state_machine_arn, identity.execution_arn]
    entries = [
        {**entry, "Resources": [*(entry.get("Resources") or []), *own]} for entry in arguments["Entries"]
    ]
    return {**arguments, "Entries": entries}


def put(clients: Clients, arguments: Json) -> Json:
    """Puts the entries that can be put; one that can't fails the task, with all of their answers as cause."""
    if not isinstance(arguments, dict):
        raise StateError(RUNTIME, f"The Parameters '{dumps(arguments)}' are no object with Entries")
    entries = [_with_text(entry) for entry in arguments.get("Entries", [])]
    faults = [_fault(entry) for entry in entries]
    fit = [entry for entry, fault in zip(entries, faults, strict=True) if fault is None]
    answer = _answer(clients, {**arguments, "Entries": fit}) if fit or not entries else {"Entries": []}
    answered = iter(answer["Entries"])
    together = [next(answered, {}) if fault is None else fault for fault in faults]
    failed = answer.get("FailedEntryCount", 0) + len(entries) - len(fit)
    if failed:
        raise StateError("EventBridge.FailedEntry", dumps({"Entries": together, "FailedEntryCount": failed}))
    return answer


def _answer(clients: Clients, arguments: Json) -> Json:
    return Call("eventbridge", "putEvents", prefix="EventBridge")(clients, arguments)


def _with_text(entry: Json) -> Json:
    detail = entry.get("Detail")
    return entry if isinstance(detail, str | None) else {**entry, "Detail": dumps(detail)}


def _fault(entry: Mapping[str, Any]) -> Json | None:
    missing = next((name for name in REQUIRED if not entry.get(name)), None)
    if missing is not None:
        message = f"Parameter {missing} is not valid. Reason: {missing} is a required argument."
        return {"ErrorCode": "InvalidArgument", "ErrorMessage": message}
    if not _is_object(entry["Detail"]):
        return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    return None


def _is_object(text: str) -> bool:
    try:
        return isinstance(depth.loads(text), dict)
    except json.JSONDecodeError:
        return False
