from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from osusume_engine.data import Event, EventParameters, EventsConfig, TrainingData
from osusume_engine.histories import encode, own_events, profile
from osusume_engine.metrics import ranking_metrics
from osusume_engine.models.candidates import FEATURES
from osusume_engine.models.linear import fit_ease
from osusume_engine.models.ranker import Examples, fit_ranker
from osusume_engine.preparation import prepare
from osusume_engine.recipes import RECIPES
from osusume_engine.recipes.families import LEARNERS
from osusume_engine.recipes.learning import Task
from osusume_engine.splits import hold_out
from osusume_engine.storage import load, save
from osusume_engine.training import TrainingError, train
from tests.blocks import START, block_of, data, interactions


def only(frame: pd.DataFrame) -> TrainingData:
    return TrainingData(interactions=frame)


def test_fewer_than_a_thousand_interactions_fail_with_the_number() -> None:
    with pytest.raises(TrainingError, match=r"is 999: at least 1000"):
        train(recipe="aws-popularity-count", data=only(interactions()[:999]))


def test_interactions_are_counted_after_filtering_by_event_type() -> None:
    frame = interactions().assign(EVENT_TYPE=["click"] * 700 + ["view"] * 740)
    with pytest.raises(TrainingError, match=r"is 700: at least 1000"):
        train(recipe="aws-popularity-count", data=only(frame), events=EventsConfig(event_type="click"))


def test_fewer_than_25_users_with_two_interactions_fail_with_the_number() -> None:
    frame = interactions()
    few = frame[frame.USER_ID.isin([f"u{n}" for n in range(24)])]
    many = pd.concat([few.assign(TIMESTAMP=few.TIMESTAMP + n) for n in range(4)])
    with pytest.raises(TrainingError, match=r"is 24: at least 25"):
        train(recipe="aws-popularity-count", data=only(many))


def test_a_missing_dataset_is_named() -> None:
    with pytest.raises(TrainingError, match="Items is missing"):
        train(recipe="aws-item-attribute-affinity", data=only(interactions()))
    with pytest.raises(TrainingError, match="Actions is missing"):
        train(recipe="aws-next-best-action", data=only(interactions()))


def test_unknown_recipes_and_hyperparameters_are_named() -> None:
    with pytest.raises(ValueError, match="aws-hrnn"):
        train(recipe="aws-hrnn", data=data())
    with pytest.raises(ValueError, match="hidden_dimension"):
        train(recipe="aws-sims", data=data(), hyperparameters={"hidden_dimension": "64"})
    with pytest.raises(ValueError, match=r"bptt='99' is out of range"):
        train(recipe="aws-user-personalization", data=data(), hyperparameters={"bptt": "99"})


@pytest.mark.parametrize("recipe", list(RECIPES))
def test_documented_defaults_are_inside_their_own_ranges(recipe: str) -> None:
    spec = RECIPES[recipe]
    defaults = {name: str(parameter.default) for name, parameter in spec.hyperparameters.items()}
    assert spec.parse(defaults) == spec.parse({})


def test_event_values_below_the_threshold_do_not_count() -> None:
    frame = interactions().assign(EVENT_TYPE="buy", EVENT_VALUE=[1.0, 5.0] * 720)
    chosen = EventsConfig(event_type="buy", event_value_threshold=3).select(frame)
    assert len(chosen) == 720
    assert set(chosen.EVENT_VALUE) == {5.0}


def test_weighted_event_types_leave_out_all_others() -> None:
    frame = pd.DataFrame({"EVENT_TYPE": ["buy", "view", "like", None], "EVENT_VALUE": [1.0, 9.0, 1.0, 1.0]})
    config = EventsConfig(parameters=(EventParameters("buy"), EventParameters("view", 0.3, threshold=10)))
    assert config.select(frame).EVENT_TYPE.tolist() == ["buy"]
    assert config.weights(["buy", "view", "other"]) == [1.0, 0.3, 1.0]
    assert config.accepts(Event("i1", 1, event_type="buy", event_value=1.0))
    assert not config.accepts(Event("i1", 1, event_type="like", event_value=1.0))
    assert not config.accepts(Event("i1", 1, event_type="view", event_value=9.0))
    assert not config.accepts(Event("i1", 1, event_type="view"))


