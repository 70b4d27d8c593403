"""The moments of experiments, against figures of each user that are counted here without any SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pytest

from analysis.moments import Array, Moments
from analysis.panel import ALL, COLUMNS, Rows
from osusume_endpoint import postgres
from tests.warehouse import rows
from tests.warehouse.conftest import Warehouse

pytestmark = pytest.mark.slow

SELECT = f"select {', '.join(COLUMNS)} from marts.mart_experiment_moments where experiment = '%s'"
START = datetime(2026, 12, 1)
DAYS, USERS = 6, 120
METRICS = {
    "buyers": ("purchase", "users", None),
    "purchases_per_user": ("purchase", "events", None),
    "revenue_per_user": ("purchase", "value", None),
    "clicks_per_impression": ("click", "events", "impression"),
}


class Action(NamedTuple):
    user: str
    kind: str
    at: datetime
    value: float | None


class Made(NamedTuple):
    """Users' first exposures and all that they did."""

    variants: dict[str, str]
    exposed: dict[str, datetime]
    actions: list[Action]

    def figures(self, metric: str, variant: str, day: date) -> Array:
        """(users, 4) of who was exposed by the end of the day."""
        users = [u for u, v in self.variants.items() if v == variant and self.exposed[u].date() <= day]
        return np.array([self._of(user, metric, day) for user in users]).reshape(-1, 4)

    def _of(self, user: str, metric: str, day: date) -> list[float]:
        since, end = self.exposed[user], datetime.combine(day, datetime.min.time()) + timedelta(days=1)
        mine = [a for a in self.actions if a.user == user]
        after = [a for a in mine if since <= a.at < end]
        before = [a for a in mine if since - timedelta(days=28) <= a.at < since]
        return [*_measured(after, metric), *_measured(before, metric)]


def _measured(actions: list[Action], metric: str) -> list[float]:
    event, counts, per = METRICS[metric]
    found = [a for a in actions if a.kind == event]
    outcome = float(len(found))
    if counts == "users":
        outcome = float(bool(found))
    if counts == "value":
        outcome = sum(a.value or 0.0 for a in found)
    return [outcome, 1.0 if per is None else float(sum(a.kind == per for a in actions))]


def make() -> Made:
    rng = np.random.default_rng(1)
    names = [f"user-{n}" for n in range(USERS)]
    variants = {name: ("control", "popular")[int(rng.integers(2))] for name in names}
    exposed = {name: START + timedelta(minutes=int(rng.integers((DAYS - 1) * 1440))) for name in names}
    actions = [
        Action(
            names[int(rng.integers(USERS))],
            ("purchase", "click", "impression", "impression")[int(rng.integers(4))],
            START + timedelta(minutes=int(rng.integers(-40 * 1440, DAYS * 1440))),
            float(np.round(rng.gamma(2.0, 5.0), 2)) if rng.random() > 0.1 else None,
        )
        for _ in range(2_500)
    ]
    unique = {(a.user, a.kind, a.at): a for a in actions}
    return Made(variants, exposed, list(unique.values()))


@pytest.fixture(scope="module")
def made() -> Made:
    return make()


@pytest.fixture(scope="module")
def filled(
    server: postgres.Server, tmp_path_factory: pytest.TempPathFactory, made: Made
) -> Iterator[Warehouse]:
    warehouse = Warehouse(server, "experiments", tmp_path_factory.mktemp("experiments"))
    warehouse.seed(without=[name for name, _, _ in rows.TABLES])
    for n, action in enumerate(made.actions):
        _insert(warehouse, n, action)
    for n, (user, at) in enumerate(made.exposed.items()):
        given = (rows.NEW, f"x{n}", "home", "11111111", made.variants[user], user, at)
        columns = "run_id, exposure_id, experiment, version, variant, unit_id, exposed_at"
        warehouse.execute(
            f"insert into landing.exposures ({columns}) values (%s, %s, %s, %s, %s, %s, %s)", *given
        )
        age = (None, "35-44", "65+")[n % 3]
        warehouse.execute("insert into landing.users (run_id, user_id, age) values ('r', %s, %s)", user, age)
    build = warehouse.run("mart_experiment_moments")
    assert build.code == 0, build.output
    yield warehouse


def _insert(warehouse: Warehouse, n: int, action: Action) -> None:
    if action.kind == "impression":
        columns = "run_id, event_id, event_type, user_id, occurred_at, impression"
        values: tuple[Any, ...] = (f"i{n}", "impression", action.user, action.at, '["a"]')
        warehouse.execute(f"insert into landing.events ({columns}) values ('r', %s, %s, %s, %s, %s)", *values)
    else:
        columns = "run_id, user_id, item_id, event_type, occurred_at, event_value"
        values = (action.user, "a", action.kind, action.at, action.value)
        warehouse.execute(
            f"insert into landing.interactions ({columns}) values ('r', %s, %s, %s, %s, %s)", *values
        )


@pytest.mark.parametrize("metric", METRICS)
def test_the_moments_of_every_day_are_those_of_the_users_themselves(
    filled: Warehouse, made: Made, metric: str
) -> None:
    found = Rows(filled.select(SELECT % "home"))
    assert found.days[0] == START.date() and len(found.days) == DAYS
    panel = found.panel(metric, variants=["control", "popular"])
    for n, day in enumerate(found.days):
        for variant in ("control", "popular"):
            figures = made.figures(metric, variant, day)
            expected, ours = Moments.of(figures), panel.cumulative[variant].at(n)
            assert ours.n == expected.n, (day, variant)
            np.testing.assert_allclose(ours.sums, expected.sums, err_msg=f"{day} {variant}")
            np.testing.assert_allclose(ours.products, expected.products, err_msg=f"{day} {variant}")


