"""Time to live: expired items vanish, as deletions that exports and streams see.

DynamoDB developer guide, "Using time to live (TTL)": the attribute is a number of epoch seconds; an item whose
attribute is of another type, or more than five years in the past, stays. AWS deletes within a few days of the
expiry and here it takes seconds: whoever reads must not count on either.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from osusume_endpoint import local_routes, replacements, wire
from osusume_endpoint.replacements import replaces

log = logging.getLogger("osusume.dynamodb")

Item = dict[str, Any]

PATH = "/_osusume/dynamodb/expire"
ACTION = "osusume:ExpireItems"
SWEEP_SECONDS = 5.0
FIVE_YEARS = 5 * 365 * 86_400
MINISTACKS_REAPER = "dynamodb-ttl-reaper"


def install() -> None:
    replacements.apply(__name__)
    local_routes.routes[("POST", PATH)] = local_routes.LocalRoute(ACTION, _answer, signing_name="dynamodb")
    threading.Thread(target=_sweep_for_ever, daemon=True, name="osusume-ttl").start()


@replaces("ministack.services.dynamodb:_remove_item", takes="table, pk_val, sk_val")
def _unless_reaped(inner: Any) -> Any:
    """ministack's own thread deletes without a trace, so it deletes nothing."""

    def remove_item(table: dict[str, Any], pk: Any, sk: Any) -> Any:
        return None if threading.current_thread().name == MINISTACKS_REAPER else inner(table, pk, sk)

    return remove_item


def expired(item: Item, attribute: str, *, now: float) -> bool:
    value = item.get(attribute)
    if not isinstance(value, dict) or "N" not in value:
        return False
    try:
        moment = Decimal(str(value["N"]))
    except InvalidOperation:
        return False
    return now - FIVE_YEARS <= moment < now


def sweep(*, now: float) -> int:
    """Deletes what has expired by `now` (epoch seconds) in every table with a TTL; answers how many items."""
    from ministack.services import dynamodb

    with dynamodb._lock:
        return sum(_expire(*where, now=now) for where in list(_enabled()))


def _enabled() -> Iterator[tuple[str, str, str, str]]:
    """(account, region, table, attribute)."""
    from ministack.services import dynamodb

    for (account, region, table), setting in list(dynamodb._ttl_settings.all_items()):
        if setting.get("TimeToLiveStatus") == "ENABLED" and setting.get("AttributeName"):
            yield account, region, table, setting["AttributeName"]


def _expire(account: str, region: str, name: str, attribute: str, *, now: float) -> int:
    from ministack.core import responses
    from ministack.services import dynamodb

    table = dynamodb._tables.get_scoped(account, region, name)
    if not table:
        return 0
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    due = [
        (pk, sk)
        for pk, row in table["items"].items()
        for sk, item in row.items()
        if expired(item, attribute, now=now)
    ]
    for pk, sk in due:
        old = dynamodb._remove_item(table, pk, sk)
        dynamodb._emit_stream_event(name, "REMOVE", old, None)
    return len(due)


def _sweep_for_ever() -> None:
    while True:
        time.sleep(SWEEP_SECONDS)
        try:
            sweep(now=time.time())
        except Exception:
            log.exception("Expired items could not be deleted")


def _answer(request: wire.Request) -> wire.Response:
    """`?now=<epoch seconds>`: what a clock that shows this time would delete. For tests of long times."""
    text = request.query.get("now", [""])[0]
    try:
        now = float(text)
    except ValueError:
        body = {"message": f"now is {text!r}: give epoch seconds"}
        return 400, {"Content-Type": "application/json"}, json.dumps(body).encode()
    return 200, {"Content-Type": "application/json"}, json.dumps({"expired": sweep(now=now)}).encode()
