"""The filter expression language: every example of the guide, every documented refusal, and its meaning."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from osusume_engine.filters import FilterError, check_filter, parse_filter
from osusume_engine.filters.evaluation import Evaluator
from osusume_engine.filters.facts import Facts
from osusume_engine.schemas import parse_schema

# From "Item recommendation filter expressions", "User segment filter expressions" and their neighbours.
EXAMPLES = [
    "EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)",
    'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click", "stream")',
    'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")',
    "EXCLUDE ItemID WHERE Items.CATEGORY IN ($CATEGORY)",
    'EXCLUDE ItemID WHERE Items.CATEGORY IN ("shoe") AND Items.GENRE NOT IN ("boot")',
    "INCLUDE ItemID WHERE Items.PRICE <= $PRICE",
    "INCLUDE ItemID WHERE Items.CREATION_TIMESTAMP < $DATE",
    "INCLUDE ItemID WHERE Items.GENRE IN ($GENRE)",
    "EXCLUDE ItemID WHERE Items.GENRE IN ($GENRE) IF CurrentUser.AGE = $AGE",
    'INCLUDE ItemID WHERE Items.CATEGORY IN ("watch") AND Items.GENRE IN ("luxury") IF CurrentUser.AGE > 18',
    "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE AND Items.GENRE IN CurrentItem.GENRE",
    "INCLUDE UserID WHERE Users.MEMBERSHIP IN ($MEMBERSHIP)",
    "EXCLUDE UserID WHERE Users.AGE < $AGE",
    "EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ($EVENT_TYPE)",
    'INCLUDE ItemID WHERE Items.CATEGORY IN ($C) | INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("f")',
    'INCLUDE ItemID WHERE Items.GENRE IN ($G) | EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")',
    'EXCLUDE itemId WHERE INTERACTIONS.event_type in ("*")',
    "INCLUDE ItemID WHERE Items.PRICE BETWEEN 1 AND 5 OR Items.GENRE IS NULL",
    # From "Action recommendation filter expression examples".
    "INCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ($EVENT_TYPE)",
    'EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("NOT_TAKEN")',
    "EXCLUDE ActionID WHERE Actions.CATEGORY IN ($CATEGORY)",
    "INCLUDE ActionID WHERE Actions.VALUE > ($VALUE)",
    "EXCLUDE ActionID WHERE Actions.VALUE < ($VALUE) IF CurrentUser.MEMBERSHIP = $PREMIUM",
]


def _schema(name: str, *fields: object) -> object:
    document = {"type": "record", "name": name, "fields": fields, "version": "1.0"}
    return parse_schema(json.dumps(document))


def _text(name: str) -> dict[str, object]:
    return {"name": name, "type": ["null", "string"], "categorical": True}


SCHEMAS = {
    "ITEMS": _schema(
        "Items",
        {"name": "ITEM_ID", "type": "string"},
        _text("GENRE"),
        _text("CATEGORY"),
        {"name": "PRICE", "type": ["null", "float"]},
        {"name": "CREATION_TIMESTAMP", "type": "long"},
        {"name": "NEW", "type": "boolean"},
        {"name": "DESCRIPTION", "type": "string", "textual": True},
    ),
    "USERS": _schema(
        "Users",
        {"name": "USER_ID", "type": "string"},
        {"name": "AGE", "type": ["null", "int"]},
        _text("MEMBERSHIP"),
    ),
    "INTERACTIONS": _schema(
        "Interactions",
        {"name": "USER_ID", "type": "string"},
        {"name": "ITEM_ID", "type": "string"},
        {"name": "EVENT_TYPE", "type": "string"},
        {"name": "DEVICE", "type": "string", "categorical": True},
        {"name": "TIMESTAMP", "type": "long"},
    ),
}
OF_ACTIONS = {
    "ACTIONS": _schema(
        "Actions",
        {"name": "ACTION_ID", "type": "string"},
        _text("CATEGORY"),
        *(
            {"name": name, "type": ["null", "long"]}
            for name in ("VALUE", "EXPIRATION_TIMESTAMP", "REPEAT_FREQUENCY")
        ),
    ),
    "ACTION_INTERACTIONS": _schema(
        "ActionInteractions",
        *({"name": name, "type": "string"} for name in ("USER_ID", "ACTION_ID", "EVENT_TYPE")),
        {"name": "TIMESTAMP", "type": "long"},
    ),
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_of_the_guide_is_accepted(text: str) -> None:
    check_filter(parse_filter(text), SCHEMAS | OF_ACTIONS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # "Guidelines and requirements": "Action expiration timestamp and Repeat frequency data".
        ("EXCLUDE ActionID WHERE Actions.REPEAT_FREQUENCY > 3", "Personalize filters actions by it itself"),
        (
            "INCLUDE ActionID WHERE actions.expiration_timestamp < 3",
            "Personalize filters actions by it itself",
        ),
        (
            'EXCLUDE ActionID WHERE Action_Interactions.USER_ID IN ("x")',
            "Action_Interactions can only be filtered",
        ),
    ],
)
def test_a_filter_of_actions_that_breaks_a_rule_is_refused(text: str, reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        check_filter(parse_filter(text), SCHEMAS | OF_ACTIONS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("EXCLUDE ItemID WHERE Items.A == 3", "position 31"),
        ("REMOVE ItemID WHERE Items.PRICE = 3", "position 1,"),
        ("EXCLUDE ItemID", "ends too early, at position 15: expected WHERE"),
        ('EXCLUDE ItemID WHERE Items.GENRE IN ("a"', "ends too early"),
        ("EXCLUDE ItemID WHERE Items.GENRE IN ('a')", "position 38"),
        ("EXCLUDE ItemID WHERE Items.WEIGHT = 3", "no field WEIGHT"),
        ('EXCLUDE ItemID WHERE Items.DESCRIPTION IN ("x")', "textual"),
        ("EXCLUDE ItemID WHERE Items.NEW = 1", "boolean"),
        ('EXCLUDE ItemID WHERE Interactions.DEVICE IN ("x")', "EVENT_TYPE"),
        (
            'EXCLUDE ItemID WHERE Items.PRICE = 3 AND Interactions.EVENT_TYPE IN ("x")',
            "INTERACTIONS and ITEMS: join two with |",
        ),
        ("EXCLUDE ItemID WHERE Users.AGE = 3", "not by USERS"),
        ("EXCLUDE ItemID WHERE CurrentUser.AGE = 3", "IF condition"),
        ("EXCLUDE ItemID WHERE Items.PRICE = 3 IF Items.PRICE = 4", "CurrentUser only"),
        ("EXCLUDE UserID WHERE Users.AGE = 3 IF CurrentUser.AGE = 4", "UserID"),
        ("EXCLUDE ItemID WHERE Items.GENRE > 3", "numeric field"),
        ("EXCLUDE ItemID WHERE Items.GENRE IN (3)", "with a quoted string"),
        ('EXCLUDE ItemID WHERE Items.PRICE IN ("3")', "with a number"),
        ('EXCLUDE ItemID WHERE Items.GENRE IN ("*")', "EVENT_TYPE"),
        ("EXCLUDE ActionID WHERE Actions.VALUE = 3", "no ACTIONS dataset"),
        ("EXCLUDE ItemID WHERE Items.PRICE = 3 | EXCLUDE UserID WHERE Users.AGE = 3", "must all filter"),
        # "Common error messages": "Placeholders are not allowed with NOT_IN operator."
        (
            "INCLUDE ItemID WHERE Items.GENRE NOT IN ($GENRE)",
            "Invalid input symbol: $GENRE. Placeholders are not allowed with NOT_IN operator.",
        ),
        ("EXCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ($E)", "Invalid input symbol: $E."),
        ("EXCLUDE ItemID WHERE Items.PRICE = 3 IF CurrentUser.MEMBERSHIP NOT IN ($M)", "symbol: $M."),
    ],
)
def test_a_filter_that_breaks_a_rule_is_refused_by_name(text: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        check_filter(parse_filter(text), SCHEMAS)  # type: ignore[arg-type]
    assert reason in str(caught.value)


def test_a_filter_has_at_most_ten_distinct_fields() -> None:
    """ "Amazon Personalize endpoints and quotas": "Maximum number of distinct dataset fields for a filter", 10."""
    text = "EXCLUDE ItemID WHERE " + " AND ".join(f"Items.{name} = 1" for name in "ABCDEFGHIJK")
    with pytest.raises(FilterError, match="at most 10"):
        check_filter(parse_filter(text), SCHEMAS)  # type: ignore[arg-type]


FACTS = Facts.of_frames(
    {
        "ITEMS": pd.DataFrame(
            {
                "ITEM_ID": ["a", "b", "c", "d"],
                "Genre": ["drama|war", "comedy", None, "drama"],
                "PRICE": [1.0, 2.0, 3.0, None],
            }
        ),
        "USERS": pd.DataFrame({"USER_ID": ["young", "old"], "AGE": pd.array([12, 70], dtype="Int64")}),
        "INTERACTIONS": pd.DataFrame(
            {
                "USER_ID": ["young", "young", "old"],
                "ITEM_ID": ["a", "b", "c"],
                "EVENT_TYPE": ["Click", "buy", "buy"],
                "TIMESTAMP": [1, 2, 3],
            }
        ),
    }
)


def let_through(
    text: str, *, user: str = "young", item: str | None = None, ids: str = "abcde", **values: str
) -> str:
    mask = Evaluator(parse_filter(text), FACTS).mask(user_id=user, item_id=item, values=values)
    return "".join(one for one, kept in zip(ids, mask(list(ids)), strict=True) if kept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('INCLUDE ItemID WHERE Items.GENRE IN ("drama")', "ad"),
        ('EXCLUDE ItemID WHERE Items.GENRE IN ("drama")', "bce"),
        ('INCLUDE ItemID WHERE Items.GENRE NOT IN ("drama")', "bc"),
        ('INCLUDE ItemID WHERE Items.ITEM_ID IN ("a", "c", "z")', "ac"),
        ('EXCLUDE ItemID WHERE Items.item_id = "b"', "acde"),
        ('EXCLUDE ItemID WHERE Items.PRICE > 0 IF CurrentUser.USER_ID = "young"', "de"),
        ('INCLUDE ItemID WHERE Items.GENRE IN ("war", "comedy")', "ab"),
        ("INCLUDE ItemID WHERE Items.PRICE > 1", "bc"),
        ("INCLUDE ItemID WHERE Items.PRICE != 1", "bc"),
        ("INCLUDE ItemID WHERE Items.PRICE IN (1, 3)", "ac"),
        ("INCLUDE ItemID WHERE Items.PRICE NOT IN (1, 3)", "bd"),
        ("INCLUDE ItemID WHERE Items.PRICE BETWEEN 1 AND 2", "ab"),
        ("INCLUDE ItemID WHERE Items.PRICE IS NULL", "d"),
        ("INCLUDE ItemID WHERE Items.GENRE IS NOT NULL", "abd"),
        ('INCLUDE ItemID WHERE Items.PRICE < 3 AND Items.GENRE IN ("drama")', "a"),
        ('INCLUDE ItemID WHERE Items.PRICE > 2 OR Items.GENRE IN ("drama")', "acd"),
        ('INCLUDE ItemID WHERE Items.PRICE > 2 OR Items.PRICE < 3 AND Items.GENRE IN ("drama")', "ac"),
        ('INCLUDE ItemID WHERE (Items.PRICE > 2 OR Items.PRICE < 2) AND Items.GENRE IN ("drama")', "a"),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("CLICK")', "bcde"),
        ('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")', "cde"),
        ('INCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("buy")', "a"),
        ("EXCLUDE ItemID WHERE Items.PRICE = 1 | EXCLUDE ItemID WHERE Items.PRICE = 2", "cde"),
        ("INCLUDE ItemID WHERE Items.PRICE = 1 | INCLUDE ItemID WHERE Items.PRICE = 2", "ab"),
        (
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy") | INCLUDE ItemID WHERE Items.PRICE < 3',
            "a",
        ),
        ("EXCLUDE ItemID WHERE Items.PRICE > 1 IF CurrentUser.AGE < 18", "ade"),
        ("EXCLUDE ItemID WHERE Items.PRICE > 1 IF CurrentUser.AGE > 18", "abcde"),
        ("INCLUDE ItemID WHERE Items.PRICE > 1 IF CurrentUser.AGE > 18", "abcde"),
    ],
)
def test_a_filter_lets_through_what_it_says(text: str, expected: str) -> None:
    assert let_through(text) == expected


def test_parameters_take_quoted_lists_and_numbers() -> None:
    assert let_through("INCLUDE ItemID WHERE Items.GENRE IN ($G)", G='"war","comedy"') == "ab"
    assert let_through("INCLUDE ItemID WHERE Items.PRICE <= $P", P="2") == "ab"
    with pytest.raises(FilterError, match=r"\$P has no value"):
        let_through("INCLUDE ItemID WHERE Items.PRICE <= $P")
    with pytest.raises(FilterError, match="'cheap' is not a number"):
        let_through("INCLUDE ItemID WHERE Items.PRICE <= $P", P='"cheap"')


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("nan", "'nan' is not a number"),
        ("inf", "'inf' is not a number"),
        ("1e999", "'1e999' is not a number"),
        ("1_0", "'1_0' is not a number"),
        ("1,2", "<= takes 1 values, not 2: 1, 2"),
        ('"3', "has a quote that isn't closed"),
        ("\n", "A filter value is empty"),
        (" ", "A filter value is empty"),
    ],
)
def test_a_value_that_cannot_be_compared_with_is_refused(value: str, reason: str) -> None:
    with pytest.raises(FilterError) as caught:
        let_through("INCLUDE ItemID WHERE Items.PRICE <= $P", P=value)
    assert reason in str(caught.value)


def test_an_exclude_without_its_values_is_passed_over() -> None:
    """API reference, GetRecommendations: filterValues may be left out where items are excluded, not where included."""
    text = "INCLUDE ItemID WHERE Items.PRICE <= $P | EXCLUDE ItemID WHERE Items.GENRE IN ($G)"
    assert let_through("EXCLUDE ItemID WHERE Items.GENRE IN ($G)") == "abcde"
    assert let_through(text, P="2") == "ab"
    assert let_through(text, P="2", G='"war"') == "b"
    with pytest.raises(FilterError, match=r"\$P has no value"):
        let_through(text, G='"war"')


def test_both_ends_of_a_range_have_one_value() -> None:
    text = "INCLUDE ItemID WHERE Items.PRICE BETWEEN $A AND $B"
    assert let_through(text, A="1", B="2") == "ab"
    with pytest.raises(FilterError, match="BETWEEN takes 2 values, not 3"):
        let_through(text, A="1,5", B="9")


def test_the_current_item_gives_values_to_compare_with() -> None:
    text = "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE"
    assert let_through(text, item="c") == "ab"
    assert let_through("INCLUDE ItemID WHERE Items.GENRE IN CurrentItem.GENRE", item="a") == "ad"


def test_users_are_filtered_for_segments() -> None:
    assert let_through("EXCLUDE UserID WHERE Users.AGE < 18", ids="") == ""
    mask = Evaluator(parse_filter("EXCLUDE UserID WHERE Users.AGE < 18"), FACTS).mask(
        user_id=None, item_id=None, values={}
    )
    assert mask(["young", "old", "new"]).tolist() == [False, True, True]
    bought = parse_filter('INCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("click")')
    mask = Evaluator(bought, FACTS).mask(user_id=None, item_id=None, values={})
    assert mask(["young", "old"]).tolist() == [True, False]


def test_only_the_newest_hundred_events_of_a_type_count() -> None:
    frame = pd.DataFrame(
        {
            "USER_ID": ["u"] * 101,
            "ITEM_ID": [str(n) for n in range(101)],
            "EVENT_TYPE": ["click"] * 101,
            "TIMESTAMP": range(101),
        }
    )
    facts = Facts.of_frames({"INTERACTIONS": frame})
    expression = parse_filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("click")')
    mask = Evaluator(expression, facts).mask(user_id="u", item_id=None, values={})
    assert mask(["0", "1", "100"]).tolist() == [True, False, False]


def test_a_streamed_event_counts_at_once() -> None:
    facts = Facts.of_frames(
        {
            "INTERACTIONS": pd.DataFrame(
                {"USER_ID": ["u"], "ITEM_ID": ["a"], "EVENT_TYPE": ["x"], "TIMESTAMP": [1]}
            )
        }
    )
    facts.events["INTERACTIONS"].add("new", "b", "Buy")
    expression = parse_filter('EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("buy")')
    mask = Evaluator(expression, facts).mask(user_id="new", item_id=None, values={})
    assert mask(["a", "b"]).tolist() == [True, False]
