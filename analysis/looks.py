"""A metric looked at day by day: which test, which bound, which interval."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from analysis import sequential
from analysis.design import Design
from analysis.estimates import Effect, effect
from analysis.moments import Array
from analysis.panel import Panel

# Of each variant, before anything is looked at: with 100 a holdout is called in 6% of the runs (bench/RESULTS.md).
FEWEST_USERS = 200


@dataclass(frozen=True)
class Looks:
    """One variant against the control; `effect` is one a day, of which `seen` are looked at."""

    design: Design
    effect: Effect
    seen: NDArray[np.bool_]
    """Whether the day counts as a look."""
    level: float = sequential.ALPHA
    late: int = 0
    """Days from the declared start to the first row: time that passed without a look."""

    @classmethod
    def of(cls, design: Design, panel: Panel, treatment: str, *, level: float = sequential.ALPHA) -> Looks:
        one, other = panel.cumulative[design.control], panel.cumulative[treatment]
        found = effect(one, other)
        enough = (one.n >= FEWEST_USERS) & (other.n >= FEWEST_USERS)
        late = (panel.days[0] - design.starts).days if panel.days else 0
        return cls(design, found, enough & np.isfinite(found.score) & (found.error > 0), level, max(late, 0))

    @property
    def any(self) -> bool:
        return bool(self.seen.any())

    @cached_property
    def times(self) -> Array:
        """Share of the declared duration at each look; those of today's where none is declared."""
        days = np.flatnonzero(self.seen) + 1.0 + self.late
        return np.minimum(days / (self.design.days or len(self.seen)), 1.0)

    @cached_property
    def information(self) -> Array:
        """The information on the relative effect at each look; it can't fall."""
        found = (self.effect.control / self.effect.error)[self.seen] ** 2
        return np.maximum.accumulate(found)

    @cached_property
    def p(self) -> float:
        """Valid whatever was looked at before; NaN where nothing was."""
        if not self.any:
            return float("nan")
        z = self.effect.score[self.seen]
        if self.design.ends is None:
            return float(
                sequential.always_valid_p(z, self.information, detectable=self.design.detectable)[-1]
            )
        return sequential.repeated_p(z, self.times, information=self.information)

    @cached_property
    def critical(self) -> Array:
        """The critical value of |z| at each look."""
        if self.design.ends is None:
            return sequential.always_valid_bound(
                self.information, detectable=self.design.detectable, alpha=self.level
            )
        return sequential.bounds(self.times, information=self.information, alpha=self.level)

    @property
    def interval(self) -> tuple[float, float]:
        """The lift's interval, today; where no end is declared, of all that earlier days left possible."""
        if not self.any:
            return float("nan"), float("nan")
        low = self.effect.lift[self.seen] - self.critical * self.effect.lift_error[self.seen]
        high = self.effect.lift[self.seen] + self.critical * self.effect.lift_error[self.seen]
        if self.design.ends is None:
            low, high = sequential.narrowed(low, high)
        return float(low[-1]), float(high[-1])

    def guard(self, metric: str, margin: float) -> str:
        """`held`, `broken` or `open`: whether the loss is within the margin."""
        if not self.any:
            return "open"
        higher = metric not in self.design.lower_is_better
        z = self.effect.against_margin(margin, higher_is_better=higher)[self.seen]
        if (z <= -self.critical).any():
            return "broken"
        return "held" if z[-1] >= self.critical[-1] else "open"


def daily(panel: Panel, control: str, treatment: str) -> Effect:
    """The effect of each day alone."""
    return effect(panel.daily[control], panel.daily[treatment], adjusted=False)


def users(panel: Panel, variants: list[str]) -> Array:
    """(days, variants), cumulative."""
    return np.stack([panel.cumulative[variant].n for variant in variants], axis=-1)
