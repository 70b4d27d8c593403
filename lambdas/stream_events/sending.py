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
_TIME = {"put_events": "sentAt", "put_action_interactions": "timestamp"}
_ENTITIES = {"put_items": "items", "put_users": "users"}


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


def send(personalize: Any, *, targets: Targets, members: Sequence[Sent]) -> Outcome:
    """Each once, events in their order within a session. Raises nothing that a client of AWS raises."""
    put = partial(_put, personalize, targets)
    return sum(pool().map(put, list(calls(members))), Outcome())


def calls(members: Sequence[Sent]) -> Iterator[tuple[Sent, ...]]:
    """Members of one call each; of the same one twice (delivered again, or an item that changed twice) the last."""
    shared: dict[tuple[str, ...], dict[str, Sent]] = {}
    for one in members:
        shared.setdefault((one.operation, *one.session), {})[one.identity] = one
    for unique in shared.values():
        listed = list(unique.values())
        yield from (tuple(listed[start : start + MOST]) for start in range(0, len(listed), MOST))


def _put(personalize: Any, targets: Targets, members: tuple[Sent, ...]) -> Outcome:
    try:
        getattr(personalize, members[0].operation)(**_request(targets, members))
    except (ClientError, BotoCoreError) as error:
        if not _is_refusal(error):
            _look_again(error)
            return Outcome(failed=tuple((one, str(error)) for one in members))
        if len(members) == 1:
            return Outcome(refused=((members[0], str(error)),))
        return sum((_put(personalize, targets, (one,)) for one in members), Outcome())
    return Outcome(sent=members)


def _request(targets: Targets, members: tuple[Sent, ...]) -> dict[str, Any]:
    operation, listed = members[0].operation, [_dated(one) for one in members]
    if operation in _ENTITIES:
        return {"datasetArn": targets.datasets[operation], _ENTITIES[operation]: listed}
    if operation == "put_action_interactions":
        tracking_id = of_dataset(targets.describer(), targets.datasets[operation])
        return {"trackingId": tracking_id, "actionInteractions": listed}
    user, session = members[0].session
    return {"trackingId": targets.tracking_id, "userId": user, "sessionId": session, "eventList": listed}


@cache
def of_dataset(personalize: Any, dataset_arn: str) -> str:
    """The tracker that Personalize made with the dataset of action interactions, which the workflow makes.

    Developer guide, "Finding the ID of your action interaction event tracker".
    """
    answer = personalize.describe_dataset(datasetArn=dataset_arn)
    return str(answer["dataset"]["trackingId"])


def _look_again(error: Exception) -> None:
    """A dataset that was made anew has another tracker."""
    if isinstance(error, ClientError) and error.response["Error"]["Code"] == _GONE:
        of_dataset.cache_clear()


def _is_refusal(error: Exception) -> bool:
    """Whether the members themselves are wrong: no second attempt helps."""
    if isinstance(error, ClientError):
        return bool(error.response["Error"]["Code"] == _REFUSED)
    return isinstance(error, ParamValidationError)


def _dated(one: Sent) -> dict[str, Any]:
    name = _TIME.get(one.operation)
    dated = {name: datetime.fromtimestamp(one.member[name], tz=UTC)} if name else {}
    return {**one.member, **dated}
