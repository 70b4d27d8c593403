"""Short words for columns and what many visuals share."""

from __future__ import annotations

from dashboards.spec import Column, Filter, Kind, Measure, Ratio

NEWEST = (Filter(column="recency", values=("newest",)),)
CLICK_RATE = Ratio(title="Click rate", numerator="clicked_items", denominator="shown_items")
PURCHASE_RATE = Ratio(title="Purchase rate", numerator="bought_items", denominator="shown_items")


def counted(title: str, column: str) -> Measure:
    return Measure(title=title, column=column, aggregation="sum")


def _columns(kind: Kind, names: tuple[str, ...], *, share: bool = False) -> tuple[Column, ...]:
    return tuple(Column(name=name, kind=kind, share=share) for name in names)


def texts(*names: str) -> tuple[Column, ...]:
    return _columns("text", names)


def wholes(*names: str) -> tuple[Column, ...]:
    return _columns("whole", names)


def numbers(*names: str) -> tuple[Column, ...]:
    return _columns("number", names)


def shares(*names: str) -> tuple[Column, ...]:
    return _columns("number", names, share=True)


def times(*names: str) -> tuple[Column, ...]:
    return _columns("time", names)


def days(*names: str) -> tuple[Column, ...]:
    return _columns("day", names)
