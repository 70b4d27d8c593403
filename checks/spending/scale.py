"""docs/scale.md: what three sizes need, from measured processor seconds, list prices and AWS's quotas.

`python -m bench.scale --write` measures; `make docs` computes the page again.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

from assess.quotas import (
    BATCH_USERS,
    MAX_INTERACTIONS,
    MAX_INTERACTIONS_V2,
    MAX_ITEMS,
    MAX_ITEMS_V2,
    SOURCE,
)
from checks import cost
from checks.spending import units
from checks.spending.month import Month, amount
from checks.spending.shop import Measured, Shop, assumed
from checks.spending.use import Case, Fixed, is_v2, list_bytes
from config import inputs
from config.limits import MAX_IMPORT_GB
from config.rules import BUILD_MINUTES, FUNCTION_MINUTES
from config.settings import Settings

FIGURES = Path(__file__).with_name("scale.yaml")
# (users, items, events of the history)
SIZES = (
    (1_000_000, 100_000, 100_000_000),
    (10_000_000, 500_000, 1_000_000_000),
    (100_000_000, 2_000_000, 10_000_000_000),
)
CORES = 4  # of a DPU (Glue developer guide, "Worker types": G.1X has 4 vCPU)
# Of a cluster's cores that work while a job runs: a shuffle waits for its last task, the driver has its own worker.
BUSY = 0.6
MOST_WORKERS = 299  # of one job; config.settings.Etl.workers
WITHIN_HOURS = 1.0  # that a job may take, for which workers are counted
WRITE_UNITS = 40_000  # a second of a table on demand (DynamoDB developer guide, "Quotas"), adjustable
A_DAY = 24.0
ORDERS_SHARE = 0.1  # of events that are orders, so that they come from Aurora
MILLION = 1_000_000


@dataclass(frozen=True)
class Measurement:
    """Processor seconds of a job on `rows` of two sizes."""

    of: str
    rows: tuple[int, int]
    cpu_seconds: tuple[float, float]

    @property
    def per_million(self) -> float:
        return (self.cpu_seconds[1] - self.cpu_seconds[0]) / (self.rows[1] - self.rows[0]) * MILLION

    @property
    def start(self) -> float:
        """What no row costs; 0 where two measurements lie so that it would be less."""
        return max(0.0, self.cpu_seconds[0] - self.per_million * self.rows[0] / MILLION)

    def seconds(self, rows: float) -> float:
        return self.start + self.per_million * rows / MILLION

    def row(self) -> dict[str, Any]:
        return {"of": self.of, "rows": [*self.rows], "cpu_seconds": [*self.cpu_seconds]}


@dataclass(frozen=True)
class Figures:
    measured_on: str
    jobs: Mapping[str, Measurement]


@cache
def figures(file: Path = FIGURES) -> Figures:
    content = yaml.safe_load(file.read_text())
    jobs = {
        name: Measurement(row["of"], tuple(row["rows"]), tuple(row["cpu_seconds"]))
        for name, row in content["jobs"].items()
    }
    return Figures(str(content["measured_on"]), jobs)


@dataclass(frozen=True)
class Job:
    """A Glue job of one run: `workers` of G.1X, a DPU each, take `hours`."""

    name: str
    rows: float
    cpu_hours: float
    workers: int
    hours: float

    @property
    def dpu_hours(self) -> float:
        return self.workers * self.hours


@dataclass(frozen=True)
class Limit:
    """`needs` and `quota` are of one unit."""

    what: str
    needs: float
    quota: float
    unit: str
    cure: str
    source: str

    @property
    def share(self) -> float:
        return self.needs / self.quota


class Size:
    """One size of the example's configuration."""

    def __init__(self, settings: Settings, fixed: Fixed, *, users: int, items: int, events: int) -> None:
        self.shop = Shop(users=users, items=items, events_per_day=events / assumed("history_days"))
        self._settings, self._fixed = settings, fixed
        self.events = events

    @cached_property
    def _plain(self) -> Case:
        return Case(settings=self._settings, fixed=self._fixed, shop=self.shop)

    @property
    def lists(self) -> float:
        return sum(self._plain.lists(solution) for solution in self._settings.solutions)

    @cached_property
    def jobs(self) -> list[Job]:
        rows = {
            "extract-aurora": self.events * ORDERS_SHARE + self.shop.users + self.shop.items,
            "build-datasets": self._plain.volumes.rows,
            "postprocess-recommendations": self.lists,
        }
        return [job(name, rows[name], measurement) for name, measurement in figures().jobs.items()]

    @cached_property
    def case(self) -> Case:
        """The month with these jobs: what was measured stands in for what `make cost` assumes of rows a minute."""
        hours = sum(job.dpu_hours for job in self.jobs)
        return replace(self._plain, measured=Measured(dpu_hours=hours))

    @cached_property
    def month(self) -> Month:
        return Month.of(self.case)

    def hours_of(self, name: str) -> float:
        """Processor hours of a job."""
        return sum(one.cpu_hours for one in self.jobs if one.name == name)

    @property
    def write_hours(self) -> float:
        """Hours of one publication at the table's quota."""
        solutions = self._settings.solutions
        written = sum(self._plain.lists(one) * units.write_units(list_bytes(one)) for one in solutions)
        return written / WRITE_UNITS / 3600

    @property
    def warehouse_minutes(self) -> float:
        """Minutes of statements that read every row once."""
        return self._plain.volumes.rows / assumed("warehouse_rows_per_minute")

    @property
    def import_gb(self) -> float:
        return units.gigabytes(self.events * assumed("interaction_bytes"))


