"""`make chaos KILLS=1`: tells the story of each seed while its processes die, and checks what must hold after it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from local.chaos.deeds import Deeds
from local.chaos.invariants import Before, broken
from local.chaos.killing import Killing, places_of
from local.chaos.line import GONE, KILLED, SAVED_SECONDS, Line, Outcome
from local.chaos.rows import lost
from local.chaos.stories import Act
from local.chaos.telling import told
from local.chaos.workflows import Place, State, unreached
from osusume_endpoint.faults.plan import Kill, Plan

NOTHING: dict[str, Any] = {"fired": [], "seen": {}}


@dataclass
class Round:
    """What one seed did."""

    killing: Killing
    hits: Counter[tuple[Place, str]] = field(default_factory=Counter)  # by state and kind of process
    other: Counter[str] = field(default_factory=Counter)  # kills that no state is told of, by kind of process
    problems: list[str] = field(default_factory=list)
    left: list[Kill] = field(default_factory=list)  # that met nothing
    unsettled: bool = False

    def note(self, plan: Plan, report: Mapping[str, Any]) -> None:
        """Counts what fired, and takes it from what is left."""
        for fired in report["fired"]:
            if fired["kind"] != "kill":
                continue
            kill = plan.kills[int(fired["fault"].rpartition(".")[2])]
            if kill in self.left:
                self.left.remove(kill)
                self.hits[Place(*(kill.state or ("", ""))), kill.of] += 1
            else:
                self.other[kill.of] += 1


def play(line: Line, killing: Killing, deeds: Deeds) -> Round:
    """Tells the story until each of its kills hit something; then a run must succeed, and no row be lost."""
    done = Round(killing, left=list(killing.kills))
    forgotten = len(deeds.forgotten)
    for _ in range(killing.story.repeats):
        for act in killing.story.acts:
            outcome = _act(deeds, done, act)
            print(f"  {outcome.workflow}: {told(outcome)}", flush=True)
            done.unsettled = _unsettled(outcome, act, before=done.unsettled)
        if not done.left:
            break
    done.problems += _settled(line, deeds, run=done.unsettled or len(deeds.forgotten) > forgotten)
    return done


def _unsettled(outcome: Outcome, act: Act, *, before: bool) -> bool:
    """Whether a run has to follow: only a whole one tells that nothing was left in its way."""
    if outcome.status == KILLED:
        return True
    return before if act.error or outcome.workflow != "pipeline" else not outcome.succeeded


def _act(deeds: Deeds, done: Round, act: Act) -> Outcome:
    line, seed = deeds.line, done.killing.seed
    if any(kill.of == "endpoint" for kill in done.left):
        time.sleep(SAVED_SECONDS)
    before = Before.of(line)
    kills = (*act.kills, *done.left)
    plan = Plan(seed=seed, kills=kills, rules=act.rules) if kills or act.rules else None
    if plan:
        line.faults.use(plan)
    outcome, report = _performed(deeds, act, plan)
    if plan:
        done.note(plan, report)
    if outcome.status == KILLED:
        done.problems += _after_restart(line, outcome)
        outcome = replace(outcome, run_id=line.newest_run())
    done.problems += _held(deeds, before, outcome, report, act)
    return outcome


def _performed(deeds: Deeds, act: Act, plan: Plan | None) -> tuple[Outcome, dict[str, Any]]:
    line = deeds.line
    try:
        outcome = act.start(deeds)
        if outcome.status != KILLED:
            return outcome, line.faults.clear() if plan else NOTHING
    except GONE as error:
        if not line.died():
            raise
        outcome = Outcome(KILLED, 0.0, workflow=f"({type(error).__name__})")
    return outcome, line.restart()


def _after_restart(line: Line, outcome: Outcome) -> list[str]:
    """An execution that ran as the endpoint was killed has ended, or is not known where it was not saved."""
    status = line.status(outcome.arn) if outcome.arn else ""
    return (
        [f"after the restart {outcome.arn} is {status}"] if status in ("RUNNING", "PENDING_REDRIVE") else []
    )


def _held(deeds: Deeds, before: Before, outcome: Outcome, report: dict[str, Any], act: Act) -> list[str]:
    refused = bool(act.error) and outcome.failure is not None and outcome.failure.error == act.error
    problems = broken(deeds.line, before, outcome, report, expected=refused, leaving=deeds.leaving())
    if act.ends == "FAILED" and outcome.succeeded:
        problems.append(f"{outcome.workflow} succeeded, though what it needs was killed each time")
    return [f"{outcome.workflow}: {problem}" for problem in problems]


def _settled(line: Line, deeds: Deeds, *, run: bool) -> list[str]:
    """A run without faults succeeds after one that did not, with nobody's help, and nothing is lost.

    A run whose marts could not be built has succeeded, since its lists serve; the next one builds them. A deletion is
    somebody's wish, and no run goes on with it: one that died is asked for again.
    """
    problems: list[str] = []
    for again in deeds.finish():
        print(f"  a deletion that died, asked for again: {told(again)}", flush=True)
        if not again.succeeded:
            problems.append(f"the deletion that was asked for again failed: {told(again)}")
    if run or line.behind():
        before = Before.of(line)
        last = deeds.run()
        print(f"  run without faults after it: {told(last)}", flush=True)
        if not last.succeeded:
            return [*problems, f"the run without faults after it failed: {told(last)}"]
        problems += broken(line, before, last, NOTHING)
    deeds.await_database()
    return [*problems, *lost(line, deeds.watermark(), forgotten=list(deeds.forgotten))]


def table(rounds: Sequence[Round], states: Mapping[Place, State]) -> str:
    """Two tables: how often each kind of process was killed, and how many states of each workflow were hit."""
    wanted = {place for place in states if not unreached(place)}
    hit = {place for one in rounds for place, _ in one.hits}
    killed = Counter(kind for one in rounds for (_, kind), n in one.hits.items() for _ in range(n))
    killed += sum((one.other for one in rounds), Counter())
    lines = [
        "| process | killed |",
        "|---|---|",
        *(f"| {kind} | {n} |" for kind, n in sorted(killed.items())),
    ]
    lines += ["", "| workflow | states | can be entered | killed at |", "|---|---|---|---|"]
    for workflow in sorted({place.workflow for place in states}):
        of = [{p for p in group if p.workflow == workflow} for group in (set(states), wanted, hit)]
        lines.append(f"| {workflow} | {' | '.join(str(len(group)) for group in of)} |")
    lines.append(f"| **all** | {len(states)} | {len(wanted)} | {len(hit)} |")
    broken_ones = sum(1 for one in rounds if one.problems)
    lines += ["", f"seeds {len(rounds)}, kills {sum(killed.values())}, broken {broken_ones}"]
    return "\n".join(lines)


def missed(rounds: Sequence[Round], states: Mapping[Place, State]) -> list[Place]:
    """States that a seed was to hit, and none did."""
    hit = {place for one in rounds for place, _ in one.hits}
    asked = {place for one in rounds for place in places_of(one.killing.kills)}
    return sorted(place for place in asked & set(states) if place not in hit)
