"""The marts and the analysis at size, on both engines: `python -m bench.warehouse --users 1000000`.

Users of a simulated month are written into the landing tables by statements, so that what is measured begins in the
warehouse: the whole project with its tests, the same after one more day, and the analysis of `make experiment`.
Then a second engine builds every model from the same landing rows (second_engine.py), and rows that differ are counted:
from what the added day made and, with --refresh, from another build of everything.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from analysis import words
from analysis.panel import Rows, moments_of
from analysis.report import analyse
from bench.second_engine import Model, SecondEngine, Tables, models
from config.experiments import designs
from config.settings import Settings, load
from lambdas.shared import times
from local import experiment
from local.month import plan
from local.month.warehouse import Warehouse
from operations import queries
from osusume_endpoint import postgres, private
from osusume_endpoint.testing import cloud as clouds

ITEMS, SHOWN = 1_000, 5
# Of user n, on day n % days: seven of ten are exposed again three days later; everybody is shown two lists; about three
# in ten click one item of them, more in the treatment; one in twenty buys; half clicked in the month before.
_USERS = "insert into landing.users (run_id, user_id, {segment}) select '{run}', 'u' || n, 'age ' || n % 6 from {range}"
_EXPOSURES = """
insert into landing.exposures (run_id, exposure_id, experiment, version, variant, layer, unit_id, exposed_at, placement,
    recommendation_id)
select '{run}', 'x' || n || '-' || again, e.experiment, e.version,
    case when {variant} then '{control}' else '{treatment}' end, '{layer}', 'u' || n,
    {at} + again * interval '3 days', '{placement}', 'r' || n || '-' || again
from {range} cross join generate_series(0, 1) again
join (values {experiments}) e (place, experiment, version) on e.place = n % 4
where again = 0 or n % 10 < 7
"""
_SHOWN = """
insert into landing.events (run_id, event_id, event_type, user_id, occurred_at, session_id, recommendation_id,
    impression, simulated, event_key)
select '{run}', 's' || n || '-' || again, '{shown}', 'u' || n, {at} + again * interval '3 days' + interval '1 second',
    's' || n, 'r' || n || '-' || again,
    (select json_agg('i' || (n * 7 + again * 11 + k * 13) % {items})::text from generate_series(1, {length}) k),
    true, 'id#s' || n || '-' || again
from {range} cross join generate_series(0, 1) again
"""
_ACTED = """
insert into landing.interactions (run_id, user_id, item_id, event_type, occurred_at, event_value)
select '{run}', 'u' || n, 'i' || (n * 7 + 13) % {items}, '{click}', {at} + interval '20 seconds', null::float8
from {range} where abs(hashtext('click' || n)) % 100 < 30 + case when {variant} then 0 else 9 end
union all
select '{run}', 'u' || n, 'i' || (n * 7 + 13) % {items}, 'purchase', {at} + interval '1 hour', (n % 977) / 7.0
from {range} where abs(hashtext('buy' || n)) % 20 = 0
union all
select '{run}', 'u' || n, 'i' || n % {items}, '{click}', {at} - interval '10 days', null
from {range} where abs(hashtext('before' || n)) % 2 = 0
"""
_CLICKED = """
insert into landing.events (run_id, event_id, event_type, user_id, item_id, occurred_at, session_id, simulated,
    event_key)
