"""The moment from which the types that are to be streamed reach Personalize by the stream, and no longer by import.

It is made once and kept: what is before it is imported by every run, what is after it never, so that no record
comes twice or not at all. It lies ahead, so that the function that reads the stream knows it before it comes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from lambdas.shared import times
from lambdas.shared.streaming import key, opened

# More than clocks of applications are ahead: the API takes five minutes, a run an hour.
AHEAD = timedelta(hours=2)


class StreamingCannotEnd(RuntimeError):
    """A type was streamed and is to be no more: a full import would add to what was streamed, not replace it."""


def note(
    dynamodb: Any, *, table: str, dataset_group: str, types: Sequence[str], now: datetime
) -> dict[str, int]:
    """Epoch seconds by type. Raises StreamingCannotEnd."""
    known = opened(dynamodb, table=table, dataset_group=dataset_group)
    second = int(now.timestamp())
    for kind in sorted(known.keys() - set(types)):
        if known[kind] <= second:
            since = times.iso(datetime.fromtimestamp(known[kind], tz=now.tzinfo))
            raise StreamingCannotEnd(
                f"events of type {kind!r} were streamed into dataset group {dataset_group} since {since}, and a full "
                "import does not replace them: set streamed: true again in datasets.interactions.events, or raise "
                "datasets.schema_version for a dataset group that gets all of them by import"
            )
    wanted = {kind: known.get(kind, int((now + AHEAD).timestamp())) for kind in types}
    if wanted != known:
        _put(dynamodb, table=table, dataset_group=dataset_group, wanted=wanted)
    return wanted


def _put(dynamodb: Any, *, table: str, dataset_group: str, wanted: dict[str, int]) -> None:
    dynamodb.put_item(
        TableName=table,
        Item={
            **key(dataset_group),
            "opened": {"M": {kind: {"N": str(at)} for kind, at in wanted.items()}},
        },
    )
