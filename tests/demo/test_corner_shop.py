"""The generated shop has the structure that a person recognises: said by the catalogue, found in the purchases."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import duckdb
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from local.demo.corner_shop import catalogue, households, purchases, source
from local.demo.shop import EVENT_COLUMNS, ITEM_COLUMNS, ORDER_COLUMNS, USER_COLUMNS, DataSetEnded, ShopData

TODAY = date(2026, 11, 24)
CATALOGUE = catalogue.read()


@pytest.fixture(scope="module")
def shop() -> ShopData:
    return source.load(size="small", today=TODAY)


@pytest.fixture(scope="module")
def goods(shop: ShopData) -> pd.DataFrame:
    """Orders with the good of each item: what it is, whoever makes it."""
    return shop.orders.assign(good=shop.orders.item_id.str.replace(r"-[0-9]\Z", "", regex=True))


def pairs() -> Iterator[tuple[str, str]]:
    """What the catalogue says goes together: what is taken along in one of eight times, and a meal's first two."""
    for good, others in CATALOGUE.together.items():
        yield from ((good, other) for other, chance in others.items() if chance >= 0.125)
    yield from ((meal.goods[0], meal.goods[1]) for meal in CATALOGUE.meals.values())


def test_it_has_the_columns_of_every_shop_and_a_second_name(shop: ShopData) -> None:
    assert [list(f.columns) for f in (shop.users, shop.items, shop.orders, shop.events)] == [
        USER_COLUMNS,
        [*ITEM_COLUMNS, "title_ja"],
        ORDER_COLUMNS,
        EVENT_COLUMNS,
    ]
    assert 500 <= len(shop.users) <= 600
    assert 400 <= len(shop.items) <= 700
    assert 40_000 <= len(shop.orders) <= 80_000
    assert shop.users.notna().all().all() and shop.items.notna().all().all()


def test_ids_are_texts_that_refer_to_each_other(shop: ShopData) -> None:
    assert shop.users.user_id.is_unique and shop.items.item_id.is_unique
    assert not shop.orders.duplicated(["order_id", "item_id"]).any()
    assert shop.orders.groupby("order_id")[["user_id", "ordered_at"]].nunique().eq(1).all().all()
    assert set(shop.orders.user_id) == set(shop.users.user_id)
    assert set(shop.orders.item_id) <= set(shop.items.item_id)
    assert set(shop.events.item_id.dropna()) <= set(shop.items.item_id)
    assert shop.events.simulated.all()


def test_every_item_has_a_name_of_its_own_in_english_and_in_japanese(shop: ShopData) -> None:
    assert shop.items.title.is_unique and shop.items.title_ja.is_unique
    for title, second in zip(shop.items.title, shop.items.title_ja, strict=True):
        assert title.replace("é", "e").isascii() and len(title) > 5
        scripts = {unicodedata.name(letter).split()[0] for letter in second if letter != " "}
        assert scripts <= {"HIRAGANA", "KATAKANA", "CJK", "KATAKANA-HIRAGANA", "LATIN"}, second
        assert scripts & {"HIRAGANA", "KATAKANA", "CJK"}, second


def together(goods: pd.DataFrame) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """Baskets with both goods of a pair, with the first alone, the second alone and neither; counted by DuckDB."""
    with duckdb.connect() as database:
        lines = pa.Table.from_pydict({name: goods[name].to_list() for name in ("order_id", "good")})
        wanted = pa.Table.from_pylist([{"a": a, "b": b} for a, b in sorted(set(pairs()))])
        database.register("lines", lines)
        database.register("wanted", wanted)
        rows = database.sql(
            "with baskets as (select distinct order_id, good from lines), "
            "sold as (select good, count(*) n from baskets group by good), "
            "everything as (select count(distinct order_id) n from baskets), "
            "met as (select x.good a, y.good b, count(*) n "
            "from baskets x join baskets y using (order_id) group by all) "
            "select w.a, w.b, coalesce(m.n, 0), coalesce(s.n, 0), coalesce(o.n, 0), e.n "
            "from wanted w cross join everything e left join met m on m.a = w.a and m.b = w.b "
            "left join sold s on s.good = w.a left join sold o on o.good = w.b"
        ).fetchall()
    return {
        (a, b): (both, one - both, other - both, all_ - one - other + both)
        for a, b, both, one, other, all_ in rows
    }


