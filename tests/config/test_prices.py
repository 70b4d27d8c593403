"""Prices of a run are those of `make cost`, by the other reader of the same table."""

from __future__ import annotations

import pytest

from checks import cost
from config import prices
from config.rules import PERSONALIZE_REGIONS


@pytest.mark.parametrize("region", sorted(PERSONALIZE_REGIONS))
def test_the_prices_of_a_run_are_those_that_make_cost_uses(region: str) -> None:
    expected = {driver: cost.price(driver, region) for driver in prices.OF_A_RUN}
    found = {one["driver"]: (one["usd"], one["read_on"]) for one in prices.of_a_run(region)}
    assert found == {
        driver: (price.price, str(price.read)) for driver, price in expected.items() if price is not None
    }


def test_a_driver_without_a_price_has_no_row_and_so_no_zero() -> None:
    tokyo, elsewhere = (
        {one["driver"] for one in prices.of_a_run(r)} for r in ("ap-northeast-1", "eu-west-1")
    )
    assert tokyo - elsewhere == {"Glue compute"}, "no other region's price stands in for one"
    assert all(one["usd"] > 0 for one in prices.of_a_run("ap-northeast-1"))
