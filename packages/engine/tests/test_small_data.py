"""Every recipe learns something usable from the least data that Personalize accepts, however odd."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.recipes import TWINS
from osusume_engine.data import TrainingData
from osusume_engine.recipes import RECIPES
from osusume_engine.training import TrainedModel, train

EVENTS = 1000
DAY = 86_400
LEARNED = [name for name in RECIPES if name not in TWINS and name != "aws-next-best-action"]


def shaped(shape: str) -> TrainingData:
    random = np.random.RandomState(0)
    users, times = np.arange(EVENTS) % 25, 1_700_000_000 + random.randint(0, 90 * DAY, EVENTS)
    items = random.randint(0, 1500, EVENTS)
    if shape == "one item":
        items[:] = 0
    if shape == "no item twice":
        items = np.arange(EVENTS)
    if shape == "all at once":
        times[:] = 1_700_000_000
    if shape == "a small catalogue":
        items %= 30
    if shape == "most of one user":
        users[:900] = 0
    frame = pd.DataFrame(
        {
            "USER_ID": [f"u{n}" for n in users],
            "ITEM_ID": [f"i{n}" for n in items],
            "TIMESTAMP": np.sort(times),
        }
    )
    known = [f"i{n}" for n in range(items.max() + 2)]
    catalogue = pd.DataFrame(
        {
            "ITEM_ID": known,
            "GENRE": random.choice(["a", "b|c", None], len(known)),
            "DESCRIPTION": random.choice(["red shoe", "blue shoe", "", None], len(known)),
        }
    )
    return TrainingData(
        interactions=frame,
        items=catalogue,
        categorical={"Items": frozenset({"GENRE"})},
        textual={"Items": frozenset({"DESCRIPTION"})},
    )


def answer(model: TrainedModel) -> list[str]:
    kind = model.spec.type
    if kind == "USER_SEGMENTATION":
        found = model.segment(item_id="i0")
    elif kind == "RELATED_ITEMS":
        found = model.recommend(item_id="i0")
    else:
        found = model.recommend(user_id="u3")
    return [one.id for one in found]


SHAPES = (
    "a large catalogue",
    "a small catalogue",
    "one item",
    "no item twice",
    "all at once",
    "most of one user",
)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("recipe", LEARNED)
def test_a_recipe_trains_and_answers(recipe: str, shape: str) -> None:
    model = train(recipe=recipe, data=shaped(shape))
    assert model.metrics and all(np.isfinite(value) for value in model.metrics.values())
    listed = answer(model)
    assert listed and len(set(listed)) == len(listed)
