"""`make rollback`: readers of lists go back to the version before, in one write. Repeated, it goes forward again."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from operations import control
from operations.pages import each
from operations.place import Place, Refused, confirm_on_aws, say

ALL = "all"
UNKNOWN = "unknown"
SWAPPING = "SwapPointers"  # the state of `recommend` that moves pointers
_HEAD = 1 << 20  # bytes of a publish file that are looked at for a list's key


@dataclass(frozen=True)
class Pointer:
    """What readers of a list see: a version, and the one before it; each the id of the run that made it."""

    list: str
    current: str
    previous: str
    arn: str
    previous_arn: str


def rollback(place: Place, *, lists: str, given: str = "", ask: Callable[[str], str] = input) -> int:
    """`lists` are names joined by commas, or `all`. All of them move, or none. Raises Refused before anything moves."""
    pointers = [_pointer(place, name) for name in _names(place, lists)]
    _refuse_while_swapping(place)
    for pointer in pointers:
        say(f"  {pointer.list}: from the version {pointer.current} to {pointer.previous}")
    confirm_on_aws(place, what="Readers follow within 30 seconds", given=given, ask=ask)
    _swap(place, pointers)
    for line in _told(pointers):
        say(line)
    return 0


def _names(place: Place, given: str) -> list[str]:
    known = [solution.name for solution in place.settings.solutions if solution.publishes]
    names = known if given == ALL else list(dict.fromkeys(given.replace(",", " ").split()))
    _refuse_campaigns(place, names)
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f"the list {unknown[0]!r} is not configured" if unknown else "no list is named"
        raise Refused(f"Nothing was done, {what}: use LIST= with {', '.join(known)} or {ALL}")
    return names


def _refuse_campaigns(place: Place, names: Sequence[str]) -> None:
    """What a campaign answers, or made the newest list of, has no version that lies there."""
    for solution in place.settings.solutions:
        if solution.name in names and not solution.publishes:
            raise Refused(
                f"Nothing was done: {solution.name} publishes no versions, its campaign answers: "
                f"`make promote SOLUTION={solution.name} VERSION=previous`, and the next run moves the campaign"
            )


def _pointer(place: Place, name: str) -> Pointer:
    """Raises Refused where nothing lies behind."""
    key = {layout.PK: layout.POINTER.of(list=name), layout.SK: layout.POINTER_SK}
    item = control.read(place, table=place.names.recommendations_table, key=key)
    if not item:
        raise Refused(f"Nothing was done: the list {name} was never published here: `make run`")
    current, previous = item.get("current", ""), item.get("previous", "")
    if previous in ("", current):
        raise Refused(
            f"Nothing was done: {current} is the first version of the list {name}, none lies behind"
        )
    return Pointer(
        list=name,
        current=current,
        previous=previous,
        arn=item.get("solution_version_arn", UNKNOWN),
        previous_arn=item.get("previous_solution_version_arn") or _arn_of_run(place, previous, name),
    )


def _arn_of_run(place: Place, run_id: str, name: str) -> str:
    """Pointers did not always name the solution version before; the run's record does."""
    record = control.item(place, layout.RUN.of(run_id=run_id))
    return str(json.loads(record.get("versions", "{}")).get(name, UNKNOWN))


def _refuse_while_swapping(place: Place) -> None:
    """A run that has begun to move pointers moves all of them first."""
    client, arn = place.client("stepfunctions"), place.names.workflow_arn("recommend")
    for execution in each(
        place, "stepfunctions", "list_executions", "executions", stateMachineArn=arn, statusFilter="RUNNING"
    ):
        if _has_entered(client, execution["executionArn"], SWAPPING):
            raise Refused(
                f"Nothing was done: run {execution['name']} is moving the lists' pointers right now: "
                "wait for its end, then repeat the command"
            )


def _has_entered(client: Any, execution: str, state: str) -> bool:
    pages = client.get_paginator("get_execution_history").paginate(
        executionArn=execution, reverseOrder=True, includeExecutionData=False
    )
    return any(
        event.get("stateEnteredEventDetails", {}).get("name") == state
        for page in pages
        for event in page["events"]
    )


