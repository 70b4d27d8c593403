"""Personalize's Put operations: ten members in a call, and each alone where a call is refused because of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from lambdas.stream_events.records import Sent

MOST = 10  # members of a call
AT_ONCE = 8  # calls
_REFUSED, _GONE = "InvalidInputException", "ResourceNotFoundException"


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Where members go: the event tracker, ARNs of the datasets by operation, and who knows more of a dataset."""

    tracking_id: str
    datasets: Mapping[str, str] = field(default_factory=dict)
    describer: Callable[[], Any]


@dataclass(frozen=True)
class Outcome:
    """`refused` with Personalize's words; `failed` may succeed when they are sent again."""

    sent: tuple[Sent, ...] = ()
    refused: tuple[tuple[Sent, str], ...] = ()
    failed: tuple[tuple[Sent, str], ...] = ()

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(self.sent + other.sent, self.refused + other.refused, self.failed + other.failed)


@cache
def pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(AT_ONCE, thread_name_prefix="stream-events")


def send(personalize_events: Any, *, targets: Targets, members: Sequence[Sent]) -> Outcome:
    """Each once, events in their order within a session. Raises nothing that a client of AWS raises."""
    put = partial(_put, personalize_events, targets)
    return sum(pool().map(put, list(calls(members))), Outcome())


def calls(members: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
    """Members of one call each; of the same one twice (delivered again, or an item that changed twice) the last."""
    shared: dict[tuple[str, ...], dict[str, Sent]] = {}
    for one in members:
        shared.setdefault((one.operation, *one.session), {})[one.identity] = one
    for unique in shared.values():
        listed = list(unique.values())
        yield from (tuple(listed[start : start + MOST]) for start in range(0, len(listed), MOST))


def _put(personalize_events: Any, targets: Targets, members: tuple[Sent, ...]) -> Outcome:
    try:
        _CALLS[members[0].operation](personalize_events, targets, members)
    except (ClientError, BotoCoreError) as error:
        if not _is_refusal(error):
            _look_again(error)
            return Outcome(failed=tuple((one, str(error)) for one in members))
        if len(members) == 1:
            return Outcome(refused=((members[0], str(error)),))
        return sum((_put(personalize_events, targets, (one,)) for one in members), Outcome())
    return Outcome(sent=members)


def _events(personalize_events: Any, targets: Targets, members: tuple[Sent, ...]) -> None:
    user, session = members[0].session
    personalize_events.put_events(
        trackingId=targets.tracking_id,
        userId=user,
        sessionId=session,
        eventList=[_dated(one, "sentAt") for one in members],
    )


def _actions(personalize_events: Any, targets: Targets, members: tuple[Sent, ...]) -> None:
    personalize_events.put_action_interactions(
        trackingId=of_dataset(targets.describer(), targets.datasets["put_action_interactions"]),
        actionInteractions=[_dated(one, "timestamp") for one in members],
    )


def _items(personalize_events: Any, targets: Targets, members: tuple[Sent, ...]) -> None:
    personalize_events.put_items(
        datasetArn=targets.datasets["put_items"], items=[dict(one.member) for one in members]
    )


def _users(personalize_events: Any, targets: Targets, members: tuple[Sent, ...]) -> None:
    personalize_events.put_users(
        datasetArn=targets.datasets["put_users"], users=[dict(one.member) for one in members]
    )


_CALLS: Mapping[str, Callable[[Any, Targets, tuple[Sent, ...]], None]] = {
    "put_events": _events,
    "put_action_interactions": _actions,
    "put_items": _items,
    "put_users": _users,
}


@cache
def of_dataset(personalize: Any, dataset_arn: str) -> str:
    """The tracker that Personalize made with the dataset of action interactions, which the workflow makes.

    Developer guide, "Finding the ID of your action interaction event tracker".
    """
    answer = personalize.describe_dataset(datasetArn=dataset_arn)
    return str(answer["dataset"]["trackingId"])


def _look_again(error: Exception) -> None:
    """Forgets the tracker of a dataset that is gone; a new one has its own."""
    if isinstance(error, ClientError) and error.response["Error"]["Code"] == _GONE:
        of_dataset.cache_clear()


def _is_refusal(error: Exception) -> bool:
    """Whether the members themselves are wrong: no second attempt helps."""
    if isinstance(error, ClientError):
        return bool(error.response["Error"]["Code"] == _REFUSED)
    return isinstance(error, ParamValidationError)


def _dated(one: Sent, name: str) -> dict[str, Any]:
    return {**one.member, name: datetime.fromtimestamp(one.member[name], tz=UTC)}
