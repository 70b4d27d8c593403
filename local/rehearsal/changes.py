"""The documented changes of an environment, as edits of its file: each row is a change that is rehearsed.

Changes of one group are deployed one after the other; a run follows the group, and a look that compares what is
deployed with what is configured, a line for each subject (`look.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from config.settings import Settings

Edits = tuple[tuple[str, object], ...]
COLUMN = "segment"
IMPORTED_LOG = "rehearsed-events"


@dataclass(frozen=True)
class Change:
    """`edits` are keys, with dots, and their new values; a list is given whole.

    `before` is what the application does first, by its name in `application.py`.
    """

    name: str
    edits: Edits
    before: str = ""


@dataclass(frozen=True)
class Group:
    """Changes that one run answers; `refused` is in what a deployment says that must fail, and changes nothing."""

    changes: tuple[Change, ...]
    refused: str = ""
    mode: str = "auto"


def groups(settings: Settings) -> list[Group]:
    learned = _of_what_is_learned(settings)
    # By what stands in the file at last: each group goes on from the one before.
    solutions = cast("list[dict[str, Any]]", dict(learned[-1].edits)["solutions"])
    context = _of_interactions()
    return [
        Group(tuple(_of_operation())),
        Group(tuple(learned)),
        Group((*_of_other_solutions(solutions), _dashboards(settings))),
        Group((_another_log(),)),
        Group((context,), refused="raise datasets.schema_version"),
        Group((_another_group(settings, learned),), mode="full"),
    ]


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
    solutions = _given(settings.solutions)
    events = _given(settings.datasets.interactions.events)
    lighter = [{**event, "weight": round(event.get("weight", 1.0) / 2, 2)} for event in events]
    factor = {"hyperparameters": {"popularity_discount_factor": "0.3"}}
    tuned = [{**s, **(factor if s["recipe"] == "aws-similar-items" else {})} for s in solutions]
    added = {"name": "together", "recipe": "aws-sims", "for_each": "item", "results": 25}
    return [
        _a_field(settings, "users", before="columns"),
        _a_field(settings, "items"),
        Change("a weight", (("datasets.interactions.events", lighter),)),
        Change("a hyperparameter", (("solutions", tuned),)),
        Change("a new solution", (("solutions", [*tuned, added]),)),
    ]


def _a_field(settings: Settings, dataset: str, *, before: str = "") -> Change:
    field = {"name": COLUMN.upper(), "column": COLUMN, "categorical": True, "nullable": True, "added": True}
    fields = [*_given(settings.datasets.fields(dataset)), field]
    return Change(f"a field of {dataset}", ((f"datasets.{dataset}.fields", fields),), before=before)


def _of_other_solutions(solutions: list[dict[str, Any]]) -> list[Change]:
    """Changes of the solution that was added: no placement names it."""
    *others, added = solutions
    renamed = {**added, "name": "bought-together"}
    return [
        Change("a solution renamed", (("solutions", [*others, renamed]),)),
        Change("a recipe changed", (("solutions", [*others, {**renamed, "recipe": "aws-similar-items"}]),)),
    ]


def _dashboards(settings: Settings) -> Change:
    owner = f"arn:aws:quicksight:{settings.region}:{settings.account}:user/default/analyst"
    return Change("QuickSight on", (("analytics.quicksight", {"enabled": True, "principal_arn": owner}),))


def _another_log() -> Change:
    imported = {"create": False, "table_name": IMPORTED_LOG}
    edits = tuple((f"sources.application_log.{key}", value) for key, value in imported.items())
    return Change("the log's table imported", edits, before="log")


def _of_interactions() -> Change:
    field = {"name": "QUANTITY", "column": "quantity", "type": "int", "nullable": True}
    return Change("a field of interactions", (("datasets.interactions.fields", [field]),))


def _another_group(settings: Settings, learned: list[Change]) -> Change:
    """The way out that the refusal names. What was added is there from the start."""
    given = {key: value for change in learned for key, value in change.edits if key.endswith(".fields")}
    fields = {
        key: [{name: value for name, value in field.items() if name != "added"} for field in value]  # type: ignore[attr-defined]
        for key, value in given.items()
    }
    version = settings.datasets.schema_version + 1
    return Change("another dataset group", (("datasets.schema_version", version), *fields.items()))


def _given(rows: Any) -> list[dict[str, Any]]:
    return [row.model_dump(exclude_defaults=True, mode="json") for row in rows]
