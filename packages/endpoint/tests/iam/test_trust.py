from __future__ import annotations

from typing import Any

from osusume_endpoint.iam import trust

GLUE = "glue.amazonaws.com"


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def trusting(service: str | list[str], effect: str = "Allow", **condition: Any) -> dict[str, Any]:
    statement = {"Effect": effect, "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {**statement, "Condition": condition} if condition else statement


def trusts(policy: dict[str, Any], service: str = GLUE, **context: str) -> bool:
    return trust.trusts(policy, service=service, context=context)


def test_only_the_named_service_is_trusted() -> None:
    assert trusts(document(trusting(GLUE)))
    assert trusts(document(trusting(["lambda.amazonaws.com", GLUE])))
    assert not trusts(document(trusting("lambda.amazonaws.com")))


def test_an_account_principal_does_not_let_services_in() -> None:
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::1:root"},
        "Action": "sts:AssumeRole",
    }
    assert not trusts(document(statement))


def test_source_account_and_arn_conditions_hold() -> None:
    policy = document(
        trusting(
            GLUE,
            StringEquals={"aws:SourceAccount": "222222222222"},
            ArnLike={"aws:SourceArn": "arn:aws:glue:*:222222222222:job/*"},
        )
    )
    job = "arn:aws:glue:eu-central-1:222222222222:job/a"
    assert trusts(policy, **{"aws:sourceaccount": "222222222222", "aws:sourcearn": job})
    assert not trusts(policy, **{"aws:sourceaccount": "333333333333", "aws:sourcearn": job})
    assert not trusts(policy, **{"aws:sourceaccount": "222222222222"})


def test_a_deny_wins() -> None:
    assert not trusts(document(trusting(GLUE), trusting(GLUE, effect="Deny")))
