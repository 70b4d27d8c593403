"""popularity_discount_factor: related lists that go with their item rather than with every item."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from bench.related import Next, measured
from bench.shop import shop
from osusume_engine.data import TrainingData
from osusume_engine.histories import Histories, profile, users_of
from osusume_engine.metrics import ranking_metrics, sameness
from osusume_engine.models.discount import Discount, _places
from osusume_engine.models.neighbours import fit_cosine
from osusume_engine.models.popularity import Popularity
from osusume_engine.models.ranking import Lists
from osusume_engine.models.related import newest_of_each_item
from osusume_engine.preparation import prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import hold_out
from tests.blocks import START, one_history

GROUPS, STAPLES = 80, 30


def placed(popular: str, share: float, k: int) -> str:
    """Which kind takes each place: P of a popular item, o of another one, - of none."""
    mark = np.array([[one == "P" for one in popular]])
    order = _places(mark, ~mark, share, k)[0]
    assert len({one for one in order.tolist() if one >= 0}) == (order >= 0).sum()
    return "".join(popular[one] if one >= 0 else "-" for one in order)


@pytest.mark.parametrize(
    ("given", "share", "expected"),
    [
        ("PPPPPooooo", 1.0, "PPPPPooooo"),
        ("PPPPPooooo", 0.5, "PoPoPoPoPo"),
        ("PPPPPooooo", 0.2, "PooooPoPPP"),  # one in five; then no other is left
        ("PPPPPooooo", 0.0, "oooooPPPPP"),
        ("ooooPPPPoo", 0.5, "ooooPPPPoo"),  # the first eight have four
        ("oPPoP", 0.33, "oPoPP"),
        ("PP", 0.2, "PP---"),
        ("oo", 0.2, "oo---"),
    ],
)
def test_popular_items_wait_until_they_fit_and_nothing_is_lost(
    given: str, share: float, expected: str
) -> None:
    assert placed(given, share, len(expected)) == expected


def test_no_beginning_of_a_list_has_more_popular_items_than_its_share_while_there_are_others() -> None:
    random = np.random.RandomState(0)
    for share in (0.0, 0.2, 0.5, 0.8):
        popular = random.rand(40, 75) < 0.5
        order = _places(popular, ~popular, share, 25)
        had = np.take_along_axis(popular, order, axis=1).cumsum(axis=1)
        assert (had <= np.ceil(share * np.arange(1, 26) - 1e-9)).all()


def test_scores_stay_with_the_places_and_padding_stays_last() -> None:
    users = np.arange(300.0, 0, -1)  # items 0 to 24 are the popular ones
    popularity = Popularity(users, users, users, users, users)
    lists = Lists(np.array([[3, 1, 50, 2, 60, -1]]), np.array([[0.5, 0.4, 0.3, 0.2, 0.1, 0.0]]))
    found = Discount(0.5).spread(lists, popularity, 4)
    assert found.items.tolist() == [[3, 50, 1, 60]]
    assert found.scores.tolist() == [[0.5, 0.4, 0.3, 0.1]]
    assert Discount(0.0).spread(lists, popularity, 4).items.tolist() == [[3, 1, 50, 2]]
    assert Discount(0.5).spread(lists, popularity, 6).items.tolist() == [[3, 50, 1, 60, 2, -1]]


def test_in_a_small_catalogue_a_tenth_of_the_items_are_the_popular_ones() -> None:
    users = np.arange(20.0, 0, -1)
    lists = Lists(np.array([[0, 1, 2, 3]]), np.array([[0.4, 0.3, 0.2, 0.1]]))
    found = Discount(1.0).spread(lists, Popularity(users, users, users, users, users), 4)
    assert found.items.tolist() == [[2, 3, 0, 1]]


def test_a_hit_is_worth_less_the_more_popular_its_item() -> None:
    assert Discount(0.0).worth(np.array([0.0, 99.0])).tolist() == [1, 1]
    assert Discount(1.0).worth(np.array([0.0, 99.0])).tolist() == pytest.approx([1, 0.01])
    assert Discount(0.5).worth(np.array([0.0, 99.0])).tolist() == pytest.approx([1, 0.1])


def test_sameness_is_the_mean_overlap_of_all_pairs_of_lists() -> None:
    random = np.random.RandomState(0)
    lists = np.stack([random.choice(60, 25, replace=False) for _ in range(12)])
    lists[3, 20:] = -1
    overlaps = [len(set(a[a >= 0]) & set(b[b >= 0])) / 25 for a, b in combinations(lists, 2)]
    assert sameness(lists) == pytest.approx(np.mean(overlaps))
    assert sameness(np.tile(lists[:1], (4, 1))) == 1
    assert sameness(np.arange(75).reshape(3, 25)) == 0
    assert sameness(lists[:1]) == 0
    assert sameness(lists, 5) == pytest.approx(
        np.mean([len(set(a[:5]) & set(b[:5])) / 5 for a, b in combinations(lists, 2)])
    )


def test_the_newest_events_of_an_item_stay() -> None:
    history = replace(one_history(np.array([1, 2, 1, 1])), times=np.array([3, 2, 1, 5]))
    kept = newest_of_each_item(history, 2)
    assert list(zip(kept.items.tolist(), kept.times.tolist(), strict=True)) == [(1, 3), (2, 2), (1, 5)]
    assert newest_of_each_item(history, 9).items.tolist() == history.items.tolist()


@cache
def baskets() -> TrainingData:
    """Every basket has two of the staples, which are the most popular items, and all items of two of the groups."""
    random = np.random.RandomState(0)
    rows = []
    for user in range(300):
        for visit in range(4):
            second = START + visit * 86_400 + user
            bought = [f"staple{n}" for n in random.choice(STAPLES, 2, replace=False)]
            for group in random.choice(GROUPS, 2, replace=False):
                bought += [f"left{group}", f"right{group}", f"also{group}"]
            rows += [(f"u{user}", item, second) for item in random.permutation(bought)]
    return TrainingData(interactions=pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"]))


@cache
def lists_of(recipe: str, factor: str) -> tuple[np.ndarray, Histories, np.ndarray, np.ndarray]:
    """(lists of every item, held-out users, users of each item, ids): nothing was learned from the held-out."""
    prepared = prepare(baskets(), events=None, required=frozenset())
    split = hold_out(prepared.histories, folds=5)
    values = RECIPES[recipe].parse({"popularity_discount_factor": factor})
    model = LEARNERS[recipe](Task(replace(prepared, histories=split.train), values, 0)).model
    n_items = len(prepared.items)
    held_out = prepared.histories.take(split.test_users)
    lists = model.related(np.arange(n_items), 25).items
    return lists, held_out, users_of(split.train, n_items), prepared.items.values


@pytest.mark.parametrize("recipe", ["aws-similar-items", "aws-sims"])
def test_a_discounted_list_holds_few_popular_items_and_what_goes_with_its_item(recipe: str) -> None:
    """The bars of the demo's shop: at most 5 of 25 among the most popular, and more hits than these have."""
    lists, held_out, users, ids = lists_of(recipe, "0.8")
    found = measured(lists, Next.of(held_out), users)
    assert found.figures["at most 5"] == 1
    error = found.gains.std() / found.counts.mean() / np.sqrt(len(found.gains))
    assert found.gains.sum() / found.counts.sum() > 2 * error
    partners = [
        {f"{side}{one[4:]}" for side in ("right", "also")} <= set(ids[row[:5]])
        for one, row in zip(ids, lists, strict=True)
        if one.startswith("left")
    ]
    assert np.mean(partners) > 0.95


