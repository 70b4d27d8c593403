"""What a month of the proposed configuration costs: checks.cost over its templates, and what Personalize counts."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from assess import proposal
from assess.shape import Shape
from stacks.synthesis import SynthesisFailed, synthesize

RUNS = 30  # a month
BYTES_OF_INTERACTION = 60


@dataclass(frozen=True)
class Line:
    """price: USD a month, None where no price is known here."""

    name: str
    quantity: float
    unit: str
    price: float | None


def fixed(text: str) -> tuple[Line, ...]:
    """Of the proposal's templates. Empty where they can't be synthesized here (no Node)."""
    # Imported here: what synthesizes nothing needs none of it.
    from checks import cost
    from checks.assembly import Assembly

    with tempfile.TemporaryDirectory() as folder:
        try:
            out = Path(folder) / "cdk.out"
            where = Path(folder) / "config"
            where.mkdir()
            synthesize(environment=proposal.NAME, folder=out, configuration=proposal.write(text, where))
        except SynthesisFailed:
            return ()
        assembly = Assembly.read(out)
        known = cost.prices()
        return tuple(
            Line(driver.name, amount, driver.unit, price and price.price * amount)
            for driver, amount in cost.quantities(assembly).items()
            for price in [known.get((driver.name, assembly.region))]
        )


def by_use(shape: Shape, recipes: tuple[str, ...]) -> tuple[Line, ...]:
    """What Personalize counts in a month of daily runs; checks/prices.yaml has no price of it yet."""
    asked = {"aws-user-personalization-v2": shape.users, "aws-popularity-count": 1}
    lists = sum(asked.get(recipe, shape.items) for recipe in recipes)
    size = shape.interactions * BYTES_OF_INTERACTION / 1e9
    return (
        Line("Personalize: data imported", size * RUNS, "GB", None),
        Line("Personalize: trainings", len(recipes) * RUNS, "solution versions", None),
        Line("Personalize: lists inferred", lists * RUNS, "lists", None),
    )