select run_id, made.id, event_type, user_id, item_id, occurred_at, 's', true, 'id#' || made.id
from landing.interactions cross join lateral (select 'c' || user_id || '-' || extract(epoch from occurred_at)) made (id)
where event_type = '{click}' and run_id = '{run}'
"""
_BOUGHT = """
insert into landing.orders (run_id, order_id, user_id, item_id, ordered_at, sales_value)
select run_id, 'o' || user_id, user_id, item_id, occurred_at, event_value from landing.interactions
where event_type = 'purchase' and run_id = '{run}'
"""


@contextmanager
def timed(what: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    print(f"  {what:44} {time.monotonic() - started:7.1f} s", flush=True)


class Filled:
    """A warehouse with a month of users, filled a part of them at a time: users of the last day come later."""

    def __init__(self, warehouse: Warehouse, first: date) -> None:
        self.warehouse, self.first = warehouse, first
        folder = warehouse.cloud.home / "postgres"
        address = postgres.PostgresAddress("127.0.0.1", int((folder / "port").read_text()))
        database = warehouse.settings.analytics.database
        self.connection = postgres.admin_connection(folder=folder, address=address, database=database)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def fill(self, run: str, users: range) -> None:
        settings = self.warehouse.settings
        numbered = enumerate(designs(settings.experiments))
        given = {
            "run": run,
            "range": f"generate_series({users.start}, {users.stop - 1}) n",
            "at": f"(timestamp '{self.first}' + n % {plan.DAYS - 4} * interval '1 day'"
            " + n % 80000 * interval '1 second')",
            "experiments": ", ".join(f"({n}, '{one['name']}', '{one['version']}')" for n, one in numbered),
            "segment": settings.experiments.segments[0].lower(),
            "shown": settings.analytics.impression_event,
            "click": settings.analytics.click_event,
            "placement": plan.placements(settings)[0],
            "control": plan.CONTROL, "treatment": plan.TREATMENT, "layer": plan.LAYER,
            "variant": "hashtext('variant' || n) % 2 = 0",
            "items": ITEMS, "length": SHOWN,
        }  # fmt: skip
        for statement in (_USERS, _EXPOSURES, _SHOWN, _ACTED, _CLICKED, _BOUGHT):
            self.rows(statement.format(**given))
        self.rows("analyze")


def second(filled: Filled, made: list[Model], folder: Path) -> SecondEngine:
    engine = SecondEngine(filled.warehouse.settings.analytics.database, folder)
    engine.land(Tables(filled.connection))
    engine.build(made)
    return engine


def differing(filled: Filled, engine: SecondEngine, made: list[Model]) -> int:
    tables = Tables(filled.connection)
    lines = [f"{one.name}: {line}" for one in made for line in engine.differing(one.table, tables)]
    for line in lines[:20]:
        print(f"    {line[:400]}")
    return len(lines)


def measure(settings: Settings, *, users: int, first: date, home: Path, refresh: bool) -> int:
    """Prints seconds by step; the count of rows that differ."""
    began = datetime(first.year, first.month, first.day, tzinfo=UTC)
    old, new = (times.run_id(began + timedelta(days=n)) for n in (plan.DAYS - 1, plan.DAYS))
    added = users // plan.DAYS
    with clouds.running(home) as cloud:
        warehouse = Warehouse.made(cloud, settings, work=home / "dbt")
        warehouse.night(old, {"items": [{"item_id": f"i{n}"} for n in range(ITEMS)]}, whole=False)
        filled = Filled(warehouse, first)
        with timed("rows of all days but one"):
            filled.fill(old, range(users - added))
        with timed("dbt build, every model and test"):
            warehouse.build(True)
        made = models(home / "dbt" / "target")
        filled.fill(new, range(users - added, users))
        with timed("dbt build after one more day"):
            warehouse.build(True)
        _analysed(warehouse, new)
        _counted(filled)
        return _compared(filled, made, home, refresh=refresh)


def _counted(filled: Filled) -> None:
    tables = {
        "exposures": "landing.exposures",
        "events": "landing.events",
        "items shown": "marts.fct_recommendations_shown",
    }
    counts = {name: filled.rows(f"select count(*) from {table}")[0][0] for name, table in tables.items()}
    print("  " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))


def _compared(filled: Filled, made: list[Model], home: Path, *, refresh: bool) -> int:
    with timed("the second engine, every model"):
        engine = second(filled, made, home)
    with timed("compared with what the day added to"):
        count = differing(filled, engine, made)
    if refresh:
        with timed("dbt build of everything anew"):
            filled.warehouse.build(True, "--full-refresh")
        with timed("compared with what was built anew"):
            count += differing(filled, engine, made)
    return count


def _analysed(warehouse: Warehouse, run: str) -> None:
    place = warehouse.place
    design = experiment.design(warehouse.settings.experiments, plan.PLANTED)
    with timed("make experiment: moments read"):
        rows = queries.warehouse_rows(place, moments_of(design))
    with timed("make experiment: analysed and told"):
        told = list(words.lines(analyse(design, Rows(rows, until=design.ends)), "en"))
    with timed("the workflow's analysis of four, stored"):
        warehouse.analyse(run)
    print("\n".join(f"    {line}" for line in told[:6]))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.warehouse", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000, help="1.7 exposures each")
    parser.add_argument("--environment", default="dev")
    parser.add_argument(
        "--refresh", action="store_true", help="build everything anew at the end and compare that too"
    )
    options = parser.parse_args()
    first = datetime.now(UTC).date() - timedelta(days=plan.DAYS)
    settings = plan.configured(load(options.environment), first=first)
    print(f"{options.users:,} users", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        count = measure(
            settings,
            users=options.users,
            first=first,
            home=private.secure(Path(folder)),
            refresh=options.refresh,
        )
    print(f"  {count} rows differ")
    print(f"  memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB of this process")
    return bool(count)


if __name__ == "__main__":
    sys.exit(main())
