"""A user who is taken out of a model is a stranger to it, and nobody else is another."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osusume_engine.forgetting import FIELDS, forget
from osusume_engine.training import TrainedModel, train
from tests.blocks import data

RECIPES = (
    "aws-user-personalization-v2",
    "aws-similar-items",
    "aws-popularity-count",
    "aws-item-affinity",
    "aws-next-best-action",
)


def test_every_field_that_is_named_is_one_of_a_model() -> None:
    from osusume_engine.models.actions import ActionModel
    from osusume_engine.models.newcomers import Newcomers

    named = {cls.__name__: cls.__annotations__ for cls in (TrainedModel, ActionModel, Newcomers)}
    for field in FIELDS:
        owner, _, name = field.partition(".")
        assert named[owner][name] == "Ids"


def written(folder: Path) -> bytes:
    """All that the files of a model say; arrays of text are kept as their bytes."""
    with np.load(folder / "arrays.npz") as arrays:
        return (folder / "model.json").read_bytes() + b"".join(
            arrays[name].tobytes() for name in arrays.files
        )


@pytest.mark.parametrize("recipe", RECIPES)
def test_no_file_of_a_model_has_the_user_and_others_get_what_they_got(recipe: str, tmp_path: Path) -> None:
    trained = train(recipe=recipe, data=data())
    trained.save(tmp_path / "model")
    before = written(tmp_path / "model")
    assert b"u117" in before
    forget(tmp_path / "model", ["u117", "i4", "nobody"])
    left = TrainedModel.load(tmp_path / "model")
    assert b"u117" not in written(tmp_path / "model")
    assert list(left.items.values) == list(trained.items.values), "an item has the id of nobody"
    assert left.users.code("u116") == trained.users.code("u116")
    assert left.users.code("u117") == -1
    forget(tmp_path / "model", ["u117"])
    assert list(TrainedModel.load(tmp_path / "model").users.values) == list(left.users.values)


def test_a_forgotten_user_is_a_stranger(tmp_path: Path) -> None:
    trained = train(recipe="aws-user-personalization-v2", data=data())
    trained.save(tmp_path / "model")
    forget(tmp_path / "model", ["u7"])
    left = TrainedModel.load(tmp_path / "model")
    assert left.recommend(user_id="u7") == trained.recommend(user_id="nobody-we-know")
    assert left.recommend(user_id="u8") == trained.recommend(user_id="u8")


def test_a_forgotten_user_is_in_no_segment(tmp_path: Path) -> None:
    trained = train(recipe="aws-item-affinity", data=data())
    first = trained.segment(item_id="i0", num_results=10)
    trained.save(tmp_path / "model")
    forget(tmp_path / "model", [first[0].id])
    left = TrainedModel.load(tmp_path / "model").segment(item_id="i0", num_results=10)
    assert [one.id for one in left[:9]] == [one.id for one in first[1:]]
