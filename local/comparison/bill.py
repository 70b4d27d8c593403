"""What the change costs a month: both configurations at the size of the data that were compared."""

from __future__ import annotations

from pathlib import Path

from checks.spending.choices import difference
from checks.spending.month import Month
from checks.spending.shop import Shop
from checks.spending.use import Case, Fixed
from config.errors import ConfigError
from config.settings import Settings, load
from local.comparison.data import Shared
from local.comparison.sides import Side


def told(before: Side, after: Side, shared: Shared) -> str:
    """One paragraph of Markdown."""
    shop = Shop(users=shared.users, items=shared.items, events_per_day=max(shared.events_per_day, 1))
    try:
        old, new = (Month.of(case(load_of(side), shop)) for side in (before, after))
    except ConfigError as error:
        return f"Cost: not compared, as this revision doesn't take the old configuration ({error.__class__.__name__})."
    more = difference(new, old)
    if not more.priced and not more.missing:
        return f"Cost: no quantity changes ({new.sum()} USD a month for {shop.title}, of what the configuration says)."
    return f"Cost: {more} USD a month more for {shop.title}: {old.sum()} → {new.sum()}."


def load_of(side: Side) -> Settings:
    return load(side.environment, Path(side.configuration))


def case(settings: Settings, shop: Shop) -> Case:
    return Case(settings=settings, fixed=Fixed.of_settings(settings), shop=shop)
