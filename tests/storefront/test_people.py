"""What is asked of the application's database, through its Data API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config.settings import Settings
from local.storefront.people import NotKnown, People
from operations.place import Place
from tests import example


@dataclass
class Data:
    """Stands for every service that is asked; `rows` are the database's answer."""

    rows: list[list[dict[str, Any]]] = field(default_factory=list)
    error: ClientError | None = None
    asked: list[dict[str, Any]] = field(default_factory=list)

    def execute_statement(self, **given: Any) -> dict[str, Any]:
        self.asked.append(given)
        if self.error:
            raise self.error
        return {"records": self.rows}

    def describe_secret(self, *, SecretId: str) -> dict[str, str]:
        return {"ARN": f"arn:{SecretId}"}

    def can_paginate(self, operation: str) -> bool:
        return False

    def get_paginator(self, operation: str) -> Data:
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [
            {"StackResourceSummaries": [{"ResourceType": "AWS::RDS::DBCluster", "PhysicalResourceId": "c"}]}
        ]

    def describe_db_clusters(self, **_: Any) -> dict[str, Any]:
        return {"DBClusters": [{"HttpEndpointEnabled": True, "DBClusterArn": "arn:c"}]}


@dataclass(frozen=True)
class Stand(Place):
    def client(self, service: str) -> Any:
        return self.session


def people(data: Data, settings: Settings | None = None) -> People:
    return People(Stand(settings or example.settings(), data))


def text(value: str) -> dict[str, Any]:
    return {"stringValue": value}


def test_what_a_person_typed_is_a_value_and_no_statement() -> None:
    data = Data(rows=[[text("1'; drop"), {"longValue": 3}]])
    assert people(data).users("%'; drop table users; --") == [{"user": "1'; drop", "orders": 3}]
    [asked] = data.asked
    assert "drop" not in asked["sql"] and '"public"."users"' in asked["sql"]
    assert asked["parameters"] == [{"name": "search", "value": text("%'; drop table users; --")}]
    assert asked["secretArn"] == f"arn:{example.settings().names.aurora_reader_secret}"


def test_an_item_without_a_name_is_called_by_its_id() -> None:
    data = Data(rows=[[text("7"), {"isNull": True}, {"isNull": True}, {"isNull": True}]])
    assert people(data).named(["7", "8"]) == {"7": {"title": "7", "second": "", "category": ""}}
    assert data.asked[0]["parameters"][0]["value"] == text('["7", "8"]')


def test_a_database_that_refuses_is_said_so_with_when_it_will_not() -> None:
    refused = ClientError(
        {"Error": {"Code": "BadRequestException", "Message": "no password"}}, "ExecuteStatement"
    )
    with pytest.raises(NotKnown, match=r"from the first run on.*no password"):
        people(Data(error=refused)).purchases("1")


def test_an_application_without_a_database_has_no_names_and_says_so() -> None:
    settings = example.settings()
    without = settings.model_copy(update={"sources": settings.sources.model_copy(update={"aurora": None})})
    assert people(Data(), without).named(["7"]) == {}
    with pytest.raises(NotKnown, match=r"no sources\.aurora"):
        people(Data(), without).users("")


def test_without_a_table_of_users_those_who_ordered_are_shown() -> None:
    settings = example.settings()
    aurora = settings.aurora.model_copy(
        update={"tables": settings.aurora.tables.model_copy(update={"users": None, "items": None})}
    )
    without = settings.model_copy(update={"sources": settings.sources.model_copy(update={"aurora": aurora})})
    data = Data()
    assert people(data, without).users("") == [] and people(data, without).named(["7"]) == {}
    assert 'from (select distinct user_id from "public"."orders") u' in data.asked[0]["sql"]
