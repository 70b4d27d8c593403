"""A month's bill: fixed and used quantities with their prices. What has no price is *unknown*, and no part of a sum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from checks import cost
from checks.spending.use import COUNTED, Case, Line, lines

UNKNOWN = "*unknown*"
# Of checks.cost: what it can only say as "at most", and what is billed by use.
_USED = (cost.GLUE, cost.REDSHIFT)
_SERVICES = {
    cost.NAT: "Network",
    cost.ADDRESS: "Network",
    cost.ENDPOINT: "Network",
    cost.AURORA: "Aurora",
    cost.LAMBDA: "Lambda",
    cost.CAMPAIGN: "Personalize",
    cost.KEY: "KMS",
    cost.SECRET: "Secrets Manager",
    cost.ALARM: "CloudWatch",
    cost.DASHBOARD: "CloudWatch",
    cost.WEB_ACL: "WAF",
}


@dataclass(frozen=True)
class Sum:
    """The sum of what has a price; `missing` tells how many parts have none."""

    priced: tuple[float, ...]
    missing: int = 0

    @classmethod
    def of(cls, parts: Iterable[float | None]) -> Sum:
        parts = list(parts)
        return cls(tuple(part for part in parts if part is not None), parts.count(None))

    @property
    def usd(self) -> float:
        return sum(self.priced)

    def __str__(self) -> str:
        if self.missing and not self.priced:
            return UNKNOWN
        return f"at least {usd(self.usd)}" if self.missing else usd(self.usd)


@dataclass(frozen=True)
class Month:
    region: str
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, case: Case) -> Month:
        return cls(case.settings.region, (*_fixed(case), *lines(case)))

    def usd(self, line: Line) -> float | None:
        known = cost.price(line.driver, self.region)
        return None if known is None else known.price * line.amount

    @property
    def services(self) -> list[str]:
        """The services in the order of their cost, the largest first."""
        return sorted({line.service for line in self.lines}, key=lambda name: (-self.sum(name).usd, name))

    def sum(self, service: str | None = None) -> Sum:
        return Sum.of(self.usd(line) for line in self.lines if service in (None, line.service))


def _fixed(case: Case) -> Iterator[Line]:
    for driver, counted in case.fixed.quantities.items():
        if driver not in _USED:
            yield Line(_SERVICES[driver], driver.name, counted, driver.unit, driver.name, COUNTED)


def table(month: Month) -> str:
    """Markdown: a row for each quantity, a sum for each service and one for all."""
    return "\n".join([*_rows(month), "", *_notes(month)]) + "\n"


def _rows(month: Month) -> Iterator[str]:
    yield "| a month | quantity | unit | from | USD |"
    yield "|---|--:|---|---|--:|"
    for service in month.services:
        yield f"| **{service}** | | | | **{month.sum(service)}** |"
        for line in (line for line in month.lines if line.service == service):
            yield f"| {line.what} | {amount(line.amount)} | {line.unit} | {line.basis} | {usd(month.usd(line))} |"
    yield f"| **all** | | | | **{month.sum()}** |"


def amount(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.3g}"


def usd(value: float | None) -> str:
    """A cent's part is no nothing."""
    if value is None:
        return UNKNOWN
    return "under 0.01" if 0 < value < 0.005 else f"{value:,.2f}"


def _notes(month: Month) -> Iterator[str]:
    without = sorted({line.driver for line in month.lines if month.usd(line) is None})
    if without:
        yield f"In no sum, as checks/prices.yaml has no price for {month.region}: {', '.join(without)}."
    known = [cost.price(line.driver, month.region) for line in month.lines]
    read = sorted({str(price.read) for price in known if price is not None})
    if read:
        yield f"List prices read on {read[0]} to {read[-1]}; their sources stand in checks/prices.yaml."
    yield "Not here: taxes, free tiers, tiers beyond the first, support, dashboards' readers, data transfer out."
