"""Expressions: examples of the developer guide, and another parser where one reads conditions."""

from __future__ import annotations

import random

import pytest

from osusume_endpoint.dynamodb.expressions import problems, problems_of
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import error_of, name

CONDITION, UPDATE, PROJECTION = "ConditionExpression", "UpdateExpression", "ProjectionExpression"

# DynamoDB developer guide, "Condition and filter expressions", "Update expressions", "Projection expressions",
# "Key condition expressions".
GUIDE = [
    (CONDITION, "attribute_not_exists(Id)"),
    (CONDITION, "attribute_exists(ProductReviews.OneStar)"),
    (CONDITION, "(ProductCategory IN (:cat1, :cat2)) and (Price between :lo and :hi)"),
    (CONDITION, f"a IN ({', '.join([':a'] * 100)}) OR a IN (:b)"),
    (CONDITION, "attribute_type(Color, :v_sub)"),
    (CONDITION, "begins_with(Pictures.FrontView, :v_sub)"),
    (CONDITION, "size(VideoClip) > :v_sub"),
    (CONDITION, "NOT Price > :limit"),
    (CONDITION, "#P > :p or contains(Brand, :b) and Price <> :z"),
    ("KeyConditionExpression", "Id = :id and begins_with(ReplyDateTime, :b)"),
    ("FilterExpression", "#n[0].#s >= :x"),
    (UPDATE, "SET Brand = :b, Price = :p REMOVE InStock, QuantityOnHand"),
    (UPDATE, "SET RelatedItems[1] = :ri, Price = Price - :p"),
    (UPDATE, "SET #ri = list_append(:vals, #ri)"),
    (UPDATE, "SET Price = if_not_exists(Price, :p) + :d"),
    (UPDATE, "ADD QuantityOnHand :q DELETE Color :c"),
    (PROJECTION, "Description, RelatedItems[0], ProductReviews.FiveStar"),
]
WRONG = [
    (CONDITION, "pk == :a", "Syntax error"),
    (CONDITION, "pk != :a", "Syntax error"),
    (CONDITION, "pk = :a && sk = :b", "Syntax error"),
    (CONDITION, "pk = 5", "Syntax error"),
    (CONDITION, "pk = 'x'", "Syntax error"),
    (CONDITION, "attribute_exist(pk)", "Syntax error"),
    (CONDITION, "begins_with(pk)", "Syntax error"),
    (CONDITION, "pk = :a AND", "Syntax error"),
    (CONDITION, "(pk = :a", "Syntax error"),
    (CONDITION, "pk = :a;", "Syntax error"),
    (CONDITION, "pk BETWEEN :a", "Syntax error"),
    (CONDITION, "   ", "can not be empty"),
    # The developer guide's number; the words are the service's, which DynamoDB local has too.
    (
        CONDITION,
        f"pk IN ({', '.join([':a'] * 101)})",
        "provided with too many operands; number of operands: 101",
    ),
    (CONDITION, "status = :s", "reserved keyword: status"),
    (CONDITION, "attribute_exists(Name)", "reserved keyword: Name"),
    (UPDATE, "a = :b", "Syntax error"),
    (UPDATE, "SET a == :b", "Syntax error"),
    (UPDATE, "SET a = :b, ", "Syntax error"),
    (UPDATE, "SET a = :b * :c", "Syntax error"),
    (UPDATE, "REMOVE a = :b", "Syntax error"),
    (UPDATE, "ADD a = :b", "Syntax error"),
    (UPDATE, "SET a = :b SET c = :d", '"SET" section can only be used once'),
    (UPDATE, "SET owner = :a", "reserved keyword: owner"),
    (UPDATE, "SET a.ttl = :a", "reserved keyword: ttl"),
    (PROJECTION, "pk, data", "reserved keyword: data"),
    (PROJECTION, "pk sk", "Syntax error"),
]


@pytest.mark.parametrize(("member", "expression"), GUIDE)
def test_the_guides_examples_are_read(member: str, expression: str) -> None:
    assert list(problems({member: expression})) == []


@pytest.mark.parametrize(("member", "expression", "why"), WRONG)
def test_what_dynamodb_refuses_is_told_with_its_place(member: str, expression: str, why: str) -> None:
    [told, *_] = problems({member: expression})
    assert told.startswith(f"Invalid {member}: ") and why in told


def test_names_of_functions_and_operators_are_no_attributes() -> None:
    assert list(problems_of(CONDITION, "size(a) > :b AND NOT contains(c, :d)")) == []
    assert list(problems_of(CONDITION, "android = :a AND inside = :b AND ordering = :c")) == []


def made(chance: random.Random) -> str:
    """Tokens of conditions, mostly in an order that means something."""
    atoms = (
        "a = :a",
        "#b <> :b",
        "size(c) >= :c",
        "attribute_exists(d.e)",
        "f[0] IN (:a, :b)",
        "g between :a and :b",
    )
    parts = [chance.choice(atoms) for _ in range(chance.choice((1, 2, 3)))]
    text = chance.choice((" AND ", " or ")).join(f"NOT {p}" if chance.random() < 0.2 else p for p in parts)
    tokens = text.split(" ")
    if chance.random() < 0.6:
        at = chance.randrange(len(tokens))
        tokens[at : at + 1] = chance.choice(([], [tokens[at], tokens[at]], ["="], ["("], ["AND"], [":a"]))
    return " ".join(tokens)


def test_conditions_made_by_chance_are_refused_where_ministacks_parser_refuses_them() -> None:
    from ministack.services.dynamodb import _condition_syntax_error

    chance = random.Random(1)
    expressions = {made(chance) for _ in range(1_500)} - {""}
    theirs = {e: _condition_syntax_error(e, CONDITION) is not None for e in expressions}
    ours = {e: bool(list(problems_of(CONDITION, e))) for e in expressions}
    assert {e for e in expressions if ours[e] != theirs[e]} == set()
    assert min(sum(theirs.values()), len(expressions) - sum(theirs.values())) > 100


@pytest.mark.parametrize("update", ["SET a == :b", "a = :b", "SET owner = :b", "SET a = :b SET c = :b"])
def test_the_endpoint_refuses_an_update_that_dynamodb_could_not_read(cloud: Endpoint, update: str) -> None:
    client, table = cloud.client("dynamodb"), name("expressions")
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
    )

    def updated(expression: str) -> None:
        given = {":b": {"N": "1"}}
        client.update_item(
            TableName=table,
            Key={"pk": {"S": "x"}},
            UpdateExpression=expression,
            ExpressionAttributeValues=given,
        )

    code, message = error_of(lambda: updated(update))
    assert code == "ValidationException" and message.startswith("Invalid UpdateExpression: ")
    updated("SET a = :b")
    assert client.get_item(TableName=table, Key={"pk": {"S": "x"}})["Item"]["a"] == {"N": "1"}
