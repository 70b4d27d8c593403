"""The twelve recipes and the hyperparameters the developer guide documents for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from osusume_engine.values import NUMBER

RecipeType = Literal[
    "USER_PERSONALIZATION",
    "RELATED_ITEMS",
    "PERSONALIZED_RANKING",
    "POPULAR_ITEMS",
    "USER_SEGMENTATION",
    "PERSONALIZED_ACTIONS",
]
Kind = Literal["integer", "continuous", "categorical"]
Value = int | float | str | bool
_INTEGER = r"-?[0-9]{1,18}"


@dataclass(frozen=True)
class HyperparameterSpec:
    type: Kind
    default: Value
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    hpo_tunable: bool = False
    used: bool = True  # False: accepted and shown, but nothing of ours depends on it

    def parse(self, name: str, text: str) -> Value:
        """The typed value of a hyperparameter given as text; ValueError names the key, value and range."""
        if self.type == "categorical":
            return self._choice(name, str(text))
        # Python's own readers take more: 1_000, full width digits, blanks.
        if not re.fullmatch(_INTEGER if self.type == "integer" else NUMBER, str(text)):
            raise ValueError(f"{name}={text!r} is not {self.type}: {self._range()}")
        value: float = int(text) if self.type == "integer" else float(text)
        if not (self.min is None or self.min <= value) or not (self.max is None or value <= self.max):
            raise ValueError(f"{name}={text!r} is out of range: {self._range()}")
        return value

    def _choice(self, name: str, text: str) -> Value:
        if text.lower() in ("true", "false") and "true" in self.choices:
            return text.lower() == "true"
        if text not in self.choices:
            raise ValueError(f"{name}={text!r} is unknown: use one of {', '.join(self.choices)}")
        return text

    def _range(self) -> str:
        if self.max is None:
            return f"use {self.type} of at least {self.min}"
        return f"use {self.type} from {self.min} to {self.max}"


@dataclass(frozen=True)
class RecipeSpec:
    name: str
    type: RecipeType
    description: str
    required_datasets: frozenset[str] = frozenset({"Interactions"})
    hyperparameters: Mapping[str, HyperparameterSpec] = field(default_factory=dict)
    campaign_hyperparameters: Mapping[str, HyperparameterSpec] = field(default_factory=dict)
    batch_inference: bool = False
    batch_segment: bool = False
    campaign: bool = True
    hpo: bool = False
    updatable: bool = False  # trainingMode UPDATE
    automatic_exploration: float = 0.0  # the weight, of recipes that explore without a configuration

    @property
    def arn(self) -> str:
        return f"arn:aws:personalize:::recipe/{self.name}"

    @property
    def algorithm_arn(self) -> str:
        return f"arn:aws:personalize:::algorithm/{self.name}"

    def parse(self, given: Mapping[str, str]) -> dict[str, Value]:
        """Defaults overlaid with the given values; ValueError for an unknown key or a bad value."""
        unknown = set(given) - set(self.hyperparameters)
        if unknown:
            known = ", ".join(self.hyperparameters) or "none"
            raise ValueError(f"{self.name} has no hyperparameter {sorted(unknown)[0]!r}: it has {known}")
        values: dict[str, Value] = {name: spec.default for name, spec in self.hyperparameters.items()}
        values |= {name: self.hyperparameters[name].parse(name, text) for name, text in given.items()}
        _check_order(values)
        return values


def _check_order(values: Mapping[str, Value]) -> None:
    """ValueError where a lowest percentile is above its highest: nobody is between them."""
    for low in values:
        high = f"max_{low.removeprefix('min_')}"
        if low.startswith("min_") and high in values and float(values[low]) > float(values[high]):
            raise ValueError(f"{low}={values[low]} is above {high}={values[high]}: use a lower one")


def _integer(
    default: int, low: int, high: int, *, tunable: bool = True, used: bool = True
) -> HyperparameterSpec:
    return HyperparameterSpec("integer", default, low, high, hpo_tunable=tunable, used=used)


def _share(default: float, *, tunable: bool = False) -> HyperparameterSpec:
    return HyperparameterSpec("continuous", default, 0.0, 1.0, hpo_tunable=tunable)


def _flag(*, tunable: bool) -> HyperparameterSpec:
    return HyperparameterSpec("categorical", True, choices=("true", "false"), hpo_tunable=tunable)


_HRNN = {
    "hidden_dimension": _integer(149, 32, 256, used=False),
    "bptt": _integer(32, 2, 32),
    "recency_mask": _flag(tunable=True),
    "min_user_history_length_percentile": _share(0.0),
    "max_user_history_length_percentile": _share(0.99),
}
_V2 = {"apply_recency_bias": _flag(tunable=False)}
_EXPLORATION = {
    "explorationWeight": _share(0.3),
    "explorationItemAgeCutOff": HyperparameterSpec("continuous", 30.0, 1, None),
}
_SIMS = {
    "popularity_discount_factor": _share(0.5, tunable=True),
    "min_cointeraction_count": _integer(3, 0, 10),
    "min_user_history_length_percentile": _share(0.005),
    "max_user_history_length_percentile": _share(0.995),
    "min_item_interaction_count_percentile": _share(0.01),
    "max_item_interaction_count_percentile": _share(0.9),
}
_SIMILAR = {
    "popularity_discount_factor": _share(0.0),
    "item_id_hidden_dim": _integer(100, 30, 200, used=False),
    "item_metadata_hidden_dim": _integer(100, 30, 200, used=False),
}
_TREND = {
    "trend_discovery_frequency": HyperparameterSpec(
        "categorical", "2 hours", choices=("30 minutes", "1 hour", "2 hours", "3 hours", "1 day")
    )
}
_AFFINITY = {"hidden_dimension": _integer(149, 32, 256, tunable=False, used=False)}
_ITEMS = frozenset({"Interactions", "Items"})

_SPECS = (
    RecipeSpec(
        "aws-user-personalization-v2",
        "USER_PERSONALIZATION",
        "Predicts the items a user will interact with next.",
        hyperparameters=_V2,
        batch_inference=True,
        automatic_exploration=0.1,
    ),
    RecipeSpec(
        "aws-user-personalization",
        "USER_PERSONALIZATION",
        "Predicts the items a user will interact with, and explores new items.",
        hyperparameters=_HRNN,
        campaign_hyperparameters=_EXPLORATION,
        batch_inference=True,
        hpo=True,
        updatable=True,
    ),
    RecipeSpec(
        "aws-popularity-count",
        "POPULAR_ITEMS",
        "Ranks items by the number of unique users who interacted with them.",
        batch_inference=True,
    ),
    RecipeSpec(
        "aws-trending-now",
        "POPULAR_ITEMS",
        "Ranks items by how fast their popularity grows.",
        hyperparameters=_TREND,
    ),
    RecipeSpec(
        "aws-personalized-ranking-v2",
        "PERSONALIZED_RANKING",
        "Reranks a list of items for a user.",
        hyperparameters=_V2,
        batch_inference=True,
    ),
    RecipeSpec(
        "aws-personalized-ranking",
        "PERSONALIZED_RANKING",
        "Reranks a list of items for a user.",
        hyperparameters=_HRNN,
        batch_inference=True,
        hpo=True,
    ),
    RecipeSpec(
        "aws-similar-items",
        "RELATED_ITEMS",
        "Predicts items similar to an item from interactions and item metadata.",
        hyperparameters=_SIMILAR,
        batch_inference=True,
        hpo=True,
    ),
    RecipeSpec(
        "aws-sims",
        "RELATED_ITEMS",
        "Predicts items related to an item from co-occurrence in user histories.",
        hyperparameters=_SIMS,
        batch_inference=True,
        hpo=True,
    ),
    RecipeSpec(
        "aws-semantic-similarity",
        "RELATED_ITEMS",
        "Predicts items whose titles and descriptions mean something similar.",
        required_datasets=frozenset({"Items"}),
        batch_inference=True,
    ),
    RecipeSpec(
        "aws-item-affinity",
        "USER_SEGMENTATION",
        "Segments users by their interest in an item.",
        hyperparameters=_AFFINITY,
        batch_segment=True,
        campaign=False,
    ),
    RecipeSpec(
        "aws-item-attribute-affinity",
        "USER_SEGMENTATION",
        "Segments users by their interest in an item attribute.",
        required_datasets=_ITEMS,
        hyperparameters=_AFFINITY,
        batch_segment=True,
        campaign=False,
    ),
    RecipeSpec(
        "aws-next-best-action",
        "PERSONALIZED_ACTIONS",
        "Predicts the actions a user is most likely to take.",
        required_datasets=frozenset({"Interactions", "Actions"}),
        hyperparameters={"action_optimization_period": _integer(14, 7, 28, tunable=False)},
    ),
)

RECIPES: Mapping[str, RecipeSpec] = {spec.name: spec for spec in _SPECS}
