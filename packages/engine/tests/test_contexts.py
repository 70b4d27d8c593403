from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from osusume_engine.ids import Ids
from osusume_engine.models.contexts import Contexts, Validation, chosen_weights

QUERIES, POOL = 400, 40


def validation(strengths: Sequence[float], *, seed: int = 0) -> Validation:
    """One wanted item a query, drawn by odds that each column's lift raises with its strength."""
    random = np.random.RandomState(seed)
    columns = tuple(f"C{at}" for at in range(len(strengths)))
    lifts = tuple(random.randn(2, POOL).astype(np.float32) for _ in columns)
    codes = random.randint(0, 2, (QUERIES, len(columns)))
    items = np.tile(np.arange(POOL), (QUERIES, 1))
    scores = random.dirichlet(np.ones(POOL), QUERIES)
    odds = np.log(scores) + random.gumbel(size=scores.shape)
    for at, strength in enumerate(strengths):
        odds += strength * lifts[at][codes[:, at]]
    hits = odds == odds.max(axis=1, keepdims=True)
    ids = tuple(Ids(np.array(["a", "b"], dtype=object)) for _ in columns)
    return Validation(Contexts(columns, ids, lifts, (1.0,) * len(columns)), codes, items, scores, hits)


@pytest.mark.parametrize(("strength", "least", "most"), [(0.5, 0.25, 1.0), (1.0, 0.5, 2.0), (4.0, 2.0, 3.0)])
def test_a_column_weighs_as_much_as_it_says(strength: float, least: float, most: float) -> None:
    for seed in range(3):
        (weight,) = chosen_weights([validation([strength], seed=seed)])
        assert least <= weight <= most


def test_columns_that_say_nothing_have_no_weight_however_many_there_are() -> None:
    chosen = [chosen_weights([validation([0.0] * 12, seed=seed)]) for seed in range(25)]
    assert np.count_nonzero(chosen) <= 2  # of 300


def test_a_column_that_says_something_is_found_among_those_that_do_not() -> None:
    weights = chosen_weights([validation([0.0, 0.0, 1.0, 0.0])])
    assert weights[2] >= 0.5 and np.count_nonzero(weights) == 1
