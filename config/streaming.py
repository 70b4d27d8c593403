"""What reaches Personalize as it happens: by a stream of the log's table, events as well as new users and items.

Personalize developer guide, "Recording real-time events": a full import replaces what imports brought, not what was
streamed; so an event reaches it by one of the two ways, and what can't be streamed rightly is refused. Users and items
come by both: "Importing individual records": a record with the id of one that is there replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from config.settings import ApplicationLog, DatasetField, Datasets, EventRule, Settings, Sources

# What POST /v1/events takes from anybody who may send events, and writes without what a user or an item has. A copy of
# lambdas/shared/user_state.py's, which a test compares.
API_TYPES = frozenset("impression click start progress favourite purchase dismiss undo".split())
KEYS = {"users": "USER_ID", "items": "ITEM_ID"}


def check_event(event: EventRule) -> None:
    """Raises ValueError for a type that no stream has."""
    if event.streamed and event.source != "application_log":
        raise ValueError(
            f"type {event.type!r} is streamed, but its source is {event.source!r}, and only the log's table has a "
            "stream: remove streamed, or set source: application_log"
        )


def check_stream_arn(log: ApplicationLog) -> None:
    """The stream of an existing table is that table's; a created one has its own. Raises ValueError."""
    if log.stream_arn is None:
        return
    if log.create:
        raise ValueError(
            "stream_arn is of an existing table, but create is true and a created table gets its own stream: remove "
            "stream_arn, or set create: false"
        )
    table = re.sub(r".*:table/|/stream/.*", "", log.stream_arn)
    if table != log.table_name:
        raise ValueError(
            f"stream_arn is a stream of table {table!r}, but table_name is {log.table_name!r}: take LatestStreamArn of "
            "`aws dynamodb describe-table`"
        )


def check(datasets: Datasets, sources: Sources) -> None:
    """What is streamed has a stream, and no rule that a stream can't keep; a stream is read. Raises ValueError."""
    log, wanted = sources.application_log, list(_wanted(datasets))
    if log is not None and log.stream_arn is not None and not wanted:
        raise ValueError(
            "sources.application_log.stream_arn is set, but no type of datasets.interactions.events or "
            "datasets.action_interactions.events is streamed and neither datasets.users nor datasets.items has "
            "streamed_by, so nothing reads it: add streamed: true to one, or remove stream_arn"
        )
    _check_attributes_are_read(datasets)
    if not wanted:
        return
    _check_there_is_a_stream(wanted[0], log)
    _check_types(datasets)
    _check_known_users(datasets)
    if log is not None:
        for dataset in datasets.streamed_entries:
            _check_fields(dataset, datasets.fields(dataset), log)


def attribute(dataset: str, field: DatasetField, log: ApplicationLog) -> str:
    """Which attribute of the log's items fills the field of a user or an item."""
    if field.name == KEYS[dataset]:
        return str(getattr(log.attributes, field.name))
    return field.attribute or field.column


def datasets(settings: Settings) -> dict[str, dict[str, Any]]:
    """Where the function that reads the stream puts what is no event about an item, by Personalize's operation.

    {arn, and of actions: meanings by type; of users and items: type, key, fields, as the log's items have them}.
    """
    configured, names, found = settings.datasets, settings.names, dict[str, dict[str, Any]]()
    actions = configured.action_interactions
    if actions is not None and actions.streamed:
        meanings = {event.type: event.means for event in actions.events if event.streamed}
        arn = names.dataset_arn("action_interactions")
        found["put_action_interactions"] = {"arn": arn, "meanings": meanings}
    for dataset, kind in configured.streamed_entries.items():
        fields = [_described(dataset, field, settings.log) for field in configured.fields(dataset)]
        put = {"arn": names.dataset_arn(dataset), "type": kind, "key": KEYS[dataset], "fields": fields}
        found[f"put_{dataset}"] = put
    return found


def _described(dataset: str, field: DatasetField, log: ApplicationLog) -> dict[str, Any]:
    given = field.model_dump(include={"name", "type", "categorical", "textual", "nullable"})
    return {**given, "attribute": attribute(dataset, field, log)}


