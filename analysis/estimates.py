"""The effect of a variant on one metric: Welch's test of ratios by the delta method, with CUPED.

Sources: Deng, Knoblich, Lu, "Applying the delta method in metric analytics" (KDD 2018); Deng, Xu, Kohavi, Walker,
"Improving the sensitivity of online controlled experiments by utilizing pre-experiment data" (WSDM 2013); Welch,
"The generalization of Student's problem" (1947). A mean over users is the ratio whose base is 1 for each of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.moments import BASE, BEFORE, BEFORE_BASE, OUTCOME, Array, Moments

# Beyond it both tails are nothing, and their quantiles overflow.
_FAR = 30.0


@dataclass(frozen=True)
class Effect:
    """All of one shape. Where there is no base, or nobody, everything but the number of users is NaN.

    `control` and `treatment` are the metric in each, adjusted where there are covariates; `control_variance` and
    `treatment_variance` are those of these estimates.
    """

    control: Array
    treatment: Array
    control_variance: Array
    treatment_variance: Array
    control_users: Array
    treatment_users: Array

    @property
    def difference(self) -> Array:
        return self.treatment - self.control

    @property
    def error(self) -> Array:
        """Standard error of the difference."""
        return np.sqrt(self.control_variance + self.treatment_variance)

    @property
    def z(self) -> Array:
        return _over(self.difference, self.error)

    @property
    def lift(self) -> Array:
        """Relative difference."""
        return _over(self.difference, self.control)

    @property
    def lift_error(self) -> Array:
        """The lift's error by the delta method: of the quotient of both, not of the difference over a fixed control."""
        quotient = _over(self.treatment, self.control)
        variance = self.treatment_variance + quotient**2 * self.control_variance
        return _over(np.sqrt(variance), np.abs(self.control))

    @property
    def freedom(self) -> Array:
        """Degrees of freedom, Welch and Satterthwaite."""
        one, other = self.control_variance, self.treatment_variance
        below = one**2 / (self.control_users - 1) + other**2 / (self.treatment_users - 1)
        return _over((one + other) ** 2, below)

    @property
    def p(self) -> Array:
        """Two-sided, for a single look."""
        return 2 * stats.t.sf(np.abs(self.z), self.freedom)

    @property
    def score(self) -> Array:
        """The normal deviate that is as far out as Welch's t: what sequential bounds are made for."""
        return _score(self.z, self.freedom)

    def interval(self, width: Array | float) -> tuple[Array, Array]:
        """The lift's interval, `width` standard errors to each side."""
        return self.lift - width * self.lift_error, self.lift + width * self.lift_error

    def against_margin(self, margin: float, *, higher_is_better: bool) -> Array:
        """How many standard errors the variant is better than the margin allows; negative where it is worse.

        Non-inferiority against a share of the control's own metric, so that no estimate is divided by another.
        """
        share = 1 - margin if higher_is_better else 1 + margin
        gap = self.treatment - share * self.control
        error = np.sqrt(self.treatment_variance + share**2 * self.control_variance)
        return _score(_over(gap if higher_is_better else -gap, error), self.freedom)


def _score(z: Array, freedom: Array) -> Array:
    far = np.abs(z)
    return np.sign(z) * np.where(far > _FAR, far, stats.norm.isf(stats.t.sf(far, freedom)))


def effect(control: Moments, treatment: Moments, *, adjusted: bool = True) -> Effect:
    """`adjusted` takes what users did before out of the metric (CUPED), as far as it explains it."""
    both = control + treatment
    slope = _slope(both) if adjusted else np.zeros_like(both.n)
    centre = _ratio(both.means, BEFORE, BEFORE_BASE)
    one, other = (_adjusted(part, slope=slope, centre=centre) for part in (control, treatment))
    return Effect(one[0], other[0], one[1], other[1], control.n, treatment.n)


def variance(moments: Moments, *, adjusted: bool = True) -> Array:
    """The variance of one user's share in the metric: the estimate's, times users."""
    slope = _slope(moments) if adjusted else np.zeros_like(moments.n)
    weights = _weights(moments.means, slope)
    return _quadratic(moments.covariance, weights)


def _adjusted(part: Moments, *, slope: Array, centre: Array) -> tuple[Array, Array]:
    """The metric and the variance of its estimate."""
    means = part.means
    moved = slope * (_ratio(means, BEFORE, BEFORE_BASE) - centre)
    metric = _ratio(means, OUTCOME, BASE) - np.where(slope == 0, 0.0, moved)
    return metric, _over(_quadratic(part.covariance, _weights(means, slope)), part.n)


def _weights(means: Array, slope: Array) -> Array:
    """The linear form of a user's figures whose mean's variance is the adjusted ratio's, to first order."""
    outcome = _linear(means, OUTCOME, BASE)
    before = np.where(slope[..., None] == 0, 0.0, slope[..., None] * _linear(means, BEFORE, BEFORE_BASE))
    return outcome - before


def _linear(means: Array, over: int, under: int) -> Array:
    weights = np.zeros_like(means)
    weights[..., over] = _over(np.ones_like(means[..., under]), means[..., under])
    weights[..., under] = -_over(means[..., over], means[..., under] ** 2)
    return weights


def _slope(both: Moments) -> Array:
    """The metric's slope on its covariate, over users of both variants; 0 where the covariate says nothing."""
    covariance, means = both.covariance, both.means
    outcome, before = _linear(means, OUTCOME, BASE), _linear(means, BEFORE, BEFORE_BASE)
    above = np.einsum("...i,...ij,...j->...", outcome, covariance, before)
    below = _quadratic(covariance, before)
    return np.where(below > 0, _over(above, below), 0.0)


def _quadratic(matrix: Array, vector: Array) -> Array:
    return np.einsum("...i,...ij,...j->...", vector, matrix, vector)


def _ratio(means: Array, over: int, under: int) -> Array:
    return _over(means[..., over], means[..., under])


def _over(above: Array, below: Array) -> Array:
    """NaN where there is nothing to divide by."""
    above, below = np.broadcast_arrays(above, below)
    return np.divide(above, below, out=np.full(above.shape, np.nan), where=below != 0)
