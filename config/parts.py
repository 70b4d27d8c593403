"""What an environment may do without: the database or the log, not both, and the warehouse. What needs a part that is
not there is refused by its key, so that nothing is passed over in silence.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from config.business import NotInterested, asks_what_was_bought
from config.section import Section

if TYPE_CHECKING:
    from config.experiments import Experiments
    from config.settings import Analytics, Datasets, InteractionsDataset, Publishing, Sources

NO_DATABASE = "there is no sources.aurora"
NO_LOG = "sources.application_log is null"


def check_sources(sources: Sources, datasets: Datasets) -> None:
    """Each dataset and event comes from a source that is there. Raises ValueError."""
    if sources.aurora is None and sources.application_log is None:
        raise ValueError(
            "sources.aurora and sources.application_log are both null, so nothing would be learned from: configure one"
        )
    if sources.aurora is None:
        _check_without_database(datasets)
    else:
        _check_orders(datasets.interactions)
    if sources.application_log is None:
        _check_without_log(datasets)


def _check_without_database(datasets: Datasets) -> None:
    for name in ("users", "items", "actions"):
        if datasets.configured(name):
            raise ValueError(
                f"datasets.{name} is configured, but {NO_DATABASE} whose table fills it: set datasets.{name}: null, or "
                "configure the database"
            )
    if datasets.interactions.order_columns is not None:
        raise ValueError(
            f"datasets.interactions.order_columns is configured, but {NO_DATABASE} that has orders: set it to null, or "
            "configure the database"
        )
    _check_events(datasets.interactions, "orders", NO_DATABASE, "application_log")
    logged = datasets.interactions.types_from("application_log")
    for kind in datasets.interactions.bought:
        if kind not in logged:
            raise ValueError(
                f"datasets.interactions.bought has {kind!r}, no event of the log that is learned from: add it to "
                f"datasets.interactions.events, or name one of {', '.join(logged)}"
            )


def _check_orders(interactions: InteractionsDataset) -> None:
    if interactions.order_columns is None:
        raise ValueError(
            "sources.aurora.tables.orders is configured, but datasets.interactions.order_columns isn't: name the "
            "columns of the user, the item and the time"
        )
    if interactions.bought:
        raise ValueError(
            f"datasets.interactions.bought is {list(interactions.bought)}, but sources.aurora.tables.orders says what "
            "was bought: remove the first"
        )


def _check_without_log(datasets: Datasets) -> None:
    _check_events(datasets.interactions, "application_log", NO_LOG, "orders")
    for key in ("impressions", "recommendation_ids"):
        if getattr(datasets.interactions, key):
            raise ValueError(f"datasets.interactions.{key} is true, but {NO_LOG}, which has them: remove it")
    if datasets.action_interactions is not None:
        raise ValueError(
            f"datasets.action_interactions is configured, but {NO_LOG}, which has its events: remove it"
        )


def _check_events(interactions: InteractionsDataset, source: str, why: str, other: str) -> None:
    for event in interactions.events:
        if event.source == source:
            raise ValueError(
                f"datasets.interactions.events: type {event.type!r} has source {source!r}, but {why}: remove it, or "
                f"set source: {other}"
            )


def check_rules(
    sources: Sources, datasets: Datasets, publishing: Publishing, rules: Mapping[str, Section]
) -> None:
    """What rules ask is known of somewhere. Raises ValueError."""
    if sources.aurora is None and not datasets.interactions.bought:
        for key in _asking_what_was_bought(publishing, rules):
            raise ValueError(
                f"{key} asks what users bought, but {NO_DATABASE} and no event says it: name the event types in "
                "datasets.interactions.bought, such as bought: [purchase], or remove the rule"
            )
    for name, rule in rules.items():
        if sources.application_log is None and isinstance(rule, NotInterested):
            raise ValueError(
                f"rules.{name} asks what users were shown, but {NO_LOG}, so the API takes no events: remove the rule"
            )


def _asking_what_was_bought(publishing: Publishing, rules: Mapping[str, Section]) -> list[str]:
    keys = ("exclude_bought_within_days", "min_never_bought")
    of_lists = [f"publishing.{key}" for key in keys if getattr(publishing, key)]
    return [
        *of_lists,
        *(f"rules.{name}" for name, rule in rules.items() if asks_what_was_bought(rule)),
    ]


def check_warehouse(analytics: Analytics, experiments: Experiments, sources: Sources) -> None:
    """Who analyses experiments asks the warehouse, of what the API's ingest has noted. Raises ValueError."""
    used = [f"definitions has {one.name!r}" for one in experiments.definitions]
    used += [f"holdout_percent is {experiments.holdout_percent:g}"] if experiments.holdout_percent else []
    for what in used:
        if not analytics.enabled:
            raise ValueError(
                f"experiments.{what}, which is analysed in the warehouse, but analytics.enabled is false: set it true, "
                "or remove the first"
            )
        if sources.application_log is None:
            raise ValueError(
                f"experiments.{what}, but {NO_LOG}, so nobody notes who was shown what: configure the log, or remove "
                "the first"
            )
