"""Metric attribution reports: sums and counts of events by source, in windows of 15 minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from osusume_engine.numeric import finite

WINDOW_SECONDS = 900
UNDEFINED = "SOURCE_NAME_UNDEFINED"
COLUMNS = ("METRIC_NAME", "EVENT_TYPE", "VALUE", "MATH_FUNCTION", "EVENT_ATTRIBUTION_SOURCE", "TIMESTAMP")


@dataclass(frozen=True)
class Metric:
    """`function` is "sum" of the column of a dataset type, or "samplecount"."""

    name: str
    event_type: str
    function: str
    dataset: str | None = None
    column: str | None = None


def report(
    *,
    interactions: pd.DataFrame,
    items: pd.DataFrame | None,
    metrics: Sequence[Metric],
    sources: Mapping[str, str],
) -> pd.DataFrame:
    """`sources` gives the campaign or recommender of a recommendation id."""
    events = interactions.assign(
        SOURCE=_source(interactions, sources),
        WINDOW=interactions["TIMESTAMP"] // WINDOW_SECONDS * WINDOW_SECONDS,
    )
    rows = [_rows(metric, _selected(events, metric), items) for metric in metrics]
    return pd.concat(rows, ignore_index=True)[list(COLUMNS)] if rows else pd.DataFrame(columns=list(COLUMNS))


def _source(interactions: pd.DataFrame, sources: Mapping[str, str]) -> pd.Series:
    """An explicit source goes before the one that a recommendation id tells."""
    found = pd.Series(None, index=interactions.index, dtype=object)
    if "EVENT_ATTRIBUTION_SOURCE" in interactions:
        found = interactions["EVENT_ATTRIBUTION_SOURCE"].astype(object)
    if "RECOMMENDATION_ID" in interactions:
        told = interactions["RECOMMENDATION_ID"].map(lambda identity: sources.get(identity))
        found = found.where(found.notna(), told)
    return found.where(found.notna(), UNDEFINED)


def _selected(events: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    return events[events["EVENT_TYPE"].str.lower() == metric.event_type.lower()]


def _rows(metric: Metric, events: pd.DataFrame, items: pd.DataFrame | None) -> pd.DataFrame:
    values = events.assign(VALUE=_values(metric, events, items))
    grouped = values.groupby(["SOURCE", "WINDOW"])["VALUE"].sum().reset_index()
    grouped = grouped.rename(columns={"SOURCE": "EVENT_ATTRIBUTION_SOURCE", "WINDOW": "TIMESTAMP"})
    return grouped.assign(
        METRIC_NAME=metric.name, EVENT_TYPE=metric.event_type, MATH_FUNCTION=metric.function
    ).sort_values("TIMESTAMP", ascending=False)


def _values(metric: Metric, events: pd.DataFrame, items: pd.DataFrame | None) -> pd.Series:
    if metric.function == "samplecount":
        return pd.Series(1.0, index=events.index)
    if metric.dataset == "INTERACTIONS":
        return finite(_column(events, metric.column)).fillna(0.0)
    if items is None:
        return pd.Series(0.0, index=events.index)
    prices = _column(items, metric.column).set_axis(items["ITEM_ID"])
    return finite(events["ITEM_ID"].map(prices)).fillna(0.0)


def _column(frame: pd.DataFrame, name: str | None) -> pd.Series:
    return frame[next(column for column in frame.columns if column.upper() == name)]
