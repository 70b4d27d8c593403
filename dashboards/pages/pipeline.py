"""The runs themselves."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, days, numbers, texts, times, wholes
from dashboards.spec import DataSet, Measure, Page, Visual

RUNS = DataSet(
    mart="mart_runs",
    columns=(
        *texts("run_id", "run_mode", "recency"),
        *times("run_at"),
        *numbers("minutes_to_warehouse", "minutes_preparing", "minutes_training", "minutes_recommending"),
        *numbers("dpu_hours", "priced_cost_usd"),
        *wholes(
            "unpriced_items",
            "interactions_rows",
            "users_rows",
            "items_rows",
            "quarantined_rows",
            "published_positions",
            "published_solutions",
            "judged_versions",
            "promoted_versions",
        ),
    ),
    grain=("run_id",),
    empty="No run has reached the warehouse yet: `make run`, then look again.",
)


COSTS = DataSet(
    mart="mart_run_costs",
    columns=(
        *texts("run_id", "recency", "item", "solution", "unit", "driver"),
        *times("run_at"),
        *days("price_read_on"),
        *numbers("amount", "price_usd", "cost_usd"),
    ),
    grain=("run_id", "item", "solution"),
    empty=RUNS.empty,
)


def _of_run(title: str, column: str) -> Measure:
    return Measure(title=title, column=column, aggregation="sum")


def _measured(title: str, column: str) -> Measure:
    """A measure with its decimals."""
    return Measure(title=title, column=column, aggregation="sum", shown_as="number")


PAGE = Page(
    id="pipeline",
    title="Pipeline and cost",
    about="Each run that the warehouse took: how long it was, what went in, what was left out, what it made and cost.",
    visuals=(
        Visual(
            id="minutes",
            title="Minutes from start to warehouse",
            drawn="bar",
            data=RUNS,
            by=("run_at",),
            measures=(_measured("Minutes", "minutes_to_warehouse"),),
        ),
        Visual(
            id="phases",
            title="Minutes of each phase",
            drawn="line",
            data=RUNS,
            by=("run_at",),
            measures=(
                _measured("Preparing", "minutes_preparing"),
                _measured("Training", "minutes_training"),
                _measured("Recommending", "minutes_recommending"),
            ),
            note="A run that was resumed counts what it waited, too.",
        ),
        Visual(
            id="rows",
            title="Rows of the datasets",
            drawn="line",
            data=RUNS,
            by=("run_at",),
            measures=(
                _of_run("Interactions", "interactions_rows"),
                _of_run("Users", "users_rows"),
                _of_run("Items", "items_rows"),
            ),
        ),
        Visual(
            id="left-out",
            title="Rows left out",
            drawn="bar",
            data=RUNS,
            by=("run_at",),
            measures=(_of_run("Rows", "quarantined_rows"),),
        ),
        Visual(
            id="versions-by-run",
            title="Versions judged and promoted",
            drawn="line",
            data=RUNS,
            by=("run_at",),
            measures=(_of_run("Judged", "judged_versions"), _of_run("Promoted", "promoted_versions")),
        ),
        Visual(
            id="cost-by-run",
            title="Cost of a run, at least",
            drawn="bar",
            data=RUNS,
            by=("run_at",),
            measures=(_measured("USD", "priced_cost_usd"),),
            note="What has a list price, of what a run measures: an estimate, and no bill.",
        ),
        Visual(
            id="costs",
            title="What the newest run used",
            drawn="table",
            data=COSTS,
            by=("item", "solution", "unit", "price_read_on"),
            measures=(
                _measured("Amount", "amount"),
                _measured("USD", "cost_usd"),
            ),
            filters=NEWEST,
            note="Without a price or an amount it is in no sum. Imports, batch segments and what stands are not here: "
            "make cost says what those are.",
            wide=True,
        ),
        Visual(
            id="runs",
            title="Runs",
            drawn="table",
            data=RUNS,
            by=("run_at", "run_id", "run_mode"),
            measures=(
                _measured("Minutes", "minutes_to_warehouse"),
                _of_run("Interactions", "interactions_rows"),
                _of_run("Left out", "quarantined_rows"),
                _of_run("Published positions", "published_positions"),
                _of_run("Promoted versions", "promoted_versions"),
                _measured("DPU-hours", "dpu_hours"),
                _measured("USD, at least", "priced_cost_usd"),
            ),
            wide=True,
        ),
    ),
)
