"""Services that call a function have its permission: AppConfig a validator's, SNS a subscriber's."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from checks.rules import services
from tests.checks.test_rules import first
from tests.mutations.mutation import shipped, with_template

TOPIC = "arn:aws:sns:ap-northeast-1:111111111111:osusume-dev-guardrails"
FUNCTION = "arn:aws:lambda:ap-northeast-1:111111111111:function:osusume-dev-end-experiment"
Template = dict[str, Any]


def told(change: Callable[[Template], Any]) -> list[str]:
    template = copy.deepcopy(shipped().templates["Serving"])
    change(template)
    found = services.check(with_template(shipped(), "Serving", template))
    return [f.why for f in found if f.rule == "service-invocation"]


def of_validator(template: Template) -> Template:
    """Properties of the validator's permission."""
    permissions: list[Template] = [
        r["Properties"] for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Permission"
    ]
    (found,) = [p for p in permissions if p["Principal"] == "appconfig.amazonaws.com"]
    return found


WRONG: dict[str, Callable[[Template], Any]] = {
    "another service": lambda t: of_validator(t).update(Principal="apigateway.amazonaws.com"),
    "another account": lambda t: of_validator(t).update(SourceAccount="222222222222"),
    "another action": lambda t: of_validator(t).update(Action="lambda:GetFunction"),
    "another function": lambda t: of_validator(t).update(FunctionName=FUNCTION),
    "another source": lambda t: of_validator(t).update(SourceArn="arn:aws:s3:::osusume-dev-raw"),
    "another validator": lambda t: first(t, "AWS::AppConfig::ConfigurationProfile").update(
        Validators=[{"Type": "LAMBDA", "Content": FUNCTION}]
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_validator_that_appconfig_may_not_ask_is_found(what: str) -> None:
    (why,) = told(WRONG[what])
    assert why.startswith("appconfig.amazonaws.com may not invoke ")


def subscribed(**permission: str) -> Callable[[Template], Any]:
    """A function that a topic's messages go to, and its permission unless that is empty."""
    subscription = {"Protocol": "lambda", "TopicArn": TOPIC, "Endpoint": FUNCTION}
    given = {"Action": "lambda:InvokeFunction", "FunctionName": FUNCTION, "Principal": "sns.amazonaws.com"}

    def change(template: Template) -> None:
        resources = template["Resources"]
        resources["Added"] = {"Type": "AWS::SNS::Subscription", "Properties": subscription}
        if permission:
            properties = {**given, **permission}
            resources["Permission"] = {"Type": "AWS::Lambda::Permission", "Properties": properties}

    return change


def test_a_subscriber_that_sns_may_not_invoke_is_found() -> None:
    assert told(subscribed()) == [f"sns.amazonaws.com may not invoke {FUNCTION}."]
    assert told(subscribed(SourceArn=TOPIC + "-other")) == [f"sns.amazonaws.com may not invoke {FUNCTION}."]
    assert told(subscribed(SourceArn=TOPIC)) == []


def test_mail_needs_no_permission() -> None:
    def change(template: Template) -> None:
        mail = {"Protocol": "email", "TopicArn": TOPIC, "Endpoint": "a@example.com"}
        template["Resources"]["Added"] = {"Type": "AWS::SNS::Subscription", "Properties": mail}

    assert told(change) == []
