"""Filters: what the configuration refuses of them, where the engine refuses the same."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config import limits
from config.recipes import RECIPES
from config.settings import Settings
from osusume_endpoint.personalize.models import filters
from osusume_engine.filters import FilterError, check_recipe, parse_filter, rules
from osusume_engine.recipes import RECIPES as SPECS
from tests import example

UP2, AFFINITY, BY_ATTRIBUTE = (
    "aws-user-personalization-v2",
    "aws-item-affinity",
    "aws-item-attribute-affinity",
)
OF_ITEMS = 'EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("x")'
OF_USERS = 'EXCLUDE UserID WHERE Users.AGE IN ("x")'
OF_ACTIONS = "EXCLUDE ActionID WHERE Actions.VALUE > 3"
LIKE_IT = "INCLUDE ItemID WHERE Items.CATEGORY_L1 IN CurrentItem.CATEGORY_L1"
LIKE_TEXT = 'EXCLUDE ItemID WHERE Items.CATEGORY_L1 IN ("CurrentItem.A Interactions.B")'
BOUGHT = 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")'
BUYERS = 'EXCLUDE UserID WHERE Interactions.EVENT_TYPE IN ("purchase")'
TARGETED = (OF_ITEMS, OF_USERS, OF_ACTIONS, LIKE_IT, LIKE_TEXT, BOUGHT, BUYERS)
BATCH = sorted(name for name, recipe in RECIPES.items() if recipe.batch)


def refusal(filters: dict[str, str], **changes: Any) -> str:
    """Empty where the configuration is taken."""
    given = example.content(publishing={"min_never_bought": 0}) | changes | {"filters": filters}
    try:
        Settings.model_validate(given)
    except ValidationError as error:
        return str(error)
    return ""


def filtered(recipe: str, **changes: Any) -> dict[str, Any]:
    """Solutions: the recipe's, filtered by `one`, beside those of the example's placements."""
    made: dict[str, Any] = {
        "name": "filtered",
        "recipe": recipe,
        "for_each": RECIPES[recipe].audience,
        "filter": "one",
    }
    if recipe == AFFINITY or RECIPES[recipe].publishes == "rankings":
        made["items"] = {"popular": 25}
    if recipe == BY_ATTRIBUTE:
        made["queries"] = {"bakers": 'ITEMS.CATEGORY_L1 = "BAKERY"'}
    return {"solutions": [*example.content()["solutions"], {**made, **changes}]}


def of_recipe(expression: str, recipe: str) -> str:
    """What the engine says of a filter that a batch job of the recipe names."""
    try:
        check_recipe(parse_filter(expression), SPECS[recipe])
    except FilterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("recipe", sorted(set(BATCH) - {"aws-semantic-similarity"}))
@pytest.mark.parametrize("expression", TARGETED)
def test_a_solution_takes_the_filters_that_the_engine_takes_for_its_recipe(
    recipe: str, expression: str
) -> None:
    told = refusal({"one": expression}, **filtered(recipe))
    assert bool(told) == bool(of_recipe(expression, recipe)), told


@pytest.mark.parametrize(
    ("recipe", "expression", "told"),
    [
        # Developer guide, "Filter expression elements": UserID is for user segments, ActionID for actions.
        (UP2, OF_USERS, ("'filtered' has filter 'one'", "filters UserID", "name a filter of ItemID")),
        (AFFINITY, OF_ITEMS, ("filters ItemID", "name a filter of UserID")),
        # "Guidelines and requirements": CurrentItem only where related items are recommended, and "You can't use item
        # interactions filters with the Item-Attribute-Affinity recipe".
        (UP2, LIKE_IT, ("CurrentItem", UP2, "write the value out")),
        (BY_ATTRIBUTE, BUYERS, ("Interactions", BY_ATTRIBUTE, "fields of Users")),
    ],
)
def test_a_filter_that_is_not_of_the_recipe_is_refused(
    recipe: str, expression: str, told: tuple[str, ...]
) -> None:
    said = refusal({"one": expression}, **filtered(recipe))
    assert [part for part in told if part not in said] == [], said


ACTED = {
    "datasets": example.content(
        datasets={
            "actions": {
                "fields": [
                    {"name": "ACTION_ID", "column": "action_id"},
                    {"name": "VALUE", "column": "value", "type": "long", "nullable": True},
                    {"name": "REPEAT_FREQUENCY", "column": "again", "type": "long", "nullable": True},
                ]
            },
            "action_interactions": {"events": [{"type": "offer_left", "means": "Not Taken"}]},
        }
    )["datasets"],
    "sources": example.content(
        sources={
            "aurora": {"tables": {"actions": "public.actions"}},
            "application_log": {"attributes": {"ACTION_ID": "action_id"}},
        }
    )["sources"],
}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        # Developer guide, "Common error messages": "use the IN operator and use the opposite Action".
        (
            "INCLUDE ItemID WHERE Items.BRAND NOT IN ($X)",
            ("NOT IN", "$X", "IN, and EXCLUDE in place of INCLUDE"),
        ),
        ('EXCLUDE ItemID WHERE Items.BRAND not  in ("x", $Y)', ("$Y", "INCLUDE in place of EXCLUDE")),
        (
            'INCLUDE ItemID WHERE Items.BRAND IN ($B) | EXCLUDE ItemID WHERE Items.BRAND NOT IN ("|", $Z)',
            ("$Z", "INCLUDE in place of EXCLUDE"),
        ),
        (
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchse")',
            ('EVENT_TYPE "purchse"', "'purchase'"),
        ),
        (
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE NOT IN ("click", "buy")',
            ('"buy"', "click, favourite"),
        ),
        (
            'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Not Taken")',
            ('"Not Taken"', "click, favourite"),
        ),
        (
            'EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("purchase")',
            ('"purchase"', "use one of Not Taken"),
        ),
        (
            'EXCLUDE ActionID WHERE ActionInteractions.EVENT_TYPE IN ("NOT_TAKEN")',
            ('"NOT_TAKEN"', "use one of Not Taken"),
        ),
        ("INCLUDE ActionID WHERE Actions.VALEU > 3", ("Actions has no field VALEU", "did you mean 'VALUE'?")),
        # "Guidelines and requirements": "Action expiration timestamp and Repeat frequency data".
        ("EXCLUDE ActionID WHERE Actions.REPEAT_FREQUENCY > 3", ("itself", "leave the condition out")),
        ("EXCLUDE ActionID WHERE actions.expiration_timestamp > 3", ("itself", "leave the condition out")),
        (
            'EXCLUDE ActionID WHERE Action_Interactions.ACTION_ID IN ("x")',
            ("EVENT_TYPE alone, not by ACTION_ID",),
        ),
        (
            "INCLUDE ItemID WHERE Items.BRAND IN CurrentItem.BRANDS",
            ("CurrentItem has no field BRANDS", "did you mean 'BRAND'?"),
        ),
    ],
)
def test_a_filter_that_personalize_refuses_or_that_filters_nothing_is_refused(
    expression: str, told: tuple[str, ...]
) -> None:
    said = refusal({"one": expression}, **ACTED)
    assert [part for part in ("filters.one", *told) if part not in said] == [], said


@pytest.mark.parametrize(
    "expression",
    [
        'EXCLUDE ItemID WHERE Items.BRAND NOT IN ("$X")',
        'EXCLUDE ItemID WHERE Items.BRAND NOT IN ("x") AND Items.CATEGORY_L1 IN ($X)',
        # "Amazon Personalize ignores case only when matching event types."
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("Purchase", "CLICK")',
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*")',
        'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ($TYPE, "click")',
        'EXCLUDE ItemID WHERE Items.BRAND IN ("Interactions.EVENT_TYPE IN (", "x)")',
        'EXCLUDE ActionID WHERE Action_Interactions.EVENT_TYPE IN ("not taken")',
        "INCLUDE ActionID WHERE Actions.VALUE > ($VALUE)",
        'INCLUDE ActionID WHERE Actions.VALUE > 3 IF CurrentUser.AGE IN ("x")',
    ],
)
def test_a_filter_that_filters_something_is_taken(expression: str) -> None:
    assert refusal({"one": expression}, **ACTED) == ""


FIELDS = [f"F{n}" for n in range(30)]


def with_fields() -> dict[str, Any]:
    """Datasets whose items have thirty fields more."""
    items = example.content()["datasets"]["items"]["fields"]
    more = [{"name": name, "column": name.lower(), "type": "int", "nullable": True} for name in FIELDS]
    return {"datasets": example.content(datasets={"items": {"fields": [*items, *more]}})["datasets"]}


def of_fields(first: int, count: int) -> str:
    return "EXCLUDE ItemID WHERE " + " AND ".join(
        f"Items.{name} = 1" for name in FIELDS[first : first + count]
    )


def test_quotas_are_those_of_the_guide_and_leave_room_for_what_changes() -> None:
    """Developer guide, "Amazon Personalize endpoints and quotas": 30 filters, 10 fields of one, 20 of all."""
    assert (limits.MAX_FILTERS, filters.MAX_FILTERS) == (30, 30)
    assert (limits.MAX_FILTER_FIELDS, rules.MAX_FIELDS) == (10, 10)
    assert (limits.MAX_FILTER_FIELDS_OF_GROUP, rules.MAX_FIELDS_OF_GROUP) == (20, 20)
    assert 2 * limits.MAX_CONFIGURED_FILTERS <= limits.MAX_FILTERS


def test_ten_fields_of_a_filter_and_twenty_of_all_are_taken() -> None:
    twice = "INCLUDE ItemID WHERE items.f0 = CurrentItem.F0 AND ITEMS.F1 = 3"
    assert refusal({"one": of_fields(0, 10), "two": of_fields(10, 10), "again": twice}, **with_fields()) == ""
    assert refusal({f"f{n}": of_fields(0, 1) for n in range(15)}, **with_fields()) == ""


def test_more_fields_or_filters_than_a_dataset_group_has_are_refused_with_count_limit_and_cure() -> None:
    for given, told in (
        ({"one": of_fields(0, 11)}, ("filters.one looks at 11 fields, 10 at most", "leave some out")),
        (
            {
                "one": of_fields(0, 10),
                "two": of_fields(10, 10),
                "three": "EXCLUDE ItemID WHERE Items.F20 = 1",
            },
            (
                "filters look at 21 fields together, 20 at most",
                "changed filter's old expression",
                "items.F20",
            ),
        ),
        (
            {f"f{n}": of_fields(0, 1) for n in range(16)},
            (
                "filters has 16, 15 at most",
                "a dataset group has 30",
                "second filter beside the old one",
                "remove some",
            ),
        ),
    ):
        said = refusal(given, **with_fields())
        assert [part for part in told if part not in said] == [], said


def test_a_filter_of_a_dataset_that_is_not_configured_says_which() -> None:
    for expression in (
        "INCLUDE ActionID WHERE Actions.VALUE > 3",
        'EXCLUDE ActionID WHERE Action_Interactions.E IN ("x")',
    ):
        said = refusal({"one": expression})
        assert "there is no datasets.action" in said and said.split(": add it")[1:], said
