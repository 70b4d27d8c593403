"""The protocol, the sample and the people: who is asked what, and what training knows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from assess import baselines, people, trials
from assess.sample import EVENTS, NEWEST, draw
from assess.trials import Job, Subject
from osusume_engine.data import TrainingData
from osusume_engine.preparation import Prepared, prepare
from osusume_engine.splits import hold_out
from tests.assess import shops


def rows() -> pd.DataFrame:
    return shops.interactions(events=1200, users=40, items=50)


def prepared() -> Prepared:
    return prepare(TrainingData(interactions=rows()), events=None, required=trials.NEEDS)


def subject() -> Subject:
    return Subject(TrainingData(interactions=rows()), {"purchase": 1.0, "view": 0.2}, ("purchase", 40.0))


def test_small_data_are_taken_whole() -> None:
    found = draw(rows())
    assert found.whole and len(found.interactions) == 1200


def test_a_sample_is_of_newest_events_and_holds_who_is_named() -> None:
    frame = shops.interactions(events=3 * EVENTS, users=60, items=50)
    found, again = draw(frame, named="u031"), draw(frame, named="u031")
    assert found.interactions.equals(again.interactions) and not found.whole
    assert "u031" in set(found.interactions.USER_ID)
    assert found.interactions.groupby("USER_ID").size().max() == NEWEST
    mine = frame[frame.USER_ID == "u031"].TIMESTAMP.nlargest(NEWEST)
    assert set(found.interactions[found.interactions.USER_ID == "u031"].TIMESTAMP) == set(mine)
    assert len(found.interactions) <= EVENTS + NEWEST


def test_by_time_training_knows_nothing_of_later() -> None:
    past, split = trials.by_time(prepared())
    moment = split.train.times.max()
    assert past.interactions.TIMESTAMP.max() == moment == split.seen.times.max()
    assert split.relevant.times.min() > moment
    assert len(split.relevant.items) == rows().TIMESTAMP.gt(moment).sum()


def test_popular_this_week_is_of_the_last_seven_days() -> None:
    _, split = trials.by_time(prepared())
    frame = rows()
    end = split.train.times.max()
    week = frame[frame.TIMESTAMP.le(end) & frame.TIMESTAMP.gt(end - 7 * 86_400)]
    counts = week.drop_duplicates(["USER_ID", "ITEM_ID"]).ITEM_ID.value_counts()
    names = prepared().items.values
    first = names[baselines.popular_this_week(split, len(names))[0][0]]
    assert counts[first] == counts.max()


def test_the_figures_of_popularity_are_the_recipes() -> None:
    """Two ways to the same: our baseline, and the recipe that counts."""
    jobs = [Job("personal", "baselines", 2), Job("everyone", "aws-popularity-count", 2)]
    simple, learned = trials.run(subject(), jobs)
    mine = next(one for one in simple.judged if one.name == "popularity")
    assert mine.ndcg.mean() == pytest.approx(learned.metrics["normalized_discounted_cumulative_gain_at_25"])
    assert mine.mrr.mean() == pytest.approx(learned.metrics["mean_reciprocal_rank_at_25"])
    assert mine.precision.mean() == pytest.approx(learned.metrics["precision_at_25"])
    assert np.array_equal(mine.ndcg, learned.judged[0].ndcg)


def test_a_threshold_leaves_low_values_out_of_training_and_asks_the_same() -> None:
    whole = prepared()
    split = hold_out(whole.histories)
    varied, its = trials.varied(subject(), "threshold", whole, split)
    frame = rows()
    low = frame.EVENT_TYPE.eq("purchase") & frame.EVENT_VALUE.lt(40)
    assert len(varied.histories.items) == len(frame) - low.sum()
    kept = frame[~low]
    assert np.array_equal(np.sort(varied.histories.times), np.sort(kept.TIMESTAMP))
    assert np.array_equal(its.relevant.items, split.relevant.items)


def test_weights_reach_training_and_ask_the_same() -> None:
    whole = prepared()
    split = hold_out(whole.histories)
    _, its = trials.varied(subject(), "weights", whole, split)
    assert set(np.unique(its.train.weights)) == {np.float32(0.2), np.float32(1.0)}
    assert np.array_equal(its.seen.items, split.seen.items)


def test_neighbours_never_list_the_item_that_is_looked_at() -> None:
    whole = prepared()
    split = hold_out(whole.histories)
    for way in baselines.RELATED.values():
        lists = way(split, len(whole.items))
        assert not (lists == baselines.last_items(split)[:, None]).any()


def test_five_people_and_five_items_are_who_they_are_said_to_be() -> None:
    whole, frame = prepared(), rows()
    chosen = people.users(whole, named="u007")
    names = {why: whole.users.values[code] for why, code in chosen.items()}
    sizes, first = frame.USER_ID.value_counts(), frame.groupby("USER_ID").TIMESTAMP.min()
    assert names["named"] == "u007" and names["newest"] == first.idxmax()
    assert sizes[names["heaviest"]] == sizes.max()
    items = {why: whole.items.values[code] for why, code in people.items(whole).items()}
    counts, born = frame.ITEM_ID.value_counts(), frame.groupby("ITEM_ID").TIMESTAMP.min()
    assert counts[items["top"]] == counts.max() and items["newest"] == born.idxmax()
    assert len(people.users(whole)) == len(chosen) == len(items) == 5
