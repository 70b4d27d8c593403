"""Every recipe's model has one shape, `Model`: it answers its recipe's question and refuses the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from osusume_engine.histories import empty_histories
from osusume_engine.models.model import Answers, Model, Unanswered
from osusume_engine.recipes import RECIPES
from osusume_engine.training import TrainedModel, train
from tests.blocks import data, one_history

QUERY = one_history(np.array([0, 4, 8]))
ITEMS = np.array([1, 2, 3])
ASKED: dict[str, Callable[[Model], object]] = {
    "recommend": lambda model: model.recommend(QUERY, 5),
    "rank": lambda model: model.rank(QUERY, ITEMS),
    "related": lambda model: model.related(ITEMS, 5),
    "segment": lambda model: model.segment(ITEMS, 5),
    "matching": lambda model: model.matching({"GENRE": ["genre1"]}),
    "act": lambda model: model.act("u1", 5),
}
OF_TYPE = {
    "USER_PERSONALIZATION": {"recommend", "rank"},
    "PERSONALIZED_RANKING": {"recommend", "rank"},
    "POPULAR_ITEMS": {"recommend"},
    "RELATED_ITEMS": {"related"},
    "USER_SEGMENTATION": {"segment"},
    "PERSONALIZED_ACTIONS": {"act"},
}
BOTH = ("moment", "traits", "imitable", "personal")  # known of every model, if only as None
EACH = pytest.mark.parametrize("recipe", list(RECIPES))


@cache
def trained(recipe: str) -> TrainedModel:
    return train(recipe=recipe, data=data())


def answered(recipe: str) -> set[str]:
    of_attributes = {"matching"} if recipe == "aws-item-attribute-affinity" else set()
    return OF_TYPE[RECIPES[recipe].type] | of_attributes


def members(shape: type) -> set[str]:
    return {name for name in vars(shape) if not name.startswith("_")}


def test_the_protocol_is_what_models_inherit_and_what_is_asked_here() -> None:
    assert members(Model) == members(Answers) == {*ASKED, *BOTH}
    for name in ASKED:
        assert inspect.signature(getattr(Model, name)) == inspect.signature(getattr(Answers, name))


@EACH
def test_a_recipe_s_model_takes_what_the_protocol_says(recipe: str) -> None:
    model = trained(recipe).model
    for name in ASKED:
        said = list(inspect.signature(getattr(Model, name)).parameters.values())[1:]
        taken = list(inspect.signature(getattr(model, name)).parameters.values())
        assert [(one.name, one.kind, one.default) for one in taken] == [
            (one.name, one.kind, one.default) for one in said
        ]


@EACH
def test_a_recipe_s_model_answers_its_question_and_names_the_others(recipe: str) -> None:
    model = trained(recipe).model
    for name, ask in ASKED.items():
        if name in answered(recipe):
            assert ask(model) is not None
        else:
            with pytest.raises(Unanswered, match=rf"has no answer to '{name}'"):
                ask(model)


@EACH
def test_what_is_known_of_every_model_is_known_of_the_recipe_s(recipe: str) -> None:
    """Only models of personal lists can be imitated; only an updatable recipe's needs `personal`."""
    model = trained(recipe).model
    personal = RECIPES[recipe].type in ("USER_PERSONALIZATION", "PERSONALIZED_RANKING")
    assert model.moment({"DEVICE": "tv"}) is None
    assert model.traits(["u1"]) is None
    assert (model.imitable is not None) == personal
    assert (model.personal is not None) == personal


def test_a_question_to_the_wrong_recipe_s_model_is_refused_by_name() -> None:
    with pytest.raises(Unanswered, match="RelatedItems has no answer to 'rank'"):
        trained("aws-sims").rank(user_id="u1", item_ids=["i1", "i2"])
    with pytest.raises(Unanswered, match="no answer to 'act'"):
        trained("aws-popularity-count").actions(user_id="u1")
    assert len(trained("aws-popularity-count").model.recommend(empty_histories(), 5).items) == 1
