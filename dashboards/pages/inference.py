"""What the lists of each run are like."""

from __future__ import annotations

from dashboards.pages.columns import NEWEST, counted, days, numbers, shares, texts, times, wholes
from dashboards.spec import DataSet, Filter, Measure, Page, Parameter, Ratio, Visual

_EMPTY = "No run has reached the warehouse yet: `make run`, then look again."
RESULTS = DataSet(
    mart="mart_inference_results",
    columns=(
        *texts("run_id", "solution", "audience", "recency"),
        *times("run_at"),
        *wholes("lists", "covered_users", "known_users", "compared_lists"),
        *shares(
            "user_coverage",
            "fallback_share",
            "catalogue_coverage",
            "gini",
            "popular_share",
            "popular_interaction_share",
            "sameness",
            "overlap_with_previous_run",
            "mean_score",
        ),
    ),
    grain=("run_id", "solution"),
    empty=_EMPTY,
)
MIX = DataSet(
    mart="mart_category_mix",
    columns=(*texts("run_id", "series", "category", "recency"), *times("run_at"), *wholes("positions")),
    grain=("run_id", "series", "category"),
    empty=_EMPTY,
)
POSITIONS = DataSet(
    mart="mart_list_positions",
    columns=(
        *texts("run_id", "solution", "recency"),
        *times("run_at"),
        *wholes("list_position", "lists", "scored_lists"),
        *numbers("score_total"),
    ),
    grain=("run_id", "solution", "list_position"),
    empty=_EMPTY,
)
SEGMENTS = DataSet(
    mart="mart_segments",
    columns=(
        *texts("run_id", "solution", "segment", "recency"),
        *times("run_at"),
        *wholes("members", "kept_members"),
    ),
    grain=("run_id", "solution", "segment"),
    empty="No solution makes segments: give one `publishes: segments`.",
)
ANSWERS = DataSet(
    mart="mart_answers",
    columns=(
        *days("answered_on"),
        *texts("placement", "answer_source", "made_by"),
        *wholes("answers", "known_answers", "fallback_answers", "degraded_answers"),
    ),
    grain=("answered_on", "placement", "answer_source", "made_by"),
    empty="No answer is known yet: where api.log_impressions holds, the API tells of each answer to a user, and the "
    "next run loads it.",
)
_LISTS_FOR_USERS = Filter(column="audience", values=("user",))


def _share(title: str, column: str) -> Measure:
    return Measure(title=title, column=column, aggregation="average", shown_as="percent")


def _over_time(visual: str, title: str, column: str, note: str, *filters: Filter) -> Visual:
    return Visual(
        id=visual,
        title=title,
        drawn="line",
        data=RESULTS,
        by=("run_at",),
        measures=(_share(title, column),),
        colour="solution",
        filters=filters,
        parameters=("solution",),
        note=note,
    )


_NEWEST_RUN = Visual(
    id="newest-results",
    title="Lists of the newest run",
    drawn="table",
    data=RESULTS,
    by=("solution", "audience"),
    measures=(
        Measure(title="Lists", column="lists", aggregation="sum"),
        _share("Users covered", "user_coverage"),
        _share("By the fallback", "fallback_share"),
        _share("Catalogue covered", "catalogue_coverage"),
        Measure(title="Gini", column="gini", aggregation="average", shown_as="number"),
        _share("Popular tenth, of positions", "popular_share"),
        _share("Popular tenth, of interactions", "popular_interaction_share"),
        _share("Sameness", "sameness"),
        _share("Kept from the run before", "overlap_with_previous_run"),
    ),
    filters=NEWEST,
    parameters=("solution",),
    wide=True,
)
_CATEGORIES = Visual(
    id="category-mix",
    title="Category mix of the newest run",
    drawn="shares",
    data=MIX,
    by=("series",),
    measures=(Measure(title="Positions", column="positions", aggregation="sum"),),
    colour="category",
    filters=NEWEST,
    note="Each solution's positions beside what people do (interactions).",
)
_SCORES = Visual(
    id="scores",
    title="Mean score by position, newest run",
    drawn="line",
    data=POSITIONS,
    by=("list_position",),
    measures=(
        Ratio(title="Mean score", numerator="score_total", denominator="scored_lists", shown_as="number"),
    ),
    colour="solution",
    filters=NEWEST,
    parameters=("solution",),
    note="Scores compare positions of one solution, not solutions.",
)

_SEGMENTS = Visual(
    id="segments",
    title="Segments of the newest run",
    drawn="table",
    data=SEGMENTS,
    by=("solution", "segment"),
    measures=(
        Measure(title="Members", column="members", aggregation="sum"),
        Measure(title="Kept from the run before", column="kept_members", aggregation="sum"),
    ),
    filters=NEWEST,
    wide=True,
)
_ANSWERS = Visual(
    id="answers",
    title="Answers by placement and source",
    drawn="table",
    data=ANSWERS,
    by=("placement", "answer_source", "made_by"),
    measures=(
        counted("Answers", "answers"),
        Ratio(title="By the fallback", numerator="fallback_answers", denominator="known_answers"),
        Ratio(title="Degraded", numerator="degraded_answers", denominator="known_answers"),
    ),
    parameters=("answers_made_by",),
    note="Source: where the first items came from. Of answers to users whose impressions the API logs.",
    wide=True,
)
_SOURCES = Visual(
    id="answer-sources",
    title="Sources of answers",
    drawn="shares",
    data=ANSWERS,
    by=("placement",),
    measures=(counted("Answers", "answers"),),
    colour="answer_source",
    parameters=("answers_made_by",),
    note="Share of each placement's answers.",
)
_FALLBACK_RATE = Visual(
    id="fallback-rate",
    title="Fallback rate",
    drawn="line",
    data=ANSWERS,
    by=("answered_on",),
    measures=(Ratio(title="By the fallback", numerator="fallback_answers", denominator="known_answers"),),
    colour="placement",
    parameters=("answers_made_by",),
    note="Answers without anything of the placement's own lists, by day.",
)

PAGE = Page(
    id="inference",
    title="Inference results",
    about="What the published lists are like, by run and solution: the first 25 positions of each list.",
    parameters=(
        Parameter(name="solution", title="Solution", column="solution"),
        Parameter(name="answers_made_by", title="Answers asked by", column="made_by"),
    ),
    visuals=(
        _NEWEST_RUN,
        _over_time(
            "user-coverage",
            "Users covered",
            "user_coverage",
            "Known users with a list of their own.",
            _LISTS_FOR_USERS,
        ),
        _over_time(
            "fallback",
            "Users whom the fallback answers",
            "fallback_share",
            "Known users without a list of their own: a placement's fallback stands in.",
            _LISTS_FOR_USERS,
        ),
        _over_time(
            "catalogue-coverage",
            "Catalogue covered",
            "catalogue_coverage",
            "Items of the catalogue in at least one list.",
        ),
        _CATEGORIES,
        _SCORES,
        _over_time(
            "popularity-bias",
            "Popularity bias",
            "popular_share",
            "Positions taken by the tenth of the catalogue with the most interactions.",
        ),
        _over_time(
            "sameness", "Sameness", "sameness", "Mean overlap of two lists: at 100% everybody gets the same."
        ),
        _over_time(
            "overlap",
            "Kept from the run before",
            "overlap_with_previous_run",
            "Positions whose item was in the same list of the run before.",
        ),
        _over_time(
            "concentration", "Gini of the catalogue", "gini", "Near 100% a few items take all positions."
        ),
        _SEGMENTS,
        _ANSWERS,
        _SOURCES,
        _FALLBACK_RATE,
    ),
)
