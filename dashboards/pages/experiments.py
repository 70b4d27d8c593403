"""Where every experiment stands: lift and interval, the always-valid band, the sample ratio, and what to do."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, days, numbers, shares, texts, wholes
from dashboards.spec import DataSet, Filter, Measure, Page, Parameter, Visual

RESULTS = DataSet(
    mart="mart_experiment_results",
    columns=(
        *days("day"),
        *texts(
            "experiment", "experiment_version", "role", "variant", "metric", "segment_name", "segment_value"
        ),
        *texts("comparison", "recency", "guard", "decision", "decision_en", "decision_ja", "made_by"),
        *wholes("users", "control_users", "days_left"),
        *numbers("expected_users"),
        *shares(
            "control_mean", "variant_mean", "lift", "interval_low", "interval_high", "band_low", "band_high"
        ),
        *shares("p_value", "adjusted_p", "ratio_p"),
    ),
    grain=(
        *("day", "experiment", "experiment_version", "role", "variant", "metric"),
        *("segment_name", "segment_value"),
    ),
    empty="No experiment has been analysed yet: define one (experiments.definitions), record what was shown, and the "
    "next run analyses it.",
)
DEFINITIONS = DataSet(
    mart="mart_experiment_definitions",
    columns=(
        *texts("experiment", "experiment_version", "variant", "layer", "primary_metric"),
        *days("starts_on", "ends_on"),
        *numbers("weight", "detectable_effect"),
    ),
    grain=("experiment", "experiment_version", "variant"),
    empty="No experiment is defined: see experiments.definitions.",
)
WHICH = ("experiment", "experiment_version", "variant")


def role(name: str) -> tuple[Filter, ...]:
    return (Filter(column="role", values=(name,)),)


def figure(title: str, column: str, shown_as: str = "percent") -> Measure:
    """A figure whose value is that of the one row there is."""
    return Measure(title=title, column=column, aggregation="max", shown_as=shown_as)  # type: ignore[arg-type]


LIFT = (
    figure("Lift", "lift"),
    figure("Interval, low", "interval_low"),
    figure("Interval, high", "interval_high"),
)
P = figure("p, corrected", "adjusted_p", "number")
_CHOICES = ("experiments_metric",)

PAGE = Page(
    id="experiments",
    title="A/B overview",
    about="Where every experiment stands on its newest day, by its primary metric, and what to do about it.",
    parameters=(Parameter(name="experiments_metric", title="Primary metric", column="metric"),),
    visuals=(
        Visual(
            id="experiment-decisions",
            title="What to do",
            drawn="table",
            data=RESULTS,
            by=(*WHICH, "decision_en", "decision_ja"),
            measures=(
                figure("Days left at this traffic", "days_left", "whole"),
                figure("Users", "users", "whole"),
                figure("Of the control", "control_users", "whole"),
            ),
            filters=(*role("primary"), *NEWEST),
            parameters=_CHOICES,
            wide=True,
        ),
        Visual(
            id="experiment-standings",
            title="Lift, interval and always-valid band",
            drawn="table",
            data=RESULTS,
            by=(*WHICH, "metric"),
            measures=(
                figure("Control", "control_mean", "number"),
                figure("Variant", "variant_mean", "number"),
                *LIFT,
                figure("Always valid, low", "band_low"),
                figure("Always valid, high", "band_high"),
                figure("p", "p_value", "number"),
                P,
            ),
            filters=(*role("primary"), *NEWEST),
            parameters=_CHOICES,
            note="The interval is that of the planned looks where an end is declared; the band holds at any look. "
            "A p of 0 is one below 0.0005.",
            wide=True,
        ),
        Visual(
            id="sample-ratio",
            title="Sample ratio",
            drawn="table",
            data=RESULTS,
            by=WHICH,
            measures=(
                figure("Users", "users", "whole"),
                figure("By the weights", "expected_users", "whole"),
                figure("p of such counts", "ratio_p", "number"),
            ),
            filters=(*role("ratio"), *NEWEST),
            note="Below 0.01 users are lost or moved: no figure of that experiment counts.",
            wide=True,
        ),
        Visual(
            id="lifts-over-time",
            title="Lift by day of the look",
            drawn="line",
            data=RESULTS,
            by=("day",),
            measures=(figure("Lift", "lift"),),
            colour="comparison",
            filters=role("primary"),
            parameters=_CHOICES,
            note="Each point is of all days up to it.",
        ),
        Visual(
            id="definitions",
            title="Definitions by version",
            drawn="table",
            data=DEFINITIONS,
            by=(*WHICH, "layer", "starts_on", "ends_on", "primary_metric"),
            measures=(
                figure("Weight", "weight", "whole"),
                figure("Effect that would matter", "detectable_effect", "percent"),
            ),
            note="As of the deployments; what AppConfig delivered since is here after the next one.",
            wide=True,
        ),
        Visual(
            id="ratios-over-time",
            title="p of the sample ratio by day",
            drawn="line",
            data=RESULTS,
            by=("day",),
            measures=(figure("p", "ratio_p", "number"),),
            colour="comparison",
            filters=role("primary"),
            parameters=_CHOICES,
        ),
    ),
)
