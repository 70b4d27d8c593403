"""Examples of business rules: lines of the reference docs/rules.md, and cases of tests/lambdas/test_rules.py."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Example:
    """`items` by a rule give `gives`. `deeds`: (event type, item, days ago); `bought…` as the last run knew."""

    says: str
    rule: Mapping[str, Any]
    items: str
    gives: str
    scores: Sequence[float | None] = ()
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    deeds: Sequence[tuple[str, str, float]] = ()
    bought: Mapping[str, str] = field(default_factory=dict)
    bought_in: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


_IGNORED: dict[str, Any] = {"kind": "not_interested", "shown": 2, "within_days": 7, "again_after_days": 10}
_SHOWN = [("impression", "a", 3.0), ("impression", "a", 2.0)]
_BRANDS = {"a": {"BRAND": "X"}, "b": {"BRAND": "X"}, "c": {"BRAND": "Y"}, "d": {"BRAND": "X|Y"}}
_TODAY = "1763990000"
_PIN: dict[str, Any] = {"kind": "pin", "items": ["z"], "position": 2}

EXAMPLES: tuple[Example, ...] = (
    Example(says="shown twice in a week, not clicked: it goes", rule=_IGNORED, items="abc", gives="bc", deeds=_SHOWN),
    Example(says="shown once: it stays", rule=_IGNORED, items="abc", gives="abc", deeds=_SHOWN[:1]),
    Example(
        says="shown twice, but not within a week: it stays",
        rule=_IGNORED, items="abc", gives="abc", deeds=[("impression", "a", 9.5), ("impression", "a", 2.0)],
    ),
    Example(
        says="clicked since: it stays",
        rule=_IGNORED, items="abc", gives="abc", deeds=[*_SHOWN, ("click", "a", 1.0)],
    ),
    Example(
        says="clicked before it was shown twice more: it goes",
        rule=_IGNORED, items="abc", gives="bc", deeds=[*_SHOWN, ("click", "a", 4.0)],
    ),
    Example(
        says="ten days after the last showing it is shown again",
        rule=_IGNORED, items="abc", gives="abc", deeds=[("impression", "a", 12.0), ("impression", "a", 10.5)],
    ),
    Example(
        says="demoted instead: its score counts half",
        rule={**_IGNORED, "action": "demote", "factor": 0.5},
        items="abc", scores=[1.0, 0.8, 0.4], gives="bac", deeds=_SHOWN,
    ),
    Example(
        says="its price fell after it was shown: it comes back",
        rule={**_IGNORED, "again_when_price_falls": "PRICE_CUT_AT"}, items="abc", gives="abc", deeds=_SHOWN,
        facts={"a": {"PRICE_CUT_AT": "1763900000"}},
    ),
    Example(
        says="its price fell before that: it stays away",
        rule={**_IGNORED, "again_when_price_falls": "PRICE_CUT_AT"}, items="abc", gives="bc", deeds=_SHOWN,
        facts={"a": {"PRICE_CUT_AT": "1763700000"}},
    ),
    Example(
        says="new stock came after it was shown: it comes back",
        rule={**_IGNORED, "again_when_new_stock": "RESTOCKED_AT"}, items="abc", gives="abc", deeds=_SHOWN,
        facts={"a": {"RESTOCKED_AT": "1763900000"}},
    ),
    Example(
        says="new stock that is to come, and one without a time, are none",
        rule={**_IGNORED, "again_when_new_stock": "RESTOCKED_AT"}, items="abc", gives="c",
        deeds=[*_SHOWN, ("impression", "b", 3.0), ("impression", "b", 2.0)],
        facts={"a": {"RESTOCKED_AT": "1764000001"}, "b": {"RESTOCKED_AT": "soon"}},
    ),
    Example(
        says="something of its category was bought after it was shown: it comes back, dismissed ones don't",
        rule={**_IGNORED, "again_when_related_bought": "CATEGORY_L2"}, items="abc", gives="ac",
        deeds=[*_SHOWN, ("dismiss", "b", 2.0), ("purchase", "c", 1.0)],
        facts={"a": {"CATEGORY_L2": "TEA|CUPS"}, "b": {"CATEGORY_L2": "CUPS"}, "c": {"CATEGORY_L2": "CUPS"}},
    ),
    Example(
        says="the same, of what isn't in the list, as the last run knew it",
        rule={**_IGNORED, "again_when_related_bought": "CATEGORY_L2"}, items="abc", gives="abc", deeds=_SHOWN,
        facts={"a": {"CATEGORY_L2": "TEA|CUPS"}}, bought_in={"CATEGORY_L2": {"TEA": "2025-11-24 12:00:00"}},
    ),
    Example(
        says="bought before it was shown: it stays away",
        rule={**_IGNORED, "again_when_related_bought": "CATEGORY_L2"}, items="abc", gives="bc", deeds=_SHOWN,
        facts={"a": {"CATEGORY_L2": "TEA"}}, bought_in={"CATEGORY_L2": {"TEA": "2025-11-01 12:00:00"}},
    ),
    Example(
        says="shown twice more since its price fell: it goes again",
        rule={**_IGNORED, "again_when_price_falls": "PRICE_CUT_AT"}, items="abc", gives="bc",
        deeds=[*_SHOWN, ("impression", "a", 0.2), ("impression", "a", 0.1)],
        facts={"a": {"PRICE_CUT_AT": "1763900000"}},
    ),
    Example(says="dismissed: it goes", rule=_IGNORED, items="abc", gives="ac", deeds=[("dismiss", "b", 1.0)]),
    Example(
        says="dismissed and undone: it stays",
        rule=_IGNORED, items="abc", gives="abc", deeds=[("dismiss", "b", 1.0), ("undo", "b", 0.5)],
    ),
    Example(
        says="undone and dismissed again: it goes",
        rule=_IGNORED, items="abc", gives="ac",
        deeds=[("dismiss", "b", 2.0), ("undo", "b", 1.0), ("dismiss", "b", 0.5)],
    ),
    Example(
        says="bought yesterday, thirty days: it goes",
        rule={"kind": "repurchase", "days": 30}, items="abc", gives="bc", deeds=[("purchase", "a", 1.0)],
    ),
    Example(
        says="bought long ago, as the last run knew: it may be bought again",
        rule={"kind": "repurchase", "days": 30}, items="abc", gives="abc", bought={"a": "2025-01-01 00:00:00"},
    ),
    Example(
        says="groceries at once, appliances after a year, others after thirty days",
        rule={"kind": "repurchase", "days": 30, "field": "CATEGORY_L1", "days_of": {"GROCERY": 0, "APPLIANCE": 365}},
        items="abc", gives="a", deeds=[("purchase", item, 100.0 if item == "b" else 1.0) for item in "abc"],
        facts={"a": {"CATEGORY_L1": "GROCERY"}, "b": {"CATEGORY_L1": "APPLIANCE"}},
    ),
    Example(
        says="buy again: only what was bought before",
        rule={"kind": "bought", "keep": "before"}, items="abc", gives="ac",
        deeds=[("purchase", "c", 1.0)], bought={"a": "2025-01-01 00:00:00"},
    ),
    Example(
        says="new for you: only what never was",
        rule={"kind": "bought", "keep": "never"}, items="abc", gives="b",
        deeds=[("purchase", "c", 1.0)], bought={"a": "2025-01-01 00:00:00"},
    ),
    Example(
        says="one of a brand, the others behind; an item of two brands counts for both",
        rule={"kind": "cap", "field": "BRAND", "at_most": 1}, items="abcd", gives="acbd", facts=_BRANDS,
    ),
    Example(
        says="what was created this week counts double",
        rule={"kind": "boost_new", "within_days": 7, "factor": 2}, items="abc", scores=[1.0, 0.8, 0.6], gives="cab",
        facts={"c": {"CREATION_TIMESTAMP": _TODAY}, "b": {"CREATION_TIMESTAMP": "1700000000"}},
    ),
    Example(says="a promoted item at the second place", rule=_PIN, items="abc", gives="azbc"),
    Example(says="one that is in the list moves there", rule=_PIN, items="abz", gives="azb"),
    Example(
        says="a promotion that has ended", items="abc", gives="abc",
        rule={**_PIN, "ends": "2025-01-01T00:00:00+09:00"},
    ),
    Example(says="a dismissed item is not pinned", rule=_PIN, items="abc", gives="abc", deeds=[("dismiss", "z", 1.0)]),
    Example(says="an item that is left out", rule={"kind": "exclude", "items": ["b"]}, items="abc", gives="ac"),
    Example(
        says="a brand that is left out",
        rule={"kind": "exclude", "field": "BRAND", "values": ["Y"]}, items="abcd", gives="ab", facts=_BRANDS,
    ),
    Example(
        says="only what is in stock; what nobody knows of is not",
        rule={"kind": "require", "field": "STOCK", "values": ["yes", "soon"]}, items="abcd", gives="ac",
        facts={"a": {"STOCK": "yes"}, "b": {"STOCK": "no"}, "c": {"STOCK": "soon"}},
    ),
    Example(
        says="a price band",
        rule={"kind": "between", "field": "PRICE", "min": 5, "max": 20}, items="abcd", gives="bc",
        facts={"a": {"PRICE": "4.99"}, "b": {"PRICE": "5"}, "c": {"PRICE": "20.0"}, "d": {"PRICE": "cheap"}},
    ),
    Example(
        says="below the least score it goes, without a score it stays",
        rule={"kind": "minimum_score", "least": 0.5}, items="abc", scores=[0.9, 0.4, None], gives="ac",
    ),
    Example(
        says="neighbours in another order",
        rule={"kind": "shuffle", "within": 3}, items="abcdef", gives="bacfde",
    ),
)  # fmt: skip