def test_what_goes_together_is_bought_together_above_chance(goods: pd.DataFrame) -> None:
    """Fisher's exact test of independence; left out is what is hardly sold in these weeks of the year."""
    weak, tried = {}, 0
    for pair, (both, first, second, none) in together(goods).items():
        if min(both + first, both + second) < 15:
            continue
        tried += 1
        odds, chance = stats.fisher_exact([[both, first], [second, none]], alternative="greater")
        if odds < 1.5 or chance > 0.01:
            weak[pair] = (both, first, second, none)
    assert tried > 0.9 * len(set(pairs())) > 40
    assert weak == {}


def test_what_is_used_up_sooner_is_bought_again_sooner() -> None:
    """Over ten weeks more, so that what lasts a month comes back often enough."""
    size = replace(source.SIZES["small"], households=80, weeks=22)
    orders = source.simulate(size, first=date(2026, 3, 1)).orders
    orders = orders.assign(good=orders.item_id.str.replace(r"-[0-9]\Z", "", regex=True))
    in_meals = {good for meal in CATALOGUE.meals.values() for good in meal.goods}
    rhythms = {
        key: orders[orders.good == key].groupby("user_id").day.diff().median()
        for key, good in CATALOGUE.goods.items()
        if good.every and key not in in_meals and not CATALOGUE.months(good)
    }
    found = pd.DataFrame(
        {"every": {k: CATALOGUE.goods[k].every for k in rhythms}, "median": rhythms}
    ).dropna()
    assert len(found) > 60
    assert stats.spearmanr(found.every, found["median"]).statistic > 0.85
    assert (found["median"] / found.every).median() == pytest.approx(1.1, abs=0.4)


def test_households_buy_again_and_some_things_are_new_to_them(shop: ShopData) -> None:
    repeats = shop.orders.duplicated(["user_id", "item_id"]).mean()
    assert 0.4 < repeats < 0.7
    assert 30 < shop.orders.groupby("user_id").item_id.nunique().median() < 70


