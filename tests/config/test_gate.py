"""`quality_gate`: each recipe family's metric, what is said for one solution, and what is refused."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from config import gate, recipes
from config.gate import GateRules, QualityGate
from config.recipes import RECIPES
from config.solution import Solution
from lambdas.judge_solution_version.gate import Rules

NDCG = "normalized_discounted_cumulative_gain_at_25"
PERSONAL = Solution(name="personal", recipe="aws-user-personalization-v2", for_each="user")
RELATED = Solution(name="related", recipe="aws-sims", for_each="item")


def test_every_recipe_has_a_metric_that_it_reports_or_waits_for_a_command() -> None:
    found = {name: gate.default_metric(recipe) for name, recipe in RECIPES.items()}
    assert set(gate.METRICS) == {recipe.type for recipe in RECIPES.values()}
    assert found["aws-user-personalization-v2"] == found["aws-sims"] == NDCG
    assert found["aws-trending-now"] == "trend_prediction_accuracy"
    assert found["aws-item-affinity"] == "recall_at_k"
    assert found["aws-next-best-action"] == "auc"
    assert all(metric in RECIPES[name].metrics for name, metric in found.items() if metric)
    silent = recipes.Recipe(name="x", type="RELATED_ITEMS", page="p", audience="item")
    assert gate.default_metric(silent) is None


def test_what_is_resolved_is_what_the_judge_takes() -> None:
    resolved = gate.resolved(QualityGate(), PERSONAL)
    assert set(resolved) == {field.name for field in fields(Rules)}
    assert Rules(**resolved).min_against_popularity == 1.0
    assert Rules(**gate.resolved(QualityGate(), RELATED)).min_against_popularity == 0.0


def test_what_is_said_for_one_solution_counts_before_what_is_said_for_all() -> None:
    own = {"related": GateRules(min_against_serving=0.5, floors={NDCG: 0.1}, promotion="command")}
    said = QualityGate(min_against_serving=0.8, min_against_best=0.7, solutions=own)
    related, personal = gate.resolved(said, RELATED), gate.resolved(said, PERSONAL)
    assert (related["min_against_serving"], related["min_against_best"]) == (0.5, 0.7)
    assert (related["metric"], related["floors"]) == (None, {NDCG: 0.1})
    assert (personal["min_against_serving"], personal["metric"]) == (0.8, NDCG)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"solutions": {"relatd": {}}}, "quality_gate.solutions has 'relatd', which is no solution: did you"),
        (
            {"metric": "recall_at_25"},
            "quality_gate.metric is 'recall_at_25', which any recipe does not report",
        ),
        ({"floors": {"ndcg": 0.1}}, "quality_gate.floors is 'ndcg'"),
        (
            {"solutions": {"related": {"metric": "auc"}}},
            "quality_gate.solutions.related.metric is 'auc', which aws-sims of solution 'related' does not report",
        ),
    ],
)
def test_a_name_or_a_metric_that_is_none_is_refused_with_key_value_and_cure(
    said: dict[str, Any], told: str
) -> None:
    with pytest.raises(ValueError) as refused:
        gate.check(QualityGate.model_validate(said), [PERSONAL, RELATED])
    assert told in str(refused.value)
