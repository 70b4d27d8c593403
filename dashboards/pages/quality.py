"""How much the shop is used, what was wrong with its data, and how fresh they are."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, days, numbers, texts, times, wholes
from dashboards.spec import DataSet, Filter, Measure, Page, Parameter, Visual

USAGE = DataSet(
    mart="mart_usage",
    columns=(*days("occurred_on"), *texts("event_type", "made_by"), *wholes("events", "users")),
    grain=("occurred_on", "event_type", "made_by"),
    empty="Neither events nor orders are in the warehouse yet: `make run` loads them.",
)
QUARANTINE = DataSet(
    mart="mart_quarantine",
    columns=(
        *texts("run_id", "dataset", "source", "reason", "first_source_key", "first_wrong_value"),
        *times("run_at"),
        *wholes("quarantined_rows"),
    ),
    grain=("run_id", "dataset", "source", "reason"),
    empty="No row was wrong so far.",
)
FIGURES = DataSet(
    mart="mart_data_quality",
    columns=(
        *texts("run_id", "figure", "verdict", "recency"),
        *times("run_at"),
        *numbers("figure_value", "lowest_allowed", "highest_allowed"),
    ),
    grain=("run_id", "figure"),
    empty="No run has reached the warehouse yet: `make run`, then look again.",
)
FRESHNESS = DataSet(
    mart="mart_freshness",
    columns=(*texts("source", "newest_run_id"), *wholes("row_count", "hours_behind"), *times("newest_at")),
    grain=("source",),
    empty="No run has reached the warehouse yet: `make run`, then look again.",
)


def _figure(title: str, column: str) -> Measure:
    return Measure(title=title, column=column, aggregation="max", shown_as="number")


PAGE = Page(
    id="quality",
    title="Usage, quality, freshness",
    about="What people and simulators did, which rows were left out and why, and how old the newest row is.",
    parameters=(Parameter(name="usage_made_by", title="Made by", column="made_by"),),
    visuals=(
        Visual(
            id="events-by-day",
            title="Events by day",
            drawn="stacked",
            data=USAGE,
            by=("occurred_on",),
            measures=(Measure(title="Events", column="events", aggregation="sum"),),
            colour="event_type",
            parameters=("usage_made_by",),
        ),
        Visual(
            id="users-by-day",
            title="Users by day and event type",
            drawn="line",
            data=USAGE,
            by=("occurred_on",),
            measures=(Measure(title="Users", column="users", aggregation="max"),),
            colour="event_type",
            parameters=("usage_made_by",),
            note="Users of several days do not add up: they come again.",
        ),
        Visual(
            id="freshness",
            title="Freshness of the sources",
            drawn="table",
            data=FRESHNESS,
            by=("source", "newest_run_id"),
            measures=(
                Measure(title="Rows", column="row_count", aggregation="sum"),
                Measure(title="Hours behind", column="hours_behind", aggregation="max"),
            ),
        ),
        Visual(
            id="quarantine",
            title="Rows left out, by reason",
            drawn="table",
            data=QUARANTINE,
            by=("run_at", "dataset", "source", "reason"),
            measures=(Measure(title="Rows", column="quarantined_rows", aggregation="sum"),),
            note="Each row is counted in the run that found it first.",
        ),
        Visual(
            id="out-of-bounds",
            title="Figures out of their bounds",
            drawn="table",
            data=FIGURES,
            by=("run_at", "figure", "verdict"),
            measures=(
                _figure("Value", "figure_value"),
                _figure("At least", "lowest_allowed"),
                _figure("At most", "highest_allowed"),
            ),
            filters=(Filter(column="verdict", values=("too low", "too high")),),
            nothing="No figure is out of its bounds.",
            wide=True,
        ),
        Visual(
            id="figures",
            title="Figures of the newest run",
            drawn="table",
            data=FIGURES,
            by=("figure", "verdict"),
            measures=(
                _figure("Value", "figure_value"),
                _figure("At least", "lowest_allowed"),
                _figure("At most", "highest_allowed"),
            ),
            filters=NEWEST,
            wide=True,
        ),
    ),
)
