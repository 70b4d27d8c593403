"""`quality_gate`: when a new solution version may take over, said for all solutions and for each by name.

What nobody says is the default of the recipe's family (its `type`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from config import inputs
from config.errors import did_you_mean
from config.recipes import RECIPES, Recipe
from config.section import Section

if TYPE_CHECKING:
    from config.solution import Solution

_NDCG = "normalized_discounted_cumulative_gain_at_25"

# The metric that a family is judged by: "Evaluating a solution version with metrics" of the developer guide says which
# there are. The first that the recipe reports counts; a recipe that reports none is promoted by command.
METRICS: Mapping[str, tuple[str, ...]] = {
    "USER_PERSONALIZATION": (_NDCG,),
    "PERSONALIZED_RANKING": (_NDCG,),
    "RELATED_ITEMS": (_NDCG,),
    "POPULAR_ITEMS": ("trend_prediction_accuracy", _NDCG),
    "USER_SEGMENTATION": ("recall_at_k", "coverage"),
    "PERSONALIZED_ACTIONS": ("auc", "precision"),
}
# Who has a list of their own gets it because it is better than everybody's. Related lists answer another question, and
# a popularity discount lowers their figure on purpose.
AGAINST_POPULARITY: Mapping[str, float] = {"USER_PERSONALIZATION": 1.0, "PERSONALIZED_RANKING": 1.0}


METRICS_REPORTED = frozenset().union(*(recipe.metrics for recipe in RECIPES.values()))
MIN_AGAINST_SERVING = 0.95


class GateRules(Section):
    """Rules for one solution; what is left out is as for all solutions."""

    promotion: Literal["metric", "command"] | None = None
    """`metric`: versions that pass serve. `command`: versions serve by `make promote` alone, but for the first."""
    metric: str | None = None
    """Offline metric of GetSolutionMetrics to compare; the recipe family's own unless said."""
    min_against_serving: float | None = Field(default=None, ge=0, le=1)
    """Share of the serving level (mean of the last 5 promoted versions) to reach, noise aside; 0.95 unless said."""
    min_against_best: float | None = Field(default=None, ge=0, le=1)
    """Share of this configuration's best level so far: small steps down add up to no large one; 0.9 unless said."""
    min_against_popularity: float | None = Field(default=None, ge=0, le=10)
    """Share of the serving Popularity-Count version's metric; 1 for lists of users and rankings, else 0 (not asked)."""
    min_coverage_against_serving: float | None = Field(default=None, ge=0, le=1)
    """Share of the serving level's coverage of the catalogue to reach; 0.7."""
    floors: dict[str, float] | None = None
    """Values that metrics must reach whatever serves, by metric; of a first version too."""

    max_sameness: float | None = Field(default=None, ge=0, le=1)
    """Mean share of places that two lists may have in common; 0.95 for lists of users, else 1 (not asked)."""
    max_without_list: float | None = Field(default=None, ge=0, le=1)
    """Share of those whom a list is asked for who may get none; 0.1 for lists of users, else 1 (not asked)."""


class QualityGate(GateRules):
    """When a new solution version may serve. Differences that noise explains reject nothing (docs/gate.md)."""

    false_rejections: float = Field(default=0.05, gt=0, le=0.5)
    """Share of equally good versions that a rule may reject; what is less lets larger drops pass."""
    changed_configuration: Literal["judge", "accept"] = "judge"
    """`accept`: a changed configuration's first version passes, but for `floors`. `judge`: as any, or by command."""
    solutions: dict[str, GateRules] = Field(default_factory=dict)
    """Rules of single solutions, by name; a key that stands here counts before the same key above."""

    @property
    def common_metric(self) -> str:
        """The metric of solutions that say none, where their recipe reports it."""
        return self.metric or _NDCG

    @property
    def common_share(self) -> float:
        return MIN_AGAINST_SERVING if self.min_against_serving is None else self.min_against_serving


