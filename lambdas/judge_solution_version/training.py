"""How a version was trained: its hyperparameters, its hours and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_PARAMETERS = ("algorithmHyperParameters", "featureTransformationParameters")


@dataclass(frozen=True)
class Trained:
    """`cost` is an estimate in US dollars: the hours that Personalize bills, by a list price."""

    hyperparameters: Mapping[str, str]
    mode: str
    hours: float | None
    cost: float | None

    def as_columns(self) -> dict[str, Any]:
        return {
            "hyperparameters": json.dumps(self.hyperparameters, sort_keys=True),
            "training_mode": self.mode,
            "training_hours": self.hours,
            "estimated_cost_usd": self.cost,
        }

    def figures(self) -> dict[str, float]:
        """What is known of them, for CloudWatch."""
        known = {"training_hours": self.hours, "estimated_cost_usd": self.cost}
        return {name: value for name, value in known.items() if value is not None}


def described(personalize: Any, *, arn: str, hour_usd: float) -> Trained:
    """API reference, SolutionVersion: trainingHours are what is billed; tuned hyperparameters stand apart."""
    version = personalize.describe_solution_version(solutionVersionArn=arn)["solutionVersion"]
    config = version.get("solutionConfig", {})
    given = {name: value for key in _PARAMETERS for name, value in config.get(key, {}).items()}
    tuned = version.get("tunedHPOParams", {}).get("algorithmHyperParameters", {})
    hours = version.get("trainingHours")
    return Trained(
        hyperparameters={**given, **tuned},
        mode=version.get("trainingMode", "FULL"),
        hours=hours,
        cost=None if hours is None else round(hours * hour_usd, 4),
    )
