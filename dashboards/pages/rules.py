"""What the rules of `publishing` did with the lists, and what came of what was shown again."""

from __future__ import annotations

from dashboards.pages.columns import (
    CLICK_RATE,
    NEWEST,
    PURCHASE_RATE,
    counted,
    days,
    numbers,
    texts,
    times,
    wholes,
)
from dashboards.spec import DataSet, Filter, Measure, Page, Parameter, Ratio, Visual

RULES = DataSet(
    mart="mart_rules",
    columns=(
        *texts("run_id", "solution", "rule_name", "outcome", "recency"),
        *times("run_at"),
        *wholes("items_changed", "different_items", "changed_lists", "lists"),
    ),
    grain=("run_id", "solution", "rule_name", "outcome"),
    empty="No rule changed a list yet: set publishing.exclude_bought_within_days or publishing.min_never_bought, and "
    "the next run tells what they do.",
)
ACTIONS = DataSet(
    mart="mart_rule_actions",
    columns=(
        *days("acted_on"),
        *texts("acted_where", "list_of", "rule_name", "outcome", "made_by"),
        *wholes("items_changed", "changed_lists", "lists"),
    ),
    grain=("acted_on", "acted_where", "list_of", "rule_name", "outcome", "made_by"),
    empty="No rule acted yet: set publishing.exclude_bought_within_days, or give a placement rules.",
)
AGAIN = DataSet(
    mart="mart_shown_again",
    columns=(
        *days("shown_on"),
        *texts("history", "band", "made_by"),
        *wholes("shown_items", "clicked_items", "bought_items"),
    ),
    grain=("shown_on", "history", "band", "made_by"),
    empty="Nothing was shown yet: the application logs an impression event with the items that it shows.",
)
FEEDBACK = DataSet(
    mart="mart_feedback",
    columns=(
        *days("told_on"),
        *texts("event_type", "placement", "made_by"),
        *wholes("events", "users", "items", "of_recommendations", "valued_events"),
        *numbers("value_total"),
    ),
    grain=("told_on", "event_type", "placement", "made_by"),
    empty="Users told nothing back yet: the application logs clicks, purchases and what they dismiss.",
)
_MADE_BY = ("rules_made_by",)


def _again(visual: str, title: str, history: str, measure: Ratio) -> Visual:
    return Visual(
        id=visual,
        title=title,
        drawn="bar",
        data=AGAIN,
        by=("band",),
        measures=(measure,),
        filters=(Filter(column="history", values=(history,)),),
        parameters=_MADE_BY,
    )


def _mean_items(visual: str, title: str, outcome: str, nothing: str) -> Visual:
    return Visual(
        id=visual,
        title=title,
        drawn="line",
        data=RULES,
        by=("run_at",),
        measures=(Ratio(title="Items", numerator="items_changed", denominator="lists", shown_as="number"),),
        colour="rule_name",
        filters=(Filter(column="outcome", values=(outcome,)),),
        parameters=("rules_solution",),
        nothing=nothing,
    )


_NEWEST_RUN = Visual(
    id="rules-newest",
    title="What the rules did in the newest run",
    drawn="table",
    data=RULES,
    by=("solution", "rule_name", "outcome"),
    measures=(
        counted("Items", "items_changed"),
        Measure(title="Different ones", column="different_items", aggregation="max"),
        counted("Lists", "changed_lists"),
        Ratio(title="Of all lists", numerator="changed_lists", denominator="lists"),
    ),
    filters=NEWEST,
    parameters=("rules_solution",),
    wide=True,
)
_WHERE = Visual(
    id="rules-where",
    title="After inference and at read time",
    drawn="table",
    data=ACTIONS,
    by=("acted_where", "list_of", "rule_name", "outcome", "made_by"),
    measures=(
        counted("Items", "items_changed"),
        counted("Lists changed", "changed_lists"),
        Ratio(title="Of all lists", numerator="changed_lists", denominator="lists"),
    ),
    parameters=("rules_made_by",),
    note="A list is a solution's after inference, and at read time an answer of a placement that the API logged; its "
    "days are those on which the rule acted.",
    wide=True,
)
_AT_READ_TIME = Visual(
    id="rules-at-read-time",
    title="Answers changed at read time",
    drawn="line",
    data=ACTIONS,
    by=("acted_on",),
    measures=(Ratio(title="Of all answers", numerator="changed_lists", denominator="lists"),),
    colour="rule_name",
    filters=(Filter(column="acted_where", values=("at read time",)),),
    parameters=("rules_made_by",),
    nothing="No rule of a placement changed an answer that the API logged.",
)
_AGAIN = Visual(
    id="shown-again",
    title="What came of what was shown again",
    drawn="table",
    data=AGAIN,
    by=("history", "band"),
    measures=(counted("Shown", "shown_items"), CLICK_RATE, PURCHASE_RATE),
    parameters=_MADE_BY,
    note="Each item shown counts once for each history. A rate that falls says when to stop showing it.",
    wide=True,
)
_FEEDBACK = Visual(
    id="feedback",
    title="What users told back",
    drawn="table",
    data=FEEDBACK,
    by=("event_type", "placement", "made_by"),
    measures=(
        counted("Events", "events"),
        Ratio(title="Of an answer", numerator="of_recommendations", denominator="events"),
        Ratio(title="Mean value", numerator="value_total", denominator="valued_events", shown_as="number"),
    ),
    parameters=_MADE_BY,
    note="A placement is known of what names an answer that the API logged.",
    wide=True,
)

PAGE = Page(
    id="rules",
    title="Rules",
    about="What each rule took out, put in and moved, and whether what was seen, bought or dismissed before was worth "
    "showing again.",
    parameters=(
        Parameter(name="rules_solution", title="Solution", column="solution"),
        Parameter(name="rules_made_by", title="Made by", column="made_by"),
    ),
    visuals=(
        _NEWEST_RUN,
        _mean_items("taken-out", "Items taken out of a list, mean", "taken out", "No rule took an item out."),
        _mean_items("put-in", "Items put into a list, mean", "put in", "No rule put an item in."),
        _WHERE,
        _AT_READ_TIME,
        _AGAIN,
        _again("clicked-again", "Click rate by how often it was shown before", "shown", CLICK_RATE),
        _again("bought-again", "Purchase rate by when it was bought before", "bought", PURCHASE_RATE),
        _FEEDBACK,
    ),
)