def job(name: str, rows: float, measurement: Measurement) -> Job:
    """The job with as many workers, of 2 to MOST_WORKERS, as end within WITHIN_HOURS."""
    busy = measurement.seconds(rows) / 3600 / CORES / BUSY  # worker-hours
    workers = min(MOST_WORKERS, max(2, math.ceil(busy / WITHIN_HOURS)))
    hours = max(busy / workers, assumed("job_minutes") / 60)
    return Job(name, rows, measurement.seconds(rows) / 3600, workers, hours)


def limits(size: Size, settings: Settings) -> list[Limit]:
    """The one that is exceeded most first."""
    found = [
        *_of_solutions(size, settings),
        Limit(
            "a full import of interactions",
            size.import_gb,
            MAX_IMPORT_GB,
            "GB",
            "`validate_datasets` stops the run before it: keep fewer days of history; 1 TB where the quota was raised",
            SOURCE,
        ),
        Limit(
            "publication at a table's write units a second",
            size.write_hours,
            A_DAY,
            "hours",
            "`users.active_within_days`; raise the table's quota",
            "DynamoDB developer guide, Quotas",
        ),
        Limit(
            "workers of build-datasets that end in an hour",
            size.hours_of("build-datasets") / CORES / BUSY / WITHIN_HOURS,
            MOST_WORKERS,
            "G.1X workers",
            "`etl.worker_type: G.2X` and larger; a longer `etl.timeout_minutes`",
            "Glue developer guide, Worker types",
        ),
        Limit(
            "lists that `judge_lists` counts before any is published",
            size.lists / assumed("lists_judged_per_minute"),
            FUNCTION_MINUTES,
            "minutes",
            "`users.active_within_days`, or fewer solutions",
            "Lambda developer guide, Quotas",
        ),
        _of_dbt(size, settings),
    ]
    return sorted(found, key=lambda one: -one.share)


def _of_dbt(size: Size, settings: Settings) -> Limit:
    """A function's quota, or the time-out of a build."""
    on_codebuild = settings.analytics.builds_on_codebuild
    where, quota, cure, source = (
        (
            "build",
            settings.analytics.dbt.timeout_minutes,
            f"a longer `analytics.dbt.timeout_minutes`, {BUILD_MINUTES:,} at most",
            "`config.rules.BUILD_MINUTES`: a run ends before the next begins",
        )
        if on_codebuild
        else (
            "function",
            FUNCTION_MINUTES,
            f"`analytics.dbt.runs_on: codebuild`, which takes up to {BUILD_MINUTES:,} minutes",
            "Lambda developer guide, Quotas",
        )
    )
    return Limit(
        f"dbt in one {where}, were it to read every row (assumed, not measured)",
        size.warehouse_minutes,
        quota,
        "minutes",
        f"{cure}; incremental models; a larger `analytics.base_capacity_rpu`",
        source,
    )


def _of_solutions(size: Size, settings: Settings) -> Iterator[Limit]:
    kinds = {is_v2(one.recipe) for one in settings.solutions}
    for v2 in sorted(kinds):
        name = "v2 recipes" if v2 else "other recipes"
        trained, items = (MAX_INTERACTIONS_V2, MAX_ITEMS_V2) if v2 else (MAX_INTERACTIONS, MAX_ITEMS)
        cure = "Personalize leaves out what is more; keep fewer days of history" + (
            "" if v2 else ", or ask for more"
        )
        yield Limit(f"interactions that {name} train on", size.events, trained, "rows", cure, SOURCE)
        cure = "Personalize leaves the rest out of training: leave out items that nobody can have"
        yield Limit(f"items that {name} know", size.shop.items, items, "items", cure, SOURCE)
    yield from _of_batches(size, settings)


# {"userId":"…"} and a line break, of ids as long as a UUID.
LINE_BYTES = 52


