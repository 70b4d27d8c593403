"""What the shop sells: catalogue.yaml as products, each good in some brands, and what goes with what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

FILE = Path(__file__).parent / "catalogue.yaml"
OTHER_BRANDS_COST = (1.05, 1.6)  # times the shop's own label
APPEAL_FALLS = 1.5  # Zipf's exponent over a good's brands, the shop's own not always first


@dataclass(frozen=True, kw_only=True)
class Good:
    """What a household needs, whoever makes it. `every`: days between purchases, 0 for none of its own."""

    key: str
    department: str
    category: str
    english: str
    japanese: str
    package: str
    price: int
    every: int


@dataclass(frozen=True, kw_only=True)
class Product:
    """A good of a brand: what is bought. `appeal` is its share of the good where nobody has a favourite."""

    item_id: str
    good: Good
    brand: str
    title: str
    title_ja: str
    price: int
    appeal: float
    launched: int  # day of the simulation; below 0 for what was there before


@dataclass(frozen=True, kw_only=True)
class Meal:
    goods: tuple[str, ...]
    taste: str
    often: float  # times a month
    months: tuple[int, ...]  # none: the whole year


@dataclass(frozen=True, kw_only=True)
class Catalogue:
    goods: Mapping[str, Good]
    brands: tuple[tuple[str, str], ...]
    meals: Mapping[str, Meal]
    together: Mapping[str, Mapping[str, float]]
    tastes: Mapping[str, tuple[str, ...]]  # categories of each
    seasons: Mapping[str, tuple[int, ...]]  # months, by category or good

    @property
    def categories(self) -> dict[str, list[Good]]:
        found: dict[str, list[Good]] = {}
        for good in self.goods.values():
            found.setdefault(good.category, []).append(good)
        return found

    def months(self, good: Good) -> tuple[int, ...]:
        return self.seasons.get(good.key, self.seasons.get(good.category, ()))


@cache
def read() -> Catalogue:
    content: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return Catalogue(
        goods={good.key: good for good in _goods(content["goods"])},
        brands=tuple((english, japanese) for english, japanese in content["brands"]),
        meals={name: _meal(row) for name, row in content["meals"].items()},
        together=content["together"],
        tastes={name: tuple(categories) for name, categories in content["tastes"].items()},
        seasons={name: tuple(months) for name, months in content["seasons"].items()},
    )


def _goods(departments: Mapping[str, Any]) -> Iterator[Good]:
    for department, categories in departments.items():
        for category, goods in categories.items():
            for key, (english, japanese, package, price, every) in goods.items():
                yield Good(
                    key=key,
                    department=department,
                    category=category,
                    english=english,
                    japanese=japanese,
                    package=package,
                    price=price,
                    every=every,
                )


def _meal(row: Mapping[str, Any]) -> Meal:
    return Meal(
        goods=tuple(row["goods"]),
        taste=row["taste"],
        often=row["often"],
        months=tuple(row.get("months", ())),
    )


def products(catalogue: Catalogue, *, seed: int, brands: int, days: int) -> dict[str, list[Product]]:
    """Products for each good, in one to `brands` brands. Of other brands than the shop's own one in six is new."""
    return {
        good.key: list(_variants(catalogue, good, Random(f"{seed}/{good.key}"), brands=brands, days=days))
        for good in catalogue.goods.values()
    }


def _variants(
    catalogue: Catalogue, good: Good, random: Random, *, brands: int, days: int
) -> Iterator[Product]:
    own, *others = catalogue.brands
    chosen = [own, *random.sample(others, random.randint(0, brands - 1))]
    ranks = random.sample(range(1, len(chosen) + 1), len(chosen))
    for n, ((brand, brand_ja), rank) in enumerate(zip(chosen, ranks, strict=True)):
        cost = 1.0 if n == 0 else random.uniform(*OTHER_BRANDS_COST)
        is_new = n > 0 and random.random() < 1 / 6
        yield Product(
            item_id=good.key if n == 0 else f"{good.key}-{n + 1}",
            good=good,
            brand=brand,
            title=f"{good.english}, {good.package} ({brand})",
            title_ja=f"{brand_ja} {good.japanese}",
            price=round(good.price * cost / 10) * 10 - 2,
            appeal=rank**-APPEAL_FALLS,
            launched=random.randrange(days) if is_new else -1,
        )
