"""What cheaper choices would save, and whether the configuration can express them yet.

A choice that isn't offered is shown with what it would save all the same, so that it can be weighed; it says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from checks import cost
from checks.spending.month import Month, Sum
from checks.spending.use import Case, is_v2
from config.settings import Settings, Solution

WEEKS = 52 / 12  # of a month
ACTIVE = 0.2  # share of users who act between two runs, for the choice that leaves the others out
LEAST_RPU = 8  # of Redshift Serverless
MISSING = "not offered yet"


@dataclass(frozen=True)
class Choice:
    """`changed` gives the month's case with the choice made, or None where there is nothing to choose any more."""

    title: str
    how: str
    loses: str
    changed: Callable[[Case], Case | None]
    offered: bool = True


@dataclass(frozen=True)
class Saving:
    choice: Choice
    saved: Sum


def savings(case: Case) -> Iterator[Saving]:
    """What each choice alone saves; they overlap, so their sum means nothing."""
    now = Month.of(case)
    for choice in CHOICES:
        changed = choice.changed(case)
        if changed is not None:
            yield Saving(choice, difference(now, Month.of(changed)))


def difference(now: Month, then: Month) -> Sum:
    """What `then` costs less; a quantity that changes and has no price leaves it unknown by so much."""
    keys = dict.fromkeys((line.service, line.what, line.driver) for line in (*now.lines, *then.lines))
    pairs = [(_amount(now, key), _amount(then, key), key[2]) for key in keys]
    changed = [(before - after, driver) for before, after, driver in pairs if before != after]
    prices = [(less, cost.price(driver, now.region)) for less, driver in changed]
    return Sum.of(None if price is None else less * price.price for less, price in prices)


def _amount(month: Month, key: tuple[str, str, str]) -> float:
    return sum(line.amount for line in month.lines if (line.service, line.what, line.driver) == key)


def table(case: Case) -> str:
    """Markdown."""
    rows = [
        f"| {saving.choice.title} | {_how(saving.choice)} | {saving.choice.loses} | {saving.saved} |"
        for saving in savings(case)
    ]
    head = ["| cheaper choice | how | what it costs otherwise | saves USD a month |", "|---|---|---|--:|"]
    return "\n".join([*head, *rows]) + "\n"


def _how(choice: Choice) -> str:
    return choice.how if choice.offered else f"{MISSING}: {choice.how}"


def _weekly(case: Case) -> Case | None:
    if case.runs <= WEEKS + 1:
        return None
    return replace(case, fixed=replace(case.fixed, runs=round(WEEKS)))


def _trained_weekly(case: Case) -> Case | None:
    return replace(case, trainings=round(WEEKS)) if case.trained > WEEKS + 1 else None


def _who_acted(case: Case) -> Case | None:
    lists = [solution for solution in case.settings.solutions if solution.for_each == "user"]
    return replace(case, inferred=ACTIVE) if lists and case.inferred == 1 else None


def _without_v2(case: Case) -> Case | None:
    if not any(is_v2(solution.recipe) for solution in case.settings.solutions):
        return None
    solutions = tuple(_legacy(solution) for solution in case.settings.solutions)
    return replace(case, settings=_with(case.settings, solutions=solutions))


def _legacy(solution: Solution) -> Solution:
    return solution.model_copy(update={"recipe": solution.recipe.removesuffix("-v2")})


def _with(settings: Settings, **changed: object) -> Settings:
    """A copy that is only counted: what the configuration would say of it is not asked."""
    return settings.model_copy(update=changed)


def _fewer_gateways(case: Case) -> Case | None:
    gateways = case.fixed.quantities.get(cost.NAT, 0)
    if gateways <= cost.HOURS:
        return None
    fixed = {**case.fixed.quantities, cost.NAT: float(cost.HOURS)}
    if cost.ADDRESS in fixed:
        fixed[cost.ADDRESS] = float(cost.HOURS)
    return replace(case, fixed=replace(case.fixed, quantities=fixed))


def _no_gateway(case: Case) -> Case | None:
    if cost.NAT not in case.fixed.quantities:
        return None
    gone = (cost.NAT, cost.ADDRESS)
    left = {driver: amount for driver, amount in case.fixed.quantities.items() if driver not in gone}
    return replace(case, fixed=replace(case.fixed, quantities=left))


def _without_glue(case: Case) -> Case | None:
    return None if case.without_glue else replace(case, without_glue=True)


def _paused(case: Case) -> Case | None:
    if not case.fixed.quantities.get(cost.AURORA):
        return None
    left = {driver: amount for driver, amount in case.fixed.quantities.items() if driver != cost.AURORA}
    return replace(case, fixed=replace(case.fixed, quantities=left))


def _small_warehouse(case: Case) -> Case | None:
    if case.fixed.base_rpu <= LEAST_RPU:
        return None
    return replace(case, fixed=replace(case.fixed, base_rpu=float(LEAST_RPU)))


CHOICES = (
    Choice(
        "run once a week",
        "`schedule.expression: cron(0 3 ? * MON *)`",
        "lists are a week old, new users wait for theirs",
        _weekly,
    ),
    Choice(
        "train once a week, infer daily",
        "`schedule.training: cron(0 2 ? * SUN *)`",
        "a model is up to a week old; lists are not",
        _trained_weekly,
    ),
    Choice(
        f"infer who acted only ({ACTIVE:.0%} of the users a run)",
        "`solutions[].users.active_within_days`",
        "who has not acted for a while gets the popular list",
        _who_acted,
    ),
    Choice(
        "the recipe before v2",
        "`solutions[].recipe: aws-user-personalization`",
        "fewer items and users, other lists: `make compare` first",
        _without_v2,
    ),
    Choice(
        "one NAT gateway",
        "`network.nat_gateways: 1`",
        "the loss of its zone stops a run",
        _fewer_gateways,
    ),
    Choice(
        "no NAT gateway",
        "the VPC that is made has one at least; `network.vpc_id` takes a company's own",
        "every API of AWS needs an interface endpoint",
        _no_gateway,
        offered=False,
    ),
    Choice(
        "Lambda in place of Glue",
        "the jobs are Spark's, but `etl.engine` lets a function build small datasets;"
        " what Lambda would cost is not in this figure",
        "15 minutes and 10 GB are the end of what it can prepare",
        _without_glue,
        offered=False,
    ),
    Choice(
        "Aurora pauses",
        "`sources.aurora.min_capacity: 0`",
        "the first query waits for it to wake; at most this, if nobody asks it",
        _paused,
    ),
    Choice(
        f"base capacity of {LEAST_RPU} RPU",
        f"`analytics.base_capacity_rpu: {LEAST_RPU}`",
        "loads and dashboards take longer, and so bill longer: at most this",
        _small_warehouse,
    ),
)
