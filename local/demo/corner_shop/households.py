"""Who buys: households with tastes, staples that they buy at a rhythm of their own, and favourites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from local.demo.corner_shop.catalogue import Catalogue, Good

# How many households have a taste; family is that of three people or more.
SHARES = {
    "coffee": 0.5, "tea": 0.35, "bread": 0.6, "washoku": 0.45, "home cooking": 0.55, "western": 0.45,
    "quick": 0.35, "family": 0.1, "baking": 0.2, "drinks": 0.3, "wine": 0.18, "sweets": 0.4,
    "baby": 0.0, "dog": 0.12, "cat": 0.12,
}  # fmt: skip
FAMILY, BABY = 0.8, 0.3  # of households of three or more
USES_EVERYBODYS, USES_OWN, USES_OTHERS = 0.5, 0.75, 0.04  # a category: nobody's taste, theirs, another's
SECOND_GOOD = 0.2  # a further good of a category that is used
COOKS_OWN, COOKS_OTHERS = 0.6, 0.05  # a meal of the household's taste, and one that isn't
SIZES, SIZE_WEIGHTS = ("1", "2", "3", "4", "5+"), (30, 30, 18, 16, 6)
AGES, AGE_WEIGHTS = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+"), (6, 18, 24, 22, 15, 15)
INCOMES = ("Under 3M yen", "3-5M yen", "5-7M yen", "7-10M yen", "Over 10M yen")


@dataclass
class Household:
    """`staples`: days between purchases, by good; `favourites`: a product for each good that it met."""

    user_id: str
    random: Random
    age: str
    income: str
    household_size: str
    tastes: frozenset[str]
    staples: dict[str, float]
    meals: dict[str, float]  # times a day
    visits_a_day: float
    loyalty: float
    favourites: dict[str, str] = field(default_factory=dict)

    @property
    def people(self) -> int:
        return SIZES.index(self.household_size) + 1


def make(catalogue: Catalogue, *, seed: int, number: int) -> Household:
    random = Random(f"{seed}/household/{number}")
    size = random.choices(SIZES, SIZE_WEIGHTS)[0]
    people = SIZES.index(size) + 1
    tastes = _tastes(random, people)
    return Household(
        user_id=f"u{number:04}",
        random=random,
        age=random.choices(
            AGES[1:3] if "baby" in tastes else AGES, None if "baby" in tastes else AGE_WEIGHTS
        )[0],
        income=random.choice(INCOMES),
        household_size=size,
        tastes=tastes,
        staples=_staples(catalogue, random, tastes=tastes, people=people),
        meals=_meals(catalogue, random, tastes=tastes),
        visits_a_day=random.uniform(0.2, 0.45),
        loyalty=random.uniform(0.6, 0.92),
    )


def _tastes(random: Random, people: int) -> frozenset[str]:
    family = {"family": FAMILY, "baby": BABY} if people > 2 else {}
    return frozenset(taste for taste, share in (SHARES | family).items() if random.random() < share)


def _staples(
    catalogue: Catalogue, random: Random, *, tastes: frozenset[str], people: int
) -> dict[str, float]:
    owners: dict[str, set[str]] = {}
    for taste, categories in catalogue.tastes.items():
        for category in categories:
            owners.setdefault(category, set()).add(taste)
    staples = {}
    for category, goods in catalogue.categories.items():
        chance = USES_EVERYBODYS
        if category in owners:
            chance = USES_OWN if owners[category] & tastes else USES_OTHERS
        for good in _used(random, [good for good in goods if good.every], chance=chance):
            staples[good.key] = max(2.0, good.every * (2 / people) ** 0.5 * random.uniform(0.75, 1.35))
    return staples


def _used(random: Random, goods: Sequence[Good], *, chance: float) -> list[Good]:
    """One good, or a few, of a category; those that the catalogue lists first more often."""
    left = list(goods)
    used: list[Good] = []
    while left and random.random() < (chance if not used else SECOND_GOOD):
        good = random.choices(left, [1 / (1 + n) for n in range(len(left))])[0]
        left.remove(good)
        used.append(good)
    return used


def _meals(catalogue: Catalogue, random: Random, *, tastes: frozenset[str]) -> dict[str, float]:
    return {
        name: meal.often / 30 * random.uniform(0.5, 1.5)
        for name, meal in catalogue.meals.items()
        if random.random() < (COOKS_OWN if meal.taste in tastes else COOKS_OTHERS)
    }
