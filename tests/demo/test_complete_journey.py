"""The real data set, read from the installed package."""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from local.demo import complete_journey
from local.demo.shop import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_COLUMNS, USER_COLUMNS, ShopData

TODAY = date(2026, 11, 24)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shop() -> ShopData:
    return complete_journey.load(size="small", today=TODAY)


def test_the_sample_is_small_enough_for_a_quick_demo_and_large_enough_to_learn_from(shop: ShopData) -> None:
    assert 500 <= len(shop.users) <= 800
    assert 40_000 <= len(shop.orders) <= 80_000
    assert 5_000 <= len(shop.events) <= 15_000
    assert 1_000 <= len(shop.items) <= 3_000
    assert [list(f.columns) for f in (shop.users, shop.items, shop.orders, shop.events)] == [
        USER_COLUMNS,
        ITEM_COLUMNS,
        ORDER_COLUMNS,
        EVENT_COLUMNS,
    ]


def test_ids_are_texts_that_refer_to_each_other(shop: ShopData) -> None:
    assert shop.users.user_id.is_unique and shop.items.item_id.is_unique
    assert not shop.orders.duplicated(["order_id", "item_id"]).any()
    assert set(shop.orders.user_id) == set(shop.users.user_id)
    assert set(shop.orders.item_id) == set(shop.items.item_id)
    assert all(isinstance(value, str) for value in shop.orders.iloc[0][["order_id", "user_id", "item_id"]])


@pytest.mark.parametrize("days", range(8))
def test_the_newest_purchase_is_yesterday_s_and_weekdays_are_kept(days: int) -> None:
    today = TODAY + timedelta(days=days)
    window = complete_journey.initial_window(size=complete_journey.SIZES["small"], today=today)
    assert (window.end + window.shift).date() == today
    assert window.shift.days % 7 == 0
    assert window.end - window.first == pd.Timedelta(weeks=8)
    assert pd.Timedelta(days=14) <= complete_journey.DATA_ENDS - window.end + pd.Timedelta(days=1)


def test_purchases_end_yesterday(shop: ShopData) -> None:
    newest = shop.orders.ordered_at.max()
    assert newest.date() == TODAY - timedelta(days=1)
    assert shop.orders.ordered_at.min() >= newest - pd.Timedelta(weeks=8)
    assert shop.events.occurred_at.max() <= newest


def test_the_sample_is_the_same_every_time(shop: ShopData) -> None:
    again = complete_journey.load(size="small", today=TODAY)
    for name in ("users", "items", "orders", "events"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(shop, name))


def test_fuel_and_coupons_are_no_goods_and_titles_are_readable(shop: ShopData) -> None:
    assert not set(shop.items.department) & complete_journey.NO_GOODS
    assert shop.items.title.str.len().min() >= 3
    assert {"Fluid Milk White Only, 1 GA", "Chocolate Milk, 1/2 GAL"} <= set(shop.items.title)


def test_every_event_is_marked_simulated_and_the_notes_say_so(shop: ShopData) -> None:
    assert shop.events.simulated.all()
    assert any("SIMULATED" in note for note in shop.notes)
    assert any("moved by" in note and "weeks" in note for note in shop.notes)


def test_the_next_day_lies_between_the_newest_purchase_and_now(shop: ShopData) -> None:
    newest = shop.orders.ordered_at.max()
    now = pd.Timestamp("2026-11-24T04:00:00Z")
    following = complete_journey.next_day(size="small", progress=shop.progress, newest=newest, now=now)
    assert newest <= following.orders.ordered_at.min()
    assert following.orders.ordered_at.max() <= now
    assert not set(following.orders.order_id) & set(shop.orders.order_id)
    assert not set(following.events.event_id) & set(shop.events.event_id)
    assert set(following.orders.item_id) <= set(shop.items.item_id)
    assert following.progress["end"] > shop.progress["end"]


def test_after_the_last_day_the_data_set_says_that_it_ended(shop: ShopData) -> None:
    with pytest.raises(complete_journey.DataSetEnded, match="31 Dec 2017"):
        complete_journey.next_day(
            size="small",
            progress={**shop.progress, "end": "2018-01-01"},
            newest=shop.orders.ordered_at.max(),
            now=pd.Timestamp("2026-11-24T04:00:00Z"),
        )
