"""The table of recipes against the engine's own specification, which was written apart from it."""

from __future__ import annotations

import numpy as np
import pytest

from config import gate, recipe_page, recipes, serving
from config.recipes import RECIPES, TRENDING, Hyperparameter, Recipe
from config.solution import Solution
from osusume_engine import batch, metrics
from osusume_engine.recipes import RECIPES as ENGINES
from osusume_engine.recipes.specs import HyperparameterSpec
from stacks.workflows import solutions
from tests import example

KINDS = {
    ("int",): "integer",
    ("float",): "continuous",
    ("bool",): "categorical",
    ("choice",): "categorical",
}
EACH = pytest.mark.parametrize("recipe", RECIPES.values(), ids=list(RECIPES))


def test_the_table_has_the_recipes_that_the_engine_has() -> None:
    assert set(RECIPES) == set(ENGINES)
    assert len(RECIPES) == 12


@EACH
def test_a_recipe_is_what_the_engine_says(recipe: Recipe) -> None:
    spec = ENGINES[recipe.name]
    assert recipe.arn == spec.arn
    assert (recipe.type, recipe.required) == (spec.type, spec.required_datasets)
    assert (recipe.campaign, recipe.tuning, recipe.updatable) == (spec.campaign, spec.hpo, spec.updatable)
    kind = {(True, False): "inference", (False, True): "segment", (False, False): None}
    assert recipe.batch == kind[spec.batch_inference, spec.batch_segment]


@EACH
def test_a_hyperparameter_is_what_the_engine_says(recipe: Recipe) -> None:
    spec = ENGINES[recipe.name]
    for ours, theirs in (
        (recipe.hyperparameters, spec.hyperparameters),
        (recipe.campaign_hyperparameters, spec.campaign_hyperparameters),
    ):
        assert {n: described(h) for n, h in ours.items()} == {n: specified(h) for n, h in theirs.items()}


def described(given: Hyperparameter) -> tuple[object, ...]:
    choices = given.choices or (("true", "false") if given.kind == "bool" else ())
    return KINDS[(given.kind,)], given.default, given.low, given.high, choices, given.tunable


def specified(spec: HyperparameterSpec) -> tuple[object, ...]:
    return spec.type, spec.default, spec.min, spec.max, spec.choices, spec.hpo_tunable


@EACH
def test_a_batch_line_is_what_the_engine_reads_and_writes(recipe: Recipe) -> None:
    if recipe.batch == "inference":
        assert recipe.line[0] == batch.query_key(recipe.type)
        assert ("itemList" in recipe.line) == (recipe.type == "PERSONALIZED_RANKING")
        assert ("scores" in recipe.output) == recipe.name.startswith(batch._SCORED)
    else:
        assert recipe.output == (("recommendedUsers",) if recipe.batch else ())


def test_metrics_are_those_that_the_engine_computes() -> None:
    nobody = [np.array([0])]
    ranking = metrics.ranking_metrics(lists=np.zeros((1, 25), int), relevant=nobody, n_items=3)
    assert set(ranking) == recipes.RANKING_METRICS
    assert set(metrics.segment_metrics(segments=nobody, truth=nobody, n_users=2)) == recipes.SEGMENT_METRICS


@EACH
def test_every_recipe_is_published_or_has_a_campaign_and_is_judged_by_a_metric_of_its_own(
    recipe: Recipe,
) -> None:
    """Developer guide, "Batch recommendations and user segments": what each type of recipe makes."""
    made = {
        "PERSONALIZED_RANKING": "rankings",
        "USER_SEGMENTATION": "segments",
        "PERSONALIZED_ACTIONS": None,
    }
    without_batch = recipe.name == "aws-trending-now"
    assert recipe.publishes == (None if without_batch else made.get(recipe.type, "lists"))
    assert recipe.publishes or recipe.campaign
    wanted = "normalized_discounted_cumulative_gain_at_25"
    assert gate.judged_metric(recipe, wanted) in recipe.metrics
    assert (gate.judged_metric(recipe, wanted) == wanted) == (recipe.metrics >= recipes.RANKING_METRICS)


