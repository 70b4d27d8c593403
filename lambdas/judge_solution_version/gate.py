"""Whether a new solution version may take over from the one that serves, and why, in numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lambdas.judge_solution_version.noise import NONE, Noise, noise

ROUNDING = 1e-9  # 0.9 * 0.4 is 0.36000000000000004
LEVEL = 5  # promoted versions whose mean is the level
COVERAGE = "coverage"

Metrics = Mapping[str, float]


@dataclass(frozen=True)
class Rules:
    """The rules of one solution, as config/gate.py resolves them; without a metric, a command promotes."""

    metric: str | None
    min_against_serving: float
    min_against_best: float = 0.0
    min_against_popularity: float = 0.0
    min_coverage_against_serving: float = 0.0
    floors: Metrics = field(default_factory=dict)
    false_rejections: float = 0.05
    accept_changed: bool = False


@dataclass(frozen=True)
class Serving:
    """The version that serves now, its metrics when it was promoted, and which one served before it."""

    solution_version_arn: str
    metrics: Metrics
    previous: str = ""


@dataclass(frozen=True)
class Earlier:
    """A version that was promoted. `first`: what was promoted before it is no measure any more."""

    arn: str
    metrics: Metrics
    first: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"arn": self.arn, "metrics": dict(self.metrics), "first": self.first}


@dataclass(frozen=True)
class Case:
    """A version to judge. `history`: promoted versions, oldest first. `users`: whom a tenth is tested of."""

    arn: str
    metrics: Metrics
    serving: Serving | None = None
    history: Sequence[Earlier] = ()
    popularity: Metrics = field(default_factory=dict)
    users: int | None = None

    @property
    def previous(self) -> str:
        """What serves before this version does; a version that is judged again is not before itself."""
        if self.serving is None:
            return ""
        serves = self.serving.solution_version_arn == self.arn
        return self.serving.previous if serves else self.serving.solution_version_arn

    @property
    def changed(self) -> bool:
        """Another configuration is another solution: docs/adr/0026."""
        return self.serving is not None and solution(self.arn) != solution(self.serving.solution_version_arn)

    def same(self) -> list[Earlier]:
        """Earlier versions of the serving version's configuration."""
        if self.serving is None:
            return []
        wanted = solution(self.serving.solution_version_arn)
        return [earlier for earlier in self.history if solution(earlier.arn) == wanted]

    def values(self, metric: str) -> list[float]:
        return [earlier.metrics[metric] for earlier in self.same() if metric in earlier.metrics]

    def measures(self, metric: str) -> list[float]:
        """The metrics of the versions that are a measure: since the last command, the serving one last."""
        assert self.serving is not None
        same = self.same()
        begin = max((place for place, earlier in enumerate(same) if earlier.first), default=0)
        known = [earlier for earlier in same[begin:] if metric in earlier.metrics]
        if known and known[-1].arn == self.serving.solution_version_arn:
            return [earlier.metrics[metric] for earlier in known]
        return [self.serving.metrics[metric]]

    def noise(self, metric: str, level: float, rules: Rules) -> Noise:
        users = None if metric == COVERAGE else self.users
        return noise(
            history=self.values(metric), level=level, users=users, false_rejections=rules.false_rejections
        )


@dataclass(frozen=True)
class Verdict:
    promote: bool
    reason: str


def solution(arn: str) -> str:
    return arn.rpartition("/")[0]


def judge(case: Case, rules: Rules) -> Verdict:
    wrong = [*_broken(case, rules), *_below_floors(case, rules)]
    if wrong:
        return Verdict(False, "; ".join(wrong) + _stays(case))
    free = _free(case, rules)
    return free if free else _compared(case, rules)


def _broken(case: Case, rules: Rules) -> Iterator[str]:
    """A metric that is no number compares with nothing."""
    for name in {rules.metric, *rules.floors} - {None}:
        if not math.isfinite(case.metrics.get(str(name), 0.0)):
            yield f"{name} is {case.metrics[str(name)]}, which is no number"


def _below_floors(case: Case, rules: Rules) -> Iterator[str]:
    for name, least in sorted(rules.floors.items()):
        if name not in case.metrics:
            yield f"{name} is not reported, and quality_gate.floors asks for it"
        elif case.metrics[name] < least - ROUNDING:
            yield f"{name} is {case.metrics[name]:.4f}, the absolute floor {least:.4f}"


