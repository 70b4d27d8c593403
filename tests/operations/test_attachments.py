"""A policy of the environment that somebody's role holds is told before anything is destroyed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from operations import stacks
from operations.destroy import destroy
from operations.place import Place, Refused
from osusume_endpoint.endpoint import Endpoint
from osusume_endpoint.testing.running import allow, eventually

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    ],
}
DOCUMENT = {"Version": "2012-10-17", "Statement": [allow("execute-api:Invoke")]}


@pytest.fixture
def serving(cloud: Endpoint, place: Place) -> Iterator[str]:
    """The stack's caller policy, which a role of the stack holds too."""
    name = place.names.stack("serving")
    resources = {
        "Own": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Caller": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "ManagedPolicyName": place.names.caller_policy,
                "PolicyDocument": DOCUMENT,
                "Roles": [{"Ref": "Own"}],
            },
        },
    }
    cloud.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps({"Resources": resources}),
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    eventually(lambda: [one.status for one in stacks.deployed(place)] == ["CREATE_COMPLETE"])
    yield f"arn:aws:iam::{cloud.account}:policy/{place.names.caller_policy}"
    cloud.client("cloudformation").delete_stack(StackName=name)
    eventually(lambda: not stacks.deployed(place))


def held(iam: Any, kind: str, policy: str) -> dict[str, str]:
    """Makes `shop` of the kind, which holds the policy. Returns what lets go of it."""
    holder = {f"{kind.title()}Name": "shop"}
    trust = {"AssumeRolePolicyDocument": json.dumps(TRUST)} if kind == "role" else {}
    getattr(iam, f"create_{kind}")(**holder, **trust)
    getattr(iam, f"attach_{kind}_policy")(**holder, PolicyArn=policy)
    return {**holder, "PolicyArn": policy}


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_who_holds_a_policy_is_told_before_the_question(
    cloud: Endpoint, place: Place, serving: str, kind: str
) -> None:
    iam = cloud.client("iam")
    given = held(iam, kind, serving)
    try:
        with pytest.raises(Refused) as refused:
            destroy(place, ask=lambda question: pytest.fail("it asked"))
        assert f"attached to {kind} shop, which" in str(refused.value)
        [cure] = str(refused.value).splitlines()[1:]
        assert cure.split() == [
            *("aws", "iam", f"detach-{kind}-policy"),
            *(f"--{kind}-name", "shop", "--policy-arn", serving),
        ]
        assert [one.status for one in stacks.deployed(place)] == ["CREATE_COMPLETE"]
    finally:
        getattr(iam, f"detach_{kind}_policy")(**given)
        getattr(iam, f"delete_{kind}")(
            **{name: value for name, value in given.items() if name != "PolicyArn"}
        )
    with pytest.raises(Refused, match="the answer was 'no'"):
        destroy(place, ask=lambda question: "no")
