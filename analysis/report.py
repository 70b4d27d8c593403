"""The analysis of one experiment: every comparison, corrected, and what follows from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import ceil, isfinite, isnan
from typing import Any

import numpy as np

from analysis import planning, sequential, several
from analysis.decision import Decision, decide
from analysis.design import Design
from analysis.looks import Looks, daily, users
from analysis.moments import Array
from analysis.novelty import Novelty, novelty
from analysis.panel import Panel, Rows, Segment

RATIO_LEVEL = 0.01
UNDECLARED_LOOKS = 28


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A variant against the control by one metric. `p` is valid at any look, `adjusted` for their number too."""

    metric: str
    variant: str
    control: float
    treatment: float
    lift: float
    low: float
    high: float
    p: float
    adjusted: float
    band: tuple[float, float] = (float("nan"), float("nan"))
    """The always-valid interval, which holds whatever end was declared."""
    guard: str = ""
    """Of a guardrail: `held`, `broken` or `open`."""
    segment: Segment | None = None

    @property
    def called(self) -> bool:
        return self.adjusted < sequential.ALPHA

    @property
    def without_base(self) -> bool:
        """There is nothing to divide by, so there is no figure."""
        return isnan(self.control) or isnan(self.treatment)


@dataclass(frozen=True, kw_only=True)
class Report:
    design: Design
    until: date | None
    users: dict[str, int]
    ratio_p: float
    primary: list[Comparison]
    guardrails: list[Comparison]
    secondary: list[Comparison]
    segments: list[Comparison]
    novelty: dict[str, Novelty | None]
    days: dict[str, list[tuple[date, float]]]
    """Of each variant, the lift of every day alone by the primary metric, where there is one."""
    days_left: int | None
    decisions: dict[str, Decision]

    @property
    def ratio_is_off(self) -> bool:
        return self.ratio_p < RATIO_LEVEL


def analyse(design: Design, rows: Rows) -> Report:
    """Rows of variants that the design doesn't have are not looked at."""
    panel = rows.panel(design.primary, variants=design.weights)
    primary = _corrected(_compared(design, rows, design.primary), several.holm)
    guardrails = [
        one for metric, margin in design.guardrails.items() for one in _guarded(design, rows, metric, margin)
    ]
    secondary = [one for metric in design.secondary for one in _compared(design, rows, metric)]
    alone = {one: daily(panel, design.control, one) for one in design.treatments}
    report = Report(
        design=design,
        until=rows.days[-1] if rows.days else None,
        users=_users(design, panel),
        ratio_p=_ratio(design, panel),
        primary=primary,
        guardrails=guardrails,
        secondary=_corrected(secondary, several.benjamini_hochberg),
        segments=_segments(design, rows),
        novelty={one: novelty(found) for one, found in alone.items()},
        days={one: _known(panel.days, found.lift) for one, found in alone.items()},
        days_left=_days_left(design, panel),
        decisions={},
    )
    return replace(report, decisions={one: _decided(report, one) for one in design.treatments})


def _compared(design: Design, rows: Rows, metric: str, *, segment: Segment | None = None) -> list[Comparison]:
    panel = rows.panel(metric, variants=design.weights, **({"segment": segment} if segment else {}))
    level = sequential.ALPHA / len(design.treatments)
    return [
        _comparison(Looks.of(design, panel, variant, level=level), metric, variant, segment)
        for variant in design.treatments
    ]


def _comparison(looks: Looks, metric: str, variant: str, segment: Segment | None) -> Comparison:
    low, high = looks.interval
    band = replace(looks, design=replace(looks.design, ends=None)).interval
    last: dict[str, Any] = {
        name: float(getattr(looks.effect, name)[-1]) if len(looks.seen) else float("nan")
        for name in ("control", "treatment", "lift")
    }
    p = looks.p
    return Comparison(
        metric=metric,
        variant=variant,
        low=low,
        high=high,
        band=band,
        p=p,
        adjusted=p,
        segment=segment,
        **last,
    )


def _guarded(design: Design, rows: Rows, metric: str, margin: float) -> list[Comparison]:
    panel = rows.panel(metric, variants=design.weights)
    found = _compared(design, rows, metric)
    looks = [Looks.of(design, panel, one.variant) for one in found]
    return [replace(one, guard=look.guard(metric, margin)) for one, look in zip(found, looks, strict=True)]


def _segments(design: Design, rows: Rows) -> list[Comparison]:
    """The primary metric by segment; always-valid p-values, for nobody declares when a segment is looked at."""
    undeclared = replace(design, ends=None)
    found = [
        one
        for segment in rows.segments
        for one in _compared(undeclared, rows, design.primary, segment=segment)
    ]
    return _corrected(found, several.benjamini_hochberg)


def _corrected(found: list[Comparison], correction: Callable[[Sequence[float]], Array]) -> list[Comparison]:
    adjusted = correction([one.p for one in found])
    return [replace(one, adjusted=float(p)) for one, p in zip(found, adjusted, strict=True)]


def _users(design: Design, panel: Panel) -> dict[str, int]:
    return {
        name: int(moments.n[-1]) if len(moments.n) else 0
        for name, moments in ((name, panel.cumulative[name]) for name in design.weights)
    }


def _known(days: Sequence[date], lifts: Array) -> list[tuple[date, float]]:
    return [(day, float(lift)) for day, lift in zip(days, lifts, strict=True) if isfinite(lift)]


def _ratio(design: Design, panel: Panel) -> float:
    names = list(design.weights)
    if not panel.days:
        return 1.0
    counts = users(panel, names)
    return float(sequential.sample_ratio_p(counts, [design.weights[name] for name in names])[-1])


def _days_left(design: Design, panel: Panel) -> int | None:
    """Days until the slowest variant's detectable effect would be seen at this traffic; None while nobody knows."""
    needed = planning.needed_drift(design.days or UNDECLARED_LOOKS, design.ends is not None)
    left = []
    for variant in design.treatments:
        looks = Looks.of(design, panel, variant)
        if not looks.any:
            return None
        missing = (needed / design.detectable) ** 2 - looks.information[-1]
        left.append(max(missing, 0.0) / looks.information[-1] * len(panel.days))
    return int(np.minimum(ceil(max(left)), 99_999))


def _decided(report: Report, variant: str) -> Decision:
    design = report.design
    [primary] = [one for one in report.primary if one.variant == variant]
    guards = {one.metric: one.guard for one in report.guardrails if one.variant == variant}
    return decide(
        users=sum(report.users.values()),
        ratio_is_off=report.ratio_is_off,
        without_base=design.primary if primary.without_base else None,
        broken=[name for name, state in guards.items() if state == "broken"],
        undecided=[name for name, state in guards.items() if state == "open"],
        called=primary.called,
        improves=design.improves(design.primary, primary.lift),
        ended=design.ends is not None and report.until is not None and report.until >= design.ends,
        days_left=report.days_left,
        days_to_end=(design.ends - report.until).days if design.ends and report.until else None,
        fades=bool((found := report.novelty[variant]) and found.fades),
    )
