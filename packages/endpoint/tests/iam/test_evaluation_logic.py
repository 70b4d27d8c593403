"""What AWS's pages say of evaluation, case by case.

"Policy evaluation logic" and its parts, "Identity-based policies and resource-based policies" (its example of four
users), "IAM policy elements: Variables and tags", "Condition operators": IAM user guide, read in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from osusume_endpoint.iam import decisions, statements
from tests.replacing import undo

Json = dict[str, Any]
ACCOUNT, OTHER = "123456789012", "111122223333"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/night"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
USER = f"arn:aws:iam::{ACCOUNT}:user/carlos"
THING = f"arn:aws:sqs:us-east-1:{ACCOUNT}:thing"
VERSION = "2012-10-17"


@pytest.fixture(scope="module", autouse=True)
def installed() -> Iterator[None]:
    statements.install()
    yield
    undo()


def policy(*given: Json, version: str | None = VERSION) -> Json:
    return {"Version": version, "Statement": list(given)}


def statement(effect: str, *actions: str, on: str = "*", principal: Any = None, **condition: Any) -> Json:
    found: Json = {"Effect": effect, "Action": list(actions or ("sqs:*",)), "Resource": on}
    found |= {"Condition": condition} if condition else {}
    return found | ({"Principal": principal} if principal is not None else {})


ALLOW, DENY = policy(statement("Allow")), policy(statement("Deny"))
NOTHING = policy(statement("Allow", "s3:*"))


def decided(
    *identity: Json,
    boundary: Json | None = None,
    session: Json | None = None,
    resource: Json | None = None,
    owner: str = ACCOUNT,
    caller: str = USER,
    action: str = "sqs:SendMessage",
    on: str = THING,
    **keys: Any,
) -> str:
    from ministack.core import iam_evaluator as evaluator

    context = evaluator.EvalContext(
        principal_arn=caller,
        principal_type="User" if ":user/" in caller else "AssumedRole",
        principal_account=caller.split(":")[4],
        action=action,
        resource_arn=on,
        region="us-east-1",
        source_ip="192.0.2.200",
        secure_transport=True,
        service_context={
            key.replace("__", ":").replace("_slash_", "/").lower(): v for key, v in keys.items()
        },
    )
    parsed = [evaluator.parse_policy_document(document) for document in identity]
    limits = [[evaluator.parse_policy_document(limit)] for limit in (boundary, session) if limit]
    found = decisions.decide(
        context, parsed, limits=limits, resource_policy=(resource, owner) if resource else None
    )
    return str(found.decision)


def named(principal: str, effect: str = "Allow") -> Json:
    return policy(statement(effect, principal={"AWS": principal}))


def test_by_default_all_requests_are_implicitly_denied() -> None:
    assert decided() == "ImplicitDeny"
    assert decided(NOTHING) == "ImplicitDeny"


def test_an_explicit_allow_overrides_the_default_and_an_explicit_deny_overrides_any_allow() -> None:
    assert decided(ALLOW) == "Allow"
    assert decided(ALLOW, DENY) == "Deny"
    assert decided(ALLOW, resource=named(USER, "Deny")) == "Deny"
    assert decided(ALLOW, boundary=DENY) == "Deny"
    assert decided(ALLOW, session=DENY) == "Deny"


def test_a_boundary_and_a_session_policy_limit_what_identity_policies_allow() -> None:
    assert decided(ALLOW, boundary=ALLOW) == "Allow"
    assert decided(ALLOW, boundary=NOTHING) == "ImplicitDeny"
    assert decided(NOTHING, boundary=ALLOW) == "ImplicitDeny"
    assert decided(ALLOW, boundary=ALLOW, session=NOTHING) == "ImplicitDeny"


def test_in_one_account_either_the_identity_or_the_resource_policy_may_allow() -> None:
    assert decided(NOTHING, resource=named(USER)) == "Allow"
    assert decided(ALLOW, resource=named(f"arn:aws:iam::{OTHER}:root")) == "Allow"
    assert decided(NOTHING, resource=named(f"arn:aws:iam::{OTHER}:root")) == "ImplicitDeny"


def test_a_resource_policy_that_names_the_account_delegates_to_identity_policies() -> None:
    assert decided(NOTHING, resource=named(f"arn:aws:iam::{ACCOUNT}:root")) == "ImplicitDeny"


def test_across_accounts_both_policies_must_allow() -> None:
    assert decided(ALLOW, resource=named(USER), owner=OTHER) == "Allow"
    assert decided(NOTHING, resource=named(USER), owner=OTHER) == "ImplicitDeny"
    assert decided(ALLOW, resource=named(f"arn:aws:iam::{OTHER}:root"), owner=OTHER) == "ImplicitDeny"


def test_no_implicit_deny_of_a_boundary_limits_a_resource_policy_that_names_the_user() -> None:
    assert decided(NOTHING, boundary=NOTHING, resource=named(USER)) == "Allow"
    assert decided(NOTHING, boundary=DENY, resource=named(USER)) == "Deny"


def test_an_implicit_deny_of_a_boundary_limits_a_resource_policy_that_names_the_role_not_the_session() -> (
    None
):
    assert decided(NOTHING, resource=named(ROLE), caller=SESSION) == "Allow"
    assert decided(NOTHING, boundary=NOTHING, resource=named(ROLE), caller=SESSION) == "ImplicitDeny"
    assert decided(NOTHING, boundary=NOTHING, resource=named(SESSION), caller=SESSION) == "Allow"
    assert decided(NOTHING, session=NOTHING, resource=named(ROLE), caller=SESSION) == "ImplicitDeny"
    assert decided(NOTHING, session=NOTHING, resource=named(SESSION), caller=SESSION) == "Allow"


# The guide's figure: what each user's policy and each resource's policy say, and its text: who may do what.
X, Y, Z = (f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}" for name in "XYZ")
LIST, READ, WRITE = "sqs:ListQueueTags", "sqs:ReceiveMessage", "sqs:SendMessage"
FOUR = {name: f"arn:aws:iam::{ACCOUNT}:user/{name}" for name in ("john", "carlos", "mary", "zhang")}
IDENTITY = {
    "john": [policy(statement("Allow", LIST, READ, on=X))],
    "carlos": [policy(statement("Allow", LIST, READ, on=Y), statement("Allow", LIST, READ, on=Z))],
    "mary": [policy(statement("Allow", LIST, READ, WRITE, on="*"))],
    "zhang": [],
}
RESOURCE = {
    X: policy(
        statement("Allow", LIST, READ, principal={"AWS": FOUR["john"]}),
        statement("Allow", LIST, READ, principal={"AWS": FOUR["mary"]}),
    ),
    Y: policy(
        statement("Allow", LIST, WRITE, principal={"AWS": FOUR["carlos"]}),
        statement("Allow", LIST, READ, principal={"AWS": FOUR["zhang"]}),
    ),
    Z: policy(
        statement("Deny", principal={"AWS": FOUR["carlos"]}),
        statement("Allow", principal={"AWS": FOUR["zhang"]}),
    ),
}
MAY = {
    "john": {(LIST, X), (READ, X)},
    "carlos": {(LIST, Y), (READ, Y), (WRITE, Y)},
    "mary": {(action, on) for action in (LIST, READ, WRITE) for on in (X, Y, Z)},
    "zhang": {(LIST, Y), (READ, Y), (LIST, Z), (READ, Z), (WRITE, Z)},
}


@pytest.mark.parametrize("who", MAY)
def test_the_guides_four_users_may_do_what_it_says(who: str) -> None:
    allowed = {
        (action, on)
        for action in (LIST, READ, WRITE)
        for on in RESOURCE
        if decided(*IDENTITY[who], resource=RESOURCE[on], caller=FOUR[who], action=action, on=on) == "Allow"
    }
    assert allowed == MAY[who]


def allowed_if(version: str | None = VERSION, **condition: Any) -> Json:
    return policy(statement("Allow", **condition), version=version)


def test_several_keys_must_all_hold_and_one_of_several_values() -> None:
    both = allowed_if(StringEquals={"aws:a": ["1", "2"], "aws:b": "3"})
    assert decided(both, aws__a="2", aws__b="3") == "Allow"
    assert decided(both, aws__a="2", aws__b="4") == "ImplicitDeny"
    assert decided(both, aws__a="2") == "ImplicitDeny"


def test_a_negated_operator_wants_none_of_its_values_and_holds_where_the_key_is_absent() -> None:
    neither = allowed_if(StringNotEquals={"aws:a": ["1", "2"]})
    assert decided(neither, aws__a="3") == "Allow"
    assert decided(neither, aws__a="2") == "ImplicitDeny"
    assert decided(neither) == "Allow"


def test_a_key_with_several_values_wants_a_set_operator() -> None:
    assert decided(allowed_if(StringEquals={"aws:TagKeys": "a"}), aws__TagKeys=["a"]) == "ImplicitDeny"
    every = allowed_if(**{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}})
    assert decided(every, aws__TagKeys=["a", "b"]) == decided(every) == "Allow"
    assert decided(every, aws__TagKeys=["a", "c"]) == "ImplicitDeny"
    some = allowed_if(**{"ForAnyValue:StringEquals": {"aws:TagKeys": ["a", "b"]}})
    assert decided(some, aws__TagKeys=["a", "c"]) == "Allow"
    assert decided(some) == "ImplicitDeny"


def test_null_asks_whether_the_key_is_there() -> None:
    absent = allowed_if(Null={"aws:TokenIssueTime": True})
    assert decided(absent) == "Allow"
    assert decided(absent, aws__TokenIssueTime="2026-11-27T00:00:00Z") == "ImplicitDeny"


def test_a_number_is_compared_as_one() -> None:
    few = allowed_if(NumericLessThanEquals={"s3:max-keys": 10})
    assert decided(few, **{"s3__max-keys": "9"}) == "Allow"
    assert decided(few, **{"s3__max-keys": "100"}) == "ImplicitDeny"


def test_each_component_of_an_arn_is_compared_for_itself() -> None:
    topic = allowed_if(ArnLike={"aws:SourceArn": f"arn:aws:sns:*:{ACCOUNT}:a*"})
    assert decided(topic, aws__SourceArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:ab") == "Allow"
    assert decided(topic, aws__SourceArn=f"arn:aws:sns:us-east-1:{OTHER}:{ACCOUNT}:a") == "ImplicitDeny"


def test_every_address_is_in_the_network_of_all() -> None:
    assert decided(allowed_if(IpAddress={"aws:SourceIp": "0.0.0.0/0"})) == "Allow"
    assert decided(allowed_if(NotIpAddress={"aws:SourceIp": "0.0.0.0/0"})) == "ImplicitDeny"


def own(version: str | None = VERSION) -> Json:
    return policy(
        statement("Allow", on="arn:aws:sqs:*:*:${aws:PrincipalTag/team, 'thing'}-*"), version=version
    )


def test_a_variable_has_the_requests_value_or_its_default_and_is_no_wildcard() -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:"
    assert decided(own(), on=f"{queue}red-1", aws__PrincipalTag_slash_team="red") == "Allow"
    assert decided(own(), on=f"{queue}thing-1") == "Allow"
    assert decided(own(), on=f"{queue}blue-1", aws__PrincipalTag_slash_team="*") == "ImplicitDeny"


def test_a_variable_without_a_value_matches_nothing() -> None:
    for operator in ("StringEquals", "StringNotEquals"):
        named = allowed_if(**{operator: {"aws:SourceAccount": "${aws:username}"}})
        assert decided(named, aws__SourceAccount=ACCOUNT) == "ImplicitDeny"


@pytest.mark.parametrize("version", ["2008-10-17", None])
def test_a_policy_of_the_older_version_has_no_variables(version: str | None) -> None:
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:red-1"
    assert decided(own(version), on=queue, aws__PrincipalTag_slash_team="red") == "ImplicitDeny"
    condition = allowed_if(version, StringEquals={"aws:SourceAccount": "${aws:username}"})
    assert decided(condition, aws__SourceAccount="x", aws__username="x") == "ImplicitDeny"


@pytest.mark.parametrize("operator", ["StringEquals", "StringLike"])
def test_an_escaped_wildcard_stands_for_itself(operator: str) -> None:
    star = allowed_if(**{operator: {"aws:a": "${*}${?}${$}"}})
    assert decided(star, aws__a="*?$") == "Allow"
    assert decided(star, aws__a="abc") == "ImplicitDeny"


def test_a_wildcard_spans_line_breaks_and_an_end_of_line_ends_nothing() -> None:
    key = policy(statement("Allow", "s3:GetObject", on="arn:aws:s3:::lake/*.csv"))
    asked = {"action": "s3:GetObject"}
    assert decided(key, on="arn:aws:s3:::lake/a\nb.csv", **asked) == "Allow"
    assert decided(key, on="arn:aws:s3:::lake/a.csv\n", **asked) == "ImplicitDeny"
