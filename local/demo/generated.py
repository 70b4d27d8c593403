"""A small generated shop whose right recommendations are known: groups of users buy groups of items.

For tests. Users of group g buy items of group g, now and then another's, and repeat what they bought. One
user of group 0 bought two of its items only: what a recommender should offer are the others of group 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from local.demo import simulator
from local.demo.shop import ITEM_COLUMNS, ORDER_COLUMNS, USER_COLUMNS, ShopData

HELD_OUT_USER = "held-out"
AGES, INCOMES = ("25-34", "35-44", "45-54"), ("under 35K", "35-49K", "50-74K")


@dataclass(frozen=True, kw_only=True)
class GeneratedShop:
    shop: ShopData
    user_groups: dict[str, int]
    item_groups: dict[str, int]
    held_out_user: str
    bought_by_held_out_user: frozenset[str]

    @property
    def expected(self) -> frozenset[str]:
        """Items of the held-out user's group that this user did not buy."""
        group = self.user_groups[self.held_out_user]
        members = {item for item, of in self.item_groups.items() if of == group}
        return frozenset(members - self.bought_by_held_out_user)


def generate(
    *,
    now: pd.Timestamp,
    seed: int = 7,
    groups: int = 6,
    users: int = 20,
    items: int = 12,
    orders: int = 12,
    repeat_rate: float = 0.3,
    stray_rate: float = 0.03,
) -> GeneratedShop:
    """`users`, `items` of each group; `orders` of each user within the 60 days before `now` (UTC)."""
    random = np.random.default_rng(seed)
    user_groups = {f"u{g}-{n:03}": g for g in range(groups) for n in range(users)}
    item_groups = {f"i{g}-{n:02}": g for g in range(groups) for n in range(items)}
    start = now.floor("s") - pd.Timedelta(days=60)
    rates = {"repeat_rate": repeat_rate, "stray_rate": stray_rate}
    bought = [
        row
        for user, group in user_groups.items()
        for row in _purchases(user, group, item_groups, random, count=orders, **rates)
    ]
    first, second = sorted(item for item, group in item_groups.items() if group == 0)[:2]
    bought += [(HELD_OUT_USER, item, step) for step, item in enumerate((first, second, first))]
    note = f"generated: {groups} groups of {users} users and {items} items"
    frame = _orders(bought, start=start, steps=orders)
    everyone = {**user_groups, HELD_OUT_USER: 0}
    return GeneratedShop(
        shop=_shop(everyone, item_groups, frame, start=start, seed=seed, note=note),
        user_groups=everyone,
        item_groups=item_groups,
        held_out_user=HELD_OUT_USER,
        bought_by_held_out_user=frozenset({first, second}),
    )


def _shop(
    users: dict[str, int],
    items: dict[str, int],
    orders: pd.DataFrame,
    *,
    start: pd.Timestamp,
    seed: int,
    note: str,
) -> ShopData:
    return ShopData(
        source="generated groups",
        users=_users(users, start),
        items=_items(items, start),
        orders=orders,
        events=simulator.simulate(orders=orders, seed=seed, share=0.3),
        notes=(note,),
    )


def _purchases(
    user: str,
    group: int,
    item_groups: dict[str, int],
    random: np.random.Generator,
    *,
    count: int,
    repeat_rate: float,
    stray_rate: float,
) -> list[tuple[str, str, int]]:
    """(user, item, step) for each order."""
    own = [item for item, of in item_groups.items() if of == group]
    others = [item for item, of in item_groups.items() if of != group]
    bought: list[str] = []
    for _ in range(count):
        chance = random.random()
        if bought and chance < repeat_rate:
            pool = bought
        else:
            pool = others if chance > 1 - stray_rate else own
        bought.append(str(random.choice(pool)))
    return [(user, item, step) for step, item in enumerate(bought)]


def _orders(bought: list[tuple[str, str, int]], *, start: pd.Timestamp, steps: int) -> pd.DataFrame:
    """One order per step; a user's steps are spread over 58 days, each user at their own minute."""
    users = {user: n for n, user in enumerate(dict.fromkeys(user for user, _, _ in bought))}
    step = pd.Timedelta(days=58) / steps
    rows = [
        (
            f"{user}-{at}",
            user,
            item,
            1,
            1.0 + at % 3,
            (start + at * step + pd.Timedelta(minutes=users[user])).floor("s"),
        )
        for user, item, at in bought
    ]
    frame = pd.DataFrame(rows, columns=ORDER_COLUMNS)
    return frame.sort_values(["ordered_at", "order_id"], ignore_index=True)


def _users(groups: dict[str, int], start: pd.Timestamp) -> pd.DataFrame:
    rows = [
        (user, AGES[group % 3], INCOMES[group // 2 % 3], str(1 + group % 4), start, start)
        for user, group in groups.items()
    ]
    return pd.DataFrame(rows, columns=USER_COLUMNS)


def _items(groups: dict[str, int], start: pd.Timestamp) -> pd.DataFrame:
    rows = [
        (item, f"department {group}", f"category {group}", "Own", f"Item {item[1:]}", start, start)
        for item, group in groups.items()
    ]
    return pd.DataFrame(rows, columns=ITEM_COLUMNS)
