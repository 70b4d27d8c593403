"""The generated shop has the structure that other tests rely on."""

from __future__ import annotations

import pandas as pd

from local.demo.generated import HELD_OUT_USER, generate

NOW = pd.Timestamp("2026-11-24T04:00:00Z")


def test_users_buy_their_group_s_items_nearly_always() -> None:
    generated = generate(now=NOW)
    orders = generated.shop.orders
    own = orders.user_id.map(generated.user_groups) == orders.item_id.map(generated.item_groups)
    assert 0.94 < own.mean() < 1


def test_users_buy_some_items_again() -> None:
    repeats = generate(now=NOW).shop.orders.duplicated(["user_id", "item_id"]).mean()
    assert repeats > 0.3


def test_the_held_out_user_bought_two_items_of_a_group_and_the_others_are_expected() -> None:
    generated = generate(now=NOW)
    orders = generated.shop.orders
    assert set(orders.item_id[orders.user_id == HELD_OUT_USER]) == generated.bought_by_held_out_user
    assert len(generated.bought_by_held_out_user) == 2
    assert len(generated.expected) == 10
    assert {generated.item_groups[item] for item in generated.expected} == {0}


def test_it_passes_personalize_s_minimum_and_ends_before_now() -> None:
    orders = generate(now=NOW).shop.orders
    assert len(orders) >= 1000
    assert (orders.groupby("user_id").size() >= 2).sum() >= 25
    assert orders.ordered_at.max() < NOW
    assert not orders.duplicated(["order_id", "item_id"]).any()