@pytest.mark.parametrize(
    ("recipe", "name"),
    [(recipe, name) for recipe in RECIPES.values() for name in recipe.hyperparameters],
    ids=lambda given: getattr(given, "name", given),
)
def test_both_refuse_and_take_the_same_values(recipe: Recipe, name: str) -> None:
    given, spec = recipe.hyperparameters[name], ENGINES[recipe.name].hyperparameters[name]
    values = [
        "",
        "x",
        "nan",
        "-1",
        "0",
        "0.0",
        "0.5",
        "1",
        "1.5",
        "2",
        "3",
        "7",
        "30",
        "33",
        "200",
        "201",
        "257",
    ]
    values += ["true", "false", "3h", "30 minutes", "2 hours", "1e400"]
    for value in values:
        assert accepts(given.check, value, name=name, recipe=recipe.name) == accepts(
            lambda text, **_: spec.parse(name, text), value
        ), value


def accepts(check: object, value: str, **more: str) -> bool:
    try:
        check(value, **more)  # type: ignore[operator]
    except ValueError:
        return False
    return True


def test_each_hyperparameter_is_sent_where_the_guide_puts_it() -> None:
    """Developer guide, pages of the recipes: percentiles are featurization hyperparameters."""
    given = {
        "popularity_discount_factor": "0.3",
        "min_cointeraction_count": "4",
        "min_user_history_length_percentile": "0.1",
        "max_item_interaction_count_percentile": "1.0",
    }
    solution = Solution(name="related", recipe="aws-sims", for_each="item", hyperparameters=given)
    sent = solutions.creation(example.settings(), solution)["SolutionConfig"]
    assert sent == {
        "AlgorithmHyperParameters": {"popularity_discount_factor": "0.3", "min_cointeraction_count": "4"},
        "FeatureTransformationParameters": {
            "min_user_history_length_percentile": "0.1",
            "max_item_interaction_count_percentile": "1.0",
        },
    }


def test_trending_now_is_found_out_as_often_as_the_guide_says() -> None:
    frequency = RECIPES["aws-trending-now"].hyperparameters["trend_discovery_frequency"]
    assert (frequency.default, frequency.feature) == ("2 hours", True)
    assert frequency.choices == ("30 minutes", "1 hour", "2 hours", "3 hours", "1 day")


def test_similar_items_may_put_less_emphasis_on_popular_items() -> None:
    Solution(
        name="related",
        recipe="aws-similar-items",
        for_each="item",
        hyperparameters={"popularity_discount_factor": "0.8"},
    )
    assert [n for n, h in RECIPES["aws-similar-items"].hyperparameters.items() if h.tuned_only] == [
        "item_id_hidden_dim",
        "item_metadata_hidden_dim",
    ]
    factor = RECIPES["aws-similar-items"].hyperparameters["popularity_discount_factor"]
    assert (factor.default, factor.low, factor.high, factor.tunable) == (0.0, 0.0, 1.0, False)
    assert RECIPES["aws-sims"].hyperparameters["popularity_discount_factor"].default == 0.5


def test_event_weights_are_taken_by_the_second_versions_alone() -> None:
    """Developer guide, "Optimizing a solution with events configuration"."""
    taking = {name for name, recipe in RECIPES.items() if recipe.event_weights}
    assert taking == {"aws-user-personalization-v2", "aws-personalized-ranking-v2"}


def test_the_page_names_the_route_of_actions_for_the_recipe_that_it_asks_and_no_other() -> None:
    lines = recipe_page.page().splitlines()
    rows = [line.split(" | ")[0].strip("| ") for line in lines if "/v1/users/{userId}/actions" in line]
    assert rows == [serving.ACTIONS]


def test_the_page_says_of_each_recipe_without_batch_jobs_what_its_campaign_is_asked_for() -> None:
    lines = recipe_page.page().splitlines()
    rows = {line.split(" | ")[0].strip("| ") for line in lines if " | nothing: " in line}
    asked = {line.split(" | ")[0].strip("| ") for line in lines if "each run asks of its campaign" in line}
    assert rows | asked == {name for name, one in RECIPES.items() if one.batch is None}
    assert asked == {TRENDING}
