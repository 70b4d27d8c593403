"""Simulated events follow from orders and seed, and from nothing else."""

from __future__ import annotations

import pandas as pd

from local.demo.generated import generate
from local.demo.simulator import CLICK_OTHERWISE, CLICK_WHEN_BOUGHT, simulate

NOW = pd.Timestamp("2026-11-24T04:00:00Z")
ORDERS = generate(now=NOW).shop.orders


def test_the_same_seed_gives_the_same_events_and_another_seed_others() -> None:
    pd.testing.assert_frame_equal(simulate(orders=ORDERS, seed=1), simulate(orders=ORDERS, seed=1))
    ids = [set(simulate(orders=ORDERS, seed=seed).event_id) for seed in (1, 2)]
    assert not ids[0] & ids[1]


def test_the_order_of_rows_does_not_matter() -> None:
    shuffled = ORDERS.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(simulate(orders=shuffled, seed=1), simulate(orders=ORDERS, seed=1))


def test_every_event_is_marked_and_has_its_own_id() -> None:
    events = simulate(orders=ORDERS, seed=1)
    assert events.simulated.all()
    assert events.event_id.is_unique
    assert set(events.event_type) == {"impression", "click", "favourite", "view"}


def test_only_shown_items_are_clicked_and_bought_ones_far_more_often() -> None:
    events = simulate(orders=ORDERS, seed=1)
    shown = {
        row.session_id: set(row.impression) for row in events[events.event_type == "impression"].itertuples()
    }
    clicks = events[events.event_type == "click"]
    assert all(row.item_id in shown[row.session_id] for row in clicks.itertuples())
    bought = {f"s-{order}": set(items) for order, items in ORDERS.groupby("order_id").item_id}
    hits = sum(row.item_id in bought.get(row.session_id, ()) for row in clicks.itertuples())
    chances = sum(len(items & bought.get(session, set())) for session, items in shown.items())
    others = sum(len(items - bought.get(session, set())) for session, items in shown.items())
    assert abs(hits / chances - CLICK_WHEN_BOUGHT) < 0.05
    assert abs((len(clicks) - hits) / others - CLICK_OTHERWISE) < 0.02


def test_events_come_before_the_order_that_they_lead_to() -> None:
    events = simulate(orders=ORDERS, seed=1)
    times = ORDERS.drop_duplicates("order_id").set_index("order_id").ordered_at
    led = events[~events.session_id.str.contains("-idle-")]
    ahead = led.session_id.str.removeprefix("s-").map(times) - led.occurred_at
    assert (ahead > pd.Timedelta(0)).all()
    assert (ahead <= pd.Timedelta(minutes=60)).all()


def test_no_orders_make_no_events_and_visits_are_limited() -> None:
    assert simulate(orders=ORDERS.iloc[:0], seed=1).empty
    events = simulate(orders=ORDERS, seed=1, max_visits=10)
    assert (events.event_type == "impression").sum() == 11