def _swap(place: Place, pointers: list[Pointer]) -> None:
    """Readers see every pointer moved or none; what was read above must still be so. Raises Refused."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    steps = [step for pointer in pointers for step in _steps(place, pointer, now)]
    try:
        place.client("dynamodb").transact_write_items(TransactItems=[step for step, _ in steps])
    except ClientError as error:
        if error.response["Error"]["Code"] != "TransactionCanceledException":
            raise
        reasons = error.response.get("CancellationReasons", [])
        failed = [why for (_, why), reason in zip(steps, reasons, strict=False) if reason["Code"] != "None"]
        raise Refused(f"Nothing was done: {'; '.join(failed) or error}") from error


def _steps(place: Place, pointer: Pointer, now: str) -> list[tuple[dict[str, Any], str]]:
    """Parts of the transaction, each with what it means when it is refused."""
    gone = (
        f"the lists {pointer.list} of version {pointer.previous} exist no longer, so nothing could serve them"
    )
    moved = f"the pointer of {pointer.list} moved meanwhile: look at it and repeat the command"
    checks = [{"ConditionCheck": _noted(place, pointer)}]
    key = _some_key(place, pointer)
    if key:
        checks.append({"ConditionCheck": _exists(place, pointer, key)})
    return [*((check, gone) for check in checks), ({"Update": _moved(place, pointer, now)}, moved)]


def _noted(place: Place, pointer: Pointer) -> dict[str, Any]:
    """The version is among those that the table holds and that don't expire."""
    return {
        "TableName": place.names.recommendations_table,
        "Key": _key(layout.VERSIONS.of(list=pointer.list), layout.VERSIONS_SK),
        "ConditionExpression": "contains(versions, :previous)",
        "ExpressionAttributeValues": {":previous": {"S": pointer.previous}},
    }


def _exists(place: Place, pointer: Pointer, key: str) -> dict[str, Any]:
    """One of its lists is there: somebody may have deleted what is noted."""
    return {
        "TableName": place.names.recommendations_table,
        "Key": _key(layout.LIST.of(list=pointer.list, key=key), pointer.previous),
        "ConditionExpression": f"attribute_exists({layout.PK}) AND attribute_not_exists({layout.EXPIRES})",
    }


def _some_key(place: Place, pointer: Pointer) -> str | None:
    """Whose list the version's first publish file begins with; None where its files have expired."""
    client, bucket = place.client("s3"), place.names.results_bucket
    prefix = layout.PUBLISH_FILES.of(run_id=pointer.previous, solution=pointer.list)
    found = client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents", [])
    if not found:
        return None
    body = client.get_object(Bucket=bucket, Key=found[0]["Key"], Range=f"bytes=0-{_HEAD - 1}")["Body"].read()
    text = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(body)
    return str(json.loads(text.splitlines()[0])["key"])


def _moved(place: Place, pointer: Pointer, now: str) -> dict[str, Any]:
    values = {
        ":current": pointer.current,
        ":previous": pointer.previous,
        ":arn": pointer.arn,
        ":previous_arn": pointer.previous_arn,
        ":now": now,
    }
    return {
        "TableName": place.names.recommendations_table,
        "Key": _key(layout.POINTER.of(list=pointer.list), layout.POINTER_SK),
        "UpdateExpression": (
            "SET #current = :previous, #previous = :current, solution_version_arn = :previous_arn, "
            "previous_solution_version_arn = :arn, updated_at = :now"
        ),
        "ConditionExpression": "#current = :current AND #previous = :previous",
        "ExpressionAttributeNames": {"#current": "current", "#previous": "previous"},
        "ExpressionAttributeValues": {name: {"S": value} for name, value in values.items()},
    }


def _key(pk: str, sk: str) -> Mapping[str, Any]:
    return {layout.PK: {"S": pk}, layout.SK: {"S": sk}}


def _told(pointers: list[Pointer]) -> list[str]:
    names = ",".join(pointer.list for pointer in pointers)
    return [
        f"Readers of {names} get the version before within 30 seconds; LIST={names} again goes forward.",
        "Other lists are read of the same run where they have it, so that what is on one page agrees.",
        "The next run puts its own lists in their place: mend what was wrong, or stop the schedule.",
        *(
            f"Later versions are still compared with the version that serves in the control table: "
            f"`make promote SOLUTION={pointer.list} VERSION={pointer.previous_arn}` changes that."
            for pointer in pointers
            if pointer.previous_arn not in (pointer.arn, UNKNOWN)
        ),
    ]
