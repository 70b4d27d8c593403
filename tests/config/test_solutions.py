"""What a solution may say: refused with key, value and cure where Personalize would refuse it later."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config import inputs, solution_rules
from config.recipes import RECIPES
from config.settings import Settings
from config.solution import Solution
from osusume_endpoint.wire import service_model
from osusume_engine import batch
from stacks.workflows import solutions
from tests import example

UP, UP2 = "aws-user-personalization", "aws-user-personalization-v2"
PIN = "arn:aws:personalize:ap-northeast-1:111111111111:solution"
KEY, VALUE = {"name": "ACTION_ID", "column": "id"}, {"name": "VALUE", "column": "value", "type": "long"}
ACTIONS = {"fields": [KEY, VALUE]}
ACTED = {"events": [{"type": "seen", "means": "Viewed"}]}
QUERY = 'ITEMS.CATEGORY_L1 = "A"'


def solution(recipe: str, **given: Any) -> dict[str, Any]:
    named = {"name": "one", "recipe": recipe, "for_each": RECIPES[recipe].audience}
    return {**named, **given}


REFUSED: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    *(
        (
            f"the number {text!r}",
            solution(UP, hyperparameters={"hidden_dimension": text}),
            (repr(text), "write a number"),
        )
        for text in ("1_49", " 149 ", "+149", "\u0661\u0664\u0669")
    ),
    (
        "a least above the most",
        solution(UP, hyperparameters={"min_user_history_length_percentile": "0.99"}),
        (
            "min_user_history_length_percentile is 0.99",
            "max_user_history_length_percentile 0.99",
            "lower the first",
        ),
    ),
    (
        "a least above the most of items",
        solution("aws-sims", hyperparameters={"min_item_interaction_count_percentile": "0.95"}),
        ("min_item_interaction_count_percentile is 0.95", "0.9,"),
    ),
    (
        "a value of what is only searched",
        solution("aws-similar-items", hyperparameters={"item_id_hidden_dim": "100"}),
        ("item_id_hidden_dim is '100'", "tuning.ranges.item_id_hidden_dim"),
    ),
    (
        "a value of what is searched",
        solution(
            UP,
            hyperparameters={"hidden_dimension": "100"},
            tuning={"ranges": {"hidden_dimension": {"min": 32, "max": 64}}},
        ),
        ("hidden_dimension is '100'", "remove one of them"),
    ),
    (
        "a search without an end",
        solution(UP, tuning={"ranges": {"hidden_dimension": {"min": 32, "max": float("inf")}}}),
        ("tuning.ranges.hidden_dimension.max", "finite"),
    ),
    (
        "an item twice",
        solution("aws-similar-items", items={"ids": ["a", "b", "a"]}),
        ("items.ids has 'a' twice", "keep one"),
    ),
    ("no batch and no campaign", solution("aws-trending-now"), ("no batch", "campaign: {min_tps: 1}")),
    ("actions without a campaign", solution("aws-next-best-action"), ("no batch", "campaign")),
    ("lists that nobody makes", solution(UP2, batch=False), ("batch is false", "add one, or remove batch")),
    (
        "a campaign of segments",
        solution("aws-item-affinity", items={"popular": 2}, campaign={}),
        ("has none: remove",),
    ),
    ("more items than a list has", solution(UP2, results=501), ("results is 501", "500 items at most")),
    (
        "segments with candidates",
        solution("aws-item-affinity", candidates=9, items={"popular": 2}),
        ("candidates is 9",),
    ),
    (
        "users of a list for items",
        solution("aws-sims", users={"active_within_days": 3}),
        ("users is given", "remove it"),
    ),
    ("users without a rule", solution(UP2, users={}), ("users needs one rule", "active_within_days")),
    (
        "users by two rules",
        solution(UP2, users={"active_within_days": 3, "new_within_days": 3}),
        ("users needs one rule",),
    ),
    (
        "a ranking of nothing",
        solution("aws-personalized-ranking"),
        ("items is missing", "items: {popular: 100}"),
    ),
    ("a segment of nothing", solution("aws-item-affinity"), ("items is missing", "items: {ids: [...]}")),
    ("items of a list for users", solution(UP2, items={"popular": 3}), ("items is given", "remove it")),
    (
        "items by two rules",
        solution("aws-sims", items={"popular": 3, "ids": ["a"]}),
        ("ids or popular", "one of them"),
    ),
    (
        "more items than a line may rank",
        solution("aws-personalized-ranking", items={"popular": 501}),
        ("items are 501", "500 at most"),
    ),
    (
        "more segments than a job makes",
        solution("aws-item-affinity", items={"popular": 501}),
        ("items are 501",),
    ),
    (
        "more results than are ranked",
        solution("aws-personalized-ranking-v2", results=5, items={"ids": ["a", "b"]}),
        ("results is 5", "2 items are ranked"),
    ),
    ("no queries", solution("aws-item-attribute-affinity"), ("queries is missing", "ITEMS.CATEGORY_L1")),
    ("queries of another recipe", solution(UP2, queries={"a": QUERY}), ("queries is given", "remove it")),
    (
        "too many queries",
        solution("aws-item-attribute-affinity", queries={f"q{n}": QUERY for n in range(11)}),
        ("queries are 11", "takes 10"),
    ),
    (
        "a query with OR",
        solution("aws-item-attribute-affinity", queries={"a": f"{QUERY} or {QUERY}"}),
        ("queries.a", "AND only", "two segments"),
    ),
    (
        "a query of nothing",
        solution("aws-item-attribute-affinity", queries={"a": "bakery"}),
        ("queries.a is 'bakery'", "write conditions"),
    ),
    (
        "tuning of a recipe without it",
        solution(UP2, tuning={}),
        ("tuning is given", "no hyperparameter optimization"),
    ),
    (
        "a range of another recipe",
        solution(UP, tuning={"ranges": {"x": {"min": 1, "max": 2}}}),
        ("'x' can't", "bptt"),
    ),
    (
        "a range that can't be searched",
        solution("aws-sims", tuning={"ranges": {"min_user_history_length_percentile": {"min": 0, "max": 1}}}),
        ("can't be searched", "popularity_discount_factor"),
    ),
    (
        "a range beyond",
        solution(UP, tuning={"ranges": {"bptt": {"min": 2, "max": 33}}}),
        ("bptt is 33", "2 to 32"),
    ),
    (
        "a fraction",
        solution(UP, tuning={"ranges": {"bptt": {"min": 2.5, "max": 8}}}),
        ("bptt is '2.5'", "write a number"),
    ),
    (
        "a range upside down",
        solution(UP, tuning={"ranges": {"bptt": {"min": 9, "max": 3}}}),
        ("min 9", "max 3"),
    ),
    ("half a range", solution(UP, tuning={"ranges": {"bptt": {"min": 9}}}), ("ranges.bptt", "min and max")),
    (
        "a range of a flag",
        solution(UP, tuning={"ranges": {"recency_mask": {"min": 0, "max": 1}}}),
        ("is no number", "['true', 'false']"),
    ),
    (
        "too many at once",
        solution(UP, tuning={"jobs": 2, "parallel_jobs": 3}),
        ("parallel_jobs is 3", "lower it"),
    ),
    (
        "an objective of popular items",
        solution("aws-sims", objective={"item_field": "A"}),
        ("objective", "remove it"),
    ),
    (
        "two types without weights",
        solution(UP, events=[{"type": "purchase"}, {"type": "click"}]),
        ("['purchase', 'click']", "one type or from all"),
    ),
    (
        "weights where none are taken",
        solution(UP, events=[{"type": "click", "weight": 0.1}]),
        ("takes no weights",),
    ),
    (
        "a type twice",
        solution(UP2, events=[{"type": "click"}, {"type": "click"}]),
        ("'click' is listed twice",),
    ),
    ("updates of another recipe", solution(UP2, training_mode="UPDATE"), ("UPDATE", UP, "write FULL")),
    (
        "exploration of another recipe",
        solution("aws-sims", exploration={"explorationWeight": "1"}),
        ("it has none",),
    ),
    (
        "one query under two names",
        solution("aws-item-attribute-affinity", queries={"a": QUERY, "b": QUERY}),
        ("under two names", "keep one"),
    ),
    (
        "an age of new items below a day",
        solution(UP, exploration={"explorationItemAgeCutOff": "0"}),
        ("exploration explorationItemAgeCutOff is 0", "1 or more"),
    ),
    (
        "ranking influence of another recipe",
        solution("aws-sims", ranking_influence={"POPULARITY": 0.3}),
        ("ranking_influence is given", "aws-sims has none"),
    ),
    (
        "incremental updates of another recipe",
        solution(UP2, incremental_updates=True, campaign={}),
        ("incremental_updates is true", "has none"),
    ),
    (
        "incremental updates that nobody is answered from",
        solution("aws-semantic-similarity", incremental_updates=True),
        ("add campaign",),
    ),
    (
        "candidates without batch inference",
        solution("aws-trending-now", campaign={}, candidates=100),
        ("candidates is 100", "remove it"),
    ),
    *(
        (
            f"{key} of actions",
            solution("aws-next-best-action", **{"campaign": {}, **given}),
            (f"{key} is given", "recommends actions"),
        )
        for key, given in (
            ("campaign.metadata", {"campaign": {"metadata": True}}),
            ("excluded_fields", {"excluded_fields": {"items": ["BRAND"]}}),
            ("events", {"events": [{"type": "click"}]}),
        )
    ),
    (
        "a threshold with more decimals than values have",
        solution(UP, events=[{"type": "click", "min_value": 1e-13}]),
        ("min_value of 'click' is 1e-13", "9 decimals"),
    ),
    (
        "more columns than the API takes",
        solution(UP, excluded_fields={"items": [f"F{number}" for number in range(51)]}),
        ("at most 50 items",),
    ),
    (
        "exploration beyond",
        solution(UP, exploration={"explorationWeight": "1.5"}),
        ("explorationWeight is 1.5", "0.0 to 1.0"),
    ),
]
# Refused beside the datasets, filters and names of the example.
AGAINST: list[tuple[str, dict[str, Any], tuple[str, ...]]] = [
    ("events that don't count", {"solutions": [solution(UP2, events=[{"type": "clicks"}])]}, ("'clicks'", "'click'")),
    (
        "a field to leave out that isn't there",
        {"solutions": [solution(UP2, excluded_fields={"items": ["BRANDS"]})]},
        ("excluded_fields.items with BRANDS", "'BRAND'"),
    ),
    (
        "a threshold of a value that is left out",
        {
            "solutions": [
                solution(
                    UP2,
                    events=[{"type": "click", "min_value": 0.5}],
                    excluded_fields={"interactions": ["EVENT_VALUE"]},
                )
            ]
        },
        ("excluded_fields.interactions leaves EVENT_VALUE out",),
    ),
    (
        "a sixth campaign",
        {"solutions": [solution(UP2, campaign={}) | {"name": f"c{n}"} for n in range(6)]},
        ("6 have a campaign", "has 5", "'c5'"),
    ),
    (
        "a field that can't be left out",
        {"solutions": [solution(UP2, excluded_fields={"interactions": ["EVENT_TYPE"]})]},
        ("EVENT_TYPE, which can't be left out",),
    ),
    (
        "an objective that may be empty",
        {"solutions": [solution(UP2, objective={"item_field": "BRAND"})]},
        ("objective.item_field BRAND", "a number and never empty"),
    ),
    (
        "a query of a field that isn't there",
        {"solutions": [solution("aws-item-attribute-affinity", queries={"a": 'ITEMS.GENRE = "x"'})]},
        ("queries.a with ITEMS.GENRE",),
    ),
    (
        "semantic similarity without a text",
        {"solutions": [solution("aws-semantic-similarity")]},
        ("'one' reads the item's name", "item_name: true"),
    ),
    (
        "actions without the dataset",
        {"solutions": [solution("aws-next-best-action", campaign={})]},
        ("needs the Actions dataset",),
    ),
    (
        "a version of another solution",
        {"solutions": [solution(UP2, version=f"{PIN}/osusume-dev-other-0123abcd/0123abcd")]},
        ("'one' has version", "osusume-dev-one-"),
    ),
    (
        "a version of another account",
        {"solutions": [solution(UP2, version=f"{PIN.replace('1' * 12, '2' * 12)}/osusume-dev-one-0123abcd/0123abcd")]},
        ("'one' has version", ":111111111111:solution/osusume-dev-one-"),
    ),
    (
        "a filter that isn't there",
        {"solutions": [solution(UP2, filter="nothing")]},
        ("filter 'nothing'", "filters lacks"),
    ),
    (
        "a filter that wants a value",
        {"filters": {"ab": "INCLUDE ItemID WHERE Items.BRAND IN ($B)"}, "solutions": [solution(UP2, filter="ab")]},
        ("filter 'ab'", "$B", "write it out"),
    ),
    (
        "a filter of campaigns alone",
        {
            "filters": {"ab": 'INCLUDE ItemID WHERE Items.BRAND IN ("x")'},
            "solutions": [solution("aws-trending-now", campaign={}, filter="ab")],
        },
        ("filter 'ab'", "makes no batch lists"),
    ),
    (
        "impressions of a log without",
        {
            "datasets": example.content(datasets={"interactions": {"impressions": True}})["datasets"],
            "sources": example.content(sources={"application_log": {"attributes": {"IMPRESSION": None}}})["sources"],
        },
        ("datasets.interactions.impressions is true", "attributes.IMPRESSION"),
    ),
    (
        "action interactions without actions",
        {"datasets": example.content(datasets={"action_interactions": ACTED})["datasets"]},
        ("datasets.actions isn't: add it",),
    ),
    (
        "actions that nothing fills",
        {"datasets": example.content(datasets={"actions": ACTIONS})["datasets"]},
        ("datasets.actions is configured but sources.aurora.tables.actions isn't",),
    ),
    (
        "actions of which the log says nothing",
        {
            "datasets": example.content(datasets={"actions": ACTIONS, "action_interactions": ACTED})["datasets"],
            "sources": example.content(sources={"aurora": {"tables": {"actions": "a.b"}}})["sources"],
        },
        ("attributes.ACTION_ID", "such as ACTION_ID: action_id"),
    ),
    (
        "a value of actions that is a text",
        {"datasets": example.content(datasets={"actions": {"fields": [KEY, {**VALUE, "type": "string"}]}})["datasets"]},
        ("VALUE has type 'string'", "'long'"),
    ),
    (
        "a field that actions can't gain",
        {
            "datasets": example.content(
                datasets={"actions": {"fields": [KEY, VALUE, {**VALUE, "name": "B", "nullable": True, "added": True}]}}
            )["datasets"]
        },
        ("B is added", "schema can't change"),
    ),
    ("a filter of no form", {"filters": {"ab": "Items.BRAND = 1"}}, ("filters.ab", "INCLUDE or EXCLUDE")),
    (
        "a filter of a field that isn't there",
        {"filters": {"ab": 'EXCLUDE ItemID WHERE Items.BRANDS IN ("x")'}},
        ("filters.ab", "Items has no field BRANDS", "'BRAND'"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "given", "told"), REFUSED, ids=[fault for fault, *_ in REFUSED])
def test_what_a_recipe_does_not_take_is_refused_with_the_cure(
    fault: str, given: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Solution.model_validate(given)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


@pytest.mark.parametrize(("fault", "changes", "told"), AGAINST, ids=[fault for fault, *_ in AGAINST])
def test_what_the_datasets_lack_is_refused_with_the_cure(
    fault: str, changes: dict[str, Any], told: tuple[str, ...]
) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(example.content(publishing={"min_never_bought": 0}) | changes)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


@pytest.mark.parametrize(
    ("section", "key", "value", "one", "told"),
    [
        (
            "datasets",
            "items",
            {
                "fields": [
                    {"name": "ITEM_ID", "column": "item_id"},
                    {"name": "TITLE", "column": "title", "item_name": True},
                    {"name": "STORY", "column": "story", "textual": True},
                ]
            },
            solution("aws-semantic-similarity", ranking_influence={"FRESHNESS": 0.3}),
            ("ranking_influence.FRESHNESS", "CREATION_TIMESTAMP"),
        ),
        (
            "sources",
            "application_log",
            {"attributes": {"EVENT_VALUE": None}},
            solution(UP2, events=[{"type": "click", "min_value": 0.5}]),
            ("'click' with min_value 0.5", "sources.application_log.attributes.EVENT_VALUE"),
        ),
    ],
    ids=["freshness of items without an age", "a threshold of a value that no event has"],
)
def test_what_the_data_lack_is_refused_with_the_cure(
    section: str, key: str, value: dict[str, Any], one: dict[str, Any], told: tuple[str, ...]
) -> None:
    content = example.content(publishing={"min_never_bought": 0}, solutions=[one], placements={})
    content[section][key] = value
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate(content)
    assert [part for part in told if part not in str(refused.value)] == [], str(refused.value)


def test_limits_are_those_of_the_engine_and_of_the_apis_model() -> None:
    assert solution_rules.MOST_SEGMENTS == batch.MAX_QUERIES
    resource = service_model("personalize").shape_for("HPOResourceConfig")
    assert set(resource.members) == {"maxNumberOfTrainingJobs", "maxParallelTrainingJobs"}
    assert service_model("personalize").shape_for("EventParameters").members["weight"].metadata == {
        "min": 0.0,
        "max": 1.0,
    }


def created(**given: Any) -> dict[str, Any]:
    return solutions.creation(example.settings(), Solution.model_validate(solution(**given)))


def test_recipes_without_weights_learn_from_one_type_above_a_value() -> None:
    made = created(recipe=UP, events=[{"type": "purchase", "min_value": 2.5}])
    assert made["EventType"] == "purchase"
    assert made["SolutionConfig"] == {"EventValueThreshold": "2.5"}


def test_tuning_is_sent_with_its_ranges_by_kind() -> None:
    ranges = {"bptt": {"min": 2, "max": 32}, "recency_mask": {"values": ["true"]}}
    made = created(recipe=UP, tuning={"jobs": 4, "parallel_jobs": 2, "ranges": ranges})
    assert made["PerformHPO"] is True
    assert made["SolutionConfig"]["HpoConfig"] == {
        "HpoResourceConfig": {"MaxNumberOfTrainingJobs": "4", "MaxParallelTrainingJobs": "2"},
        "AlgorithmHyperParameterRanges": {
            "IntegerHyperParameterRanges": [{"Name": "bptt", "MinValue": 2, "MaxValue": 32}],
            "CategoricalHyperParameterRanges": [{"Name": "recency_mask", "Values": ["true"]}],
        },
    }
    sims = created(
        recipe="aws-sims", tuning={"ranges": {"popularity_discount_factor": {"min": 0, "max": 0.5}}}
    )
    assert sims["SolutionConfig"]["HpoConfig"]["AlgorithmHyperParameterRanges"] == {
        "ContinuousHyperParameterRanges": [
            {"Name": "popularity_discount_factor", "MinValue": 0.0, "MaxValue": 0.5}
        ]
    }


def test_two_solutions_of_one_recipe_are_two_solutions_of_personalize() -> None:
    settings = example.settings(
        solutions=[
            solution(UP2),
            {**solution(UP2, hyperparameters={"apply_recency_bias": "false"}), "name": "two"},
        ],
        publishing={"min_never_bought": 0},
        placements=dict.fromkeys(example.content()["placements"]),
    )
    assert len({solutions.arn(settings, one) for one in settings.solutions}) == 2


def test_solutions_that_ask_about_the_same_share_a_folder_and_others_have_their_own() -> None:
    given = [
        solution(UP2),
        {**solution(UP), "name": "two"},
        {**solution(UP2, users={"new_within_days": 7}), "name": "users"},
        {**solution("aws-personalized-ranking", results=2, items={"ids": ["a", "b"]}), "name": "ranked"},
        {**solution("aws-trending-now", campaign={}), "name": "trending"},
    ]
    assert inputs.of_all(Solution.model_validate(one) for one in given) == [
        {"folder": "users", "lines": "users"},
        {"folder": "for-users", "lines": "users", "new_within_days": 7},
        {"folder": "for-ranked", "lines": "rankings", "ids": ["a", "b"]},
    ]
