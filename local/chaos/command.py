"""The `chaos` command: an endpoint, a baseline run, then runs under faults and what must hold after each."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import SystemRandom

from config import settings as configuration
from config.settings import Settings
from local import cli
from local.chaos import rounds as rounds_
from local.chaos import workflows
from local.chaos.deeds import Deeds
from local.chaos.invariants import Before, broken
from local.chaos.killing import SEEDS, Killing, killing
from local.chaos.line import Line
from local.chaos.plans import random_plan
from local.chaos.telling import fired, told
from osusume_endpoint import state
from osusume_endpoint.faults.client import Faults
from osusume_endpoint.faults.plan import Plan, PlanRefused, read
from osusume_endpoint.signed import RequestRefused
from stacks.synthesis import synthesize

WAIT_SCALE = "0.01"
RUNS = 3


def run(options: argparse.Namespace) -> int:
    try:
        plans = [] if options.kills else _plans(options)
        with _endpoint(options.environment) as line:
            if options.kills:
                _kill(line, options)
            else:
                _run(line, plans, options)
    except (Broken, NoBaseline, PlanRefused, RequestRefused) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


class NoBaseline(RuntimeError):
    """A run without faults failed before there were any."""


class Broken(RuntimeError):
    """Something that must hold did not."""


def _plans(options: argparse.Namespace) -> list[Plan]:
    seed = options.seed if options.seed is not None else SystemRandom().randrange(1_000_000)
    if options.plan is None:
        return [random_plan(seed + number) for number in range(_runs(options))]
    plan = read(options.plan)
    first = options.seed if options.seed is not None else plan.seed
    return [plan.model_copy(update={"seed": first + number}) for number in range(_runs(options))]


def _runs(options: argparse.Namespace) -> int:
    given: int | None = options.runs
    return given if given is not None else SEEDS if options.kills else RUNS


@contextmanager
def _endpoint(environment: str) -> Iterator[Line]:
    """The running endpoint; or one of its own, in a folder that stays when something went wrong."""
    settings, home = configuration.load(environment), state.home()
    if current := state.load(home):
        yield Line(cli.endpoint_of(current, home), settings)
        return
    wait_scale = os.environ.get("OSUSUME_WAIT_SCALE", WAIT_SCALE)
    with state.temporary_home("osusume-chaos-", wait_scale=wait_scale) as own:
        try:
            yield _started(own, settings)
        except Exception:
            print(f"Logs: {own / 'log'}", file=sys.stderr)
            raise
        finally:
            cli.run_down(argparse.Namespace())


def _started(home: Path, settings: Settings) -> Line:
    synthesize(environment=settings.environment, folder=home / "cdk.out")
    if cli.main(["up", "--cdk-out", str(home / "cdk.out")]):
        raise NoBaseline("the endpoint did not start")
    return Line(cli.endpoint_of(state.running(home), home), settings)


def _baseline(line: Line, options: argparse.Namespace) -> None:
    line.faults.clear()
    print(f"data: {line.load()}")
    if set(line.pointers()) != set(line.lists):
        baseline = line.run(seconds=options.seconds)
        if not baseline.succeeded:
            raise NoBaseline(f"the run without faults failed: {told(baseline)}")
        print(f"without faults: {told(baseline)}")


def _kill(line: Line, options: argparse.Namespace) -> None:
    """Processes that die at every state, by seed. Raises Broken."""
    states = workflows.read(line.endpoint.home / "cdk.out", prefix=line.settings.names.prefix)
    _baseline(line, options)
    deeds, rounds = Deeds(line, seconds=options.seconds), []
    first = options.seed if options.seed is not None else 0
    for seed in range(first, first + _runs(options)):
        rounds.append(_round(line, killing(seed, states), deeds))
    print(f"\n{rounds_.table(rounds, states)}")
    missed = rounds_.missed(rounds, states)
    again = [f"Again: make chaos KILLS=1 SEED={one.killing.seed} RUNS=1" for one in rounds if one.problems]
    if missed or again:
        raise Broken("\n".join([*(f"not hit: {place.workflow} {place.name}" for place in missed), *again]))


def _round(line: Line, what: Killing, deeds: Deeds) -> rounds_.Round:
    print(f"\nseed {what.seed}: {what.story.name}")
    for kill in what.kills:
        print(f"  | {kill.target} at {kill.when}")
    done = rounds_.play(line, what, deeds)
    for (place, kind), count in sorted(done.hits.items()):
        print(f"  killed: {kind} at {place.workflow} {place.name}" + (f", {count} x" if count > 1 else ""))
    for kill in done.left:
        print(f"  met nothing: {kill.target} at {kill.when}")
    for problem in done.problems:
        print(f"  BROKEN: {problem}")
    print(f"  verdict: {'broken' if done.problems else 'everything holds'}", flush=True)
    return done


def _run(line: Line, plans: list[Plan], options: argparse.Namespace) -> None:
    _baseline(line, options)
    failed = [plan.seed for plan in plans if not one_run(line, plan, seconds=options.seconds)]
    print(f"\n{len(plans) - len(failed)} of {len(plans)} runs left everything in order")
    if failed:
        of = f" PLAN={options.plan}" if options.plan else ""
        raise Broken("\n".join(f"Again: make chaos{of} SEED={seed} RUNS=1" for seed in failed))


def one_run(line: Line, plan: Plan, *, seconds: float) -> bool:
    """Whether everything holds after a run under the plan, and after one without faults where that failed."""
    print(f"\nseed {plan.seed}")
    print("".join(f"  | {text}\n" for text in plan.text().splitlines()), end="", flush=True)
    before = Before.of(line)
    line.faults.use(plan)
    try:
        outcome = line.run(seconds=seconds)
    finally:
        report = line.faults.clear()
    for text in fired(report):
        print(f"  fired: {text}")
    print(f"  run: {told(outcome)}")
    problems = broken(line, before, outcome, report)
    if not outcome.succeeded:
        problems += _recovered(line, seconds=seconds)
    for problem in problems:
        print(f"  BROKEN: {problem}")
    print(f"  verdict: {'broken' if problems else 'everything holds'}", flush=True)
    return not problems


def _recovered(line: Line, *, seconds: float) -> list[str]:
    before = Before.of(line)
    again = line.run(seconds=seconds)
    print(f"  run without faults after it: {told(again)}")
    if not again.succeeded:
        return [f"the run without faults after it failed: {told(again)}"]
    return broken(line, before, again, {"fired": []})


def run_faults(options: argparse.Namespace) -> int:
    home = state.home()
    current = state.running(home)
    endpoint = cli.endpoint_of(current, home)
    faults = Faults(endpoint.url, endpoint.region, endpoint.administrator)
    try:
        if options.plan:
            faults.use(read(options.plan))
        report = faults.clear() if options.clear else faults.report()
    except (PlanRefused, RequestRefused) as error:
        print(error, file=sys.stderr)
        return 1
    print("no faults are set" if report["plan"] is None else "\n".join(fired(report)))
    return 0
