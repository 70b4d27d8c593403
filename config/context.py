"""What contextual fields of interactions may be: Personalize's names and numbers of them, and a source for each.

Source: developer guide, "Item interactions dataset schema requirements (custom)" and "Quotas".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from config.limits import MAX_CONTEXT, MAX_SENT_TYPES, MAX_TYPES_AND_FIELDS

if TYPE_CHECKING:
    from config.settings import InteractionField, InteractionsDataset, LogAttributes, Sources

KEY = "datasets.interactions.fields"
RESERVED = frozenset(
    {
        "USER_ID",
        "ITEM_ID",
        "TIMESTAMP",
        "EVENT_TYPE",
        "EVENT_VALUE",
        "IMPRESSION",
        "RECOMMENDATION_ID",
        "EVENT_ATTRIBUTION_SOURCE",
    }
)
# The source of events, by the key of a field that says where it has it.
_SOURCES = {"column": "orders", "attribute": "application_log"}
# Read beside the configured ones, as a boolean (glue_jobs/transforms/log_attributes.py).
_MARK = {"the mark of simulated events": "simulated", "how an answer of the API came about": "served_as"}


def check_fields(fields: Iterable[InteractionField]) -> None:
    """Raises ValueError that names key, value and cure."""
    fields = tuple(fields)
    names = [field.name for field in fields]
    for field in fields:
        if field.name in RESERVED:
            raise ValueError(
                f"{field.name} is a field that Personalize has itself, filled by other keys: take another name, or "
                "remove it"
            )
        if names.count(field.name) > 1:
            raise ValueError(f"{field.name} is listed twice: remove one")
        if field.categorical and field.type != "string":
            raise ValueError(f"{field.name} is categorical, so its type must be string, not {field.type!r}")
        if field.column is None and field.attribute is None:
            raise ValueError(
                f"{field.name} has no source: name a column of the orders table in `column`, an attribute of the log "
                "in `attribute`, or both"
            )
    if len(fields) > MAX_CONTEXT:
        raise ValueError(f"{len(fields)} fields, at most {MAX_CONTEXT}: remove some")


def check_sources(interactions: InteractionsDataset, sources: Sources) -> None:
    """Each field is filled by sources that are there, and may be empty where one isn't. Raises ValueError."""
    for field in interactions.fields:
        _check_is_there(field, sources)
        _check_is_filled(field, interactions)
    if sources.application_log is not None:
        _check_attributes(interactions, sources.application_log.attributes)
    _check_number(interactions)


def _check_is_there(field: InteractionField, sources: Sources) -> None:
    if field.column is not None and sources.aurora is None:
        raise ValueError(
            f"{KEY}: {field.name} has column {field.column!r}, but there is no sources.aurora that has orders: remove "
            "`column`, or configure the database"
        )
    if field.attribute is not None and sources.application_log is None:
        raise ValueError(
            f"{KEY}: {field.name} has attribute {field.attribute!r}, but sources.application_log is null: remove "
            "`attribute`, or configure the log"
        )


def _check_is_filled(field: InteractionField, interactions: InteractionsDataset) -> None:
    for key, source in _SOURCES.items():
        given, types = getattr(field, key), interactions.types_from(source)
        if given is not None and not types:
            raise ValueError(
                f"{KEY}: {field.name} has {key} {given!r}, but no event of datasets.interactions.events has source "
                f"{source!r}: remove `{key}`, or add an event"
            )
        if given is None and types and not field.nullable:
            raise ValueError(
                f"{KEY}: {field.name} has no {key}, so events {types[0]!r} of source {source!r} lack it: set nullable: "
                f"true, or name the {key}"
            )


def _check_attributes(interactions: InteractionsDataset, attributes: LogAttributes) -> None:
    """Spark reads names of JSON in any case, so two that differ by case are one."""
    mapped = {f"sources.application_log.attributes.{k}": v for k, v in attributes.model_dump().items() if v}
    seen = {name.lower(): key for key, name in (mapped | _MARK).items()}
    for field in interactions.fields:
        if field.attribute is None:
            continue
        other = seen.setdefault(field.attribute.lower(), field.name)
        if other != field.name:
            raise ValueError(
                f"{KEY}: {field.name} has attribute {field.attribute!r}, as {other} has: name another attribute"
            )


def _check_number(interactions: InteractionsDataset) -> None:
    """Personalize counts event types, EVENT_TYPE, EVENT_VALUE and contextual fields together."""
    types, fields = len(interactions.events), len(interactions.fields)
    over = types + fields - MAX_SENT_TYPES
    if over > 0:
        raise ValueError(
            f"datasets.interactions has {types} events and {fields} fields, which together may be {MAX_SENT_TYPES} "
            f"(Personalize counts EVENT_TYPE and EVENT_VALUE too, to {MAX_TYPES_AND_FIELDS}): remove {over}"
        )