def test_heavier_events_are_listed_before_lighter_ones() -> None:
    """Everybody alternates between views and purchases of two kinds of item."""
    random = np.random.RandomState(2)
    rows = []
    for user in range(150):
        for event in range(12):
            kind, first = ("buy", 0) if random.rand() < 0.5 else ("view", 30)
            rows.append((f"u{user}", f"i{first + random.randint(30)}", START + event, kind))
    frame = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"])
    shares = []
    for buy, view in ((1.0, 0.05), (0.05, 1.0)):
        weights = EventsConfig(parameters=(EventParameters("buy", buy), EventParameters("view", view)))
        trained = train(recipe="aws-user-personalization-v2", data=only(frame), events=weights)
        top = [s.id for n in range(30) for s in trained.recommend(user_id=f"u{n}", num_results=10)]
        shares.append(np.mean([int(one[1:]) < 30 for one in top]))
        assert "normalized_discounted_cumulative_gain_with_event_weights_at_25" in trained.metrics
    assert shares[0] > 0.7
    assert shares[1] < 0.3


def test_histories_are_oldest_first_and_ties_keep_their_order() -> None:
    frame = pd.DataFrame(
        {"USER_ID": ["a", "b", "a", "a"], "ITEM_ID": ["x", "x", "y", "z"], "TIMESTAMP": [5, 1, 2, 5]}
    )
    encoded = encode(frame)
    assert encoded.items.values[encoded.histories.user(0).items].tolist() == ["y", "x", "z"]


def test_a_profile_weighs_an_item_by_its_newest_occurrence() -> None:
    frame = pd.DataFrame({"USER_ID": "a", "ITEM_ID": ["x", "y", "x", "z"], "TIMESTAMP": range(4)})
    row = profile(encode(frame).histories, 3, decay=0.5).toarray()[0]
    assert row.tolist() == [0.5, 0.25, 1.0]


def test_own_events_count_and_date_every_item() -> None:
    frame = pd.DataFrame({"USER_ID": "a", "ITEM_ID": ["x", "y", "x", "z"], "TIMESTAMP": [10, 20, 30, 60]})
    own = own_events(encode(frame).histories, 3)
    assert own.counts.toarray()[0].tolist() == [2, 1, 1]
    assert own.seconds.toarray()[0].tolist() == [31, 41, 1]
    assert own.recency.toarray()[0].tolist() == pytest.approx([1 / 2, 1 / 3, 1])


def test_ease_is_the_ridge_solution_with_a_zero_diagonal() -> None:
    random = np.random.RandomState(0)
    frame = interactions()
    x = profile(encode(frame).histories, frame.ITEM_ID.nunique())
    weights = fit_ease(x, ridge=10.0)
    assert np.abs(np.diag(weights)).max() == 0
    dense = x.toarray().astype(np.float64)

    def loss(b: np.ndarray) -> float:
        return float(((dense - dense @ b) ** 2).sum() + 10 * (b**2).sum())

    for _ in range(5):
        step = random.randn(*weights.shape) * 1e-3
        np.fill_diagonal(step, 0)
        assert loss(weights + step) > loss(weights)


def test_the_ranker_keeps_the_baseline_where_nothing_better_validates() -> None:
    random = np.random.RandomState(0)
    queries = np.repeat(np.arange(60), 30)
    features = np.zeros((1800, len(FEATURES)), np.float32)
    features[:, FEATURES.index("popularity")] = random.rand(1800)
    order = np.argsort(-features[:, FEATURES.index("popularity")].reshape(60, 30), axis=1)
    labels = np.zeros((60, 30), np.int8)
    labels[np.arange(60), order[:, 0]] = 1
    examples = Examples(features, labels.ravel(), np.ones(1800), queries, np.ones(60, int), np.arange(60))
    ranker = fit_ranker(examples, seed=0)
    assert ranker.validation["popularity"] == 1.0
    assert ranker.validation[ranker.kind] == 1.0


def test_repeats_are_learned_from_the_data() -> None:
    """Two catalogues of habits: everyone buys their own three items again and again, or never one twice."""
    random = np.random.RandomState(1)
    again, once = [], []
    for user in range(100):
        mine, walk = random.permutation(60)[:3], random.permutation(60)
        for event in range(12):
            again.append((f"u{user}", f"i{mine[random.randint(3)]}", START + event))
            once.append((f"u{user}", f"i{walk[event]}", START + event))
    shares = []
    for rows in (again, once):
        frame = pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP"])
        trained = train(recipe="aws-user-personalization-v2", data=only(frame))
        bought = frame.groupby("USER_ID").ITEM_ID.agg(set)
        top = [(user, trained.recommend(user_id=user, num_results=3)) for user in bought.index[:30]]
        shares.append(np.mean([s.id in bought[user] for user, listed in top for s in listed]))
    assert shares[0] > 0.9
    assert shares[1] < 0.1


def test_without_recency_bias_an_old_event_weighs_as_much_as_a_new_one() -> None:
    plain = train(
        recipe="aws-user-personalization-v2", data=data(), hyperparameters={"apply_recency_bias": "false"}
    )
    assert plain.model.generators.settings.ease_decay == 1.0


