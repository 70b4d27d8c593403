"""One experiment: by day, segment, placement and position, with its guardrails."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, days, shares, texts, wholes
from dashboards.pages.experiments import LIFT, RESULTS, P, figure, role
from dashboards.spec import DataSet, Measure, Page, Parameter, Ratio, Visual

LINES = DataSet(
    mart="mart_experiment_lines",
    columns=(
        *days("day"),
        *texts("experiment", "experiment_version", "variant", "comparison", "line", "series", "made_by"),
        *shares("line_value"),
    ),
    grain=("day", "experiment", "experiment_version", "variant", "line"),
    empty=RESULTS.empty,
)
PLACEMENTS = DataSet(
    mart="mart_experiment_placements",
    columns=(
        *days("shown_on"),
        *texts(
            "experiment", "experiment_version", "variant", "experiment_and_version", "placement", "made_by"
        ),
        *wholes("list_position", "shown_users", "shown_items", "clicked_items", "bought_items"),
    ),
    grain=(
        *("experiment", "experiment_version", "variant", "shown_on", "placement", "list_position"),
        "made_by",
    ),
    empty="Nothing of an experiment was shown yet: impressions name the placement and the recommendation they show.",
)
_CLICKS = Ratio(title="Clicked", numerator="clicked_items", denominator="shown_items")
_CHOICE = ("comparison",)
_SHOWN = "Of the first answer of each user and day; described, not tested."

PAGE = Page(
    id="experiment",
    title="A/B detail",
    about="One variant against its control: day by day, by segment and metric, and where it was shown.",
    parameters=(
        Parameter(name="comparison", title="Experiment, version, variant", column="comparison", one=True),
        Parameter(name="shown_experiment", title="Shown by", column="experiment_and_version", one=True),
        Parameter(name="shown_placement", title="Placement", column="placement"),
    ),
    visuals=(
        Visual(
            id="experiment-band",
            title="Lift, interval and always-valid band by day",
            drawn="line",
            data=LINES,
            by=("day",),
            measures=(figure("Relative to the control", "line_value"),),
            colour="series",
            parameters=_CHOICE,
            wide=True,
        ),
        Visual(
            id="experiment-days",
            title="Lift of each day alone",
            drawn="line",
            data=RESULTS,
            by=("day",),
            measures=(figure("Lift", "lift"),),
            colour="comparison",
            filters=role("day"),
            parameters=_CHOICE,
            note="A lift that falls from day to day may be novelty; one that grows, learning.",
        ),
        Visual(
            id="experiment-guardrails",
            title="Guardrails",
            drawn="table",
            data=RESULTS,
            by=("comparison", "metric", "guard"),
            measures=LIFT,
            filters=(*role("guardrail"), *NEWEST),
            parameters=_CHOICE,
            nothing="It has no guardrail.",
            wide=True,
        ),
        Visual(
            id="experiment-segments",
            title="By segment",
            drawn="table",
            data=RESULTS,
            by=("comparison", "segment_name", "segment_value", "metric"),
            measures=(*LIFT, P),
            filters=(*role("segment"), *NEWEST),
            parameters=_CHOICE,
            nothing="No segment is looked at: name some in experiments.segments.",
            note="Corrected for the number of segments.",
            wide=True,
        ),
        Visual(
            id="experiment-secondary",
            title="Further metrics",
            drawn="table",
            data=RESULTS,
            by=("comparison", "metric"),
            measures=(*LIFT, P),
            filters=(*role("secondary"), *NEWEST),
            parameters=_CHOICE,
            nothing="It has no further metric.",
            wide=True,
        ),
        Visual(
            id="experiment-placements",
            title="By placement",
            drawn="table",
            data=PLACEMENTS,
            by=("experiment_and_version", "placement", "variant", "made_by"),
            measures=(
                Measure(title="Shown", column="shown_items", aggregation="sum"),
                _CLICKS,
                Ratio(title="Bought", numerator="bought_items", denominator="shown_items"),
            ),
            parameters=("shown_experiment",),
            note=_SHOWN,
            wide=True,
        ),
        Visual(
            id="experiment-placement-days",
            title="Click rate by day",
            drawn="line",
            data=PLACEMENTS,
            by=("shown_on",),
            measures=(_CLICKS,),
            colour="variant",
            parameters=("shown_experiment", "shown_placement"),
            note=_SHOWN,
        ),
        Visual(
            id="experiment-positions",
            title="Click rate by position",
            drawn="line",
            data=PLACEMENTS,
            by=("list_position",),
            measures=(_CLICKS,),
            colour="variant",
            parameters=("shown_experiment", "shown_placement"),
            note=_SHOWN,
        ),
    ),
)
