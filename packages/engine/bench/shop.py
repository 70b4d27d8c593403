"""A generated clickstream of a shop: sessions of views, of which some lead to a cart and a purchase.

Nothing here is fitted to a real shop. Users have a persona of three categories and a price level they like;
a session stays in one category, returns to products seen before, and after a purchase the next session is
often spent in the category that complements it. New products appear over time and some are in vogue.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from osusume_engine.data import TrainingData

DAY = 86_400
START = 1_700_000_000
DAYS = 90
CATEGORIES = (
    "apparel", "footwear", "accessories", "beauty", "tools", "garden", "kitchen", "electronics",
    "books", "toys", "grocery", "furniture", "outdoors", "instruments", "jewellery", "stationery",
)  # fmt: skip
STYLES = ("plain", "classic", "sport", "luxury", "retro", "compact")
FAVOURITES = (0.6, 0.25, 0.15)  # how often a session is in each of the persona's categories
STEPS = (("View", 1.0), ("AddToCart", 0.22), ("Purchase", 0.45))  # each follows the one before this often


@dataclass(frozen=True)
class Products:
    categories: np.ndarray
    styles: np.ndarray
    levels: np.ndarray  # price level, standard normal within its category
    appeal: np.ndarray  # Zipf
    launched: np.ndarray  # day
    vogue: np.ndarray  # day around which the product sells four times as well, or far in the future

    @staticmethod
    def of(count: int, random: np.random.RandomState) -> Products:
        appeal = np.arange(1, count + 1) ** -0.7
        return Products(
            categories=random.randint(0, len(CATEGORIES), count),
            styles=random.randint(0, len(STYLES), count),
            levels=random.randn(count),
            appeal=appeal[random.permutation(count)],
            launched=np.where(random.rand(count) < 0.8, 0, random.randint(1, DAYS - 10, count)),
            vogue=np.where(random.rand(count) < 0.1, random.randint(5, DAYS, count), 10 * DAYS),
        )

    def attraction(self, day: float) -> np.ndarray:
        in_vogue = 1 + 3 * np.exp(-(((day - self.vogue) / 4) ** 2))
        return np.where(self.launched <= day, self.appeal * in_vogue, 0.0)

    def table(self) -> pd.DataFrame:
        price = np.round(np.exp(3 + 0.6 * self.levels), 2)
        category = np.array(CATEGORIES)[self.categories]
        style = np.array(STYLES)[self.styles]
        return pd.DataFrame(
            {
                "ITEM_ID": [f"p{n}" for n in range(len(price))],
                "CATEGORY": category,
                "STYLE": style,
                "PRICE": price,
                "DESCRIPTION": [
                    f"{s} {c} number {n % 37}" for n, (s, c) in enumerate(zip(style, category, strict=True))
                ],
            }
        )


@dataclass
class Visitor:
    persona: np.ndarray  # category codes, the favourite first
    level: float
    style: int
    seen: list[int]
    bought_in: int = -1


def shop(*, users: int = 1500, products: int = 800, seed: int = 0) -> TrainingData:
    random = np.random.RandomState(seed)
    catalogue = Products.of(products, random)
    complements = random.permutation(len(CATEGORIES))
    rows: list[tuple[str, str, int, str]] = []
    for number in range(users):
        visitor = Visitor(
            persona=random.permutation(len(CATEGORIES))[: len(FAVOURITES)],
            level=random.randn(),
            style=random.randint(len(STYLES)),
            seen=[],
        )
        for day in np.sort(random.rand(2 + random.geometric(1 / 8)) * DAYS):
            rows += _session(f"u{number}", visitor, catalogue, complements, day, random)
    return TrainingData(
        interactions=pd.DataFrame(rows, columns=["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE"]),
        items=catalogue.table(),
        categorical={"Items": frozenset({"CATEGORY", "STYLE"})},
        textual={"Items": frozenset({"DESCRIPTION"})},
    )


def _session(
    user: str,
    visitor: Visitor,
    catalogue: Products,
    complements: np.ndarray,
    day: float,
    random: np.random.RandomState,
) -> list[tuple[str, str, int, str]]:
    category = random.choice(visitor.persona, p=FAVOURITES)
    if visitor.bought_in >= 0 and random.rand() < 0.5:
        category = complements[visitor.bought_in]
    visitor.bought_in = -1
    weights = _weights(visitor, catalogue, category, day)
    if not weights.any():
        return []
    moment, rows = START + int(day * DAY), []
    for _ in range(random.geometric(0.25)):
        product = _choice(visitor, catalogue, category, weights, random)
        for kind, chance in STEPS:
            if random.rand() >= chance:
                break
            rows.append((user, f"p{product}", moment, kind))
            moment += random.randint(5, 120)
            if kind == "Purchase":
                visitor.bought_in = category
        visitor.seen.append(product)
    return rows


def _weights(visitor: Visitor, catalogue: Products, category: int, day: float) -> np.ndarray:
    fits = np.exp(-((catalogue.levels - visitor.level) ** 2)) * (1 + 2 * (catalogue.styles == visitor.style))
    return np.where(catalogue.categories == category, catalogue.attraction(day) * fits, 0.0)


def _choice(
    visitor: Visitor,
    catalogue: Products,
    category: int,
    weights: np.ndarray,
    random: np.random.RandomState,
) -> int:
    """One view in three returns to one of the last products that the visitor saw in this category."""
    known = [one for one in visitor.seen[-30:] if catalogue.categories[one] == category]
    if known and random.rand() < 1 / 3:
        return known[random.randint(len(known))]
    return int(random.choice(len(weights), p=weights / weights.sum()))