def test_the_nearer_the_factor_is_to_one_the_fewer_popular_items_and_the_less_alike_the_lists() -> None:
    figures = []
    for factor in ("0.0", "0.8", "1.0"):
        lists, held_out, users, _ = lists_of("aws-similar-items", factor)
        figures.append(measured(lists, Next.of(held_out), users).figures)
    popular = [one["popular"] for one in figures]
    assert popular[0] > 10 > 5.01 > popular[1] > popular[2]
    assert figures[0]["sameness"] > figures[1]["sameness"] > figures[2]["sameness"]


def test_a_model_says_its_factor_and_reports_personalize_s_metrics_alone() -> None:
    from osusume_engine.training import train

    model = train(recipe="aws-sims", data=baskets(), hyperparameters={"popularity_discount_factor": "0.8"})
    assert model.hyperparameters["popularity_discount_factor"] == "0.8"
    assert "sameness" not in model.metrics
    assert len(model.metrics) == 8  # with the version's own, nine keys


def sessions() -> TrainingData:
    """A shop's clicks, where every session is a user of its own."""
    clicks = shop(users=500, products=300).interactions
    assert clicks is not None
    ordered = clicks.sort_values(["USER_ID", "TIMESTAMP"], kind="stable")
    starts = (ordered.USER_ID.shift() != ordered.USER_ID) | (ordered.TIMESTAMP.diff() > 1800)
    return TrainingData(interactions=ordered.assign(USER_ID="s" + starts.cumsum().astype(str)))


def test_sims_at_its_documented_default_is_near_item_knn_on_sessions() -> None:
    prepared = prepare(sessions(), events=None, required=frozenset())
    task = Task(prepared, RECIPES["aws-sims"].parse({}), 0)
    split, n_items = task.holdout(), len(prepared.items)
    last = split.seen.items[split.seen.ptr[1:] - 1]
    cosines = fit_cosine(profile(split.train, n_items), shrink=10.0, keep=100)[last].toarray()
    cosines[np.arange(len(last)), last] = -1
    knn = ranking_metrics(
        lists=np.argsort(-cosines, axis=1, kind="stable")[:, :25], relevant=split.truth, n_items=n_items
    )
    key = "normalized_discounted_cumulative_gain_at_25"
    assert LEARNERS["aws-sims"](task).metrics[key] > 0.75 * knn[key]
