"""The analysis as a page of text, in English or Japanese."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from analysis.decision import Language
from analysis.report import RATIO_LEVEL, Comparison, Report

TEXT: dict[str, dict[Language, str]] = {
    "head": {
        "en": "{name}, version {version}: {users} users by {until}, {how}",
        "ja": "{name}（バージョン {version}）: {until} までのユーザー {users} 人、{how}",
    },
    "nobody": {
        "en": "{name}, version {version}: nobody yet",
        "ja": "{name}（バージョン {version}）: まだ誰もいません",
    },
    "declared": {
        "en": "its end {ends} is declared: group-sequential bounds",
        "ja": "終了日 {ends} を宣言済み（群逐次境界）",
    },
    "open": {"en": "no end declared: always-valid sequence", "ja": "終了日なし（常時有効な信頼列）"},
    "ratio": {
        "en": "sample ratio: {counts}, p {p} {verdict}",
        "ja": "サンプル比: {counts}、p {p} {verdict}",
    },
    "ratio_ok": {"en": "(as it should be)", "ja": "（正常）"},
    "ratio_off": {"en": "(off)", "ja": "（異常）"},
    "primary": {"en": "decides", "ja": "主要指標"},
    "guardrail": {"en": "guardrail", "ja": "ガードレール"},
    "secondary": {"en": "further", "ja": "副指標"},
    "segment": {"en": "segment", "ja": "セグメント"},
    "row": {
        "en": "{role:<10} {metric}, {variant}: {control} -> {treatment}, {lift} [{low}, {high}], p {p}, "
        "corrected {adjusted}{note}",
        "ja": "{role} {metric}、{variant}: {control} → {treatment}、{lift} [{low}, {high}]、p {p}、"
        "補正後 {adjusted}{note}",
    },
    "no_base": {
        "en": "{role:<10} {metric}, {variant}: no figure, its denominator is zero or nobody is in it",
        "ja": "{role} {metric}、{variant}: 値なし（分母がゼロ、または対象者なし）",
    },
    "held": {"en": " (held)", "ja": "（維持）"},
    "broken": {"en": " (broken)", "ja": "（違反）"},
    "undecided": {"en": " (not decided)", "ja": "（未確定）"},
    "trend": {
        "en": "by day     {variant}: {first} in the first third, {last} in the last, p of a trend {p}",
        "ja": "日次 {variant}: 最初の3分の1 {first}、最後の3分の1 {last}、傾向の p {p}",
    },
    "decision": {"en": "=> {variant}: {words}", "ja": "⇒ {variant}: {words}"},
}


def lines(report: Report, language: Language = "en") -> Iterator[str]:
    """One a fact; the decisions come last."""
    yield _head(report, language)
    if report.until is not None:
        yield _ratio(report, language)
        yield from _comparisons("primary", report.primary, language)
        yield from _comparisons("guardrail", report.guardrails, language)
        yield from _comparisons("secondary", report.secondary, language)
        yield from _comparisons("segment", report.segments, language)
        yield from _trends(report, language)
    for variant, decision in report.decisions.items():
        yield _say("decision", language, variant=variant, words=decision.words(language))


def _head(report: Report, language: Language) -> str:
    design = report.design
    named = {"name": design.name, "version": design.version}
    if report.until is None:
        return _say("nobody", language, **named)
    how = _say("declared" if design.ends else "open", language, ends=design.ends)
    users = f"{sum(report.users.values()):,}"
    return _say("head", language, **named, users=users, until=report.until, how=how)


def _ratio(report: Report, language: Language) -> str:
    counts = ", ".join(
        f"{name} {count:,} ({report.design.weights[name]:g}%)" for name, count in report.users.items()
    )
    verdict = _say("ratio_off" if report.ratio_p < RATIO_LEVEL else "ratio_ok", language)
    return _say("ratio", language, counts=counts, p=_p(report.ratio_p), verdict=verdict)


def _comparisons(role: str, found: Sequence[Comparison], language: Language) -> Iterator[str]:
    for one in found:
        metric = f"{one.metric} ({'='.join(one.segment)})" if one.segment else one.metric
        named = {"role": _say(role, language), "metric": metric, "variant": one.variant}
        if one.without_base:
            yield _say("no_base", language, **named)
            continue
        note = _say("undecided" if one.guard == "open" else one.guard, language) if one.guard else ""
        yield _say(
            "row",
            language,
            **named,
            control=_figure(one.control),
            treatment=_figure(one.treatment),
            lift=_percent(one.lift),
            low=_percent(one.low),
            high=_percent(one.high),
            p=_p(one.p),
            adjusted=_p(one.adjusted),
            note=note,
        )


def _trends(report: Report, language: Language) -> Iterator[str]:
    for variant, found in report.novelty.items():
        if found is not None:
            first, last = _percent(found.first), _percent(found.last)
            yield _say("trend", language, variant=variant, first=first, last=last, p=_p(found.p))


def _say(key: str, language: Language, **values: object) -> str:
    return TEXT[key][language].format(**values)


def _figure(value: float) -> str:
    return f"{value:.4g}"


def _percent(value: float) -> str:
    return f"{value:+.2%}" if isfinite(value) else "?"


def _p(value: float) -> str:
    if not isfinite(value):
        return "?"
    return "<0.0001" if value < 0.0001 else f"{value:.4f}"
