"""The demo's shop with the shipped factor: related lists that are not the popular list."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import yaml

from local.demo import complete_journey
from local.repository import REPOSITORY
from osusume_engine.metrics import sameness
from osusume_engine.training import train
from tests.demo.training_data import training_data

BUYERS, PLACES, AT_MOST = 20, 25, 5


def shipped() -> dict[str, str]:
    """Hyperparameters of the related solution in the example configuration, which are the shipped ones."""
    solutions = yaml.safe_load((REPOSITORY / "tests" / "example.yaml").read_text(encoding="utf-8"))[
        "solutions"
    ]
    [related] = [one for one in solutions if one["recipe"] == "aws-similar-items"]
    return dict(related["hyperparameters"])


def test_the_example_discounts_popularity_in_related_lists() -> None:
    assert shipped() == {"popularity_discount_factor": "0.8"}


@pytest.mark.nightly
def test_lists_of_the_demo_s_shop_hold_few_popular_items_and_differ() -> None:
    data = training_data(complete_journey.load(size="small", today=date(2026, 11, 27)))
    assert data.interactions is not None
    buyers = data.interactions.groupby("ITEM_ID").USER_ID.nunique().sort_values(ascending=False)
    popular = set(buyers.index[:PLACES])
    often = buyers.index[buyers >= BUYERS].tolist()
    model = train(recipe="aws-similar-items", data=data, hyperparameters=shipped())
    lists = [[one.id for one in listed] for listed in model.recommend_many(often, PLACES)]
    among = np.array([len(popular.intersection(listed)) for listed in lists])
    assert len(often) > 300
    assert all(len(set(listed)) == PLACES for listed in lists)
    assert (among <= AT_MOST).mean() >= 0.9
    codes = np.array([model.items.codes(listed) for listed in lists])
    assert sameness(codes) < 0.5  # 0.75 with a factor of 0, 0.99 of popular lists
