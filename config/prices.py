"""List prices of what a run uses, for the warehouse: the rows of checks/prices.yaml that the region has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

PRICES = Path(__file__).parents[1] / "checks" / "prices.yaml"
ANY_REGION = "any"
Row = TypeVar("Row")
# Drivers that mart_run_costs measures; one without a price in the region has no row.
OF_A_RUN = (
    "Glue compute",
    "Personalize lists",
    "Personalize training",
    "Personalize v2 lists",
    "Personalize v2 training",
)


def among(known: Mapping[tuple[str, str], Row], driver: str, region: str) -> Row | None:
    """None where it is unknown: no other region's stands in for it, one of a page without regions does."""
    return known.get((driver, region)) or known.get((driver, ANY_REGION))


def of_a_run(region: str) -> list[dict[str, Any]]:
    """{driver, usd, read_on} of each driver with a price there."""
    known = {(row["driver"], row["region"]): row for row in yaml.safe_load(PRICES.read_text())["prices"]}
    found = {driver: among(known, driver, region) for driver in OF_A_RUN}
    return [
        {"driver": driver, "usd": float(row["price"]), "read_on": str(row["read"])}
        for driver, row in found.items()
        if row is not None
    ]