def resolved(gate: QualityGate, solution: Solution) -> dict[str, Any]:
    """Every rule of a solution, as the judging function takes them; `metric` is None where a command promotes."""
    recipe = RECIPES[solution.recipe]
    said = {**_said(gate), **_said(gate.solutions.get(solution.name, GateRules()))}
    by_metric = said.get("promotion", "metric") == "metric"
    return {
        "metric": judged_metric(recipe, said.get("metric")) if by_metric else None,
        "min_against_serving": said.get("min_against_serving", MIN_AGAINST_SERVING),
        "min_against_best": said.get("min_against_best", 0.9),
        "min_against_popularity": said.get(
            "min_against_popularity", AGAINST_POPULARITY.get(recipe.type, 0.0)
        ),
        "min_coverage_against_serving": said.get("min_coverage_against_serving", 0.7),
        "floors": {
            metric: least for metric, least in said.get("floors", {}).items() if metric in recipe.metrics
        },
        "false_rejections": gate.false_rejections,
        "accept_changed": gate.changed_configuration == "accept",
    }


def judged_by(gate: QualityGate, solutions: Iterable[Solution]) -> dict[str, dict[str, Any]]:
    """Every solution's rules, by name."""
    return {solution.name: resolved(gate, solution) for solution in solutions}


def popularity(solutions: Iterable[Solution]) -> str:
    """The solution that others are compared with; empty where none counts."""
    return next((one.name for one in solutions if one.recipe == "aws-popularity-count"), "")


def lists_judged_by(gate: QualityGate, solutions: Iterable[Solution]) -> dict[str, dict[str, Any]]:
    """Rules of lists, by the name of the solution that makes one for each of many."""
    many = [one for one in solutions if one.publishes == "lists" and one.for_each in ("user", "item")]
    return {one.name: _of_lists(gate, one) for one in many}


def _of_lists(gate: QualityGate, solution: Solution) -> dict[str, Any]:
    said = {**_said(gate), **_said(gate.solutions.get(solution.name, GateRules()))}
    of_users = solution.for_each == "user"
    return {
        "audience": inputs.of(solution)["folder"],
        "max_sameness": said.get("max_sameness", 0.95 if of_users else 1.0),
        "max_without_list": said.get("max_without_list", 0.1 if of_users else 1.0),
    }


def _said(rules: GateRules) -> dict[str, Any]:
    return {name: value for name in GateRules.model_fields if (value := getattr(rules, name)) is not None}


def judged_metric(recipe: Recipe, wanted: str | None) -> str | None:
    """What is said for all counts where the recipe reports it."""
    return wanted if wanted in recipe.metrics else default_metric(recipe)


def default_metric(recipe: Recipe) -> str | None:
    """None where the recipe reports none of its family's."""
    return next((metric for metric in METRICS.get(recipe.type, ()) if metric in recipe.metrics), None)


def check(gate: QualityGate, solutions: Iterable[Solution]) -> None:
    """Raises ValueError that names key, value and cure."""
    recipes = {solution.name: RECIPES[solution.recipe] for solution in solutions}
    for name in gate.solutions:
        if name not in recipes:
            raise ValueError(
                f"quality_gate.solutions has {name!r}, which is no solution: {did_you_mean(name, recipes)}"
            )
    _check_metrics("quality_gate", gate, METRICS_REPORTED, "any recipe")
    for name, rules in gate.solutions.items():
        recipe = recipes[name]
        who = f"{recipe.name} of solution {name!r}"
        _check_metrics(f"quality_gate.solutions.{name}", rules, recipe.metrics, who)


def _check_metrics(where: str, rules: GateRules, reported: frozenset[str], who: str) -> None:
    for key, metric in [("metric", rules.metric), *(("floors", metric) for metric in rules.floors or {})]:
        if metric is not None and metric not in reported:
            raise ValueError(
                f"{where}.{key} is {metric!r}, which {who} does not report: {did_you_mean(metric, reported)}"
            )
