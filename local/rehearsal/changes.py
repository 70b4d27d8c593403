"""The documented changes of an environment, as edits of its file: a row more is a change that is rehearsed.

Changes of one group are deployed one after the other; a run and a look follow the group.
"""

from __future__ import annotations

from dataclasses import dataclass

from config.settings import Settings

Edits = tuple[tuple[str, object], ...]


@dataclass(frozen=True)
class Change:
    """`edits` are keys, with dots, and their new values; a list is given whole."""

    name: str
    edits: Edits


def groups(settings: Settings) -> list[list[Change]]:
    return [_of_operation(), _of_what_is_learned(settings)]


def _of_operation() -> list[Change]:
    return [
        Change("another schedule", (("schedule.expression", "cron(30 4 * * ? *)"),)),
        Change("more requests", (("api.rate_per_second", 80), ("api.burst", 160))),
        Change("logs are kept longer", (("log_retention_days", 60),)),
        Change("lists expire later", (("publishing.expire_after_days", 21),)),
        Change("more workers", (("etl.workers", 3),)),
        Change("another bound of quality", (("datasets.quality.max_quarantined_share", 0.1),)),
    ]


def _of_what_is_learned(settings: Settings) -> list[Change]:
    solutions = [solution.model_dump(exclude_defaults=True) for solution in settings.solutions]
    events = [event.model_dump(exclude_defaults=True) for event in settings.datasets.interactions.events]
    lighter = [{**event, "weight": round(event.get("weight", 1.0) / 2, 2)} for event in events]
    factor = {"hyperparameters": {"popularity_discount_factor": "0.3"}}
    tuned = [{**s, **(factor if s["recipe"] == "aws-similar-items" else {})} for s in solutions]
    added = {"name": "together", "recipe": "aws-sims", "for_each": "item", "results": 25}
    return [
        Change("a weight", (("datasets.interactions.events", lighter),)),
        Change("a hyperparameter", (("solutions", tuned),)),
        Change("a new solution", (("solutions", [*tuned, added]),)),
    ]