def _free(case: Case, rules: Rules) -> Verdict | None:
    """The verdict of a version that nothing compares with."""
    said = _said(case, rules)
    if case.serving is None:
        return Verdict(True, f"{said}; nothing serves yet")
    if case.serving.solution_version_arn == case.arn:
        return Verdict(True, f"{said}; this version serves already")
    if rules.metric is None or rules.metric not in case.metrics:
        return Verdict(False, f"{said}: a command promotes it" + _stays(case) + _command(case))
    if case.changed and rules.accept_changed:
        return Verdict(
            True, f"{said}; the configuration changed, and quality_gate.changed_configuration accepts it"
        )
    if rules.metric not in case.serving.metrics:
        return Verdict(True, f"{said}; the serving version was promoted without it")
    return None


def _said(case: Case, rules: Rules) -> str:
    if rules.metric is None:
        return "no metric judges this solution"
    if rules.metric not in case.metrics:
        return f"{rules.metric} is not reported (there are {', '.join(sorted(case.metrics)) or 'none'})"
    return f"{rules.metric} is {case.metrics[rules.metric]:.4f}"


def _compared(case: Case, rules: Rules) -> Verdict:
    bounds = list(_bounds(case, rules))
    failed = [bound for bound in bounds if not bound.holds]
    if failed:
        changed = _changed(case) if case.changed else ""
        return Verdict(False, "; ".join(bound.words for bound in failed) + _stays(case) + changed)
    return Verdict(True, "; ".join(bound.words for bound in bounds))


def _stays(case: Case) -> str:
    return ": the serving version stays" if case.serving else ": nothing serves"


def _changed(case: Case) -> str:
    return ". The configuration changed: if a lower figure is what you want of it, accept it" + _command(case)


def _command(case: Case) -> str:
    return f" (make promote SOLUTION=… VERSION={case.arn.rpartition('/')[2]})"


@dataclass(frozen=True)
class Bound:
    """A figure, what it is compared with, and the least value of it that passes."""

    metric: str
    new: float
    what: str
    reference: float
    floor: float
    noise: Noise = NONE

    @property
    def holds(self) -> bool:
        return self.new >= self.floor - ROUNDING

    @property
    def words(self) -> str:
        noise = f" (noise {self.noise.deviation:.4f} {self.noise.source})" if self.noise is not NONE else ""
        return f"{self.metric} is {self.new:.4f}, {self.what} {self.reference:.4f}, the floor {self.floor:.4f}{noise}"


def _bounds(case: Case, rules: Rules) -> Iterator[Bound]:
    metric = rules.metric
    assert metric is not None
    yield _against_serving(case, metric, rules, share=rules.min_against_serving)
    yield from _against_best(case, metric, rules)
    yield from _against_popularity(case, metric, rules)
    # A changed configuration may mean to reach another part of the catalogue.
    if (
        metric != COVERAGE
        and not case.changed
        and _known(case, COVERAGE)
        and rules.min_coverage_against_serving
    ):
        yield _against_serving(case, COVERAGE, rules, share=rules.min_coverage_against_serving)


def _known(case: Case, metric: str) -> bool:
    return case.serving is not None and metric in case.serving.metrics and metric in case.metrics


def _against_serving(case: Case, metric: str, rules: Rules, *, share: float) -> Bound:
    """The floor lies below the level by the share allowed, or by what noise explains where that is more."""
    recent = case.measures(metric)[-LEVEL:]
    level = sum(recent) / len(recent)
    found = case.noise(metric, level, rules)
    margin = max((1 - share) * level, found.margin(averaged=len(recent)))
    what = "the serving version's" if len(recent) == 1 else f"the serving level (of {len(recent)} versions)"
    return Bound(metric, case.metrics[metric], what, level, level - margin, found)


def _against_best(case: Case, metric: str, rules: Rules) -> Iterator[Bound]:
    """Levels, since the best of many single values is the luckiest."""
    values = case.measures(metric)
    if not rules.min_against_best or len(values) < LEVEL + 1:
        return
    levels = [sum(values[at : at + LEVEL]) / LEVEL for at in range(len(values) - LEVEL + 1)]
    found = case.noise(metric, max(levels), rules)
    floor = rules.min_against_best * max(levels) - found.margin(averaged=LEVEL)
    yield Bound(metric, case.metrics[metric], "the best level so far", max(levels), floor, found)


def _against_popularity(case: Case, metric: str, rules: Rules) -> Iterator[Bound]:
    if not rules.min_against_popularity or metric not in case.popularity:
        return
    reference = case.popularity[metric]
    found = case.noise(metric, reference, rules)
    floor = rules.min_against_popularity * reference - found.margin(averaged=1)
    yield Bound(metric, case.metrics[metric], "Popularity-Count's", reference, floor, found)
