"""`make smoke`: what a person would look at after a run, as the application and an analyst would."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from clients.python.osusume_client.api.default import get_health, get_popular_items, get_recommendations
from clients.python.osusume_client.models import Health, Recommendations
from clients.python.osusume_client.types import Response
from config import layout
from operations import queries, signed, stacks
from operations.pages import each
from operations.place import Place, Refused, say

USERS = 3
ATTEMPTS = 5
RESULTS = 10


class Wrong(RuntimeError):
    """What was seen is not what it should be."""


def smoke(place: Place) -> int:
    """Prints one line per look; returns how many were wrong."""
    wrong = 0
    for name, look in looks(place).items():
        try:
            say(f"  ok      {name}: {look(place)}")
        except (Wrong, Refused, BotoCoreError, ClientError, OSError, httpx.HTTPError) as error:
            wrong += 1
            say(f"  WRONG   {name}: {error}")
    return wrong


def looks(place: Place) -> dict[str, Callable[[Place], str]]:
    """The looks that the environment has something for.

    With `api.jwt` routes of readers answer users' tokens, of which an operator has none: the store's health is left.
    """
    has_tokens = place.settings.api.jwt is not None
    left = (set() if place.settings.analytics.enabled else {"marts"}) | (READERS if has_tokens else set())
    health = (
        {"lists, by v1/health alone since api.jwt asks readers for tokens": _health} if has_tokens else {}
    )
    return {**{name: look for name, look in LOOKS.items() if name not in left}, **health}


def _stacks(place: Place) -> str:
    found = stacks.deployed(place)
    bad = [f"{stack.name} is {stack.status}" for stack in found if not stack.status.endswith("_COMPLETE")]
    bad += [f"{stack.name} is {stack.status}" for stack in found if "ROLLBACK" in stack.status]
    if bad or not found:
        raise Wrong(", ".join(bad) or "none is deployed: `make deploy`")
    return f"{len(found)} deployed"


def _personal(place: Place) -> str:
    users = _known_users(place)
    for user in users:
        answer = _answered(place, partial(get_recommendations.sync_detailed, user), f"user {user}")
        if answer.source != "personal":
            raise Wrong(f"user {user} gets the list {answer.source!r} and none of their own")
    return f"users {', '.join(users)} have lists of their own"


def _known_users(place: Place) -> list[str]:
    """Who ordered often: of the application's database, or of the last publication where that is another's."""
    columns = place.settings.datasets.interactions.order_columns
    if place.settings.creates_aurora and columns:
        orders = place.settings.aurora.tables.orders
        statement = (
            f"select {columns.USER_ID} from {orders} group by 1 order by count(*) desc, 1 limit {USERS}"
        )
        found = [str(row[0]) for row in queries.application_rows(place, statement)]
    else:
        found = _published_users(place)
    if not found:
        raise Wrong("nobody is known yet: `make seed`, then `make run`")
    return found


def _published_users(place: Place) -> list[str]:
    solutions = [s.name for s in place.settings.solutions if (s.for_each, s.publishes) == ("user", "lists")]
    beginning = layout.LIST.of(list=solutions[0], key="") if solutions else ""
    pages = (
        place.client("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=place.names.recommendations_table,
            FilterExpression="begins_with(pk, :list)",
            ExpressionAttributeValues={":list": {"S": beginning}},
            PaginationConfig={"MaxItems": USERS},
        )
    )
    return [item[layout.PK]["S"].removeprefix(beginning) for page in pages for item in page["Items"]]


def _answered(place: Place, ask: Callable[..., Response[Any]], what: str) -> Recommendations:
    """An answer as it should be, of a few attempts: a function that has just started may answer from its stand-ins."""
    with signed.client(place) as api:
        for attempt in range(ATTEMPTS):
            response = ask(client=api, num_results=RESULTS)
            wrong = _wrong(response)
            if not wrong:
                return cast(Recommendations, response.parsed)
            time.sleep(attempt)
    raise Wrong(f"the list of {what} {wrong}")


def _wrong(response: Response[Any]) -> str:
    answer = response.parsed
    if not isinstance(answer, Recommendations):
        return (
            f"is not answered: {int(response.status_code)} {response.content.decode(errors='replace')[:200]}"
        )
    if answer.degraded:
        return "is degraded: the API could not read what it should"
    return "" if answer.items else "is empty"


def _popular(place: Place) -> str:
    answer = _answered(place, get_popular_items.sync_detailed, "everyone")
    if answer.source != "popular":
        raise Wrong(f"v1/popular answers from {answer.source!r}: nothing is published")
    return f"version {answer.version}"


def _health(place: Place) -> str:
    with signed.client(place) as api:
        response = get_health.sync_detailed(client=api)
    answer = response.parsed
    if not isinstance(answer, Health):
        raise Wrong(
            f"v1/health answers {int(response.status_code)} {response.content.decode(errors='replace')[:200]}"
        )
    versions = answer.versions.additional_properties
    if answer.status != "ok" or not versions:
        raise Wrong(f"v1/health says {answer.status}, with versions of {len(versions)} lists")
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _marts(place: Place) -> str:
    statement = "select max(run_id), count(*) from marts.mart_catalogue_coverage"
    [[run_id, count]] = queries.warehouse_rows(place, statement)
    if not count:
        raise Wrong("marts.mart_catalogue_coverage has no rows: the warehouse's workflow did not end")
    return f"{count} rows of coverage, the newest of run {run_id}"


def _alarms(place: Place) -> str:
    prefix = f"{place.names.prefix}-"
    ringing = [
        alarm["AlarmName"]
        for alarm in each(
            place, "cloudwatch", "describe_alarms", "MetricAlarms", AlarmNamePrefix=prefix, StateValue="ALARM"
        )
    ]
    if ringing:
        raise Wrong(f"ringing: {', '.join(ringing)}")
    return "quiet"


def _lock(place: Place) -> str:
    answer = place.client("dynamodb").get_item(
        TableName=place.names.control_table, Key={layout.PK: {"S": layout.LOCK}}, ConsistentRead=True
    )
    if "Item" in answer:
        raise Wrong("a run holds it, or one ended without letting go")
    return "free"


READERS = {"personal lists", "popular list"}
LOOKS: Mapping[str, Callable[[Place], str]] = {
    "stacks": _stacks,
    "personal lists": _personal,
    "popular list": _popular,
    "marts": _marts,
    "alarms": _alarms,
    "lock": _lock,
}