def test_sims_drops_pairs_below_the_minimum_cointeraction_count() -> None:
    strict = train(recipe="aws-sims", data=data(), hyperparameters={"min_cointeraction_count": "10"})
    loose = train(recipe="aws-sims", data=data(), hyperparameters={"min_cointeraction_count": "0"})
    counts = [one.model.relations.matrices["together"].nnz for one in (strict, loose)]
    assert counts[0] < counts[1]


def test_items_without_interactions_count_for_coverage_and_can_be_listed() -> None:
    extra = pd.DataFrame(
        {"ITEM_ID": ["cold1", "cold2"], "GENRE": ["genre0", "genre1"], "DESCRIPTION": ["", ""]}
    )
    items = pd.concat([data().items, extra])
    trained = train(recipe="aws-popularity-count", data=replace(data(), items=items))
    listed = [s.id for s in trained.recommend(user_id="u0", num_results=500)]
    assert {"cold1", "cold2"} <= set(listed)


def test_similar_items_relates_a_cold_item_by_its_metadata() -> None:
    extra = pd.DataFrame({"ITEM_ID": ["cold"], "GENRE": ["genre2"], "DESCRIPTION": ["pasta oven basil"]})
    trained = train(recipe="aws-similar-items", data=replace(data(), items=pd.concat([data().items, extra])))
    listed = [s.id for s in trained.recommend(item_id="cold", num_results=6)]
    assert [block_of(one) for one in listed] == [2] * 6


def test_similar_items_lists_an_item_that_nobody_met_beside_what_it_resembles() -> None:
    extra = pd.DataFrame({"ITEM_ID": ["unseen"], "GENRE": ["genre2"], "DESCRIPTION": ["pasta oven basil"]})
    trained = train(recipe="aws-similar-items", data=replace(data(), items=pd.concat([data().items, extra])))
    for one in range(12):
        listed = trained.recommend(item_id=f"i{one}", num_results=25)
        assert len({s.id for s in listed}) == len(listed) == 25
        assert ("unseen" in {s.id for s in listed}) == (block_of(f"i{one}") == 2)
        assert [s.score for s in listed] == sorted((s.score for s in listed), reverse=True)
        short = trained.recommend(item_id=f"i{one}", num_results=9)
        assert "unseen" not in {s.id for s in short}
    seen = lambda ids: np.array([one != "unseen" for one in ids])  # noqa: E731
    assert "unseen" not in {s.id for s in trained.recommend(item_id="i2", num_results=25, allowed=seen)}


def test_semantic_similarity_needs_no_interactions() -> None:
    trained = train(recipe="aws-semantic-similarity", data=replace(data(), interactions=None))
    assert [s.id for s in trained.recommend(item_id="i0", num_results=3)]


def test_only_registered_classes_are_saved(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(TypeError, match="storable"):
        save(object(), tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_ids_of_any_characters_survive_saving(tmp_path) -> None:  # type: ignore[no-untyped-def]
    values = np.array(["a", "", "日本", "a\nb", "x" * 300], dtype=object)
    save(values, tmp_path / "ids")
    assert load(tmp_path / "ids").tolist() == values.tolist()


def test_where_nobody_repeats_owners_come_last_in_a_segment_and_no_segment_is_empty() -> None:
    frame = interactions().drop_duplicates(["USER_ID", "ITEM_ID"])
    everyone = frame.drop_duplicates("USER_ID").assign(ITEM_ID="i79", TIMESTAMP=START - 1)
    trained = train(recipe="aws-item-affinity", data=only(pd.concat([frame, everyone])))
    assert not trained.model.repeats
    had = set(frame[frame.ITEM_ID == "i4"].USER_ID)
    segment = [user.id for user in trained.segment(item_id="i4", num_results=200)]
    assert set(segment) == set(frame.USER_ID) and set(segment[-len(had) :]) == had
    for item in ("i79", "unheard"):  # which everyone had, and nobody
        assert len(trained.segment(item_id=item, num_results=200)) == frame.USER_ID.nunique()


@pytest.mark.parametrize("recipe", ["aws-popularity-count", "aws-trending-now", "aws-sims"])
def test_a_recipe_gives_the_lists_that_its_metrics_judge_on_the_split_that_is_given(recipe: str) -> None:
    prepared = prepare(only(interactions()), events=None, required=frozenset({"Interactions"}))
    split = hold_out(prepared.histories, seed=5, folds=3)
    task = Task(prepared, RECIPES[recipe].parse({}), seed=0, split=split)
    learned = LEARNERS[recipe](task)
    assert learned.lists is not None and len(learned.lists) == len(split.test_users)
    judged = ranking_metrics(lists=learned.lists, relevant=split.truth, n_items=len(prepared.items))
    assert {key: learned.metrics[key] for key in judged} == judged