def _wanted(datasets: Datasets) -> Iterator[tuple[str, str, str]]:
    """(key, type, how the type is streamed) of all that is."""
    for kind in datasets.interactions.streamed:
        yield "datasets.interactions.events", kind, "streamed"
    for kind in datasets.action_interactions.streamed if datasets.action_interactions else ():
        yield "datasets.action_interactions.events", kind, "streamed"
    for dataset, kind in datasets.streamed_entries.items():
        yield f"datasets.{dataset}", kind, "streamed_by"


def _check_there_is_a_stream(wanted: tuple[str, str, str], log: ApplicationLog | None) -> None:
    where, kind, how = wanted
    if log is None:
        raise ValueError(
            f"{where}: type {kind!r} is streamed, but sources.application_log is null, and only its table has a "
            f"stream: remove {how}"
        )
    if not log.create and log.stream_arn is None:
        raise ValueError(
            f"{where}: type {kind!r} is streamed, but nobody says which stream table {log.table_name!r} has: enable "
            f"one with new and old images, and name it in sources.application_log.stream_arn, or remove {how}"
        )


def _check_types(datasets: Datasets) -> None:
    """A streamed type is one thing only: the moment from which on it is streamed is the type's."""
    known: dict[str, str] = {}
    streamed = {*datasets.streamed_events, *datasets.streamed_entries.values()}
    for where, kind in _types(datasets):
        if kind in streamed and kind in known:
            raise ValueError(
                f"{where}: type {kind!r} is streamed, and {known[kind]} has it too, so that nobody knows what an item "
                "of it is: give one of them another type, or remove it"
            )
        known[kind] = where
    for dataset, kind in datasets.streamed_entries.items():
        if kind in API_TYPES:
            raise ValueError(
                f"datasets.{dataset}.streamed_by is {kind!r}, which POST /v1/events takes from those who may send "
                f"events: name a type of its own, such as {dataset.removesuffix('s')}_changed"
            )


def _types(datasets: Datasets) -> Iterator[tuple[str, str]]:
    for event in datasets.interactions.events:
        yield "datasets.interactions.events", event.type
    for action in datasets.action_interactions.events if datasets.action_interactions else ():
        yield "datasets.action_interactions.events", action.type
    for dataset, kind in datasets.streamed_entries.items():
        yield f"datasets.{dataset}.streamed_by", kind


def _check_known_users(datasets: Datasets) -> None:
    types = datasets.interactions.streamed
    if types and datasets.users is not None and datasets.users.only_known:
        raise ValueError(
            f"datasets.interactions.events: type {types[0]!r} is streamed, but datasets.users.only_known is true, and "
            "whether a user is known is seen in a run alone: remove one of them"
        )


def _check_attributes_are_read(datasets: Datasets) -> None:
    for dataset in ("users", "items", "actions"):
        given = [field.name for field in datasets.fields(dataset) if field.attribute is not None]
        if given and dataset not in datasets.streamed_entries:
            cure = (
                "remove it"
                if dataset == "actions"
                else "set streamed_by to the type of the log's items, or remove it"
            )
            raise ValueError(
                f"datasets.{dataset}.fields: {given[0]} has an attribute, but {dataset} are not streamed, so nothing "
                f"reads it: {cure}"
            )


def _check_fields(dataset: str, fields: tuple[DatasetField, ...], log: ApplicationLog) -> None:
    """Each has an attribute of its own, and none that says what an item of the log is."""
    names = log.attributes
    taken = {
        names.EVENT_TYPE: "the type",
        names.USER_ID: "the user",
        **({"event_key": "the key"} if log.create else {}),
    }
    if log.ttl_attribute is not None:
        taken[log.ttl_attribute] = "when it expires"
    for field in fields:
        name, is_key = attribute(dataset, field, log), field.name == KEYS[dataset]
        if is_key and field.attribute is not None:
            raise ValueError(
                f"datasets.{dataset}.fields: {field.name} has an attribute, but sources.application_log.attributes "
                "says it: remove it"
            )
        if name in taken and not (is_key and name == names.USER_ID):
            raise ValueError(
                f"datasets.{dataset}.fields: {field.name} is read from the log's attribute {name!r}, which is "
                f"{taken[name]}: name another in the field's attribute"
            )
        taken[name] = field.name
