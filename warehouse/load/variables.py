"""What the configuration says to the marts: dbt's variables of the same names (macros/configured.sql)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from config import prices
from config.experiments import variants

if TYPE_CHECKING:
    from config.settings import Settings


def marts_variables(settings: Settings) -> dict[str, Any]:
    """What the environment variable WAREHOUSE_VARIABLES holds, as JSON."""
    analytics, gate = settings.analytics, settings.quality_gate
    return {
        "impression_event": analytics.impression_event,
        "click_event": analytics.click_event,
        "attribution_days": analytics.attribution_days,
        "audiences": {solution.name: solution.for_each for solution in settings.solutions},
        "category_column": _category_column(settings),
        "gate_metric": gate.common_metric,
        "gate_floor": gate.common_share,
        "experiments": settings.experiments.measured(),
        "experiment_variants": variants(settings.experiments),
        "placements": {name: place.lists[0] for name, place in settings.placements.items()},
    }


def with_prices(settings: Settings) -> dict[str, Any]:
    """All that a build reads. On AWS prices lie beside the code: a template is the same in every region."""
    return {**marts_variables(settings), "prices": prices.of_a_run(settings.region)}


def _category_column(settings: Settings) -> str:
    """The first categorical field of the items, as the warehouse names it; empty where they have none."""
    found = (field.name.lower() for field in settings.datasets.fields("items") if field.categorical)
    return next(found, "")
