from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from botocore.exceptions import ClientError

from checks import preflight
from config.settings import Settings
from tests import example


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
