"""`make forget`: a user out of everything that is kept, or let in again. Nothing that is printed has the id."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from config import layout
from operations import signed
from operations.executions import poll_seconds
from operations.place import Place, Refused, absent, confirm, say

# Longer than the workflow may take.
PATIENCE_SECONDS = 61 * 3600.0
DONE, FAILED = "done", "failed"


def forget(place: Place, *, user: str, given: str = "", ask: Callable[[str], str] = input) -> int:
    """Asks the API for the deletion, follows it and prints its report: 0 when it is done. Raises Refused."""
    _check(user)
    say("the user's rows, lists, events and data in Personalize go, and runs leave the user out")
    confirm(place, what="This can't be undone", given=given, ask=ask)
    deletion = _asked(place, user)
    say(f"  deletion {deletion}: it goes on whether this command waits or not")
    answer = _followed(place, deletion)
    if answer["state"] != DONE:
        say(
            f"  failed: the last execution of {place.names.workflow('forget')} has the cause; repeat the command"
        )
        return 1
    for line in _told(_report(place, answer["report"])):
        say(line)
    return 0


def release(place: Place, *, user: str, given: str = "", ask: Callable[[str], str] = input) -> int:
    """The next run takes the user in again, where the application has them. Raises Refused."""
    _check(user)
    key = {layout.PK: {"S": layout.FORGOTTEN.of(digest=_digest(place, user))}}
    found = _item(place, key)
    if found is None:
        raise Refused("This user is not left out of anything: nothing was done")
    request = {layout.PK: {"S": layout.FORGETTING.of(request_id=found["request_id"]["S"])}}
    state = (_item(place, request) or {}).get("state", {}).get("S", DONE)
    if state != DONE:
        raise Refused(f"The deletion of this user is {state}: release the user when it is done")
    confirm(place, what="Runs take the user in again", given=given, ask=ask)
    place.client("dynamodb").delete_item(TableName=place.names.control_table, Key=key)
    say("  the next run takes the user in again, where the application has them")
    return 0


def _check(user: str) -> None:
    if not user.strip():
        raise Refused("No user was named: make forget USER=<id> ENV=<environment>")


def _digest(place: Place, user: str) -> str:
    """The digest, as lambdas/shared/forgetting.py makes it."""
    try:
        answer = place.client("secretsmanager").get_secret_value(SecretId=place.names.forgetting_secret)
    except ClientError as error:
        if absent(error):
            raise Refused(f"{place.names.prefix} is not deployed: nobody was ever forgotten") from error
        raise
    return hmac.new(answer["SecretString"].encode(), user.encode(), hashlib.sha256).hexdigest()


def _item(place: Place, key: Mapping[str, Any]) -> dict[str, Any] | None:
    answer = place.client("dynamodb").get_item(
        TableName=place.names.control_table, Key=key, ConsistentRead=True
    )
    item: dict[str, Any] | None = answer.get("Item")
    return item


def _asked(place: Place, user: str) -> str:
    status, answer = signed.send(place, "DELETE", "v1", "users", user)
    if status != 202:
        raise Refused(f"The API answered {status}: {answer}: nothing was removed; correct it and repeat")
    return str(answer["deletionId"])


def _followed(place: Place, deletion: str) -> dict[str, Any]:
    """Raises Refused where it takes longer than its workflow may."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    shown = ""
    while time.monotonic() < deadline:
        status, answer = signed.send(place, "GET", "v1", "deletions", deletion)
        state = answer.get("state", f"answer {status}")
        if state != shown:
            say(f"  {state}")
        shown = state
        if state in (DONE, FAILED):
            return answer
        time.sleep(poll_seconds())
    raise Refused(f"Deletion {deletion} is not done: look at executions of {place.names.workflow('forget')}")


def _report(place: Place, where: str) -> dict[str, Any]:
    bucket, _, key = where.removeprefix("s3://").partition("/")
    content: dict[str, Any] = json.loads(place.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    return content


def _told(report: Mapping[str, Any]) -> Iterator[str]:
    yield "removed:"
    yield from (f"  {what:<28} {number:>10,}" for what, number in report["removed"].items())
    yield "what stays, and until when:"
    yield from (f"  {one['until']:<12} {one['where']}: {one['what']}" for one in report["stays"])
