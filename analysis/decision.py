"""What follows from an analysis, and the words for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Language = Literal["en", "ja"]


@dataclass(frozen=True)
class Decision:
    """`code` says what to do; `stops` whether the variant must not go on being shown."""

    code: str
    values: dict[str, object] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def is_final(self) -> bool:
        """Whether somebody has something to do now; all others say to wait."""
        return self.stops or self.code in ("ratio", "ship", "better_unguarded", "no_difference")

    @property
    def stops(self) -> bool:
        return self.code in ("stop_guardrail", "stop_worse")

    def words(self, language: Language) -> str:
        sentences = [WORDS[self.code][language], *(WORDS[note][language] for note in self.notes)]
        return ("" if language == "ja" else " ").join(one.format(**self.values) for one in sentences)


def decide(
    *,
    users: int,
    ratio_is_off: bool,
    without_base: str | None,
    broken: Sequence[str],
    undecided: Sequence[str],
    called: bool,
    improves: bool,
    ended: bool,
    days_left: int | None,
    days_to_end: int | None,
    fades: bool,
) -> Decision:
    """The first that holds: what makes the figures worthless, what does harm, what is shown, what is still open."""
    notes = ("fades",) if fades else ()
    if users == 0:
        return Decision("no_users")
    if ratio_is_off:
        return Decision("ratio")
    if broken:
        return Decision("stop_guardrail", {"metrics": ", ".join(broken)})
    if without_base:
        return Decision("no_base", {"metric": without_base})
    if called and not improves:
        return Decision("stop_worse", notes=notes)
    if called and not undecided:
        return Decision("ship", notes=notes)
    if ended:
        return _ended(called, undecided, notes)
    return _running(called, undecided, days_left, days_to_end, notes)


def _ended(called: bool, undecided: Sequence[str], notes: tuple[str, ...]) -> Decision:
    if called:
        return Decision("better_unguarded", {"metrics": ", ".join(undecided)}, notes)
    return Decision("no_difference", notes=notes)


def _running(
    called: bool,
    undecided: Sequence[str],
    days_left: int | None,
    days_to_end: int | None,
    notes: tuple[str, ...],
) -> Decision:
    if called:
        return Decision("keep_for_guardrails", {"metrics": ", ".join(undecided)}, notes)
    if days_left is None:
        return Decision("keep_early", notes=notes)
    if days_to_end is None:
        return Decision("keep" if days_left else "keep_small", {"days": days_left}, notes)
    if days_left > days_to_end:
        return Decision("keep_too_short", {"days": days_to_end, "needed": days_left}, notes)
    return Decision("keep_to_end", {"days": days_to_end}, notes)


WORDS: dict[str, dict[Language, str]] = {
    "no_users": {
        "en": "Nobody is in it yet: nothing to say.",
        "ja": "まだ対象ユーザーがいないため、何も言えません。",
    },
    "ratio": {
        "en": "Don't read the figures: users did not come in the ratio of the weights, so something loses or moves "
        "them. Find it, then start a new version.",
        "ja": "数値を読まないでください。ユーザーの比率が設定した重みと一致せず、どこかで失われるか移動しています。"
        "原因を直し、新しいバージョンで始めてください。",
    },
    "stop_guardrail": {
        "en": "Stop it: worse than the margin allows by {metrics}.",
        "ja": "停止してください。{metrics} が許容幅を超えて悪化しています。",
    },
    "no_base": {
        "en": "{metric} has nothing to divide by: its denominator is zero, so there is no figure yet.",
        "ja": "{metric} は分母がゼロのため、まだ値がありません。",
    },
    "stop_worse": {
        "en": "Stop it: it is worse than the control.",
        "ja": "停止してください。対照より悪い結果です。",
    },
    "ship": {
        "en": "Ship it: it is better than the control, and every guardrail held.",
        "ja": "採用できます。対照より良く、すべてのガードレールが守られました。",
    },
    "better_unguarded": {
        "en": "It is better than the control, but not shown to be harmless by {metrics}: decide by what that is worth.",
        "ja": "対照より良いものの、{metrics} で無害とは示せていません。その重要性で判断してください。",
    },
    "no_difference": {
        "en": "It has ended without a difference: keep the control.",
        "ja": "差が認められないまま終了しました。対照を維持してください。",
    },
    "keep_for_guardrails": {
        "en": "Keep running: it is better than the control, and {metrics} is not decided yet.",
        "ja": "続けてください。対照より良い結果ですが、{metrics} はまだ判定できません。",
    },
    "keep_early": {
        "en": "Keep running: too few users to tell how long.",
        "ja": "続けてください。期間を見積もるにはユーザーが少なすぎます。",
    },
    "keep": {
        "en": "Keep running: about {days} more days at this traffic.",
        "ja": "続けてください。このトラフィックではあと約{days}日必要です。",
    },
    "keep_small": {
        "en": "An effect of the size that matters would have been seen by now: stop, or go on for a smaller one.",
        "ja": "重要な大きさの効果があれば、すでに見えているはずです。終えるか、より小さな効果のために続けてください。",
    },
    "keep_too_short": {
        "en": "Keep running: {days} more days to its end, though the detectable effect would need about {needed} at "
        "this traffic.",
        "ja": "続けてください。終了まであと{days}日ですが、このトラフィックで検出するには約{needed}日必要です。",
    },
    "keep_to_end": {
        "en": "Keep running: {days} more days to its end.",
        "ja": "続けてください。終了まであと{days}日です。",
    },
    "fades": {
        "en": "The effect fades from day to day: what is seen now may be its novelty.",
        "ja": "効果は日ごとに薄れており、目新しさによるものかもしれません。",
    },
}
