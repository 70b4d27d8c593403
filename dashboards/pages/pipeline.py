"""The runs themselves."""

from __future__ import annotations

from dashboards.pages.columns import texts, times, wholes
from dashboards.spec import DataSet, Measure, Page, Visual

RUNS = DataSet(
    mart="mart_runs",
    columns=(
        *texts("run_id"),
        *times("run_at"),
        *wholes(
            "minutes_to_warehouse",
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


def _of_run(title: str, column: str) -> Measure:
    return Measure(title=title, column=column, aggregation="sum")


PAGE = Page(
    id="pipeline",
    title="Pipeline",
    about="Each run that the warehouse took: how long it was, what went in, what was left out, what it made.",
    visuals=(
        Visual(
            id="minutes",
            title="Minutes from start to warehouse",
            drawn="bar",
            data=RUNS,
            by=("run_at",),
            measures=(_of_run("Minutes", "minutes_to_warehouse"),),
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
            id="runs",
            title="Runs",
            drawn="table",
            data=RUNS,
            by=("run_at", "run_id"),
            measures=(
                _of_run("Minutes", "minutes_to_warehouse"),
                _of_run("Interactions", "interactions_rows"),
                _of_run("Left out", "quarantined_rows"),
                _of_run("Published positions", "published_positions"),
                _of_run("Promoted versions", "promoted_versions"),
            ),
            wide=True,
        ),
    ),
)
