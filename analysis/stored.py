"""A report as rows for the warehouse, one for each thing that was compared, and the decisions to tell of."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from math import isfinite
from typing import Any

from analysis.report import Comparison, Report

Row = dict[str, Any]
# What a row is about. `ratio` has one for each variant, the control's too; `day` is of a single day.
PRIMARY, GUARDRAIL, SECONDARY, SEGMENT, RATIO, DAY = (
    "primary",
    "guardrail",
    "secondary",
    "segment",
    "ratio",
    "day",
)


def rows(report: Report, *, simulated: Collection[tuple[str, str]] = ()) -> list[Row]:
    """None before there was a look. `simulated`: names and versions of experiments of simulated events.

    A figure that is not known is left out, which COPY reads as null."""
    if report.until is None:
        return []
    found = [*_comparisons(report), *_ratios(report), *_days(report)]
    made_by = "simulator" if (report.design.name, report.design.version) in simulated else "people"
    return [
        {**{name: value for name, value in row.items() if _is_known(value)}, "made_by": made_by}
        for row in found
    ]


def decisions(report: Report) -> list[Row]:
    """The decisions on which somebody has something to do."""
    design = report.design
    return [
        {
            "experiment": design.name,
            "version": design.version,
            "variant": variant,
            "decision": one.code,
            "stops": one.stops,
            "words_en": one.words("en"),
            "words_ja": one.words("ja"),
        }
        for variant, one in report.decisions.items()
        if one.is_final
    ]


def _comparisons(report: Report) -> Iterator[Row]:
    parts = {
        PRIMARY: report.primary,
        GUARDRAIL: report.guardrails,
        SECONDARY: report.secondary,
        SEGMENT: report.segments,
    }
    for role, found in parts.items():
        for one in found:
            words = _decision(report, one.variant) if role == PRIMARY else {}
            yield {**_keys(report, role, one.variant, one.metric), **_figures(one), **words}


def _figures(one: Comparison) -> Row:
    name, value = one.segment or ("all", "all")
    return {
        "segment_name": name,
        "segment_value": value,
        "control_mean": one.control,
        "variant_mean": one.treatment,
        "lift": one.lift,
        "interval_low": one.low,
        "interval_high": one.high,
        "band_low": one.band[0],
        "band_high": one.band[1],
        "p": one.p,
        "adjusted_p": one.adjusted,
        "guard": one.guard or None,
    }


def _decision(report: Report, variant: str) -> Row:
    decision = report.decisions[variant]
    return {
        "users": report.users[variant],
        "control_users": report.users[report.design.control],
        "ratio_p": report.ratio_p,
        "days_left": report.days_left,
        "decision": decision.code,
        "decision_en": decision.words("en"),
        "decision_ja": decision.words("ja"),
    }


def _ratios(report: Report) -> Iterator[Row]:
    total, weights = sum(report.users.values()), report.design.weights
    for variant, users in report.users.items():
        expected = total * weights[variant] / sum(weights.values())
        yield {
            **_keys(report, RATIO, variant, report.design.primary),
            "users": users,
            "expected_users": expected,
            "ratio_p": report.ratio_p,
        }


def _days(report: Report) -> Iterator[Row]:
    for variant, days in report.days.items():
        for day, lift in days:
            yield {**_keys(report, DAY, variant, report.design.primary, day=day), "lift": lift}


def _keys(report: Report, role: str, variant: str, metric: str, *, day: date | None = None) -> Row:
    found = day or report.until
    return {
        "experiment": report.design.name,
        "version": report.design.version,
        "day": found.isoformat() if found else None,
        "role": role,
        "variant": variant,
        "metric": metric,
        "segment_name": "all",
        "segment_value": "all",
    }


def _is_known(value: object) -> bool:
    return value is not None and (not isinstance(value, float) or isfinite(value))