def test_a_day_alone_is_what_happened_on_it(filled: Warehouse, made: Made) -> None:
    found = Rows(filled.select(SELECT % "home"))
    panel = found.panel("clicks_per_impression", variants=["control"])
    for n, day in enumerate(found.days[1:], 1):
        today = made.figures("clicks_per_impression", "control", day)
        before = np.zeros_like(today)
        earlier = made.figures("clicks_per_impression", "control", day - timedelta(days=1))
        users = [u for u, v in made.variants.items() if v == "control"]
        known = [u for u in users if made.exposed[u].date() <= day]
        was = [u for u in users if made.exposed[u].date() < day]
        before[[known.index(u) for u in was]] = earlier
        change = (today - before)[:, :2]
        ours = panel.daily["control"].at(n)
        np.testing.assert_allclose(ours.sums[:2], change.sum(axis=0))
        np.testing.assert_allclose(ours.products[:2, :2], change.T @ change)


def test_segments_divide_all_users(filled: Warehouse) -> None:
    found = Rows(filled.select(SELECT % "home"))
    assert found.segments == [("age", "35-44"), ("age", "65+"), ("age", "unknown")]
    whole = found.panel("buyers", variants=["control"], segment=(ALL, ALL)).cumulative["control"].at(-1)
    parts = [
        found.panel("buyers", variants=["control"], segment=segment).cumulative["control"].at(-1)
        for segment in found.segments
    ]
    summed = parts[0] + parts[1] + parts[2]
    assert summed.n == whole.n and min(part.n for part in parts) > 0
    np.testing.assert_allclose(summed.products, whole.products)


def test_who_saw_two_variants_or_another_version_is_not_among_them(built: Warehouse) -> None:
    """Anna came in after her click on milk and before her click on tea; dora saw both variants."""
    exposures = built.select(
        "select experiment_version, unit_id, variant, days_exposed, is_mixed from marts.fct_exposures order by 1, 2"
    )
    assert exposures == [
        ("00000000", "carl", "control", 1, False),
        ("11111111", "anna", "control", 2, False),
        ("11111111", "ben", "popular", 1, False),
        ("11111111", "carl", "popular", 1, False),
        ("11111111", "dora", "control", 2, True),
    ]
    last = built.select(
        "select variant, users, outcome, before from marts.mart_experiment_moments"
        " where experiment_version = '11111111' and metric = 'purchases_per_user' and segment_name = 'all'"
        " and day = '2026-01-02' order by 1"
    )
    assert last == [("popular", 2, 1.0, 0.0)]
    anna = built.select(
        "select day, users, outcome, before from marts.mart_experiment_moments"
        " where metric = 'purchases_per_user' and variant = 'control' and experiment_version = '11111111'"
        " and segment_name = 'all' order by 1"
    )
    assert anna == [(date(2026, 1, 1), 1, 1.0, 0.0)]


def test_what_the_newest_run_said_of_a_day_stands(built: Warehouse) -> None:
    found = built.select(
        "select day, role, segment_value, lift, decision, recency, comparison"
        " from marts.mart_experiment_results order by 1, 2, 3"
    )
    name = "home 11111111 popular"
    assert found == [
        (date(2026, 1, 1), "primary", "all", 0.1, "keep", "earlier", name),
        (date(2026, 1, 2), "primary", "all", 0.2, "ship", "newest", name),
        (date(2026, 1, 2), "ratio", "all", None, None, "newest", None),
        (date(2026, 1, 2), "segment", "18-24", 0.1, None, "newest", name),
    ]


def test_the_lines_of_a_chart_are_its_figures_one_by_one(built: Warehouse) -> None:
    found = built.select(
        "select line, line_value from marts.mart_experiment_lines where day = '2026-01-02' order by 1"
    )
    assert dict(found) == pytest.approx(
        {
            "lift": 0.2,
            "interval, low": 0.0,
            "interval, high": 0.4,
            "always-valid, low": 0.0,
            "always-valid, high": 0.4,
        }
    )


def test_a_result_that_is_stored_after_the_build_is_seen_at_once(built: Warehouse) -> None:
    """The mart is a view: the analysis comes after dbt."""
    built.execute(
        "insert into landing.experiment_results (run_id, experiment, version, day, role, variant, metric,"
        " segment_name, segment_value, made_by)"
        " values ('20260103T030000Z', 'late', '1', '2026-01-03', 'primary', 'v', 'm', 'all', 'all', 'simulator')"
    )
    try:
        found = built.select("select made_by from marts.mart_experiment_results where experiment = 'late'")
        assert found == [("simulator",)]
    finally:
        built.execute("delete from landing.experiment_results where experiment = 'late'")


def test_placements_count_the_answers_that_exposures_name(built: Warehouse) -> None:
    """Anna's two answers share a recommendation in rows.py, and so both of her days count each; dora saw both."""
    found = built.select(
        "select variant, placement, list_position, made_by, shown_users, shown_items, clicked_items, bought_items"
        " from marts.mart_experiment_placements where experiment_version = '11111111' order by 1, 3"
    )
    shown = {(row[0], row[2]): row[4:] for row in found}
    assert {row[1] for row in found} == {"home"} and {row[3] for row in found} == {"simulator"}
    assert shown == {
        ("control", 1): (1, 4, 4, 2),
        ("control", 2): (1, 4, 0, 2),
        ("control", 3): (1, 2, 0, 0),
        ("popular", 1): (1, 1, 0, 0),
    }
