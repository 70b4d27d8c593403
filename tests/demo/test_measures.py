"""Metrics beside their baseline, and the one example of which each is explained."""

from __future__ import annotations

from typing import Any

import pytest
import pytrec_eval

from config.recipes import RANKING_METRICS
from config.settings import Solution
from local.demo import measures
from tests import example

DEV = example.settings()
SOLUTIONS = DEV.solutions


def metrics(scale: float) -> dict[str, float]:
    return dict.fromkeys(RANKING_METRICS, scale)


def row(lines: list[str], name: str) -> list[str]:
    return next(line.split() for line in lines if line.strip().startswith(f"{name} "))


def test_metrics_are_those_of_the_versions_that_serve() -> None:
    class Fakes:
        def get_item(self, TableName: str, Key: dict[str, Any]) -> dict[str, Any]:
            assert TableName == DEV.names.control_table
            name = Key["pk"]["S"]
            return (
                {} if name == "serving#related" else {"Item": {"solution_version_arn": {"S": "arn:" + name}}}
            )

        def get_solution_metrics(self, solutionVersionArn: str) -> dict[str, Any]:
            return {"metrics": {"coverage": len(solutionVersionArn)}}

    found = measures.of_versions(lambda service: Fakes(), DEV.names, SOLUTIONS)
    assert found == {
        "personal": {"coverage": len("arn:serving#personal")},
        "popular": {"coverage": len("arn:serving#popular")},
    }


def test_each_metric_of_each_version_stands_beside_the_baseline_s() -> None:
    given = {"personal": metrics(0.5), "related": metrics(0.3), "popular": metrics(0.2)}
    lines = list(measures.told(given, SOLUTIONS))
    assert lines[0].split() == ["personal", "related", "popular", "=", "baseline", "USER-A", "(below)"]
    names = [
        "coverage",
        "MRR@25",
        *(f"NDCG@{k}" for k in (5, 10, 25)),
        *(f"precision@{k}" for k in (5, 10, 25)),
    ]
    assert [line.split()[0] for line in lines[1:9]] == names
    for name in names:
        assert row(lines, name)[1:8] == ["0.500", "2.5", "times", "0.300", "1.5", "times", "0.200"]
    assert any("popular (aws-popularity-count)" in line for line in lines)


def test_without_a_popular_version_no_baseline_is_claimed() -> None:
    lines = list(measures.told({"personal": metrics(0.5)}, SOLUTIONS[:1]))
    assert "baseline" not in lines[0] and "times" not in row(lines, "coverage")
    assert any("No baseline: no solution of aws-popularity-count serves" in line for line in lines)


def test_a_baseline_of_zero_has_no_multiple() -> None:
    lines = list(measures.told({"personal": metrics(0.5), "popular": metrics(0.0)}, SOLUTIONS))
    assert row(lines, "coverage")[1:3] == ["0.500", "0.000"]


def test_a_key_that_only_one_version_has_is_told_too() -> None:
    given = {"personal": metrics(0.5) | {"average_rewards_at_k": 0.25}, "popular": metrics(0.2)}
    lines = list(measures.told(given, SOLUTIONS))
    assert row(lines, "average_rewards_at_k")[1:] == ["0.250", "-", "-"]


def test_every_metric_of_the_ranking_recipes_has_a_short_name() -> None:
    assert set(measures.SHORT) >= RANKING_METRICS
    assert len(set(measures.SHORT.values())) == len(measures.SHORT)


def test_the_baseline_is_a_recipe_that_the_configuration_takes() -> None:
    assert Solution(name="popular", recipe=measures.BASELINE, for_each="everyone").recipe == measures.BASELINE


def test_the_slide_s_example_has_the_slide_s_numbers() -> None:
    """By hand: right on places 1, 2 and 5 of 5; (1 + 0.63093 + 0.38685) / (1 + 0.63093 + 0.5) = 0.94688."""
    found = measures.of_example()
    ndcg = "normalized_discounted_cumulative_gain_at"
    assert found == pytest.approx(
        {
            "coverage": 5 / 12,
            "mean_reciprocal_rank_at_25": 1.0,
            **{f"{ndcg}_{k}": 0.946902 for k in (5, 10, 25)},
            "precision_at_5": 0.6,
            "precision_at_10": 0.3,
            "precision_at_25": 0.12,
        },
        abs=1e-5,
    )


def test_the_example_agrees_with_trec_eval() -> None:
    judged = {"USER-A": dict.fromkeys(measures.HELD_BACK, 1)}
    evaluator = pytrec_eval.RelevanceEvaluator(judged, {"ndcg_cut.5,10", "P.5,10", "recip_rank"})
    theirs = evaluator.evaluate({"USER-A": dict(measures.INFERRED)})["USER-A"]
    ours = measures.of_example()
    assert theirs["recip_rank"] == pytest.approx(ours["mean_reciprocal_rank_at_25"])
    for k in (5, 10):
        assert theirs[f"P_{k}"] == pytest.approx(ours[f"precision_at_{k}"])
        # Every right item is in the list, so that the list's own ideal is trec_eval's.
        assert theirs[f"ndcg_cut_{k}"] == pytest.approx(ours[f"normalized_discounted_cumulative_gain_at_{k}"])


def test_the_example_is_explained_with_its_own_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n".join(measures.explained())
    assert "inferred: ITEM-005 0.81 ✓, ITEM-002 0.74 ✓, ITEM-001 0.53, ITEM-003 0.49, ITEM-012 0.33 ✓" in text
    assert "precision@5 0.600: 3 of 5 places" in text and "@25 0.120" in text
    assert "places 1, 2, 5 gives 2.018, of 2.131 on places 1, 2, 3" in text
    monkeypatch.setattr(measures, "HELD_BACK", ("ITEM-001",))
    other = "\n".join(measures.explained())
    assert "precision@5 0.200: 1 of 5 places" in other and "MRR@25 0.333" in other
