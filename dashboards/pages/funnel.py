"""The page of what was shown, clicked and bought."""

from __future__ import annotations

from dashboards.pages.columns import CLICK_RATE, PURCHASE_RATE, counted, days, texts, wholes
from dashboards.spec import DataSet, Incremental, Page, Parameter, Visual

FUNNEL = DataSet(
    mart="mart_funnel",
    columns=(
        *days("shown_on"),
        *wholes("list_position", "shown_items", "clicked_items", "bought_items"),
        *texts("chosen_by", "placement", "lists_of_run", "made_by"),
    ),
    grain=("shown_on", "list_position", "chosen_by", "placement", "lists_of_run", "made_by"),
    empty="Nothing was shown yet: the application logs an impression event with the items that it shows.",
    # Longer than the longest attribution window that is usual: what is older changes no more.
    incremental=Incremental(column="shown_on", days=35),
)
_CHOICES = ("made_by", "chosen_by", "placement")

_COUNTS = (
    counted("Shown", "shown_items"),
    counted("Clicked", "clicked_items"),
    CLICK_RATE,
    counted("Bought", "bought_items"),
    PURCHASE_RATE,
)

PAGE = Page(
    id="funnel",
    title="Impression, click, purchase",
    about="A click or a purchase counts for the last time that the item was shown before it, within the window.",
    parameters=(
        Parameter(name="made_by", title="Made by", column="made_by"),
        Parameter(name="chosen_by", title="Chosen by", column="chosen_by"),
        Parameter(name="placement", title="Placement", column="placement"),
    ),
    visuals=(
        Visual(
            id="funnel-by-day",
            title="Shown, clicked, bought by day",
            drawn="table",
            data=FUNNEL,
            by=("shown_on", "made_by"),
            measures=_COUNTS,
            parameters=_CHOICES,
            wide=True,
        ),
        Visual(
            id="rates-by-position",
            title="Rates by position",
            drawn="line",
            data=FUNNEL,
            by=("list_position",),
            measures=(CLICK_RATE, PURCHASE_RATE),
            parameters=_CHOICES,
        ),
        Visual(
            id="rates-by-day",
            title="Rates by day",
            drawn="line",
            data=FUNNEL,
            by=("shown_on",),
            measures=(CLICK_RATE, PURCHASE_RATE),
            parameters=_CHOICES,
        ),
        Visual(
            id="funnel-by-placement",
            title="By placement",
            drawn="table",
            data=FUNNEL,
            by=("placement", "chosen_by", "made_by"),
            measures=_COUNTS,
            parameters=_CHOICES,
            wide=True,
        ),
        Visual(
            id="funnel-by-version",
            title="By the run whose lists served",
            drawn="table",
            data=FUNNEL,
            by=("lists_of_run", "placement", "made_by"),
            measures=_COUNTS,
            parameters=_CHOICES,
            wide=True,
        ),
        Visual(
            id="clicks-by-chooser",
            title="Click rate by who chose",
            drawn="bar",
            data=FUNNEL,
            by=("chosen_by",),
            measures=(CLICK_RATE,),
            parameters=("made_by",),
        ),
        Visual(
            id="shown-by-position",
            title="Shown by position",
            drawn="bar",
            data=FUNNEL,
            by=("list_position",),
            measures=(counted("Shown", "shown_items"),),
            parameters=_CHOICES,
        ),
    ),
)
