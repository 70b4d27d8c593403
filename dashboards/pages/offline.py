"""Whether the offline metric tells anything of what people do."""

from __future__ import annotations

from dashboards.pages.columns import CLICK_RATE, PURCHASE_RATE, shares, texts, times, wholes
from dashboards.spec import DataSet, Measure, Page, Parameter, Visual

RESULTS = DataSet(
    mart="mart_offline_online",
    columns=(
        *texts("run_id", "solution", "made_by", "solution_version_arn", "metric", "recency"),
        *times("run_at"),
        *wholes("shown_items", "clicked_items", "bought_items"),
        *shares("offline_value"),
    ),
    grain=("run_id", "solution", "made_by"),
    empty="Nothing was shown of a run's lists yet: the API logs what it shows where the log is ours "
    "(api.log_impressions), and the run after it counts what came of it.",
)
_OFFLINE = Measure(title="Offline metric", column="offline_value", aggregation="max", shown_as="number")
_CHOICES = ("served_solution", "served_made_by")

PAGE = Page(
    id="offline",
    title="Offline against online",
    about="The metric by which a version was promoted beside what came of its lists while they served.",
    parameters=(
        Parameter(name="served_solution", title="Solution", column="solution"),
        Parameter(name="served_made_by", title="Made by", column="made_by"),
    ),
    visuals=(
        Visual(
            id="offline-metric",
            title="Offline metric of the version that served",
            drawn="line",
            data=RESULTS,
            by=("run_at",),
            measures=(_OFFLINE,),
            colour="solution",
            parameters=_CHOICES,
        ),
        Visual(
            id="online-clicks",
            title="Click rate of its lists",
            drawn="line",
            data=RESULTS,
            by=("run_at",),
            measures=(CLICK_RATE,),
            colour="solution",
            parameters=_CHOICES,
            note="Lines that do not move together are a metric that does not tell what people do.",
        ),
        Visual(
            id="offline-and-online",
            title="Both, by run",
            drawn="table",
            data=RESULTS,
            by=("run_at", "solution", "metric", "made_by"),
            measures=(
                _OFFLINE,
                Measure(title="Shown", column="shown_items", aggregation="sum"),
                CLICK_RATE,
                PURCHASE_RATE,
            ),
            parameters=_CHOICES,
            note="By the first solution of the placement. Answers that an experiment changed are left out.",
            wide=True,
        ),
    ),
)
