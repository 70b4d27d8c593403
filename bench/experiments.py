"""False positives, power, coverage and plans of the experiments' statistics: `python -m bench.experiments`.

Simulated users of a shop come for 28 days and are looked at every evening, by the product's own code (analysis/),
with the sample ratio checked at each look and a holdout beside: who is in no experiment. Two kinds of shop: in
`arrivals` each day brings new users, who act on the day they come; in `returning` the same users act on every day,
and a look sees all that they did so far.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis import planning, sequential
from analysis.estimates import Effect, effect
from analysis.estimates import variance as metric_variance
from analysis.looks import FEWEST_USERS
from analysis.moments import Array, Moments

PAGE = Path(__file__).with_name("RESULTS.md")
DAYS, LIFT = 28, 0.10
HOLDOUT, RATIO_LEVEL = 0.05, 0.01
WIDE = 1.959963984540054


@dataclass(frozen=True)
class Shop:
    """`daily` users arrive a day; with `returning` they are there from the first day and act on every one.

    `lift` is what is planted to measure power.
    """

    name: str
    daily: int
    lift: float = LIFT
    returning: bool = False


SHOPS = (Shop("arrivals", 200, lift=0.15), Shop("returning", 260, lift=0.3, returning=True))
PARTS = ("control", "treatment", "held-out")


@dataclass(frozen=True)
class Seen:
    """Cumulative moments (simulations, days) by part and kind of metric, and counts (simulations, days, 3)."""

    ratio: dict[str, Moments]
    mean: dict[str, Moments]
    counts: Array


def simulate(shop: Shop, count: int, *, lift: float, seed: int) -> Seen:
    rng = np.random.default_rng(seed)
    users = (count, 1, shop.daily) if shop.returning else (count, DAYS, shop.daily)
    part = np.searchsorted(np.array([0.475, 0.95]), rng.random(users), side="right")
    taste = rng.gamma(2.0, 0.04, users)
    visits = rng.gamma(2.0, 2.0, users)
    before = rng.poisson(taste * visits * 8).astype(float)
    days = (count, DAYS, shop.daily)
    shown = 1.0 + rng.poisson(np.broadcast_to(visits, days))
    clicks = rng.poisson(taste * np.where(part == 1, 1 + lift, 1.0) * shown).astype(float)
    if shop.returning:
        shown, clicks = shown.cumsum(axis=1), clicks.cumsum(axis=1)
        part, before = (np.broadcast_to(one, days) for one in (part, before))
    ratio = np.stack([clicks, shown, before, np.ones(days)], axis=-1)
    mean = np.stack([clicks, np.ones(days), before, np.ones(days)], axis=-1)
    counts = np.stack([(part == n).sum(axis=-1) for n in range(3)], axis=-1).astype(float)
    return Seen(
        _moments(ratio, np.asarray(part, dtype=float), cumulative=shop.returning),
        _moments(mean, np.asarray(part, dtype=float), cumulative=shop.returning),
        counts if shop.returning else counts.cumsum(axis=1),
    )


def _moments(figures: Array, part: Array, *, cumulative: bool) -> dict[str, Moments]:
    found = {}
    for n, name in enumerate(PARTS):
        mine = (part == n)[..., None]
        own = Moments(
            (part == n).sum(axis=-1).astype(float), (figures * mine).sum(axis=-2), _products(figures * mine)
        )
        found[name] = (
            own if cumulative else Moments(own.n.cumsum(1), own.sums.cumsum(1), own.products.cumsum(1))
        )
    return found


def _products(figures: Array) -> Array:
    return np.asarray(np.swapaxes(figures, -1, -2) @ figures)


def fixed(shop: Shop, information: Array) -> Array:
    return np.full(information.shape, WIDE)


def declared(shop: Shop, information: Array) -> Array:
    """Bounds of the simulations' mean information: each one's own differs by a percent, and takes as long as all."""
    return sequential.bounds(np.arange(1, DAYS + 1) / DAYS, information=information.mean(axis=0))


def undeclared(shop: Shop, information: Array) -> Array:
    return sequential.always_valid_bound(information, detectable=shop.lift)


METHODS: dict[str, Callable[[Shop, Array], Array]] = {
    "fixed z, for contrast": fixed,
    "group-sequential": declared,
    "always valid": undeclared,
}


def effects(seen: Seen) -> Iterator[tuple[str, Effect]]:
    for kind, moments in (("mean", seen.mean), ("ratio", seen.ratio)):
        for adjusted in (False, True):
            name = f"{kind} with CUPED" if adjusted else kind
            yield name, effect(moments["control"], moments["treatment"], adjusted=adjusted)
    part = seen.ratio
    yield "holdout, ratio with CUPED", effect(part["held-out"], part["control"] + part["treatment"])


def ratio_holds(seen: Seen) -> NDArray[np.bool_]:
    """(simulations, days): the running check of all three parts has not been failed."""
    p = sequential.sample_ratio_p(seen.counts, [0.475, 0.475, 0.05])
    return p >= RATIO_LEVEL


@dataclass
class Tally:
    called: int = 0
    by_the_end: int = 0
    covered: int = 0
    covered_at_the_end: int = 0
    count: int = 0
    stops: list[int] | None = None


def tally(
    shop: Shop, *, simulations: int, lift: float, seed: int, chunk: int = 500
) -> dict[tuple[str, str], Tally]:
    """Counts by (metric, method)."""
    found: dict[tuple[str, str], Tally] = {}
    for n, begin in enumerate(range(0, simulations, chunk)):
        seen = simulate(shop, min(chunk, simulations - begin), lift=lift, seed=seed + n)
        holds = ratio_holds(seen)
        for metric, one in effects(seen):
            truth = lift if not metric.startswith("holdout") else lift / 2
            for method, critical in METHODS.items():
                _count(
                    found.setdefault((metric, method), Tally(stops=[])),
                    one,
                    critical(shop, _news(one)),
                    holds,
                    truth,
                )
    return found


def _news(one: Effect) -> Array:
    return np.maximum.accumulate(np.nan_to_num((one.control / one.error) ** 2, nan=1e-9), axis=-1)


def _count(into: Tally, one: Effect, bound: Array, holds: NDArray[np.bool_], truth: float) -> None:
    seen = (one.control_users >= FEWEST_USERS) & (one.treatment_users >= FEWEST_USERS)
    calls = (np.abs(one.score) >= bound) & holds & seen
    any_call = calls.any(axis=1)
    low, high = one.interval(bound)
    inside = ((low <= truth) & (truth <= high)) | ~seen
    into.count += len(calls)
    into.called += int(any_call.sum())
    into.by_the_end += int(calls[:, -1].sum())
    into.covered += int(inside.all(axis=1).sum())
    into.covered_at_the_end += int(inside[:, -1].sum())
    assert into.stops is not None
    into.stops += [int(day) + 1 for day in calls.argmax(axis=1)[any_call]]


def planned(*, simulations: int, seed: int, declared_end: bool) -> tuple[int, float, float]:
    """(users promised, power they gave, users that the promised power takes over those that were promised)."""
    pilot = simulate(Shop("pilot", 4_000), 1, lift=0.0, seed=seed).ratio["control"].at((0, -1))
    rough = planning.plan(
        control=float(pilot.means[0] / pilot.means[1]),
        variance=float(metric_variance(pilot)),
        detectable=LIFT,
        shares=(0.475, 0.475),
        daily_users=1,
        looks=DAYS,
        declared=declared_end,
    )
    shop = Shop("planned", round(rough.users / DAYS))
    name = "group-sequential" if declared_end else "always valid"
    found = tally(shop, simulations=simulations, lift=LIFT, seed=seed + 1)[("ratio with CUPED", name)]
    power = found.called / found.count
    promised, given = (
        planning.needed_drift(DAYS, declared_end, power=one) for one in (planning.POWER, power)
    )
    return rough.users, power, (promised / given) ** 2


def sections(*, simulations: int) -> dict[str, Callable[[], Iterator[str]]]:
    return {
        **{shop.name: partial(_table, shop, simulations) for shop in SHOPS},
        "plans": partial(_plans, max(simulations // 10, 100)),
    }


def _table(shop: Shop, simulations: int) -> Iterator[str]:
    null = tally(shop, simulations=simulations, lift=0.0, seed=10_000)
    fewer = max(simulations // 5, 100)
    real = tally(shop, simulations=fewer, lift=shop.lift, seed=50_000)
    limit = 0.05 + 2 * np.sqrt(0.05 * 0.95 / simulations)
    yield (
        f"{shop.daily} users {'in all' if shop.returning else 'a day'}; {simulations:,} simulations without an effect, "
        f"{fewer:,} with a lift of {shop.lift:.0%}. A rate of false positives is no higher than 0.05 where it is not "
        f"above {limit:.4f}, two standard errors.\n"
    )
    yield (
        "| metric | method | false positives, any look | last look | power | median day of the call "
        "| interval holds the truth at every look | at the last |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    for (metric, method), one in null.items():
        other = real[metric, method]
        median = f"{np.median(other.stops):.0f}" if other.stops else ""
        yield (
            f"| {metric} | {method} | {one.called / one.count:.4f} | {one.by_the_end / one.count:.4f} "
            f"| {other.called / other.count:.3f} | {median} | {other.covered / other.count:.3f} "
            f"| {other.covered_at_the_end / other.count:.3f} |"
        )


def _plans(simulations: int) -> Iterator[str]:
    yield f"{simulations:,} simulations of a lift of {LIFT:.0%} at the traffic that the plan asks for.\n"
    yield "| end | users promised for a power of 0.80 | power they gave | users it really takes, over the promise |"
    yield "|---|---|---|---|"
    for declared_end in (True, False):
        users, power, share = planned(simulations=simulations, seed=90_000, declared_end=declared_end)
        yield f"| {'declared' if declared_end else 'open'} | {users:,} | {power:.3f} | {share:.2f} |"


def kept() -> dict[str, str]:
    """The page's sections, by name."""
    if not PAGE.exists():
        return {}
    parts = PAGE.read_text().split("\n## ")[1:]
    return {part.partition("\n")[0].lower(): part.partition("\n")[2].strip() for part in parts}


def write(found: dict[str, str]) -> None:
    body = [f"## {name.capitalize()}\n\n{text}\n" for name, text in found.items()]
    PAGE.write_text("\n".join([HEAD, *body]))


HEAD = f"""# What the statistics of experiments keep

`python -m bench.experiments --write` makes this page, `--part NAME` one section of it. {DAYS} daily looks of the
product's own code; {HOLDOUT:.0%} of users held out; nothing is called where the sample ratio is off at
{RATIO_LEVEL:g}, or before {FEWEST_USERS} users of each variant.
"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.experiments", description=__doc__)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--part", choices=["arrivals", "returning", "plans"])
    parser.add_argument("--write", action="store_true", help="keep it in bench/RESULTS.md")
    options = parser.parse_args()
    found = kept()
    for name, section in sections(simulations=options.simulations).items():
        if options.part in (None, name):
            started = time.monotonic()
            lines = list(section())
            seconds = f"\n{time.monotonic() - started:.0f} s on this machine, with others at work."
            found[name] = "\n".join([*lines, seconds])
            print(found[name], flush=True)
    if options.write:
        write(found)


if __name__ == "__main__":
    main()
