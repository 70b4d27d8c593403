"""Three judges of a change of fields: the checks, the workflows' expression, and the endpoint's own UpdateDataset."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import avro, fields
from osusume_endpoint.stepfunctions import jsonata
from osusume_engine.schemas import SchemaError, check_replacement, parse_schema
from stacks.workflows import schemas as states
from tests import example
from tests.changes import add_field, changed

KEYS = {"users": "USER_ID", "items": "ITEM_ID"}
NAMES = ("AGE", "PLAN", "SEASON", "BRAND")
Fields = list[dict[str, Any]]
Judged = tuple[list[str], list[str]]  # refusals, fields that are gained

attributes = st.sampled_from(
    [
        {"type": "string", "categorical": True},
        {"type": ["null", "string"], "categorical": True},
        {"type": "int"},
        {"type": ["null", "int"]},
        {"type": ["null", "float"]},
    ]
)


def of_dataset(dataset: str) -> st.SearchStrategy[Fields]:
    """Fields in any order, the key among them."""
    key = {"name": KEYS[dataset], "type": "string"}
    some = st.dictionaries(st.sampled_from(NAMES), attributes, min_size=1)
    made = some.map(lambda chosen: [key, *({"name": name, **more} for name, more in chosen.items())])
    return made.flatmap(st.permutations)


changes = st.sampled_from(sorted(KEYS)).flatmap(
    lambda dataset: st.tuples(st.just(dataset), of_dataset(dataset), of_dataset(dataset))
)


def schema_text(dataset: str, given: Fields) -> str:
    return json.dumps(
        {
            "type": "record",
            "name": dataset.capitalize(),
            "namespace": "com.amazonaws.personalize.schema",
            "fields": given,
            "version": "1.0",
        }
    )


def by_workflow(dataset: str, now: Fields, then: Fields) -> Judged:
    wanted = {"dataset": dataset, "fields": then, "replaceable": dataset in avro.REPLACEABLE}
    answer = jsonata.evaluate(
        states.COMPARED,
        states={"result": {"Schema": {"Schema": schema_text(dataset, now)}}},
        variables={"wanted": wanted},
        field="Output",
    )
    return answer["refused"], answer["gained"]


def accepted_by_endpoint(dataset: str, now: Fields, then: Fields) -> bool:
    try:
        check_replacement(parse_schema(schema_text(dataset, now)), parse_schema(schema_text(dataset, then)))
    except SchemaError:
        return False
    return True


@settings(max_examples=150)
@given(changes)
def test_checks_workflows_and_endpoint_judge_a_change_of_fields_alike(
    case: tuple[str, Fields, Fields],
) -> None:
    dataset, now, then = case
    refused, gained = by_workflow(dataset, now, then)
    assert sorted(refused) == sorted(fields.refusals(dataset, now, then))
    assert (refused == []) == accepted_by_endpoint(dataset, now, then)
    known = {field["name"] for field in now}
    assert sorted(gained) == sorted(field["name"] for field in then if field["name"] not in known)


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (
            [*avro.INTERACTIONS, {"name": "DEVICE", "type": ["null", "string"]}],
            "only users and items gain fields",
        ),
        ([*avro.INTERACTIONS[:-1]], "field EVENT_VALUE is gone"),
        ([*avro.INTERACTIONS[:-1], {"name": "EVENT_VALUE", "type": "float"}], "field EVENT_VALUE differs"),
    ],
)
def test_interactions_are_judged_alike_and_take_no_change(then: Fields, reason: str) -> None:
    now = list(avro.INTERACTIONS)
    [refused] = fields.refusals("interactions", now, then)
    assert by_workflow("interactions", now, then)[0] == [refused]
    assert reason in refused
    assert fields.refusals("interactions", now, now[::-1]) == [], "their order says nothing"


def test_a_field_that_came_later_has_to_say_so() -> None:
    before = avro.schemas(example.settings().datasets)["users"].created
    forgotten = changed(example.content(), add_field("users", added=False))
    after = avro.schemas(forgotten.datasets)["users"].created
    [refused] = fields.created("users", before, after, added=[])
    assert refused == "field SEGMENT came after the dataset was created: write added: true beside it"


def test_a_field_of_interactions_that_came_later_has_no_way_but_a_new_group() -> None:
    now = list(avro.INTERACTIONS)
    [refused] = fields.created(
        "interactions", now, [*now, {"name": "QUANTITY", "type": ["null", "int"]}], added=[]
    )
    assert (
        refused == "field QUANTITY came after the dataset was created, and only users and items gain fields"
    )


def test_a_field_that_was_there_from_the_first_is_not_an_added_one() -> None:
    [refused] = fields.created(
        "users",
        avro.schemas(example.settings().datasets)["users"].created,
        [
            field
            for field in avro.schemas(example.settings().datasets)["users"].created
            if field["name"] != "AGE"
        ],
        added=["AGE"],
    )
    assert refused == "field AGE was there when the dataset was created: remove its `added`"
