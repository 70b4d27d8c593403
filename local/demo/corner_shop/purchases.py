"""What each household puts into its baskets, day by day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from itertools import accumulate
from math import exp
from random import Random

from local.demo.corner_shop.catalogue import Catalogue, Product
from local.demo.corner_shop.households import Household

WEEKDAYS = (0.85, 0.8, 0.85, 0.85, 1.0, 1.4, 1.35)  # Monday to Sunday
HOURS, HOUR_WEIGHTS = tuple(range(8, 22)), (2, 4, 8, 9, 6, 4, 4, 5, 8, 10, 10, 7, 4, 2)
HAS_INGREDIENT = 0.22  # a good of a meal that is at home already
AT_WHIM = 0.4  # one more thing, and again
OF_THE_SEASON = 0.08  # what is left of sales half a year away
NEWS_DAYS, NEWS_APPEAL = 21, 4.0  # so long, and so much, does what is new draw eyes
TRIED_AND_KEPT = 0.2
STEADY = 6.0  # shape of the gamma distribution of days between purchases

Line = tuple[int, int, str, str, int, int]  # day, second of the day, user, item, quantity, yen


@dataclass(frozen=True, kw_only=True)
class Shelves:
    """The catalogue as it is on a day that is `first` + n days."""

    catalogue: Catalogue
    products: Mapping[str, Sequence[Product]]
    first: date
    days: int

    @cached_property
    def seasons(self) -> dict[tuple[int, ...], list[float]]:
        """How well the things of each set of months sell on each day: 1 within them."""
        catalogue = self.catalogue
        wanted = {*catalogue.seasons.values(), *(meal.months for meal in catalogue.meals.values()), ()}
        return {months: [self._season(months, day) for day in range(self.days)] for months in wanted}

    def _season(self, months: tuple[int, ...], day: int) -> float:
        if not months:
            return 1.0
        today = self.first + timedelta(days=day)
        gaps = [abs(today.timetuple().tm_yday - (30.4 * month - 15)) for month in months]
        apart = max(0.0, min(min(gap, 365 - gap) for gap in gaps) - 16)
        return OF_THE_SEASON + (1 - OF_THE_SEASON) * exp(-((apart / 40) ** 2))

    @cached_property
    def whims(self) -> tuple[list[str], list[float]]:
        """Goods by how often they are bought on an impulse, the best first; weights add up from the left."""
        keys = list(self.catalogue.goods)
        Random("whims").shuffle(keys)
        return keys, list(accumulate((n + 3) ** -0.8 for n in range(len(keys))))

    def season_of(self, good: str, day: int) -> float:
        return self.seasons[self.catalogue.months(self.catalogue.goods[good])][day]


def lines(household: Household, shelves: Shelves) -> Iterator[Line]:
    """Purchases of one household, the oldest first."""
    random = household.random
    due = {good: random.uniform(0, every) for good, every in household.staples.items()}
    last = 0
    for day in range(shelves.days):
        weekday = WEEKDAYS[(shelves.first.weekday() + day) % 7]
        if random.random() >= household.visits_a_day * weekday:
            continue
        basket = _basket(household, shelves, day=day, since=day - last, due=due)
        last = day
        second = random.choices(HOURS, HOUR_WEIGHTS)[0] * 3600 + random.randrange(3600)
        for product in (basket[item] for item in sorted(basket)):
            count = 2 if household.people > 2 and random.random() < 0.15 else 1
            yield day, second, household.user_id, product.item_id, count, count * product.price


def _basket(
    household: Household, shelves: Shelves, *, day: int, since: int, due: dict[str, float]
) -> dict[str, Product]:
    """The products, by their ids."""
    random = household.random
    goods = [good for good, at in due.items() if at <= day]
    goods = [good for good in goods if random.random() < shelves.season_of(good, day)]
    goods += _for_meals(household, shelves, day=day, since=max(1, since))
    for good in tuple(goods):
        beside = shelves.catalogue.together.get(good, {})
        goods += [other for other, chance in beside.items() if random.random() < chance]
    goods = list(dict.fromkeys(goods))  # in an order that no process's hashes change
    for good in (good for good in goods if good in due):
        due[good] = day + random.gammavariate(STEADY, household.staples[good] / STEADY)
    basket = [_product(household, shelves, good, day=day) for good in goods]
    basket += _whims(household, shelves, day=day)
    return {product.item_id: product for product in basket}


def _for_meals(household: Household, shelves: Shelves, *, day: int, since: int) -> list[str]:
    random, goods = household.random, []
    for name, rate in household.meals.items():
        meal = shelves.catalogue.meals[name]
        if random.random() < rate * min(since, 7) * shelves.seasons[meal.months][day]:
            first, *others = meal.goods
            goods += [first, *(good for good in others if random.random() >= HAS_INGREDIENT)]
    return goods


def _whims(household: Household, shelves: Shelves, *, day: int) -> Iterator[Product]:
    random = household.random
    keys, weights = shelves.whims
    while random.random() < AT_WHIM:
        good = random.choices(keys, cum_weights=weights)[0]
        if random.random() < shelves.season_of(good, day):
            yield _any_brand(random, shelves, good, day=day)


def _product(household: Household, shelves: Shelves, good: str, *, day: int) -> Product:
    """The favourite, mostly; what is tried instead may become it."""
    random = household.random
    favourite = household.favourites.get(good)
    if favourite and random.random() < household.loyalty:
        return next(product for product in shelves.products[good] if product.item_id == favourite)
    product = _any_brand(random, shelves, good, day=day)
    if favourite is None or random.random() < TRIED_AND_KEPT:
        household.favourites[good] = product.item_id
    return product


def _any_brand(random: Random, shelves: Shelves, good: str, *, day: int) -> Product:
    there = [product for product in shelves.products[good] if product.launched <= day]
    if len(there) == 1:
        return there[0]
    return random.choices(there, [product.appeal * _news(product, day) for product in there])[0]


def _news(product: Product, day: int) -> float:
    return NEWS_APPEAL if product.launched >= 0 and day - product.launched < NEWS_DAYS else 1.0
