"""Queries of segments: the configuration's grammar, and the engine's, which isn't deployed, refuse the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config import avro, query_rules
from config.settings import DatasetField, Settings
from osusume_engine.filters import FilterError
from osusume_engine.filters.attributes import check_attributes, parse_attributes
from osusume_engine.schemas import parse_schema
from tests import example

FIELDS: list[dict[str, Any]] = [
    *example.content()["datasets"]["items"]["fields"],
    {"name": "PRICE", "column": "price", "type": "float", "nullable": True},
    {"name": "NEW", "column": "new", "type": "boolean", "nullable": True},
    {"name": "DESCRIPTION", "column": "description", "textual": True, "nullable": True},
]
KNOWN = {one["name"]: DatasetField.model_validate(one) for one in FIELDS}
RECIPE = {"name": "tastes", "recipe": "aws-item-attribute-affinity", "for_each": "attributes"}
# "Specifying item attributes": the guide's own, with fields of the example's.
TAKEN = (
    'ITEMS.CATEGORY_L1 = "Comedy" AND ITEMS.CATEGORY_L1 = "Action"',
    'ITEMS.CATEGORY_L1 = "Comedy"',
    'ITEMS.CATEGORY_L1 = "rock AND roll OR \\"jazz\\"" AND ITEMS.BRAND = "teen"',
    "ITEMS.PRICE >= 5.5 AND ITEMS.PRICE < 1e3",
    "ITEMS.CREATION_TIMESTAMP > 1700000000",
)
REFUSED: tuple[tuple[str, tuple[str, ...]], ...] = (
    ('ITEMS.CATEGORY_L1 LIKE "B%"', ("a text is compared by = alone", 'write ITEMS.CATEGORY_L1 = "B%"')),
    # "Unlike filter expressions (which use the IN operator for string equality) ...".
    ('ITEMS.BRAND IN ("x")', ("a text is compared by = alone", 'write ITEMS.BRAND = "x"')),
    ('ITEMS.BRAND != "x"', ("a text is compared by = alone", 'write ITEMS.BRAND = "x"')),
    ("ITEMS.CATEGORY_L1", ("'ITEMS.CATEGORY_L1' is no condition", "write conditions")),
    ('ITEMS.CATEGORY_L1 = "BAKERY" AND', ("'' is no condition",)),
    ("ITEMS.CATEGORY_L1 = BAKERY", ("'ITEMS.CATEGORY_L1 = BAKERY' is no condition",)),
    ('ITEMS.CATEGORY_L1 = "A" AND ITEMS.BRAND', ("'ITEMS.BRAND' is no condition",)),
    (
        'USERS.AGE = "3" AND ITEMS.BRAND = "x"',
        ("'USERS.AGE = \"3\"' is no condition on a field of the items",),
    ),
    ("ITEMS.BRAND = $B", ("'ITEMS.BRAND = $B' is no condition",)),
    ('(ITEMS.BRAND = "x")', ("is no condition",)),
    ("ITEMS.PRICE BETWEEN 1 AND 2", ("'ITEMS.PRICE BETWEEN 1' is no condition",)),
    ('ITEMS.BRAND = "x" OR ITEMS.BRAND = "y"', ("AND only", "two segments")),
    ('ITEMS.PRICE > "a"', ("a text is compared by = alone",)),
    ('ITEMS.PRICE = "5"', ("ITEMS.PRICE, which is float", "write a number, without quotes")),
    ("ITEMS.BRAND = 5", ("ITEMS.BRAND, which is string, and 5", 'write "5", in quotes')),
    # "You can't use unstructured textual item metadata as an item attribute."
    ('ITEMS.DESCRIPTION = "x"', ("ITEMS.DESCRIPTION, which is textual",)),
    ('ITEMS.NEW = "true"', ("ITEMS.NEW, which is boolean", "as int with 0 and 1")),
    ('ITEMS.BRANDS = "x"', ("ITEMS.BRANDS, no field of datasets.items", "'BRAND'")),
)


def refusal(query: str) -> str:
    """Of a configuration with the query; empty where it is taken."""
    solutions = [*example.content()["solutions"], {**RECIPE, "queries": {"one": query}}]
    try:
        Settings.model_validate(
            example.content(datasets={"items": {"fields": FIELDS}}) | {"solutions": solutions}
        )
    except ValidationError as error:
        return str(error)
    return ""


def of_engine(query: str) -> str:
    made = example.settings(datasets={"items": {"fields": FIELDS}})
    try:
        check_attributes(parse_attributes(query), parse_schema(avro.schemas(made.datasets)["items"].avro))
    except FilterError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("query", TAKEN)
def test_a_query_of_the_guide_is_taken_by_configuration_and_engine(query: str) -> None:
    assert [refusal(query), of_engine(query)] == ["", ""]


@pytest.mark.parametrize(("query", "told"), REFUSED)
def test_a_query_that_fails_on_aws_is_refused_by_configuration_and_engine(
    query: str, told: tuple[str, ...]
) -> None:
    said = refusal(query)
    assert [part for part in told if part not in said] == [], said
    assert "queries.one" in said
    assert of_engine(query)


TOKENS = (
    *"ITEMS.PRICE ITEMS.BRAND items.brand USERS.AGE ITEMS. = != < IN AND and OR 5 -1.5 $B ( ) |".split(),
    '"x"',
)
WORDS = st.lists(st.sampled_from([*TOKENS, '"a AND b"', '"']), max_size=8).map(" ".join)
CONDITION = st.sampled_from(['ITEMS.BRAND = "x"', "ITEMS.PRICE < 5", 'ITEMS.PRICE = "5"', "ITEMS.BRAND = 5"])


@given(st.one_of(WORDS, st.lists(st.one_of(CONDITION, WORDS), min_size=1, max_size=3).map(" AND ".join)))
def test_what_the_configuration_takes_of_any_words_the_engine_takes(query: str) -> None:
    """Letters of fields aside, which the configuration wants as they are in the schema."""
    try:
        taken = not list(query_rules.problems(query, KNOWN))
    except ValueError:
        taken = False
    assert taken == (of_engine(query) == "" and "items.brand" not in query)
