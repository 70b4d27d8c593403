"""What a month of the proposed configuration costs at the size of these data: checks.spending's answer."""

from __future__ import annotations

from dataclasses import dataclass

from assess.shape import Shape
from checks.spending.month import Month
from checks.spending.shop import Shop
from checks.spending.use import Case, Fixed
from config.settings import Settings


@dataclass(frozen=True)
class Line:
    """price: USD a month, None where no price is known."""

    service: str
    name: str
    quantity: float
    unit: str
    price: float | None


def events_a_day(shape: Shape) -> float:
    return max(shape.interactions / max(shape.days, 1.0), 1.0)


def month(settings: Settings, shape: Shape) -> tuple[Line, ...]:
    """The dearest service first."""
    shop = Shop(users=shape.users, items=shape.catalogue, events_per_day=events_a_day(shape))
    found = Month.of(Case(settings=settings, fixed=Fixed.of_settings(settings), shop=shop))
    return tuple(
        Line(line.service, line.what, line.amount, line.unit, found.usd(line))
        for service in found.services
        for line in found.lines
        if line.service == service and line.amount
    )
