from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from osusume_engine.histories import Histories, encode
from osusume_engine.splits import PRACTISED, held_out_lengths, hold_out, practice, split_each_user
from tests.blocks import interactions


def histories() -> Histories:
    return encode(interactions(per_user=20)).histories


def test_a_tenth_of_the_users_is_tested_and_never_trained_on() -> None:
    split = hold_out(histories(), seed=3)
    assert len(split.test_users) == 12
    assert not set(split.test_users) & set(split.train_users)
    assert len(split.train) == 108


def test_folds_test_every_user_once() -> None:
    tested = np.concatenate([hold_out(histories(), fold=fold).test_users for fold in range(10)])
    assert sorted(tested) == list(range(120))


def test_the_newest_tenth_is_relevant_and_the_rest_is_seen() -> None:
    whole = histories()
    split = hold_out(whole)
    for place, user in enumerate(split.test_users):
        events = whole.user(user).items.tolist()
        assert split.seen.user(place).items.tolist() == events[:-2]
        assert split.truth[place].tolist() == events[-2:]


def test_at_least_one_event_is_held_out() -> None:
    assert held_out_lengths(np.array([2, 4, 10, 26])).tolist() == [1, 1, 1, 3]


def test_users_with_one_event_train_but_are_not_tested() -> None:
    frame = pd.DataFrame({"USER_ID": list("abcd"), "ITEM_ID": list("wxyz"), "TIMESTAMP": range(4)})
    split = hold_out(encode(frame).histories, folds=2)
    assert len(split.test_users) == 0
    assert len(split.train) == 4


@pytest.mark.parametrize("back", [0, 1, 3])
def test_practice_cuts_twentieths_before_the_end_and_asks_for_the_next_tenth(back: int) -> None:
    whole = histories()
    users, seen, relevant = practice(whole, back)
    assert users.tolist() == list(range(120))
    for user in (0, 70):
        events, cut = whole.user(user).items.tolist(), 18 - back
        assert seen.user(user).items.tolist() == events[:cut]
        assert relevant.user(user).items.tolist() == events[cut : cut + 2]


def test_practice_asks_short_histories_at_their_end_only() -> None:
    lengths = [1, 2, PRACTISED - 1, PRACTISED]
    frame = pd.DataFrame(
        {"USER_ID": np.repeat(list("abcd"), lengths), "ITEM_ID": "i", "TIMESTAMP": range(sum(lengths))}
    )
    whole = encode(frame).histories
    assert practice(whole, 0)[0].tolist() == [1, 2, 3]
    assert practice(whole, 1)[0].tolist() == [3]
    users, seen, relevant = practice(whole, PRACTISED)
    assert len(users) == len(seen) == len(relevant) == 0


def test_segmentation_trains_on_the_oldest_four_fifths_of_every_user() -> None:
    whole = histories()
    earlier, later = split_each_user(whole)
    assert set(earlier.lengths) == {16}
    assert set(later.lengths) == {4}
    assert earlier.user(5).items.tolist() + later.user(5).items.tolist() == whole.user(5).items.tolist()
