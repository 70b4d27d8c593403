from __future__ import annotations

from typing import Any
from unittest.mock import Mock

import pytest
from botocore.exceptions import ClientError

from checks import preflight
from config import avro
from config.settings import Settings
from tests import example
from tests.changes import Change, add_field, change_field, changed, new_dataset_group, remove_field


def settings(**changes: Any) -> Settings:
    return Settings.model_validate(example.content() | changes)


def looked(client: Any, title: str, given: Settings | None = None) -> tuple[bool, str]:
    [item] = [item for item in preflight.items(given or settings()) if title in item.title]
    return preflight.line(item, lambda _: client)


def test_without_credentials_nothing_is_looked_at() -> None:
    found = [preflight.line(item, None) for item in preflight.items(settings())]
    assert len(found) >= 10
    assert all(text.startswith("[ ]") and not wrong for wrong, text in found)


def test_another_account_is_wrong() -> None:
    client = Mock()
    client.get_caller_identity.return_value = {"Account": "999999999999"}
    wrong, text = looked(client, "credentials of account")
    assert wrong and "it is 999999999999" in text


def test_an_old_bootstrap_is_wrong_and_a_new_one_right() -> None:
    client = Mock()
    client.get_parameter.return_value = {"Parameter": {"Value": "5"}}
    assert looked(client, "CDK bootstrap")[0]
    client.get_parameter.return_value = {"Parameter": {"Value": "28"}}
    assert not looked(client, "CDK bootstrap")[0]


def test_a_bucket_name_of_another_account_is_wrong() -> None:
    client = Mock()
    client.head_bucket.side_effect = ClientError({"Error": {"Code": "403"}}, "HeadBucket")
    assert looked(client, "osusume-dev-raw")[0]
    client.head_bucket.side_effect = ClientError({"Error": {"Code": "404"}}, "HeadBucket")
    assert not looked(client, "osusume-dev-raw")[0]


def test_what_may_not_be_looked_at_is_marked_as_unknown() -> None:
    client = Mock()
    client.get_role.side_effect = ClientError({"Error": {"Code": "AccessDenied"}}, "GetRole")
    wrong, text = looked(client, "AWSServiceRoleForRDS")
    assert wrong and text.startswith("[?]")


def test_features_that_are_off_ask_for_nothing() -> None:
    titles = " ".join(item.title for item in preflight.items(settings()))
    assert "QuickSight" not in titles and "confirms" not in titles
    watched = settings(alerts={"email": "team@example.com"})
    assert "team@example.com confirms" in " ".join(item.title for item in preflight.items(watched))


def test_an_address_that_did_not_confirm_is_wrong() -> None:
    client = Mock()
    client.list_subscriptions_by_topic.return_value = {
        "Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]
    }
    assert looked(client, "confirms", settings(alerts={"email": "team@example.com"}))[0]


def deployed(before: Settings) -> Mock:
    """Personalize as the first deployment of these settings leaves it."""
    names = before.names
    made = {names.dataset_arn(name): schema for name, schema in avro.schemas(before.datasets).items()}
    texts = {names.personalize_arn(f"schema/{schema.name(names)}"): schema.avro for schema in made.values()}
    texts |= {
        names.personalize_arn(f"schema/{names.schema(schema.dataset)}"): schema.created_avro
        for schema in made.values()
    }

    def dataset(datasetArn: str) -> dict[str, Any]:
        if datasetArn not in made:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "DescribeDataset")
        schema = names.personalize_arn(f"schema/{made[datasetArn].name(names)}")
        return {"dataset": {"schemaArn": schema}}

    return Mock(
        describe_dataset=dataset, describe_schema=lambda schemaArn: {"schema": {"schema": texts[schemaArn]}}
    )


@pytest.mark.parametrize(
    ("changes", "wrong", "says"),
    [
        ([], False, "as configured"),
        ([add_field("users")], False, "the next run adds SEGMENT"),
        ([add_field("users", added=False)], True, "write added: true beside it"),
        ([remove_field("users", "AGE")], True, "field AGE is gone"),
        ([change_field("users", "AGE", added=True)], True, "remove its `added`"),
        ([remove_field("users", "AGE"), new_dataset_group], False, "not there yet"),
    ],
)
def test_fields_are_compared_with_the_deployed_datasets(
    changes: list[Change], wrong: bool, says: str
) -> None:
    found = looked(deployed(settings()), "fields of dataset users", changed(example.content(), *changes))
    assert (found[0], says in found[1]) == (wrong, True), found[1]
    assert ("raise datasets.schema_version" in found[1]) == wrong


def test_a_field_that_was_added_and_is_gone_again_is_wrong_before_the_deployment() -> None:
    client = deployed(changed(example.content(), add_field("users")))
    wrong, text = looked(client, "fields of dataset users")
    assert wrong and "field SEGMENT is gone" in text
