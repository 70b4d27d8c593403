"""Solution versions: offline metrics against popularity, and what the quality gate made of them."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, numbers, shares, texts, times
from dashboards.spec import DataSet, Measure, Page, Parameter, Visual

_EMPTY = "No solution version has been judged yet: `make run` trains and judges them."
METRICS = DataSet(
    mart="mart_solution_version_metrics",
    columns=(
        *texts("run_id", "solution", "recipe", "solution_version_arn", "metric", "decision", "recency"),
        *times("run_at"),
        *shares("metric_value", "popularity_value", "above_popularity"),
    ),
    grain=("solution_version_arn", "metric"),
    empty=_EMPTY,
)
GATE = DataSet(
    mart="mart_gate_decisions",
    columns=(
        *texts("run_id", "solution", "recipe", "solution_version_arn", "metric", "decision"),
        *times("run_at"),
        *shares("metric_value", "serving_value", "floor_value"),
    ),
    grain=("solution_version_arn",),
    empty=_EMPTY,
)
_NDCG = "normalized_discounted_cumulative_gain_at_25"


VERSIONS = DataSet(
    mart="mart_solution_versions",
    columns=(
        *texts("run_id", "solution", "recipe", "solution_version_arn", "training_mode", "decision", "reason"),
        *texts("recency"),
        *times("run_at"),
        *numbers("training_hours", "estimated_cost_usd"),
    ),
    grain=("solution_version_arn",),
    empty=_EMPTY,
)


def _summed(title: str, column: str) -> Measure:
    """What was spent adds up."""
    return Measure(title=title, column=column, aggregation="sum", shown_as="number")


def _highest(title: str, column: str) -> Measure:
    """The value of one version, or the best of several in one run (a retried training)."""
    return Measure(title=title, column=column, aggregation="max", shown_as="number")


PAGE = Page(
    id="versions",
    title="Solution versions",
    about="Offline metrics of every solution version over time, held against mere popularity, and the quality gate.",
    parameters=(
        Parameter(name="metric", title="Metric", column="metric", default=_NDCG),
        Parameter(name="version_solution", title="Solution", column="solution"),
    ),
    visuals=(
        Visual(
            id="metric-over-time",
            title="Metric by run",
            drawn="line",
            data=METRICS,
            by=("run_at",),
            measures=(_highest("Value", "metric_value"),),
            colour="solution",
            parameters=("metric", "version_solution"),
        ),
        Visual(
            id="above-popularity",
            title="Above popularity",
            drawn="bar",
            data=METRICS,
            by=("solution",),
            measures=(_highest("Metric less popularity's", "above_popularity"),),
            filters=NEWEST,
            parameters=("metric", "version_solution"),
            note="Newest run. Recipes for similar items answer another question than lists for users.",
        ),
        Visual(
            id="all-metrics",
            title="All metrics of the newest run",
            drawn="table",
            data=METRICS,
            by=("solution", "metric"),
            measures=(
                _highest("Value", "metric_value"),
                _highest("Popularity's", "popularity_value"),
                _highest("Difference", "above_popularity"),
            ),
            filters=NEWEST,
            parameters=("version_solution",),
            wide=True,
        ),
        Visual(
            id="above-popularity-over-time",
            title="Above popularity by run",
            drawn="line",
            data=METRICS,
            by=("run_at",),
            measures=(_highest("Metric less popularity's", "above_popularity"),),
            colour="solution",
            parameters=("metric", "version_solution"),
            note="Below 0 the solution tells less than a list of what sells best.",
        ),
        Visual(
            id="training-hours",
            title="Hours of training by run",
            drawn="line",
            data=VERSIONS,
            by=("run_at",),
            measures=(_summed("Hours", "training_hours"),),
            colour="solution",
            parameters=("version_solution",),
            note="As Personalize bills them.",
        ),
        Visual(
            id="metrics-by-run",
            title="Every metric by run, beside popularity's",
            drawn="table",
            data=METRICS,
            by=("run_at", "solution", "metric"),
            measures=(
                _highest("Value", "metric_value"),
                _highest("Popularity's", "popularity_value"),
                _highest("Difference", "above_popularity"),
            ),
            parameters=("version_solution",),
            wide=True,
        ),
        Visual(
            id="versions-trained",
            title="Versions",
            drawn="table",
            data=VERSIONS,
            by=("run_at", "solution", "recipe", "training_mode", "decision", "reason"),
            measures=(
                _summed("Hours", "training_hours"),
                _summed("Estimated USD", "estimated_cost_usd"),
            ),
            parameters=("version_solution",),
            note="Hours at analytics.training_hour_usd. v2 recipes are billed by interaction: see the page Pipeline.",
            wide=True,
        ),
        Visual(
            id="gate",
            title="Quality gate",
            drawn="table",
            data=GATE,
            by=("run_at", "solution", "metric", "decision"),
            measures=(
                _highest("Value", "metric_value"),
                _highest("Serving version's", "serving_value"),
                _highest("Floor", "floor_value"),
            ),
            parameters=("version_solution",),
            note="The first version of a solution has nothing to be compared with.",
            wide=True,
        ),
    ),
)
