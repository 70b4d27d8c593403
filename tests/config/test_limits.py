"""One limit, one value: what is shipped without `config` has copies, which may not differ."""

from __future__ import annotations

from config import limits, rules
from glue_jobs import batch_parts, columns
from glue_jobs.transforms import text
from lambdas.validate_datasets import quality
from local.demo import tables
from osusume_endpoint.cloudformation import functions
from osusume_endpoint.personalize.models import campaigns
from osusume_engine import batch, imports, preparation, schemas, values


def test_copies_of_a_limit_are_equal_to_it() -> None:
    assert (imports.MIN_INTERACTIONS, preparation.MINIMUM_INTERACTIONS, quality.MIN_INTERACTIONS) == (
        limits.MIN_INTERACTIONS,
    ) * 3
    assert (preparation.MINIMUM_USERS, quality.MIN_USERS_WITH_TWO) == (limits.MIN_USERS,) * 2
    assert (columns.MAX_ID_LENGTH, values.MAX_ID_LENGTH) == (limits.MAX_ID_LENGTH,) * 2
    assert (columns.MAX_CATEGORY_LENGTH, values.MAX_STRING_LENGTH) == (limits.MAX_CATEGORY_LENGTH,) * 2
    assert (columns.MAX_UNSTRUCTURED_LENGTH, values.MAX_TEXT_LENGTH) == (limits.MAX_TEXT_LENGTH,) * 2
    assert columns.MAX_UNSTRUCTURED_LENGTH_CJK == values.MAX_TEXT_LENGTH_CJK == limits.MAX_TEXT_LENGTH_CJK
    assert columns.LATEST_SECOND == values.MAX_EPOCH_SECONDS
    assert rules.MAX_EVENT_TYPES == limits.MAX_EVENT_TYPES
    assert (schemas.MAX_METADATA["USERS"], schemas.MAX_METADATA["ITEMS"]) == (
        limits.MAX_METADATA["USER_ID"],
        limits.MAX_METADATA["ITEM_ID"],
    )
    assert text.LARGEST == limits.MAX_EVENT_VALUE
    assert campaigns.MAX_CAMPAIGNS == limits.MAX_CAMPAIGNS
    assert functions.MOST_VARIABLES == limits.MAX_VARIABLES_BYTES
    assert quality.MAX_IMPORT_GB == limits.MAX_IMPORT_GB
    assert batch.MAX_RECORDS == batch_parts.MOST_RECORDS == limits.MAX_BATCH_RECORDS
    assert batch.MAX_BYTES == batch_parts.MOST_BYTES == quality.MAX_BATCH_BYTES
    assert batch.MAX_FILES == batch_parts.MOST_FILES
    assert batch_parts.MOST_PARTS == limits.MAX_BATCH_JOBS <= len(batch_parts.NAMES)


def test_the_application_s_orders_are_as_exact_as_the_pipeline() -> None:
    kind = f"({limits.EVENT_VALUE_DIGITS},{limits.EVENT_VALUE_DECIMALS})"
    assert tables.BASE_COLUMNS["orders"]["sales_value"] == f"numeric{kind}"
    assert f"decimal{kind}" in text.plain_number.__code__.co_consts


def test_an_id_of_any_characters_is_a_key_of_dynamodb() -> None:
    # UTF-8 has at most 4 bytes a character; a list's key begins with its solution's name, of 30 at most.
    assert 4 * limits.MAX_ID_LENGTH + len("x" * 30 + "#") < limits.MAX_DYNAMODB_KEY_BYTES


def test_a_value_that_is_taken_is_a_number_of_dynamodb() -> None:
    assert limits.MAX_EVENT_VALUE < limits.MAX_DYNAMODB_NUMBER
    assert 10**-limits.EVENT_VALUE_DECIMALS > limits.MIN_DYNAMODB_NUMBER