def _of_batches(size: Size, settings: Settings) -> Iterator[Limit]:
    asked = size.shop.users if any(one.for_each == "user" for one in settings.solutions) else size.shop.items
    folders = inputs.jobs_of_folders(settings.solutions)
    jobs = (inputs.most_jobs(settings.solutions) - sum(folders.values())) // max(
        folders.values(), default=1
    ) + 1
    cure = "`validate_datasets` stops the run: `users.active_within_days`, or fewer solutions"
    what = f"records of a solution's batch inference, in {jobs} jobs of {BATCH_USERS:,} (`etl.batch_records`)"
    yield Limit(what, asked, jobs * BATCH_USERS, "records", cure, SOURCE)
    what = f"bytes of the lines that ask for them, {LINE_BYTES} each, in {jobs} jobs of 1 GB"
    yield Limit(what, asked * LINE_BYTES, jobs * 10**9, "bytes", cure, SOURCE)


_HEAD = """# One, ten and a hundred million users

Generated by `make docs` from [checks/spending/scale.yaml](../checks/spending/scale.yaml), which
`python -m bench.scale --write` measures, from the assumptions and prices of [costs.md](costs.md) and from AWS's quotas.
The configuration is the example's `prod`.

**What to believe of it.** The processor seconds are measured on a laptop's Spark ({when}) and grow with rows; that a
cluster keeps {busy:.0%} of its cores busy is a guess, and so is the warehouse's speed. Nobody ran these sizes on AWS.
"""


def page(settings: Settings, fixed: Fixed) -> str:
    sizes = [Size(settings, fixed, users=u, items=i, events=e) for u, i, e in SIZES]
    head = _HEAD.format(when=figures().measured_on, busy=BUSY)
    parts = [head, *_measured(), *_overview(sizes, settings), *(_size(one, settings) for one in sizes)]
    return "\n".join(parts).rstrip() + "\n"


def _measured() -> Iterator[str]:
    yield "## What a row costs\n"
    yield "| job | rows | processor seconds | a million rows | a start |"
    yield "|---|---|---|--:|--:|"
    for name, one in figures().jobs.items():
        (few, many), (short, long) = one.rows, one.cpu_seconds
        sizes, seconds = f"{few:,} and {many:,} {one.of}", f"{short:g} and {long:g}"
        yield f"| `{name}` | {sizes} | {seconds} | {one.per_million:.0f} s | {one.start:.0f} s |"
    yield ""


def _overview(sizes: list[Size], settings: Settings) -> Iterator[str]:
    yield "## Three sizes\n"
    yield "| | " + " | ".join(f"{size.shop.users:,} users" for size in sizes) + " |"
    yield "|---|" + "--:|" * len(sizes)
    rows: Mapping[str, Callable[[Size], str]] = {
        "items": lambda size: f"{size.shop.items:,}",
        "events of the history": lambda size: f"{size.events:,}",
        "lists a run": lambda size: f"{size.lists:,.0f}",
        "DPU-hours a run": lambda size: amount(sum(one.dpu_hours for one in size.jobs)),
        "USD a month, all services": lambda size: str(size.month.sum()),
        "first limit": lambda size: _first(size, settings),
    }
    for name, shown in rows.items():
        yield f"| {name} | " + " | ".join(shown(size) for size in sizes) + " |"
    yield ""


def _first(size: Size, settings: Settings) -> str:
    worst = limits(size, settings)[0]
    return f"{worst.what}: {worst.share:.0%} of the quota" if worst.share > 1 else "none"


def _size(size: Size, settings: Settings) -> str:
    rows = [
        f"## {size.shop.title}\n",
        "| job of a run | rows | processor hours | G.1X workers | hours | USD |",
    ]
    rows.append("|---|--:|--:|--:|--:|--:|")
    price = cost.price("Glue compute", settings.region)
    for one in size.jobs:
        usd = "*unknown*" if price is None else f"{one.dpu_hours * price.price:,.2f}"
        rows.append(
            f"| `{one.name}` | {one.rows:,.0f} | {amount(one.cpu_hours)} | {one.workers} | {one.hours:.2g} | {usd} |"
        )
    rows += ["", "| USD a month | |", "|---|--:|"]
    rows += [f"| {name} | {size.month.sum(name)} |" for name in size.month.services[:6]]
    rows += ["", "| limit | needed | quota | | what to do | source |", "|---|--:|--:|--:|---|---|"]
    for limit in limits(size, settings):
        needs, quota = f"{amount(limit.needs)} {limit.unit}", f"{amount(limit.quota)}"
        mark = f"**{limit.share:.0%}**" if limit.share > 1 else f"{limit.share:.0%}"
        cure = limit.cure if limit.share > 0.5 else ""
        rows.append(f"| {limit.what} | {needs} | {quota} | {mark} | {cure} | {limit.source} |")
    return "\n".join([*rows, ""])