def test_a_few_items_sell_most_and_many_hardly(shop: ShopData) -> None:
    sold = shop.orders.item_id.value_counts().reindex(shop.items.item_id, fill_value=0)
    ordered = sold.sort_values(ascending=False)
    assert 0.35 < ordered.head(len(ordered) // 10).sum() / ordered.sum() < 0.6
    assert (ordered < ordered.mean() / 4).mean() > 0.25


def test_households_differ_in_taste(goods: pd.DataFrame) -> None:
    """Whoever buys cat food is no likelier to buy dog food, and buys cat litter far more often than others."""
    buyers = {good: set(goods.user_id[goods.good == good]) for good in ("cat-food", "cat-litter", "dog-food")}
    everyone = goods.user_id.nunique()
    with_cat = len(buyers["cat-food"] & buyers["cat-litter"]) / len(buyers["cat-food"])
    assert with_cat > 5 * len(buyers["cat-litter"]) / everyone
    assert len(buyers["cat-food"] & buyers["dog-food"]) < len(buyers["cat-food"]) / 2


def test_things_sell_in_their_season() -> None:
    size = replace(source.SIZES["small"], households=50, weeks=52)
    orders = source.simulate(size, first=date(2025, 1, 1)).orders
    month = orders.ordered_at.dt.month
    for item, on, off in (("ice-bars", 7, 1), ("barley-tea", 7, 12), ("mandarins", 12, 7)):
        of = orders.item_id.str.startswith(item)
        assert (of & (month == on)).sum() > 3 * max(1, (of & (month == off)).sum()), item
    hot_pot = orders.item_id.str.startswith("yose-nabe-soup")
    assert hot_pot[month.isin([12, 1])].sum() > 5 * max(1, hot_pot[month.isin([6, 7])].sum())


def test_new_items_come_in_and_nothing_sells_before_it_is_there(shop: ShopData) -> None:
    created = shop.items.set_index("item_id").created_at
    first = shop.orders.groupby("item_id").ordered_at.min()
    assert (first >= created.reindex(first.index)).all()
    new = created[created > shop.orders.ordered_at.min()]
    assert 0.03 < len(new) / len(created) < 0.2
    assert new.max() < pd.Timestamp(TODAY, tz="UTC")
    assert first.reindex(new.index).notna().mean() > 0.5


def test_the_newest_purchase_is_yesterday_s(shop: ShopData) -> None:
    assert shop.orders.ordered_at.max().date() == TODAY - timedelta(days=1)
    assert shop.orders.ordered_at.min().date() == TODAY - timedelta(weeks=8)
    assert shop.events.occurred_at.max() < pd.Timestamp(TODAY, tz="UTC")


def test_it_passes_personalize_s_minimum(shop: ShopData) -> None:
    assert len(shop.orders) >= 1000
    assert (shop.orders.groupby("user_id").size() >= 2).sum() >= 25


DIGEST = (
    "import hashlib, sys; from datetime import date; from dataclasses import replace\n"
    "from local.demo.corner_shop import source\n"
    "made = source.simulate(replace(source.SIZES['small'], households=20), first=date(2026, 9, 29))\n"
    "text = made.orders.to_csv() + repr(made.products)\n"
    "print(hashlib.sha256(text.encode()).hexdigest())"
)


def test_the_shop_is_the_same_in_every_process() -> None:
    size = replace(source.SIZES["small"], households=20)
    here = source.simulate(size, first=date(2026, 9, 29))
    text = here.orders.to_csv() + repr(here.products)
    environment = {**os.environ, "PYTHONHASHSEED": "1234"}
    found = subprocess.run(
        [sys.executable, "-c", DIGEST], env=environment, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == hashlib.sha256(text.encode()).hexdigest()


def test_one_more_day_follows_the_newest_event_with_what_came_in(shop: ShopData) -> None:
    newest, now = shop.orders.ordered_at.max(), pd.Timestamp("2026-11-24T04:00:00Z")
    progress, arrived = shop.progress, 0
    for _ in range(2):
        following = source.next_day(size="small", progress=progress, newest=newest, now=now)
        assert not set(following.orders.order_id) & set(shop.orders.order_id)
        assert set(following.orders.user_id) <= {f"u{n:04}" for n in range(1, 601)}
        assert following.orders.ordered_at.between(newest, now).all()
        assert not set(following.items.item_id) & set(shop.items.item_id)
        assert 300 < len(following.orders) < 3000
        arrived += len(following.items)
        progress, newest = following.progress, following.orders.ordered_at.max()
        now += pd.Timedelta(days=1)
    assert progress["days"] == "58" and arrived > 0


def test_after_the_last_spare_day_it_has_ended(shop: ShopData) -> None:
    newest = shop.orders.ordered_at.max()
    last = {**shop.progress, "days": str(8 * 7 + source.SPARE_DAYS)}
    with pytest.raises(DataSetEnded, match="70 days"):
        source.next_day(size="small", progress=last, newest=newest, now=newest)


def test_the_catalogue_names_only_what_it_has() -> None:
    goods, categories = set(CATALOGUE.goods), set(CATALOGUE.categories)
    assert {good for meal in CATALOGUE.meals.values() for good in meal.goods} <= goods
    assert {meal.taste for meal in CATALOGUE.meals.values()} <= set(CATALOGUE.tastes)
    assert {*CATALOGUE.together, *(g for others in CATALOGUE.together.values() for g in others)} <= goods
    assert {category for of in CATALOGUE.tastes.values() for category in of} <= categories
    assert set(CATALOGUE.seasons) <= goods | categories
    assert set(households.SHARES) == set(CATALOGUE.tastes)


def test_the_year_has_one_best_time_for_a_thing_and_the_next_year_the_same() -> None:
    shelves = purchases.Shelves(catalogue=CATALOGUE, products={}, first=date(2026, 1, 1), days=730)
    summer = shelves.seasons[(6, 7, 8)]
    assert max(summer) == pytest.approx(1) and summer.index(max(summer)) in range(150, 240)
    assert min(summer) < 0.15
    assert summer[200] == pytest.approx(summer[565])
    winter = shelves.seasons[(12, 1)]
    assert winter[0] == winter[364] == pytest.approx(1)
