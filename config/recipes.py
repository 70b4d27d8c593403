"""Facts about Amazon Personalize's recipes, once: what the configuration accepts and the workflows send.

Source of each row is its page of the developer guide, docs.aws.amazon.com/personalize/latest/dg/<page>.html, read
in November 2026; datasets, batch and metrics besides: "Choosing a recipe", "Batch recommendations", "Evaluating a
solution version". tests/config/test_recipes.py compares the table with a second implementation of Personalize.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["int", "float", "bool", "choice"]
Value = int | float | bool | str
# Python reads more as a number: 1_49, blanks around it, digits of other scripts.
_WRITTEN = {
    "int": re.compile(r"-?[0-9]{1,18}"),
    "float": re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,18})?([eE]-?[0-9]{1,2})?"),
}


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """`feature`: it goes into featureTransformationParameters, as the guide's "featurization hyperparameters"."""

    kind: Kind
    default: Value
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    tunable: bool = False
    tuned_only: bool = False  # the guide: "you must use HPO and provide minimum and maximum range values"
    feature: bool = False

    def check(self, value: str, *, name: str, recipe: str, what: str = "hyperparameter") -> None:
        """Raises ValueError that names `what` it is, value and what the recipe takes."""
        if self.kind in ("bool", "choice"):
            known = self.choices or ("true", "false")
            if value not in known:
                words = " or ".join(repr(choice) for choice in known)
                raise ValueError(f"{what} {name} is {value!r}: write {words}")
            return
        if not _WRITTEN[self.kind].fullmatch(value):
            raise ValueError(f"{what} {name} is {value!r}: write a number ({self.kind})")
        number = float(value)
        above, below = self.low is None or self.low <= number, self.high is None or number <= self.high
        if not (above and below):
            limits = f"{self.low} to {self.high}" if self.high is not None else f"{self.low} or more"
            raise ValueError(f"{what} {name} is {value}: {recipe} takes {limits}")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """`audience`: for each of whom it makes a list or a segment."""

    name: str
    type: str
    page: str
    audience: Literal["user", "item", "everyone", "attributes"]
    batch: Literal["inference", "segment"] | None = None
    campaign: bool = True
    required: frozenset[str] = frozenset({"Interactions"})
    # Datasets whose metadata is learned from where it is there.
    metadata: frozenset[str] = frozenset()
    event_weights: bool = False
    tuning: bool = False
    updatable: bool = False  # trainingMode UPDATE
    incremental: bool = False  # performIncrementalUpdate, between trainings
    influences: tuple[str, ...] = ()  # keys of rankingInfluence
    hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict)
    campaign_hyperparameters: Mapping[str, Hyperparameter] = field(default_factory=dict)
    # Keys of a line of batch input, and of `output` in a line of batch output.
    line: tuple[str, ...] = ()
    output: tuple[str, ...] = ()
    metrics: frozenset[str] = frozenset()

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def publishes(self) -> Literal["lists", "rankings", "segments"] | None:
        """What its batch jobs make; nothing where a campaign alone answers."""
        if self.batch is None:
            return None
        if self.batch == "segment":
            return "segments"
        return "rankings" if "itemList" in self.line else "lists"

    def split(self, given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """(algorithmHyperParameters, featureTransformationParameters) of the hyperparameters given."""
        features = {name: value for name, value in given.items() if self.hyperparameters[name].feature}
        return {name: value for name, value in given.items() if name not in features}, features


def _integer(
    default: int,
    low: int,
    high: int,
    *,
    tunable: bool = True,
    tuned_only: bool = False,
    feature: bool = False,
) -> Hyperparameter:
    return Hyperparameter(
        kind="int",
        default=default,
        low=low,
        high=high,
        tunable=tunable,
        tuned_only=tuned_only,
        feature=feature,
    )


def _share(default: float, *, tunable: bool = False, feature: bool = False) -> Hyperparameter:
    return Hyperparameter(kind="float", default=default, low=0.0, high=1.0, tunable=tunable, feature=feature)


def _flag(*, tunable: bool) -> Hyperparameter:
    return Hyperparameter(kind="bool", default=True, tunable=tunable)


# "Evaluating a solution version": of all recipes but user segmentation and next best action.
RANKING_METRICS = frozenset(
    ["coverage", "mean_reciprocal_rank_at_25"]
    + [f"normalized_discounted_cumulative_gain_at_{k}" for k in (5, 10, 25)]
    + [f"precision_at_{k}" for k in (5, 10, 25)]
)
SEGMENT_METRICS = frozenset(["coverage", "hit_at_k", "recall_at_k"])
ACTION_METRICS = frozenset(["coverage", "precision", "recall", "auc"])


_METADATA = frozenset({"Items", "Users"})
_SCORED = ("recommendedItems", "scores")
_HRNN = {
    "hidden_dimension": _integer(149, 32, 256),
    "bptt": _integer(32, 2, 32),
    "recency_mask": _flag(tunable=True),
    "min_user_history_length_percentile": _share(0.0, feature=True),
    "max_user_history_length_percentile": _share(0.99, feature=True),
}
_V2 = {"apply_recency_bias": _flag(tunable=False)}
_EXPLORATION = {
    "explorationWeight": _share(0.3),
    "explorationItemAgeCutOff": Hyperparameter(kind="float", default=30.0, low=1),
}
_AFFINITY = {"hidden_dimension": _integer(149, 32, 256, tunable=False)}

_ROWS = (
    Recipe(
        name="aws-user-personalization-v2",
        type="USER_PERSONALIZATION",
        page="native-recipe-user-personalization-v2",
        audience="user",
        batch="inference",
        metadata=_METADATA,
        event_weights=True,  # "Optimizing a solution with events configuration"
        hyperparameters=_V2,
        line=("userId",),
        output=_SCORED,
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-user-personalization",
        type="USER_PERSONALIZATION",
        page="native-recipe-new-item-USER_PERSONALIZATION",
        audience="user",
        batch="inference",
        metadata=_METADATA,
        tuning=True,
        updatable=True,
        hyperparameters=_HRNN,
        campaign_hyperparameters=_EXPLORATION,
        line=("userId",),
        output=_SCORED,
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-popularity-count",
        type="POPULAR_ITEMS",
        page="native-recipe-popularity",
        audience="everyone",
        batch="inference",
        line=("userId",),
        output=("recommendedItems",),
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-trending-now",
        type="POPULAR_ITEMS",
        page="native-recipe-trending-now",
        audience="everyone",
        hyperparameters={
            "trend_discovery_frequency": Hyperparameter(
                kind="choice",
                default="2 hours",
                choices=("30 minutes", "1 hour", "2 hours", "3 hours", "1 day"),
                feature=True,
            )
        },
        metrics=RANKING_METRICS | {"trend_prediction_accuracy"},
    ),
    Recipe(
        name="aws-personalized-ranking-v2",
        type="PERSONALIZED_RANKING",
        page="native-recipe-personalized-ranking-v2",
        audience="user",
        batch="inference",
        metadata=_METADATA,
        event_weights=True,
        hyperparameters=_V2,
        line=("userId", "itemList"),
        output=_SCORED,
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-personalized-ranking",
        type="PERSONALIZED_RANKING",
        page="native-recipe-search",
        audience="user",
        batch="inference",
        metadata=_METADATA,
        tuning=True,
        hyperparameters=_HRNN,
        line=("userId", "itemList"),
        output=_SCORED,
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-similar-items",
        type="RELATED_ITEMS",
        page="native-recipe-similar-items",
        audience="item",
        batch="inference",
        metadata=frozenset({"Items"}),
        tuning=True,
        hyperparameters={
            # Closer to 0 includes more popular items, closer to 1 puts less emphasis on popularity.
            "popularity_discount_factor": _share(0.0),
            "item_id_hidden_dim": _integer(100, 30, 200, tuned_only=True),
            "item_metadata_hidden_dim": _integer(100, 30, 200, tuned_only=True),
        },
        line=("itemId",),
        output=("recommendedItems",),
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-sims",
        type="RELATED_ITEMS",
        page="native-recipe-sims",
        audience="item",
        batch="inference",
        tuning=True,
        hyperparameters={
            "popularity_discount_factor": _share(0.5, tunable=True),
            "min_cointeraction_count": _integer(3, 0, 10),
            "min_user_history_length_percentile": _share(0.005, feature=True),
            "max_user_history_length_percentile": _share(0.995, feature=True),
            "min_item_interaction_count_percentile": _share(0.01, feature=True),
            "max_item_interaction_count_percentile": _share(0.9, feature=True),
        },
        line=("itemId",),
        output=("recommendedItems",),
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-semantic-similarity",
        type="RELATED_ITEMS",
        page="native-recipe-semantic-similarity",
        audience="item",
        batch="inference",
        required=frozenset({"Items"}),  # with a field that is itemName and a textual one
        metadata=frozenset({"Items"}),
        incremental=True,
        influences=("POPULARITY", "FRESHNESS"),
        line=("itemId",),
        output=("recommendedItems",),
        metrics=RANKING_METRICS,
    ),
    Recipe(
        name="aws-item-affinity",
        type="USER_SEGMENTATION",
        page="item-affinity-recipe",
        audience="item",
        batch="segment",
        campaign=False,
        metadata=_METADATA,
        hyperparameters=_AFFINITY,
        line=("itemId",),
        output=("recommendedUsers",),
        metrics=SEGMENT_METRICS,
    ),
    Recipe(
        name="aws-item-attribute-affinity",
        type="USER_SEGMENTATION",
        page="item-attribute-affinity-recipe",
        audience="attributes",
        batch="segment",
        campaign=False,
        required=frozenset({"Interactions", "Items"}),
        metadata=_METADATA,
        hyperparameters=_AFFINITY,
        line=("itemAttributes",),
        output=("recommendedUsers",),
        metrics=SEGMENT_METRICS,
    ),
    Recipe(
        name="aws-next-best-action",
        type="PERSONALIZED_ACTIONS",
        page="native-recipe-next-best-action",
        audience="user",
        required=frozenset({"Interactions", "Actions"}),
        metadata=frozenset({"Actions", "Items", "Users"}),
        hyperparameters={"action_optimization_period": _integer(14, 7, 28, tunable=False, feature=True)},
        metrics=ACTION_METRICS,
    ),
)

TRENDING = "aws-trending-now"

RECIPES: Mapping[str, Recipe] = {recipe.name: recipe for recipe in _ROWS}
