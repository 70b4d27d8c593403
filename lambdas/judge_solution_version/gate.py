"""Whether a new solution version may take over from the one that serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ROUNDING = 1e-9  # 0.9 * 0.4 is 0.36000000000000004


class MetricMissing(RuntimeError):
    """Personalize did not report the metric that the gate compares."""


@dataclass(frozen=True)
class Serving:
    """The version that serves now, and its metrics when it was promoted."""

    solution_version_arn: str
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Verdict:
    promote: bool
    reason: str


def judge(
    *,
    arn: str,
    metrics: Mapping[str, float],
    serving: Serving | None,
    metric: str,
    min_against_serving: float,
) -> Verdict:
    if metric not in metrics:
        raise MetricMissing(
            f"{arn} has no metric {metric!r}: set quality_gate.metric to one of {', '.join(sorted(metrics))}"
        )
    new = metrics[metric]
    if serving is None:
        return Verdict(True, f"{metric} is {new:.4f}; nothing serves yet")
    if serving.solution_version_arn == arn:
        return Verdict(True, f"{metric} is {new:.4f}; this version serves already")
    if metric not in serving.metrics:
        return Verdict(True, f"{metric} is {new:.4f}; the serving version was promoted without it")
    old = serving.metrics[metric]
    floor = min_against_serving * old
    comparison = f"{metric} is {new:.4f}, the serving version's {old:.4f}, the floor {floor:.4f}"
    if new >= floor - ROUNDING:
        return Verdict(True, comparison)
    return Verdict(False, f"{comparison}: the serving version stays")
