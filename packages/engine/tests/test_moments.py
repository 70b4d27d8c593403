from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories
from osusume_engine.models import moments
from osusume_engine.models.moments import Moments
from osusume_engine.models.personalization import Personalizer
from osusume_engine.training import TrainedModel, train

YEAR = 365 * 86_400


def histories(rows: list[list[tuple[int, int]]]) -> Histories:
    """rows: of each user, (item, second)."""
    flat = [event for row in rows for event in row]
    items, times = (np.array([event[at] for event in flat], np.int64) for at in (0, 1))
    ptr = np.cumsum([0, *(len(row) for row in rows)])
    return Histories(
        items.astype(np.int32), times, np.zeros(len(flat), np.int8), np.ones(len(flat), np.float32), ptr
    )


@pytest.fixture
def two_ages(monkeypatch: pytest.MonkeyPatch) -> Moments:
    """Item 0 three times at first, then item 1 twice and item 0 once; item 2 never."""
    monkeypatch.setattr(moments, "SPANS", 2)
    return Moments.fit(histories([[(0, 0), (0, 10), (0, 20)], [(1, 100), (0, 110), (1, 120)]]), 3)


def test_what_was_popular_is_counted_until_a_moment(two_ages: Moments) -> None:
    np.testing.assert_array_equal(two_ages.so_far, [[3, 4], [0, 2], [0, 0]])
    assert two_ages.popular[0, 0] == 0 and two_ages.popular[1].tolist()[:2] == [0, 1]
    assert two_ages.first[:2].tolist() == [0, 100] and two_ages.length == 120


def test_a_moment_says_what_was_there_then(two_ages: Moments) -> None:
    assert two_ages.span_of(np.array([5, 20, 110, 10_000])).tolist() == [0, 0, 1, 1]
    age, so_far = two_ages.columns(np.array([20, 110, 20, 20]), np.array([0, 1, 1, 2]))
    np.testing.assert_allclose(age, [20 / 120, 10 / 120, -80 / 120, -1])  # an item that never was, is not yet
    np.testing.assert_allclose(so_far, np.log1p([3, 2, 0, 0]) - np.log1p([4, 2, 2, 0]), rtol=1e-6)


def test_a_large_catalogue_gets_fewer_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    many = histories([[(item, item) for item in range(100)]])
    assert Moments.fit(many, 100).so_far.shape[1] > 40
    monkeypatch.setattr(moments, "CELLS", 500)
    assert Moments.fit(many, 100).so_far.shape[1] == 5


def test_events_of_one_second_are_one_span() -> None:
    assert Moments.fit(histories([[(0, 7), (1, 7)]]), 2).so_far.shape == (2, 1)
    assert Moments.fit(histories([[], []]), 2).popular.shape == (1, 2)


@pytest.fixture(scope="module")
def evergreens() -> TrainedModel:
    """Everybody has items that never age; half of all users have some of their year's own besides."""
    random = np.random.RandomState(0)

    def draw(year: int, own: bool) -> str:
        return f"i{year if own else 'green'}-{int(random.exponential(6)) % 20}"

    rows = [
        (
            f"{kind}{year}-{user}",
            draw(year, kind == "u" and random.rand() < 0.4),
            year * YEAR + random.randint(YEAR),
        )
        for year in range(8)
        for kind in "uv"
        for user in range(25)
        for _ in range(12)
    ]
    frame = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
    return train(recipe="aws-user-personalization-v2", data=TrainingData(interactions=frame))


def years(trained: TrainedModel, model: Personalizer) -> list[str]:
    """Of all items that users of evergreens alone, whose last event is in year 1, are listed besides those."""
    users = trained.users.codes(np.array([f"v1-{user}" for user in range(25)]))
    listed = model.recommend(trained.histories.take(users), 25).items.ravel()
    names = [str(trained.items.values[item]) for item in listed]
    return [name[1] for name in names if "green" not in name]


def test_only_time_tells_what_users_of_evergreens_could_know(evergreens: TrainedModel) -> None:
    then = years(evergreens, replace(evergreens.model, today=None))
    assert len(then) > 50
    assert np.mean([year == "1" for year in then]) > 0.8  # of 8 years, each as popular


def test_who_comes_back_years_later_is_shown_what_is_new(evergreens: TrainedModel) -> None:
    now = years(evergreens, evergreens.model)
    assert len(now) > 50
    assert np.mean([year == "7" for year in now]) > 0.8
